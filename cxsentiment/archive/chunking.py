"""Cuts what comes in pieces of any length into chunks of exactly the size asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from cxsentiment.archive.source import CHUNK_ROWS, Chunk, Unreadable
from cxsentiment.errors import InputError

MOST_CELLS = 1 << 26
"""Cells of a chunk of the usual size, so that a header or a key in each line does not fill the memory with empty ones."""

CELLS_AT_ONCE = 1 << 22
"""Cells that are in memory as Python values."""


def in_chunks(pieces: Iterable[Chunk], size: int) -> Iterator[Chunk]:
    """The rows of the pieces in chunks of `size` (the last one may be shorter). Pieces have one schema and may be empty."""
    tables: list[pa.Table] = []
    texts: list[str | Unreadable] = []
    for piece in pieces:
        start = 0
        while start < piece.table.num_rows:
            step = min(size - len(texts), piece.table.num_rows - start)
            tables.append(piece.table.slice(start, step))
            texts.extend(piece.texts[start : start + step])
            start += step
            if len(texts) == size:
                yield Chunk(pa.concat_tables(tables), texts)
                tables, texts = [], []
    if texts:
        yield Chunk(pa.concat_tables(tables), texts)


def rows_at_once(columns: int, size: int) -> int:
    """How many rows to hold as Python values at a time."""
    return max(1, min(size, CELLS_AT_ONCE // max(1, columns)))


def check_cells(name: str, columns: int, rows: int) -> None:
    """Refuses so many columns that a chunk would fill the memory.

    Raises:
        InputError: if it has more than `MOST_CELLS` cells.
    """
    if columns * min(rows, CHUNK_ROWS) > MOST_CELLS:
        raise InputError(f"{name} has {columns:,} columns in {rows:,} rows, too many to be a table of comments; leave some out")
