"""Reads Parquet, a batch at a time; all columns keep their types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cxsentiment.archive.source import CHUNK_ROWS, NO_TEXT, Chunk, Unreadable, check_columns, choose_text_column
from cxsentiment.errors import InputError

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """A Parquet file."""

    path: Path
    schema: pa.Schema
    text_column: str
    rows: int

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`, which do not stop at row groups."""
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=size):
                    yield Chunk(pa.Table.from_batches([batch]).cast(self.schema), read_texts(batch.column(self.text_column)))
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} is damaged: {_first_line(error)}") from None


def open_parquet(path: Path, text_column: str | None) -> ParquetSource:
    """Opens a Parquet file.

    Raises:
        InputError: if it is empty or not Parquet, or has no such text column.
    """
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty")
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {_first_line(error)}") from None
    check_columns(path, schema.names)
    return ParquetSource(path, schema, choose_text_column(path, schema.names, text_column), rows)


def read_texts(column: pa.Array) -> list[str | Unreadable]:
    """The texts of an Arrow column; null, values of other types and strings that are not UTF-8 become `Unreadable`."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not _is_string(kind):
        return [Unreadable(f"not text: {kind} {_shown(cell)}" if cell.is_valid else NO_TEXT) for cell in column]
    try:
        return [Unreadable(NO_TEXT) if text is None else text for text in column.to_pylist()]
    except UnicodeDecodeError:
        return [_string(cell) for cell in column]


def _string(cell: Any) -> str | Unreadable:
    try:
        text: str | None = cell.as_py()
    except UnicodeDecodeError as error:
        return Unreadable(f"broken encoding: byte 0x{error.object[error.start]:02x} at offset {error.start} of the cell is not utf-8")
    return Unreadable(NO_TEXT) if text is None else text


def _shown(cell: Any) -> str:
    shown = str(cell)
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
