"""Reads CSV and TSV. All values are strings; quoted cells may hold line breaks, delimiters and any length of text.

- The delimiter of a `.csv` is the one of `,` `;` TAB `|` that the header has most of (spreadsheets save `;` in Greek, Polish and
  Romanian settings).
- A `.tsv` whose quotation marks do not pair up is read as plain TSV, where they are ordinary characters.
- A row with too few cells has null in the missing ones; in a row with too many, the surplus stands in its `cx_error`.
- Blank lines are no rows, except in a file of one column, where they are empty texts.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa

from cxsentiment.archive.encoding import open_text
from cxsentiment.archive.source import CHUNK_ROWS, NO_TEXT, Chunk, Unreadable, check_columns, choose_text_column
from cxsentiment.errors import InputError

_DELIMITERS: Final = (",", ";", "\t", "|")
# Read as a line after the last one, it becomes a record of its own unless a quotation mark is still open.
_END: Final = "end"
_LARGEST_CELL: Final = 2**31 - 1


class _QuotesError(Exception):
    """Quotation marks do not pair up."""


@dataclass(frozen=True, slots=True)
class _Layout:
    path: Path
    encoding: str
    delimiter: str
    quoted: bool = True
    strict: bool = False


@dataclass(frozen=True, slots=True)
class DelimitedSource:
    """A CSV or TSV file; see the module for its rules."""

    layout: _Layout
    names: tuple[str, ...]
    text_column: str
    rows: int

    @property
    def path(self) -> Path:
        """The file."""
        return self.layout.path

    @property
    def schema(self) -> pa.Schema:
        """Its columns, all strings."""
        return pa.schema([(name, pa.string()) for name in self.names])

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`."""
        with _records(self.layout) as records:
            rows = _rows(islice(records, 1, None), len(self.names))
            while batch := list(islice(rows, size)):
                yield self._chunk(batch)

    def _chunk(self, batch: list[list[str]]) -> Chunk:
        width = len(self.names)
        cells = [[*record[:width], *[None] * (width - len(record))] for record in batch]
        columns = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
        return Chunk(pa.Table.from_arrays(columns, schema=self.schema), [self._text(record) for record in batch])

    def _text(self, record: list[str]) -> str | Unreadable:
        width, position = len(self.names), self.names.index(self.text_column)
        if len(record) > width:
            surplus = json.dumps(record[width:], ensure_ascii=False)
            return Unreadable(f"too many cells: {len(record)} instead of {width}, the surplus is {surplus}")
        if position >= len(record):
            return Unreadable(f"{NO_TEXT}: the row has {len(record)} of {width} cells")
        return record[position]


def open_delimited(path: Path, text_column: str | None, encoding: str) -> DelimitedSource:
    """Opens a CSV or TSV file: one pass over the file finds wrong bytes and open quotes, and counts the rows.

    Raises:
        InputError: if the file is empty, not in this encoding, has an unclosed quotation mark or no such text column.
    """
    if path.suffix.lower() == ".tsv":
        layout = _Layout(path, encoding, "\t", strict=True)
    else:
        layout = _Layout(path, encoding, _delimiter(path, encoding))
    names = _header(layout)
    check_columns(path, names)
    column = choose_text_column(path, names, text_column)
    try:
        rows = _count(layout, len(names))
    except _QuotesError as error:
        if not layout.strict:
            raise InputError(f"{path}: {error}; close it, or double it if it belongs to the text") from None
        layout = replace(layout, quoted=False)
        rows = _count(layout, len(names))
    return DelimitedSource(layout, names, column, rows)


def _delimiter(path: Path, encoding: str) -> str:
    with open_text(path, encoding, newline="") as file:
        line = next((line for line in file if line.strip()), "")
    unquoted = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _header(layout: _Layout) -> tuple[str, ...]:
    try:
        with _records(layout) as records:
            names = tuple(next(records, ()))
    except _QuotesError:
        with _records(replace(layout, quoted=False)) as records:
            names = tuple(next(records, ()))
    if not any(name.strip() for name in names):
        raise InputError(f"{layout.path}: the file is empty; its first row should name the columns")
    names = (names[0].removeprefix("\ufeff"), *names[1:])
    if any("\x00" in name for name in names):
        raise InputError(f"{layout.path} has zero bytes among its column names and may be UTF-16; try --encoding utf-16-le or utf-16")
    return names


def _count(layout: _Layout, width: int) -> int:
    with _records(layout) as records:
        return sum(1 for _ in _rows(islice(records, 1, None), width))


def _rows(records: Iterable[list[str]], width: int) -> Iterator[list[str]]:
    if width == 1:
        return (record or [""] for record in records)
    return (record for record in records if record)


@contextmanager
def _records(layout: _Layout) -> Iterator[Iterator[list[str]]]:
    """The records, header first; blank lines are empty lists, those before the header are left out."""
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    with open_text(layout.path, layout.encoding, newline="") as file:
        yield _parse(file, layout)


def _parse(lines: Iterable[str], layout: _Layout) -> Iterator[list[str]]:
    ended = False

    def lines_and_end() -> Iterator[str]:
        nonlocal ended
        yield from lines
        ended = True
        yield _END

    reader = csv.reader(
        lines_and_end(),
        delimiter=layout.delimiter,
        strict=layout.strict,
        quoting=csv.QUOTE_MINIMAL if layout.quoted else csv.QUOTE_NONE,
    )
    started, first_line = False, 1
    try:
        for record in reader:
            if ended:
                if record != [_END]:
                    raise _QuotesError(f"the quotation mark opened in the row of line {first_line:,} is never closed")
                return
            started = started or any(map(str.strip, record))
            first_line = reader.line_num + 1
            if started:
                yield record
    except csv.Error as error:
        raise _QuotesError(f"line {reader.line_num:,} cannot be parsed ({error})") from None
