"""Scoring: rows in are rows out, in order, whatever the rows and the formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxsentiment.archive import (
    Chunk,
    Progress,
    ScoringOptions,
    Summary,
    TouchpointSummary,
    open_output,
    open_source,
    score,
    spreadsheet_safe,
)
from cxsentiment.archive.state import JOURNAL, MANIFEST, open_state
from cxsentiment.errors import InputError, OptionError, OutputError
from cxsentiment.results import EMOTIONS, Analysis, Emotion, Language, Sentiment, Touchpoint


class EchoAnalyzer:
    """Reads ahead `window` chunks, as a real one does, and puts each text's length in its `cx_windows`."""

    identity: Mapping[str, str] = {"model": "echo"}

    def __init__(self, window: int = 1, polarity: str = "-") -> None:
        self.window = window
        self.polarity = polarity

    def stream_chunks(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Analysis]]:
        chunks = iter(chunks)
        while ahead := list(islice(chunks, self.window)):
            yield from (list(map(self._analysis, chunk)) for chunk in ahead)

    def _analysis(self, text: str) -> Analysis:
        emotions = tuple(Emotion(label, 0.5) for label in EMOTIONS)
        mentions = (Touchpoint(0, 1, text[:1], "product", "core", self.polarity, 0.9),) if text else ()
        sentiment = Sentiment("negative", -0.5, 0.7, 0.1, 0.1, 0.1)
        return Analysis(text, Language("en", 0.9, "Latn"), sentiment, (), emotions, mentions, windows=len(text))


class StoppedError(Exception):
    """What a test stops a run with."""


class StoppingAnalyzer(EchoAnalyzer):
    """Stops at the chunk of a number."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def stream_chunks(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Analysis]]:
        for number, analyses in enumerate(super().stream_chunks(chunks)):
            if number == self.at:
                raise StoppedError
            yield analyses


def score_file(
    source: Path, out: Path, window: int = 1, chunk_rows: int = 2, analyzer: EchoAnalyzer | None = None, **options: Any
) -> Summary:
    settings = {name: options.pop(name) for name in ("columns", "restart", "max_errors") if name in options}
    opened = open_source(source, **options)
    output = open_output(out, str(source))
    return score(opened, analyzer or EchoAnalyzer(window), output, ScoringOptions(chunk_rows, **settings))


@pytest.mark.parametrize("window", [1, 3, 100])
@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
@pytest.mark.parametrize(
    "texts",
    [
        ["a", None, "bb", "ccc"],
        [None, None, None, "a", None],
        ["a", None, None, None, None],
        [None] * 5,
        ["a", "", "bb", "", "ccc"],
    ],
)
def test_rows_without_text_keep_their_place(tmp_path: Path, texts: list[str | None], chunk_rows: int, window: int) -> None:
    pq.write_table(pa.table({"id": range(len(texts)), "text": pa.array(texts, pa.string())}), tmp_path / "in.parquet")
    summary = score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", window, chunk_rows)
    found = pq.read_table(tmp_path / "out.parquet")
    assert found["id"].to_pylist() == list(range(len(texts)))
    assert found["cx_windows"].to_pylist() == [None if text is None else len(text) for text in texts]
    assert found["cx_error"].to_pylist() == ["no text (null)" if text is None else None for text in texts]
    assert summary.rows == len(texts)
    assert sum(summary.errors.values()) == texts.count(None)


def test_the_summary_counts_mentions_and_languages(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\nab\nc\n\n", encoding="utf-8")
    summary = score_file(tmp_path / "in.csv", tmp_path / "out.csv")
    assert summary.sentiments == {"en": {"negative": 3}}
    assert summary.touchpoints == (TouchpointSummary("product", "core", mentions=2, positive=0, negative=2, neutral=0, mixed=0),)
    assert summary.touchpoints[0].net_sentiment == -1.0
    assert summary.rows_per_second > 0


def test_net_sentiment_is_the_difference_of_shares() -> None:
    assert TouchpointSummary("price", "journey", 8, positive=3, negative=1, neutral=2, mixed=2).net_sentiment == 0.25


def test_progress_tells_rows_written(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "x"}\n{"text": null}\n' * 2 + '{"text": "x"}\n', encoding="utf-8")
    told: list[Progress] = []
    output = open_output(tmp_path / "out.csv", "")
    score(open_source(tmp_path / "in.jsonl"), EchoAnalyzer(), output, ScoringOptions(2), told.append)
    assert told == [Progress(2, 0, 1), Progress(4, 0, 2), Progress(5, 0, 2)]


class _Forgetful(EchoAnalyzer):
    def stream_chunks(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Analysis]]:
        list(islice(chunks, 3))
        return iter(())


def test_an_analyzer_that_loses_texts_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\n" + "x\n" * 5, encoding="utf-8")
    with pytest.raises(RuntimeError, match="analyses for each"):
        score_file(tmp_path / "in.csv", tmp_path / "out.csv", analyzer=_Forgetful())
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_columns_are_chosen_in_the_order_asked_for(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,text\n1,x\n", encoding="utf-8")
    score_file(tmp_path / "in.csv", tmp_path / "out.parquet", columns=("cx_sentiment", "id"))
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"cx_sentiment": "negative", "id": "1"}]
    with pytest.raises(OptionError, match=r"no column 'cx_mood' to write; there are: id, text, cx_language"):
        score_file(tmp_path / "in.csv", tmp_path / "out.parquet", columns=("cx_mood",))


# ---- stopping and going on


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a dataset or file that are for others to read."""
    files = [path for path in folder.rglob("*") if path.is_file() and not any(part.startswith(("_", ".")) for part in path.parts)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if not path.name.endswith("run.json")}


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "in.csv"
    path.parent.mkdir()
    path.write_text("id,text\n" + "".join(f"{number},{'x' * number}\n" for number in range(10)), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["out", "out.csv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize("at", range(5))
def test_a_run_that_was_stopped_goes_on_and_gives_the_same(tmp_path: Path, ten: Path, name: str, at: int) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = score_file(ten, tmp_path / "a" / name)
    with pytest.raises(StoppedError):
        score_file(ten, tmp_path / "b" / name, analyzer=StoppingAnalyzer(at))
    summary = score_file(ten, tmp_path / "b" / name)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert (summary.rows, summary.resumed) == (10, 2 * at)
    assert (summary.sentiments, summary.touchpoints) == (whole.sentiments, whole.touchpoints)


def test_shards_that_were_lost_or_cut_are_made_again(tmp_path: Path, ten: Path) -> None:
    score_file(ten, tmp_path / "out")
    before = contents(tmp_path / "out")
    names = sorted(before)
    (tmp_path / "out" / names[1]).unlink()
    (tmp_path / "out" / names[3]).write_bytes(before[names[3]][:-30])
    summary = score_file(ten, tmp_path / "out")
    assert summary.resumed == 6
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("torn", [b"", b"x", b'{"chunk": 1', b"{}\n", b'{"chunk": 1, "rows": 2}\n', b"\xff\n"])
def test_a_torn_line_of_the_journal_is_no_line(tmp_path: Path, ten: Path, torn: bytes) -> None:
    with pytest.raises(StoppedError):
        score_file(ten, tmp_path / "out", analyzer=StoppingAnalyzer(2))
    with (tmp_path / "out" / "_cxsentiment" / JOURNAL).open("ab") as journal:
        journal.write(torn)
    assert score_file(ten, tmp_path / "out").resumed == 4
    score_file(ten, tmp_path / "other")
    assert contents(tmp_path / "out") == contents(tmp_path / "other")


def test_a_finished_dataset_is_not_scored_again(tmp_path: Path, ten: Path) -> None:
    score_file(ten, tmp_path / "out")
    report = (tmp_path / "out" / "_cxsentiment" / "run.json").read_bytes()
    summary = score_file(ten, tmp_path / "out", analyzer=StoppingAnalyzer(0))
    assert (summary.rows, summary.resumed, summary.rows_per_second) == (10, 10, 0.0)
    assert (tmp_path / "out" / "_cxsentiment" / "run.json").read_bytes() == report


def test_another_input_model_or_option_is_refused_by_name(tmp_path: Path, ten: Path) -> None:
    with pytest.raises(StoppedError):
        score_file(ten, tmp_path / "out", analyzer=StoppingAnalyzer(2))
    other = EchoAnalyzer()
    other.identity = {"model": "other"}
    with pytest.raises(OutputError, match=r"another model: echo then, other now; .* --restart"):
        score_file(ten, tmp_path / "out", analyzer=other)
    with pytest.raises(OutputError, match="another chunk rows: 2 then, 3 now"):
        score_file(ten, tmp_path / "out", chunk_rows=3)
    with pytest.raises(OutputError, match=r"another columns: .* now"):
        score_file(ten, tmp_path / "out", columns=("id",))
    ten.write_text(ten.read_text(encoding="utf-8") + "11,x\n", encoding="utf-8")
    with pytest.raises(OutputError, match="another input: size: 83 then, 88 now"):
        score_file(ten, tmp_path / "out")
    assert score_file(ten, tmp_path / "out", restart=True).resumed == 0
    assert len(contents(tmp_path / "out")) == 6


def test_a_new_beginning_removes_the_shards_of_the_old_one(tmp_path: Path, ten: Path) -> None:
    score_file(ten, tmp_path / "out", chunk_rows=1)
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    score_file(ten, tmp_path / "out", chunk_rows=5, restart=True)
    assert sorted(contents(tmp_path / "out")) == ["notes.txt", "part-000000.parquet", "part-000001.parquet"]


def test_a_shard_without_a_line_in_the_journal_is_not_left_over(tmp_path: Path, ten: Path) -> None:
    with pytest.raises(StoppedError):
        score_file(ten, tmp_path / "out", chunk_rows=1, analyzer=StoppingAnalyzer(3))
    orphan = tmp_path / "out" / "part-000007.parquet"
    orphan.write_bytes((tmp_path / "out" / "part-000000.parquet").read_bytes())
    score_file(ten, tmp_path / "out", chunk_rows=5, restart=True)
    assert pq.read_table(tmp_path / "out").num_rows == 10
    assert not orphan.exists()


class ChangingSource:
    """A source whose texts are given each time, as those of a database."""

    def __init__(self, *times: list[str]) -> None:
        self.times = list(times)
        self.name, self.text_columns, self.rows, self.identity = "query", ("text",), 4, {"query": "select"}
        self.schema = pa.schema([("text", pa.string())])

    def chunks(self, size: int = 2) -> Iterator[Chunk]:
        texts = self.times.pop(0)
        for first in range(0, len(texts), size):
            some = texts[first : first + size]
            yield Chunk(pa.table({"text": some}), some)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (["a", "c", "b", "d"], r"rows 1 to 2 are others, or in another order \(a query needs ORDER BY"),
        (["a"], "rows 1 to 2 are others"),
        ([], "rows 1 to 2 are others"),
        (["a", "b"], "it has fewer rows"),
    ],
)
def test_rows_that_changed_between_runs_are_found_out(tmp_path: Path, later: list[str], expected: str) -> None:
    source = ChangingSource(["a", "b", "c", "d"], later, ["a", "b", "c", "d"])
    output = open_output(tmp_path / "out", "")
    score(source, EchoAnalyzer(), output, ScoringOptions(2))
    with pytest.raises(InputError, match=expected):
        score(source, EchoAnalyzer(), output, ScoringOptions(2))
    assert score(source, EchoAnalyzer(), output, ScoringOptions(2)).resumed == 4


def test_two_runs_on_one_output_exclude_each_other(tmp_path: Path, ten: Path) -> None:
    output = open_output(tmp_path / "out", str(ten))
    with open_state(output, {"a": "b"}), pytest.raises(OutputError, match="another process is writing"):
        score_file(ten, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert score_file(ten, tmp_path / "out").rows == 10


def test_a_manifest_that_is_gone_is_not_guessed(tmp_path: Path, ten: Path) -> None:
    score_file(ten, tmp_path / "out")
    (tmp_path / "out" / "_cxsentiment" / MANIFEST).unlink()
    with pytest.raises(OutputError, match="missing or damaged; begin anew with --restart"):
        score_file(ten, tmp_path / "out")
    assert score_file(ten, tmp_path / "out", restart=True).rows == 10


def test_too_many_errors_stop_the_run_and_keep_what_is_scored(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "x"}\n{"text": null}\n{"text": "y"}\n{"text": 5}\n{"text": "z"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"in\.jsonl: 2 rows with errors, more than 1 \(no text \(null\) 1, not text 1\)"):
        score_file(source, tmp_path / "out", max_errors=1)
    summary = score_file(source, tmp_path / "out", max_errors=2)
    assert summary.rows == 5
    assert summary.resumed >= 4
    with pytest.raises(OptionError, match="must not be negative"):
        score_file(source, tmp_path / "out", max_errors=-1)


def test_the_report_can_be_read_by_programs(tmp_path: Path, ten: Path) -> None:
    summary = score_file(ten, tmp_path / "out.csv")
    report = json.loads((tmp_path / "out.csv.run.json").read_text(encoding="utf-8"))
    assert (report["rows"], report["resumed"], report["errors"]) == (10, 0, {})
    assert report["touchpoints"][0]["type"] == "product"
    assert report["touchpoints"][0]["net_sentiment"] == -1.0
    assert report["fingerprint"]["model"] == "echo"
    assert report["rows_per_second"] == summary.rows_per_second


# ---- any texts


def test_json_values_come_back_as_they_were(tmp_path: Path) -> None:
    lines = [
        {"text": "a", "tags": ["x"], "place": {"city": "Łódź"}, "n": 1, "mixed": 1},
        {"text": "b", "tags": None, "place": 5, "n": 2, "mixed": [0.5]},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    score_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [{name: row[name] for name in lines[0]} for row in found] == lines


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(["=1+1", "-5", '"', "\r", "\n", "\r\n", "\0", ","])


def write_source(path: Path, texts: list[str]) -> None:
    rows = [{"id": f"={position}", "text": text} for position, text in enumerate(texts)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema([("id", pa.string()), ("text", pa.string())])), path)
        return
    if path.suffix == ".jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        written = io.StringIO(newline="")
        # Python before 3.13 leaves a lone CR unquoted unless it is part of the line end.
        writer = csv.writer(written, delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\r\n")
        writer.writerows([["id", "text"], *[list(row.values()) for row in rows]])
        content = written.getvalue()
    path.write_bytes(content.encode())


def read_back(path: Path) -> list[tuple[str, str]]:
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]
    else:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    return [(row["id"], row["text"]) for row in rows]


SUFFIX = st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"])


@settings(max_examples=50, deadline=None)
@given(suffix_in=SUFFIX, suffix_out=SUFFIX, texts=st.lists(TEXT, min_size=1, max_size=6))
def test_any_texts_survive(tmp_path_factory: pytest.TempPathFactory, suffix_in: str, suffix_out: str, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("survive")
    source, out = folder / f"in{suffix_in}", folder / f"out{suffix_out}"
    write_source(source, texts)
    score_file(source, out)
    rows = [(f"={position}", text) for position, text in enumerate(texts)]
    if suffix_out in {".csv", ".tsv"}:
        rows = [(spreadsheet_safe(number), spreadsheet_safe(text)) for number, text in rows]
    assert read_back(out) == rows
