"""Scoring: rows in are rows out, in order, whatever the rows and the formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxsentiment.archive import Summary, TouchpointSummary, open_source, open_writer, score, spreadsheet_safe
from cxsentiment.results import EMOTIONS, Analysis, Emotion, Language, Sentiment, Touchpoint


class EchoAnalyzer:
    """Reads ahead `window` texts, as a real one does, and puts each text's length in its `cx_windows`."""

    def __init__(self, window: int = 1, polarity: str = "-") -> None:
        self.window = window
        self.polarity = polarity

    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        texts = iter(texts)
        while ahead := list(islice(texts, self.window)):
            yield from map(self._analysis, ahead)

    def _analysis(self, text: str) -> Analysis:
        emotions = tuple(Emotion(label, 0.5) for label in EMOTIONS)
        mentions = (Touchpoint(0, 1, text[:1], "product", "core", self.polarity, 0.9),) if text else ()
        sentiment = Sentiment("negative", -0.5, 0.7, 0.1, 0.1, 0.1)
        return Analysis(text, Language("en", 0.9, "Latn"), sentiment, (), emotions, mentions, windows=len(text))


def score_file(source: Path, out: Path, window: int = 1, chunk_rows: int = 2, **options: Any) -> Summary:
    opened = open_source(source, **options)
    with open_writer(out, source, opened.schema) as writer:
        return score(opened, EchoAnalyzer(window), writer, chunk_rows=chunk_rows)


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
    (tmp_path / "in.csv").write_text("text\n" + "x\n" * 5, encoding="utf-8")
    opened = open_source(tmp_path / "in.csv")
    told: list[int] = []
    with open_writer(tmp_path / "out.csv", opened.path, opened.schema) as writer:
        score(opened, EchoAnalyzer(), writer, chunk_rows=2, progress=told.append)
    assert told == [2, 4, 5]


class _Forgetful(EchoAnalyzer):
    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        return islice(super().stream(texts), 2)


def test_an_analyzer_that_loses_texts_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\n" + "x\n" * 5, encoding="utf-8")
    opened = open_source(tmp_path / "in.csv")
    with (
        pytest.raises(RuntimeError, match="one analysis for each"),
        open_writer(tmp_path / "out.csv", opened.path, opened.schema) as writer,
    ):
        score(opened, _Forgetful(), writer, chunk_rows=3)
    assert not (tmp_path / "out.csv").exists()


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
