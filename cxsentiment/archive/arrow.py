"""Reads Arrow files and streams (Feather, IPC), a batch at a time; all columns keep their types.

The format holds arrays as they lie in memory. Whoever follows the offsets of a damaged one ends up outside of it, so every batch is checked
before anything is read from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from cxsentiment.archive.chunking import in_chunks
from cxsentiment.archive.location import Location, first_line
from cxsentiment.archive.parquet import to_chunk
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, ReadingOptions, check_columns, choose_text_columns
from cxsentiment.errors import InputError

_FILE_MAGIC: Final = b"ARROW1"
_STREAM_MAGIC: Final = b"\xff\xff\xff\xff"
_FIRST_FEATHER_MAGIC: Final = b"FEA1"

_AS_BYTES: Final = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}


@dataclass(frozen=True, slots=True)
class ArrowSource:
    """An Arrow file or stream."""

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
        """All rows, lazily, in chunks of `size`, which do not stop at batches."""
        yield from in_chunks(self._pieces(size), size)

    def _pieces(self, size: int) -> Iterator[Chunk]:
        with _opened(self.location, "is damaged") as (_, batches):
            for batch in batches:
                for start in range(0, batch.num_rows, size):
                    yield to_chunk(pa.Table.from_batches([batch.slice(start, size)]), self.text_columns)


def open_arrow(location: Location, options: ReadingOptions) -> ArrowSource:
    """Opens an Arrow file or stream: one pass over it finds what is damaged and counts the rows.

    Raises:
        InputError: if it is empty, damaged or not Arrow, or has no such text column.
    """
    name = location.name
    with _opened(location, "cannot be read as Arrow") as (schema, _):
        check_columns(name, schema.names)
        text_columns = choose_text_columns(name, schema.names, options.text_columns)
    with _opened(location, "is damaged") as (_, batches):
        rows = sum(batch.num_rows for batch in batches)
    return ArrowSource(location, schema, text_columns, rows)


@contextmanager
def _opened(location: Location, problem: str) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The columns and the checked batches."""
    with location.open_raw() as raw:
        start = raw.peek(len(_FILE_MAGIC))[: len(_FILE_MAGIC)]
        if not start:
            raise InputError(f"{location.name}: the file is empty")
        if start.startswith(_FIRST_FEATHER_MAGIC):
            raise InputError(f"{location.name} cannot be read as Arrow: it is Feather of the first version; save it anew")
        if not start.startswith((_FILE_MAGIC, _STREAM_MAGIC)):
            raise InputError(f"{location.name} cannot be read as Arrow: it does not begin like an Arrow file or stream")
        try:
            reader = pa.ipc.open_file(raw) if start == _FILE_MAGIC else pa.ipc.open_stream(raw)
            with reader:
                yield reader.schema, map(_checked, _batches(reader))
        except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
            raise InputError(f"{location.name} {problem}: {first_line(error) or 'it asks for too much memory'}") from None


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        return map(reader.get_batch, range(reader.num_record_batches))
    return iter(reader)


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch, if all offsets and indices in it stay inside. Strings may be no UTF-8, which concerns single rows only."""
    for column in batch.columns:
        column.view(_as_bytes(column.type)).validate(full=True)
    return batch


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """The type with the same layout that has bytes for strings, at any depth."""
    if kind in _AS_BYTES:
        return _AS_BYTES[kind]
    if isinstance(kind, pa.BaseExtensionType):
        return _as_bytes(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _as_bytes(kind.value_type), kind.ordered)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_bytes(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_as_bytes(kind.key_type), _as_bytes(kind.item_type), kind.keys_sorted)
    for is_list, build in _LISTS:
        if is_list(kind):
            return build(kind.value_field.with_type(_as_bytes(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_as_bytes(kind.value_type)), kind.list_size)
    if pa.types.is_run_end_encoded(kind):
        return pa.run_end_encoded(kind.run_end_type, _as_bytes(kind.value_type))
    if pa.types.is_union(kind):
        fields = [kind.field(place).with_type(_as_bytes(kind.field(place).type)) for place in range(kind.num_fields)]
        return pa.union(fields, kind.mode, kind.type_codes)
    return kind


_LISTS: Final = (
    (pa.types.is_list, pa.list_),
    (pa.types.is_large_list, pa.large_list),
    (pa.types.is_list_view, pa.list_view),
    (pa.types.is_large_list_view, pa.large_list_view),
)
