"""Scores data frames of pandas, polars and pyarrow: the same rows with the columns of the results beside them.

Neither pandas nor polars is imported: a frame of theirs only comes from where they are.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from cxsentiment.archive.parquet import read_texts
from cxsentiment.archive.shown import shown
from cxsentiment.archive.source import CHUNK_ROWS, NO_TEXT, NOT_TEXT, Unreadable, check_columns, choose_text_columns, joined
from cxsentiment.errors import InputError
from cxsentiment.results import ROW_SCHEMA, Analysis, error_row, to_arrow

if TYPE_CHECKING:
    from cxsentiment.analyzer import Analyzer

_NAME = "the data frame"
_MAKING_ANALYZER = threading.Lock()
_NOT_FOR_ARROW = (TypeError, ValueError, NotImplementedError, OverflowError)
"""What Arrow raises at objects that it has no type for, numbers too large and halves of surrogate pairs."""

AnyFrame = TypeVar("AnyFrame")


def score_frame(df: AnyFrame, text: str | Sequence[str] = "comment", *, analyzer: Analyzer | None = None) -> AnyFrame:
    """The frame with the columns of `results.ROW_SCHEMA` added; its rows, their order and a pandas index stay, `df` is not changed.

    A row without a text (null, a number, ...) says why in `cx_error`, and its other `cx_` columns are null. In pandas, structs are
    dicts, lists are lists, probabilities float64 and `cx_windows` is Int32; polars and pyarrow have the types of `ROW_SCHEMA`.

    Args:
        df: a pandas or polars DataFrame, or a pyarrow Table or RecordBatch.
        text: the column that holds the texts, or several: those of a row that are not null are then joined, one a line. Of a label of
            pandas' that is no string, its `str`.
        analyzer: what to score with; None is the default model, which is loaded once and kept.

    Raises:
        InputError: if `df` is of another kind, has no such column, two columns with one name, or columns of results already.
    """
    frame = _opened(df)
    check_columns(_NAME, frame.columns)
    wanted = (text,) if isinstance(text, str) else tuple(text)
    if not wanted:
        raise InputError("text names no column; give the column that holds the comments, or several")
    chosen = [frame.columns.index(column) for column in choose_text_columns(_NAME, frame.columns, wanted)]
    rows = _rows(_texts(frame, chosen), _default_analyzer() if analyzer is None else analyzer)
    tables = [to_arrow(some) for some in iter(lambda: list(islice(rows, CHUNK_ROWS)), [])]
    scored: AnyFrame = frame.with_results(pa.concat_tables(tables) if tables else ROW_SCHEMA.empty_table())
    return scored


# ---- scoring ----------------------------------------------------------------------------------------------------------------------


def _default_analyzer() -> Analyzer:
    with _MAKING_ANALYZER:
        return _load_analyzer()


@cache
def _load_analyzer() -> Analyzer:
    from cxsentiment.analyzer import Analyzer

    return Analyzer.from_pretrained()


def _texts(frame: _Frame, columns: Sequence[int]) -> Iterator[str | Unreadable]:
    for start in range(0, frame.rows, CHUNK_ROWS):
        yield from joined([frame.cells(column, start, start + CHUNK_ROWS) for column in columns])


def _rows(texts: Iterable[str | Unreadable], analyzer: Analyzer) -> Iterator[Analysis | dict[str, Any]]:
    """An analysis or an error row for each text, in order. What cannot be read waits while the analyzer reads ahead."""
    waiting: deque[Unreadable | None] = deque()

    def readable() -> Iterator[str]:
        for text in texts:
            if isinstance(text, Unreadable):
                waiting.append(text)
            else:
                waiting.append(None)
                yield text

    def errors() -> Iterator[dict[str, Any]]:
        while waiting and (trouble := waiting[0]) is not None:
            waiting.popleft()
            yield error_row(trouble.reason)

    for analysis in analyzer.stream(readable()):
        yield from errors()
        waiting.popleft()
        yield analysis
    yield from errors()
    if waiting:
        raise RuntimeError("the analyzer did not give one analysis for each text")


# ---- kinds of frames --------------------------------------------------------------------------------------------------------------


class _Frame(Protocol):
    """A frame of some kind. Columns go by number."""

    @property
    def columns(self) -> list[str]:
        """Names for messages and to choose from."""

    @property
    def rows(self) -> int:
        """How many there are."""

    def cells(self, column: int, start: int, stop: int) -> list[str | Unreadable]:
        """The texts of some rows of a column."""

    def with_results(self, results: pa.Table) -> Any:
        """A new frame of the same kind with more columns, as many rows."""


def _opened(df: object) -> _Frame:
    if isinstance(df, pa.Table | pa.RecordBatch):
        return _ArrowFrame(df)
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(df, pandas.DataFrame):
        return _PandasFrame(df, pandas)
    if polars is not None and isinstance(df, polars.DataFrame):
        return _PolarsFrame(df, polars)
    if polars is not None and isinstance(df, polars.LazyFrame):
        raise InputError("a polars LazyFrame has no rows yet: .collect() it first, and score the DataFrame")
    kind = f"{type(df).__module__}.{type(df).__qualname__}"
    raise InputError(f"{kind} cannot be scored: give a pandas or polars DataFrame, or a pyarrow Table or RecordBatch")


class _ArrowFrame:
    def __init__(self, df: Any) -> None:
        self._df = df
        self.columns: list[str] = df.schema.names
        self.rows: int = df.num_rows

    def cells(self, column: int, start: int, stop: int) -> list[str | Unreadable]:
        return read_texts(self._df.column(column)[start:stop])

    def with_results(self, results: pa.Table) -> Any:
        schema = pa.schema([*self._df.schema, *results.schema], metadata=self._df.schema.metadata)
        columns = results.columns
        if isinstance(self._df, pa.RecordBatch):
            columns = [column.combine_chunks() for column in columns]
        return type(self._df).from_arrays([*self._df.columns, *columns], schema=schema)


class _PolarsFrame:
    def __init__(self, df: Any, polars: Any) -> None:
        self._df = df
        self._polars = polars
        self.columns: list[str] = df.columns
        self.rows: int = df.height

    def cells(self, column: int, start: int, stop: int) -> list[str | Unreadable]:
        cells = self._df.to_series(column)[start:stop]
        if cells.dtype == self._polars.Object:
            return [_cell(cell) for cell in cells.to_list()]
        return read_texts(cells.to_arrow())

    def with_results(self, results: pa.Table) -> Any:
        return self._df.hstack(self._polars.from_arrow(results).get_columns())


class _PandasFrame:
    def __init__(self, df: Any, pandas: Any) -> None:
        self._df = df
        self._pandas = pandas
        self.columns: list[str] = list(map(str, df.columns))
        self.rows: int = len(df)

    def cells(self, column: int, start: int, stop: int) -> list[str | Unreadable]:
        cells = self._df.iloc[start:stop, column]
        if cells.dtype != object:
            try:
                return read_texts(pa.array(cells, from_pandas=True))
            except _NOT_FOR_ARROW:
                pass
        return [_cell(None if missing else cell) for cell, missing in zip(cells, cells.isna(), strict=True)]

    def with_results(self, results: pa.Table) -> Any:
        columns = {name: self._column(results[name]) for name in results.schema.names}
        return self._df.assign(**columns)

    def _column(self, values: pa.ChunkedArray) -> Any:
        """As pandas would have them: its own types for plain values, Python's lists and dicts for the rest."""
        if pa.types.is_nested(values.type):
            return self._pandas.Series(values.to_pylist(), self._df.index, dtype=object)
        if pa.types.is_floating(values.type):
            return values.cast(pa.float64()).to_numpy()
        if pa.types.is_integer(values.type):
            return values.to_pandas(types_mapper={pa.int32(): self._pandas.Int32Dtype()}.get).array
        return values.to_pandas().array


def _cell(cell: Any) -> str | Unreadable:
    """The text that a Python object is, or why it is none."""
    if cell is None:
        return Unreadable(NO_TEXT)
    if isinstance(cell, str):
        return cell
    try:
        return read_texts(pa.array([cell]))[0]
    except _NOT_FOR_ARROW:
        return Unreadable(f"{NOT_TEXT}: {type(cell).__name__} {shown(repr(cell))}")
