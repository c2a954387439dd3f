"""Reads Parquet, a batch at a time; all columns keep their types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from cxsentiment.archive.chunking import in_chunks
from cxsentiment.archive.location import Location, first_line
from cxsentiment.archive.shown import shown
from cxsentiment.archive.source import (
    BROKEN_ENCODING,
    CHUNK_ROWS,
    NO_TEXT,
    NOT_TEXT,
    Chunk,
    ReadingOptions,
    Unreadable,
    check_columns,
    choose_text_columns,
    joined,
)
from cxsentiment.errors import InputError

# Without a buffer, a whole column of a row group is held in memory.
_BUFFER: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """A Parquet file."""

    location: Location
    schema: pa.Schema
    text_columns: tuple[str, ...]
    rows: int

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.location.name

    @property
    def identity(self) -> dict[str, str]:
        """That of the file."""
        return self.location.identity

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`, which do not stop at row groups."""
        yield from in_chunks(self._pieces(size), size)

    def _pieces(self, size: int) -> Iterator[Chunk]:
        rows = 0
        with _opened(self.location, "is damaged") as file:
            for batch in file.iter_batches(batch_size=size):
                rows += batch.num_rows
                yield to_chunk(pa.Table.from_batches([batch]).cast(self.schema), self.text_columns)
        if rows != self.rows:
            raise InputError(f"{self.name} is damaged: it has {rows:,} rows and says {self.rows:,}")


def open_parquet(location: Location, options: ReadingOptions) -> ParquetSource:
    """Opens a Parquet file.

    Raises:
        InputError: if it is empty or not Parquet, or has no such text column.
    """
    name = location.name
    with _opened(location, "cannot be read as Parquet") as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    check_columns(name, schema.names)
    return ParquetSource(location, schema, choose_text_columns(name, schema.names, options.text_columns), rows)


def to_chunk(table: pa.Table, text_columns: Sequence[str]) -> Chunk:
    """The rows of a table with their texts."""
    return Chunk(table, joined([read_texts(table[name]) for name in text_columns]))


def read_texts(column: pa.Array | pa.ChunkedArray) -> list[str | Unreadable]:
    """The texts of an Arrow column; null, values of other types and strings that are not UTF-8 become `Unreadable`."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not is_string(kind):
        return [Unreadable(f"{NOT_TEXT}: {kind} {_shown(cell)}" if cell.is_valid else NO_TEXT) for cell in column]
    try:
        return [Unreadable(NO_TEXT) if text is None else text for text in column.to_pylist()]
    except UnicodeDecodeError:
        return [_string(cell) for cell in column]


def is_string(kind: pa.DataType) -> bool:
    """Whether values of a type are texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


@contextmanager
def _opened(location: Location, problem: str) -> Iterator[pq.ParquetFile]:
    with location.open_raw() as raw:
        if not raw.peek(1):
            raise InputError(f"{location.name}: the file is empty")
        try:
            with pq.ParquetFile(raw, buffer_size=_BUFFER, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
            raise InputError(f"{location.name} {problem}: {first_line(error) or 'it asks for too much memory'}") from None


def _string(cell: Any) -> str | Unreadable:
    try:
        text: str | None = cell.as_py()
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        return Unreadable(f"{BROKEN_ENCODING}: byte 0x{byte:02x} at offset {error.start:,} of the cell is not utf-8")
    return Unreadable(NO_TEXT) if text is None else text


def _shown(cell: Any) -> str:
    try:
        return shown(str(cell))
    except (ValueError, OverflowError):  # a moment beyond the calendar of Python
        return shown(str(cell.cast(pa.string())))
