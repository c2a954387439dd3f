"""Reads CSV and TSV. All values are strings; quoted cells may hold line breaks, delimiters and any length of text.

- The delimiter of a `.csv` is the one of `,` `;` TAB `|` that the header has most of (spreadsheets save `;` in Greek, Polish and
  Romanian settings). A first line such as `sep=;`, which they write too, names it and is no row.
- A `.tsv` whose quotation marks do not pair up is read as plain TSV, where they are ordinary characters.
- A row with too few cells has null in the missing ones; in a row with too many, the surplus stands in its `cx_error`.
- A wrong byte in a text makes its row unreadable, one in another cell becomes U+FFFD, one in the header is refused.
- Blank lines are no rows, except in a file of one column, where they are empty texts.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import pyarrow as pa

from cxsentiment.archive.chunking import check_cells, in_chunks, rows_at_once
from cxsentiment.archive.encoding import TextEncoding, find_encoding, has_surrogates, open_text, without_surrogates, wrong_byte
from cxsentiment.archive.location import Location
from cxsentiment.archive.shown import kept
from cxsentiment.archive.source import (
    CHUNK_ROWS,
    NO_TEXT,
    TOO_MANY_CELLS,
    Chunk,
    ReadingOptions,
    Unreadable,
    check_columns,
    choose_text_columns,
    joined,
)
from cxsentiment.errors import InputError, OptionError

LONGEST_CELL: Final = 1 << 26
"""Letters of a cell; while it is read, each takes four bytes."""

_DELIMITERS: Final = (",", ";", "\t", "|")
_SPELLED: Final = {"\\t": "\t", "tab": "\t"}
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([^"])"?[\r\n]*', re.IGNORECASE)
# Read as a line after the last one, it becomes an empty record unless a quotation mark is still open.
_END: Final = ""


class _QuotesError(Exception):
    """Quotation marks do not pair up."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to read the file; `lines_before` the header are no rows."""

    location: Location
    encoding: TextEncoding
    delimiter: str
    lines_before: int = 0
    quoted: bool = True
    strict: bool = False


@dataclass(frozen=True, slots=True)
class DelimitedSource:
    """A CSV or TSV file; see the module for its rules."""

    layout: _Layout
    names: tuple[str, ...]
    text_columns: tuple[str, ...]
    rows: int

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.layout.location.name

    @property
    def schema(self) -> pa.Schema:
        """Its columns, all strings."""
        return pa.schema([(name, pa.string()) for name in self.names])

    @property
    def encoding(self) -> str:
        """Its encoding, found or given."""
        return self.layout.encoding.name

    @property
    def identity(self) -> dict[str, str]:
        """That of the file, and how it is read."""
        layout = self.layout
        return {**layout.location.identity, "encoding": self.encoding, "delimiter": layout.delimiter, "quoted": str(layout.quoted)}

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`."""
        at_once = rows_at_once(len(self.names), size)
        yield from in_chunks(self._pieces(at_once), size) if at_once < size else self._pieces(size)

    def _pieces(self, size: int) -> Iterator[Chunk]:
        with _records(self.layout) as records:
            rows = _rows(islice(records, 1, None), len(self.names))
            while batch := list(islice(rows, size)):
                yield self._chunk(batch)

    def _chunk(self, batch: list[list[str]]) -> Chunk:
        width = len(self.names)
        whole = [record if len(record) == width else [*record[:width], *[None] * (width - len(record))] for record in batch]
        columns = list(zip(*whole, strict=True))
        texts: list[str | Unreadable] = joined([self._texts(columns[self.names.index(name)]) for name in self.text_columns])
        for place, record in enumerate(batch):
            if len(record) != width:
                texts[place] = self._ragged(record, texts[place])
        return Chunk(pa.Table.from_arrays(list(map(_to_array, columns)), schema=self.schema), texts)

    def _texts(self, cells: Iterable[str | None]) -> list[str | Unreadable]:
        if not self.layout.encoding.tolerant:
            return [Unreadable(NO_TEXT) if cell is None else cell for cell in cells]
        return [Unreadable(NO_TEXT) if cell is None else self.layout.encoding.checked_cell(cell) for cell in cells]

    def _ragged(self, record: list[str], text: str | Unreadable) -> str | Unreadable:
        width = len(self.names)
        if len(record) > width:
            surplus = without_surrogates(json.dumps(record[width:], ensure_ascii=False))
            return Unreadable(f"{TOO_MANY_CELLS}: {len(record):,} instead of {width:,}, the surplus is {kept(surplus)}")
        if isinstance(text, Unreadable) and text.reason == NO_TEXT:
            return Unreadable(f"{NO_TEXT}: the row has {len(record):,} of {width:,} cells")
        return text


def open_delimited(location: Location, options: ReadingOptions) -> DelimitedSource:
    """Opens a CSV or TSV file: a few passes over the file find its encoding and open quotes, and count the rows.

    Raises:
        InputError: if the file is empty, not in this encoding or in no known one, has an unclosed quotation mark or no such text column.
        OptionError: if the encoding or the delimiter wanted is none.
    """
    layout = _find_layout(location, options)
    names = _header(layout)
    check_columns(location.name, names)
    columns = choose_text_columns(location.name, names, options.text_columns)
    try:
        rows = _count(layout, len(names))
    except _QuotesError as error:
        if not layout.strict or options.quoted:
            raise InputError(f"{location.name}: {error}; close it, double it if it belongs to the text, or read without quotes") from None
        layout = replace(layout, quoted=False)
        rows = _count(layout, len(names))
    check_cells(location.name, len(names), rows)
    return DelimitedSource(layout, names, columns, rows)


def _find_layout(location: Location, options: ReadingOptions) -> _Layout:
    wanted = None if options.delimiter is None else _checked_delimiter(options.delimiter)
    encoding = find_encoding(location, options.encoding)
    with open_text(location, encoding, newline="") as file:
        lines = _lines(file)
        first = next(lines, "")
        named = _SEPARATOR_LINE.fullmatch(first)
        header = first if named is None and first.strip() else next((line for line in lines if line.strip()), "")
    is_tsv = location.suffix == ".tsv"
    delimiter = wanted or (named[1] if named else None) or ("\t" if is_tsv else _most_frequent(header))
    quoted = options.quoted is not False
    return _Layout(location, encoding, delimiter, int(named is not None), quoted, strict=is_tsv and options.quoted is None)


def _checked_delimiter(delimiter: str) -> str:
    delimiter = _SPELLED.get(delimiter.lower(), delimiter)
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise OptionError(f"{delimiter!r} cannot be a delimiter; give one character, for example ';', or 'tab'")
    return delimiter


def _most_frequent(header: str) -> str:
    unquoted = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _header(layout: _Layout) -> tuple[str, ...]:
    try:
        with _records(layout) as records:
            names = tuple(next(records, ()))
    except _QuotesError:
        with _records(replace(layout, quoted=False)) as records:
            names = tuple(next(records, ()))
    if any(map(has_surrogates, names)):
        raise wrong_byte(layout.location, layout.encoding)
    name = layout.location.name
    if not any(column.strip() for column in names):
        raise InputError(f"{name}: the file is empty; its first row should name the columns")
    if any("\x00" in column for column in names):
        raise InputError(f"{name} has zero bytes among its column names and may be UTF-16 or no text; try --encoding utf-16-le")
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
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
    with open_text(layout.location, layout.encoding, newline="") as file:
        yield _parse(islice(_lines(file), layout.lines_before, None), layout)


def _lines(file: Iterable[str]) -> Iterator[str]:
    """The lines, without a second byte order mark."""
    lines = iter(file)
    for line in islice(lines, 1):
        yield line.removeprefix("\ufeff")
    yield from lines


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
    started, first_line = False, layout.lines_before + 1
    try:
        for record in reader:
            if ended:
                if record:
                    raise _QuotesError(f"the quotation mark opened in the row of line {first_line:,} is never closed")
                return
            started = started or any(map(str.strip, record))
            first_line = layout.lines_before + reader.line_num + 1
            if started:
                yield record
    except csv.Error as error:
        raise _QuotesError(f"line {layout.lines_before + reader.line_num:,} cannot be parsed ({error})") from None


def _to_array(cells: Iterable[str | None]) -> pa.Array:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:
        return pa.array([cell if cell is None else without_surrogates(cell) for cell in cells], pa.string())
