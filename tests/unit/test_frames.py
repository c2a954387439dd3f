"""Data frames: the same kind comes back, with results beside every row, whatever stands in its text column."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from cxsentiment import Analyzer, InputError, frames
from cxsentiment.frames import score_frame
from cxsentiment.results import EMOTIONS, ROW_SCHEMA, Analysis, Emotion, Language, Sentiment, Touchpoint, to_arrow
from tests.conftest import SENTENCES

GUIDE = (Path(__file__).parents[2] / "docs" / "frames.md").read_text(encoding="utf-8")
MAKERS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "table": pa.table,
    "batch": lambda columns: pa.RecordBatch.from_pydict(columns),
}


class EchoAnalyzer:
    """Reads ahead `window` texts, as a real one does, and puts each text's length in its `cx_windows`."""

    def __init__(self, window: int = 1) -> None:
        self.window = window
        self.read: list[str] = []

    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        texts = iter(texts)
        while ahead := list(islice(texts, self.window)):
            self.read += ahead
            yield from map(self._analysis, ahead)

    def _analysis(self, text: str) -> Analysis:
        emotions = tuple(Emotion(label, 0.5) for label in EMOTIONS)
        mentions = (Touchpoint(0, 1, text[:1], "product", "core", "-", 0.9),) if text else ()
        return Analysis(
            text, Language("en", 0.9, "Latn"), Sentiment("negative", -0.5, 0.7, 0.1, 0.1, 0.1), (), emotions, mentions, windows=len(text)
        )


def score(df: Any, text: Any = "comment", window: int = 3) -> Any:
    return score_frame(df, text, analyzer=EchoAnalyzer(window))  # type: ignore[arg-type]


def column(df: Any, name: str) -> list[Any]:
    """A column's values as Python has them, None for what is missing."""
    if isinstance(df, pd.DataFrame):
        return df[name].astype(object).where(df[name].notna(), None).tolist()
    return df[name].to_list() if isinstance(df, pl.DataFrame) else df.column(name).to_pylist()


def errors(df: Any) -> list[str | None]:
    return column(score(df), "cx_error")


# ---- rows and columns -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MAKERS)
def test_a_frame_of_the_same_kind_has_the_results_beside_its_columns(kind: str, tiny_analyzer: Analyzer) -> None:
    df = MAKERS[kind]({"id": list(range(8)), "comment": list(SENTENCES), "where": ["Łódź"] * 8})
    scored = score_frame(df, analyzer=tiny_analyzer)
    expected = to_arrow(tiny_analyzer(list(SENTENCES)))
    assert type(scored) is type(df)
    names = scored.schema.names if isinstance(scored, pa.Table | pa.RecordBatch) else list(scored.columns)
    assert names == ["id", "comment", "where", *ROW_SCHEMA.names]
    assert column(scored, "id") == list(range(8))
    assert column(scored, "comment") == list(SENTENCES)
    for name in ROW_SCHEMA.names:
        assert column(scored, name) == expected[name].to_pylist(), name


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("window", [1, 3, 100])
@pytest.mark.parametrize("chunk_rows", [1, 2, 100])
@pytest.mark.parametrize("texts", [["a", None, "bb", "ccc"], [None, None, "a", None], [None] * 5, ["a", "", None, "bb", ""], []])
def test_rows_without_text_keep_their_place(
    kind: str, texts: list[str | None], chunk_rows: int, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "CHUNK_ROWS", chunk_rows)
    df = MAKERS[kind]({"id": list(range(len(texts))), "comment": texts})
    scored = score(df, window=window)
    assert column(scored, "id") == list(range(len(texts)))
    assert column(scored, "cx_windows") == [None if text is None else len(text) for text in texts]
    assert column(scored, "cx_error") == ["no text (null)" if text is None else None for text in texts]
    mentions = column(scored, "cx_touchpoints")
    assert [found if found is None else [one["text"] for one in found] for found in mentions] == [
        None if text is None else list(text[:1]) for text in texts
    ]


@pytest.mark.parametrize("kind", MAKERS)
def test_the_frame_given_is_not_changed(kind: str) -> None:
    df = MAKERS[kind]({"comment": ["a", None, "b"], "tags": [["x"], None, []]})
    before = df.copy(deep=True) if kind == "pandas" else MAKERS[kind]({"comment": ["a", None, "b"], "tags": [["x"], None, []]})
    scored = score(df)
    assert df.equals(before)
    assert df.shape[1] == 2 if kind in {"pandas", "polars"} else df.num_columns == 2
    assert column(scored, "tags") == [["x"], None, []]


@pytest.mark.parametrize("kind", MAKERS)
def test_several_columns_are_one_text(kind: str) -> None:
    df = MAKERS[kind]({"good": ["app", None, "a", None], "bad": ["queue", "bb", None, None], "n": [1, 2, 3, 4]})
    analyzer = EchoAnalyzer()
    scored = score_frame(df, ["good", "bad"], analyzer=analyzer)  # type: ignore[arg-type]
    assert analyzer.read == ["app\nqueue", "bb", "a"]
    assert column(scored, "cx_error") == [None, None, None, "no text (null)"]
    assert column(score(df, ("good", "n")), "cx_error") == [f"not text: int64 {number}" for number in (1, 2, 3, 4)]


def test_results_are_gathered_a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gathered: list[int] = []
    monkeypatch.setattr(frames, "CHUNK_ROWS", 4)
    monkeypatch.setattr(frames, "to_arrow", lambda rows: (gathered.append(len(rows)), to_arrow(rows))[1])
    score(pa.table({"comment": ["a"] * 10}))
    assert gathered == [4, 4, 2]


def test_texts_are_read_no_further_than_the_analyzer_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fails(EchoAnalyzer):
        def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
            yield next(super().stream(texts))
            raise KeyboardInterrupt

    read: list[int] = []
    original = frames.read_texts
    monkeypatch.setattr(frames, "CHUNK_ROWS", 4)
    monkeypatch.setattr(frames, "read_texts", lambda cells: (read.append(len(cells)), original(cells))[1])
    with pytest.raises(KeyboardInterrupt):
        score_frame(pa.table({"comment": ["a"] * 100}), analyzer=Fails(5))  # type: ignore[arg-type]
    assert read == [4, 4]


def test_an_analyzer_that_loses_texts_is_found_out() -> None:
    class Forgetful(EchoAnalyzer):
        def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
            return islice(super().stream(texts), 3)

    with pytest.raises(RuntimeError, match="one analysis for each"):
        score_frame(pa.table({"comment": ["a", None, "b", "c", None, "d"]}), analyzer=Forgetful(100))  # type: ignore[arg-type]


# ---- pandas -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 7]),
        pd.Index(["x", None, "y"]),
        pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)], names=["shop", "day"]),
        pd.date_range("2024-01-01", periods=3, freq="D"),
        pd.CategoricalIndex(["u", "v", "u"]),
    ],
)
def test_pandas_keeps_its_index(index: pd.Index) -> None:
    df = pd.DataFrame({"comment": ["a", None, "ccc"]}, index=index)
    df.attrs["from"] = "survey"
    scored = score(df)
    pd.testing.assert_index_equal(scored.index, index)
    assert column(scored, "cx_windows") == [1, None, 3]
    assert [bool(found) for found in column(scored, "cx_touchpoints")] == [True, False, True]
    assert scored.attrs == {"from": "survey"}


@pytest.mark.parametrize("texts", [["a", None], ["a"], [None], []])
def test_pandas_has_the_same_types_whatever_the_texts(texts: list[str | None]) -> None:
    scored = score(pd.DataFrame({"comment": pd.Series(texts, dtype=object)}))
    types = {name: scored[name].dtype for name in ROW_SCHEMA.names}
    strings = {"cx_language", "cx_script", "cx_sentiment", "cx_stage", "cx_relation", "cx_error"}
    assert {types[name] for name in strings} == {pd.Series(["x", None]).dtype}
    assert types["cx_polarity"] == types["cx_language_score"] == np.dtype("float64")
    assert types["cx_windows"] == pd.Int32Dtype()
    nested = set(ROW_SCHEMA.names) - strings - {"cx_polarity", "cx_language_score", "cx_windows"}
    assert {types[name] for name in nested} == {np.dtype(object)}


def test_pandas_has_pythons_lists_and_dicts() -> None:
    scored = score(pd.DataFrame({"comment": ["a", "b"]}))
    assert scored["cx_touchpoints"].map(type).tolist() == [list, list]
    assert type(scored["cx_touchpoints"][0][0]) is dict
    assert list(scored["cx_intents"]) == [[], []]
    assert set(scored["cx_sentiment_probs"][0]) == {"negative", "neutral", "positive", "mixed"}


class Strange:
    def __repr__(self) -> str:
        return "strange" * 50


PANDAS_COLUMNS: dict[str, tuple[Any, list[str | None]]] = {
    "object": (
        pd.Series(["a", None, float("nan"), pd.NA, pd.NaT, 5, 1.5, b"b", ["c"], True, 10**30, Strange()], dtype=object),
        [
            None,
            *["no text (null)"] * 4,
            "not text: int64 5",
            "not text: double 1.5",
            "not text: binary b'b'",
            "not text: list<item: string> ['c']",
            "not text: bool True",
            f"not text: int {10**30}",
            f"not text: Strange {'strange' * 50:.200}…",
        ],
    ),
    "str": (pd.Series(["a", None, "b"], dtype="str"), [None, "no text (null)", None]),
    "string": (pd.Series(["a", pd.NA], dtype="string"), [None, "no text (null)"]),
    "python strings": (pd.Series(["a", pd.NA], dtype="string[python]"), [None, "no text (null)"]),
    "arrow": (pd.Series(["a", None], dtype=pd.ArrowDtype(pa.large_string())), [None, "no text (null)"]),
    "categories": (pd.Series(["a", None, "a"], dtype="category"), [None, "no text (null)", None]),
    "mixed categories": (
        pd.Series(pd.Categorical(["a", 5, None], categories=pd.Index(["a", 5], dtype=object))),
        [None, "not text: int64 5", "no text (null)"],
    ),
    "numbers": (pd.Series([1.5, float("nan")]), ["not text: double 1.5", "no text (null)"]),
    "whole numbers": (pd.Series([1, None], dtype="Int64"), ["not text: int64 1", "no text (null)"]),
    "dates": (
        pd.Series([datetime(2024, 5, 1), pd.NaT], dtype="datetime64[s]"),
        ["not text: timestamp[s] 2024-05-01 00:00:00", "no text (null)"],
    ),
    "half a surrogate pair in python strings": (pd.Series(["a", "b\ud83d", None], dtype="string[python]"), [None, None, "no text (null)"]),
    "half a surrogate pair": (pd.Series(["a", "b\ud83d", None], dtype=object), [None, None, "no text (null)"]),
}


@pytest.mark.parametrize("name", PANDAS_COLUMNS)
def test_what_is_no_text_in_pandas_says_why(name: str) -> None:
    series, expected = PANDAS_COLUMNS[name]
    scored = score(pd.DataFrame({"comment": series}))
    assert column(scored, "cx_error") == expected
    for other in set(ROW_SCHEMA.names) - {"cx_error", "cx_stage", "cx_relation"}:
        assert [value is None for value in column(scored, other)] == [error is not None for error in expected], other


def test_a_sparse_or_periodic_column_of_pandas_is_no_text() -> None:
    periods = errors(pd.DataFrame({"comment": pd.period_range("2024-01", periods=2, freq="M")}))
    assert all(error is not None and error.startswith("not text: ") for error in periods)
    assert errors(pd.DataFrame({"comment": pd.arrays.SparseArray([0.0, 1.5])})) == ["not text: double 0.0", "not text: double 1.5"]


def test_labels_of_pandas_that_are_no_strings_are_found_by_their_str() -> None:
    df = pd.DataFrame([["a", "x"], ["bbb", "y"]])
    scored = score(df, "0")
    assert list(scored.columns) == [0, 1, *ROW_SCHEMA.names]
    assert column(scored, "cx_windows") == [1, 3]


# ---- polars and pyarrow ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pl.Series(["a", None], dtype=pl.Categorical), [None, "no text (null)"]),
        (pl.Series(["a", None], dtype=pl.Enum(["a", "b"])), [None, "no text (null)"]),
        (pl.Series([None, None], dtype=pl.Null), ["no text (null)"] * 2),
        (pl.Series([1.5, float("nan"), None]), ["not text: double 1.5", "not text: double nan", "no text (null)"]),
        (pl.Series([b"b"]), ["not text: large_binary b'b'"]),
        (pl.Series(["a", 5, None], dtype=pl.Object), [None, "not text: int64 5", "no text (null)"]),
        (pl.Series([], dtype=pl.String), []),
    ],
)
def test_what_is_no_text_in_polars_says_why(series: pl.Series, expected: list[str | None]) -> None:
    assert errors(pl.DataFrame({"comment": series})) == expected


def test_polars_has_the_types_of_the_schema() -> None:
    scored = score(pl.DataFrame({"comment": ["a", None]}))
    assert scored.schema["cx_polarity"] == pl.Float32
    assert scored.schema["cx_windows"] == pl.Int32
    assert scored.schema["cx_emotions"] == pl.List(pl.String)
    assert [field.name for field in scored.schema["cx_emotion_probs"].fields] == list(EMOTIONS)


def test_a_lazy_frame_is_to_be_collected_first() -> None:
    with pytest.raises(InputError, match=r"\.collect\(\)"):
        score(pl.DataFrame({"comment": ["a"]}).lazy())


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pa.array(["a", None], pa.large_string()), [None, "no text (null)"]),
        (pa.array(["a", None], pa.string_view()), [None, "no text (null)"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), [None, "no text (null)", None]),
        (pa.chunked_array([["a"], [], [None, "b"]], pa.string()), [None, "no text (null)", None]),
        (pa.array([1, None]), ["not text: int64 1", "no text (null)"]),
        (pa.array([None, None]), ["no text (null)"] * 2),
        (pa.array([b"a"]), ["not text: binary b'a'"]),
        (pa.array([b"\xff"]).view(pa.string()), ["broken encoding: byte 0xff at offset 0 of the cell is not utf-8"]),
    ],
)
def test_what_is_no_text_in_pyarrow_says_why(cells: Any, expected: list[str | None]) -> None:
    assert errors(pa.table({"comment": cells})) == expected


@pytest.mark.parametrize("kind", ["table", "batch"])
def test_pyarrow_keeps_its_schema_and_metadata(kind: str) -> None:
    schema = pa.schema([pa.field("comment", pa.string(), nullable=False, metadata={"q": "7"}), pa.field("n", pa.int8())], {"made": "today"})
    make = pa.Table if kind == "table" else pa.RecordBatch
    scored = score(make.from_pydict({"comment": ["a", "b"], "n": [1, 2]}, schema=schema))
    assert scored.schema.equals(pa.schema([*schema, *ROW_SCHEMA], schema.metadata), check_metadata=True)
    scored.validate(full=True)


# ---- what is refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [{"comment": ["a"]}, ["a"], "a", pd.Series(["a"]), pl.Series(["a"]), None])
def test_another_kind_is_refused_with_those_there_are(what: Any) -> None:
    with pytest.raises(InputError, match="pandas or polars DataFrame, or a pyarrow Table or RecordBatch"):
        score(what)


@pytest.mark.parametrize("kind", MAKERS)
def test_columns_that_cannot_be_scored_are_refused(kind: str) -> None:
    make = MAKERS[kind]
    with pytest.raises(InputError, match="no column 'text'; its columns are: comment, n"):
        score(make({"comment": ["a"], "n": [1]}), "text")
    with pytest.raises(InputError, match="no column 'm'"):
        score(make({"comment": ["a"], "n": [1]}), ["comment", "m"])
    with pytest.raises(InputError, match="text names no column"):
        score(make({"comment": ["a"]}), [])
    with pytest.raises(InputError, match="scored already: it has cx_language"):
        score(score(make({"comment": ["a"]})))
    with pytest.raises(InputError, match="no columns"):
        score(make({}))


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="more than one column is named comment"):
        score(pd.DataFrame([["a", "b"]], columns=["comment", "comment"]))
    with pytest.raises(InputError, match="more than one column is named comment"):
        score(pa.table([["a"], ["b"]], names=["comment", "comment"]))


# ---- the default analyzer, the guide ----------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(tiny_analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """Calls of `Analyzer.from_pretrained`, which gives the tiny model."""
    calls: list[tuple[Any, ...]] = []

    def slowly(*given: Any, **options: Any) -> Analyzer:
        sleep(0.05)  # so that threads would meet
        calls.append((given, options))
        return tiny_analyzer

    monkeypatch.setattr(Analyzer, "from_pretrained", slowly)
    frames._load_analyzer.cache_clear()
    yield calls
    frames._load_analyzer.cache_clear()


def test_the_default_model_is_loaded_once_for_all_threads(loaded: list[tuple[Any, ...]]) -> None:
    df = pd.DataFrame({"comment": list(SENTENCES)})
    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(score_frame, [df] * 16)
    assert loaded == [((), {})]
    for other in others:
        pd.testing.assert_frame_equal(first, other)


def test_neither_pandas_nor_polars_nor_the_model_is_loaded_for_the_module() -> None:
    code = "import sys, cxsentiment.frames; print({'pandas', 'polars', 'torch'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL))
def test_the_guide_runs(block: str, loaded: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    import cxsentiment.spacy_component  # noqa: F401 # in an installed package spaCy finds it by itself

    names: dict[str, Any] = {}
    exec(compile(block, "frames.md", "exec"), names)
    assert len(loaded) == 1
    if "scored" in names:
        assert column(names["scored"], "cx_sentiment")[0] in {"negative", "neutral", "positive", "mixed"}
    else:
        assert names["doc"]._.cx is not None
    assert "print(" not in block or "delivery" in capsys.readouterr().out
