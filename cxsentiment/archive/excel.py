"""Reads a sheet of an Excel workbook (.xlsx, .xlsm).

- The sheet is the only one with content; hidden ones do not count beside visible ones. Where there are several, the user names one.
- The first row with anything in it names the columns. A column without a name is called by its letters (`column C`) if anything stands in
  it, and left out if not. Rows with nothing in them are no rows.
- Types are as found (see `column_types`): whole numbers, numbers, booleans and dates keep theirs. Formulas count as the values that Excel
  saved with them, and are empty if it saved none.
- In a row with more cells than there are columns, the surplus stands in its `cx_error`. Of merged cells only the first one is filled.
- A workbook is a zip archive of XML. Sizes are checked before anything is unpacked, and XML with entities is refused.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

import pyarrow as pa

from cxsentiment.archive.column_types import (
    EXACT_IN_DOUBLE,
    CellError,
    as_text,
    kind_of,
    texts_of,
    to_array,
    type_of,
    with_surrogates_paired,
)
from cxsentiment.archive.plain import to_json
from cxsentiment.archive.shown import kept
from cxsentiment.archive.source import (
    CHUNK_ROWS,
    TOO_MANY_CELLS,
    Chunk,
    ReadingOptions,
    Unreadable,
    check_columns,
    choose_text_columns,
    joined,
    listed,
)
from cxsentiment.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from cxsentiment.archive.location import Location

_MOST_ROWS: Final = 1_048_576
"""As many as a sheet has in Excel."""
_ROWS_AT_A_TIME: Final = 256

_LARGEST: Final = 4 * 2**30
_LARGEST_STRINGS: Final = 2**30
_LARGEST_HELD: Final = 128 * 2**20
"""Most bytes to unpack: in all, of the texts that sheets share, and of any other part that is held in memory as a whole."""
_READ_IN_PASSING: Final = ("/worksheets/", "/pivotcache/")
_UNSUSPICIOUS: Final = 16 * 2**20
_LARGEST_RATIO: Final = 200
"""Parts of real workbooks unpack to 5 to 30 times their size."""

_OLD_OR_LOCKED: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP: Final = b"PK"
_LEAST: Final = 128
"""How workbooks begin, and fewer bytes than any has."""

_WAY_OUT: Final = "save it again as .xlsx, or export it as CSV"

Row = list[Any]
"""The values of a row, without the empty ones at its end."""


@dataclass(frozen=True, slots=True)
class ExcelSource:
    """A sheet of a workbook; see the module for its rules. `positions` are where its columns stand in a row, `width` cells have a name."""

    location: Location
    sheet: str
    schema: pa.Schema
    positions: tuple[int, ...]
    width: int
    text_columns: tuple[str, ...]
    rows: int

    @property
    def name(self) -> str:
        """The name of the workbook."""
        return self.location.name

    @property
    def identity(self) -> Mapping[str, str]:
        """That of the file, and the sheet."""
        return {**self.location.identity, "sheet": self.sheet}

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`."""
        with _opened(self.location) as book:
            rows = _rows(self.name, _choose_sheet(self.name, book, self.sheet))
            next(rows, None)
            while batch := list(islice(rows, size)):
                yield self._chunk(batch)

    def _chunk(self, batch: list[Row]) -> Chunk:
        columns = {
            field.name: [row[position] if position < len(row) else None for row in batch]
            for field, position in zip(self.schema, self.positions, strict=True)
        }
        try:
            arrays = [to_array(columns[field.name], field.type) for field in self.schema]
        except (ValueError, TypeError):
            raise InputError(f"{self.name} changed while it was being read; start again") from None
        texts = joined([texts_of(columns[column]) for column in self.text_columns])
        texts = [self._surplus(row) or text for row, text in zip(batch, texts, strict=True)]
        return Chunk(pa.Table.from_arrays(arrays, schema=self.schema), texts)

    def _surplus(self, row: Row) -> Unreadable | None:
        surplus = {_letters(position): as_text(row[position]) for position in range(self.width, len(row)) if not _is_blank(row[position])}
        if not surplus:
            return None
        return Unreadable(f"{TOO_MANY_CELLS}: {len(row)} instead of {self.width}, the surplus is {kept(to_json(surplus))}")


def open_excel(location: Location, options: ReadingOptions) -> ExcelSource:
    """Opens a workbook: one pass over the sheet finds what is damaged, counts the rows and tells the types of the columns.

    Raises:
        InputError: if it is empty, damaged, locked or suspiciously large when unpacked, or has no such sheet or text column.
        MissingExtraError: if the packages that read it are not installed.
    """
    name = location.name
    with _opened(location) as book:
        sheet = _choose_sheet(name, book, options.sheet)
        rows = _rows(name, sheet)
        names = _column_names(next(rows, []))
        if not names:
            raise InputError(f"{name}: the sheet {sheet.title!r} is empty; its first row should name the columns")
        check_columns(name, names)
        text_columns = choose_text_columns(name, names, options.text_columns)
        kinds: list[set[str]] = [set() for _ in names]
        count = 0
        for row in rows:
            count += 1
            for found, value in zip(kinds, row, strict=False):
                found.add(kind_of(value))
        title = str(sheet.title)
    used = [position for position, name in enumerate(names) if name != _unnamed(position) or kinds[position] - {"null"}]
    schema = pa.schema([(names[position], type_of(kinds[position])) for position in used])
    return ExcelSource(location, title, schema, tuple(used), len(names), text_columns, count)


def _column_names(header: Row) -> list[str]:
    while header and _is_blank(header[-1]):
        header.pop()
    return [_unnamed(position) if _is_blank(value) else as_text(value) for position, value in enumerate(header)]


def _unnamed(position: int) -> str:
    return f"column {_letters(position)}"


def _letters(position: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(position + 1))


# ---- sheets


def _choose_sheet(name: str, book: Any, wanted: str | None) -> Any:
    titles = [sheet.title for sheet in book.worksheets]
    if not titles:
        raise InputError(f"{name} cannot be read as Excel: it has no sheets; {_WAY_OUT}")
    if wanted is not None:
        if wanted not in titles:
            raise InputError(f"{name} has no sheet {wanted!r}; its sheets are: {listed(titles)}")
        return book.worksheets[titles.index(wanted)]
    filled = [sheet for sheet in book.worksheets if next(_rows(name, sheet), None) is not None]
    filled = [sheet for sheet in filled if sheet.sheet_state == "visible"] or filled
    if not filled:
        raise InputError(f"{name}: the workbook is empty; the first row of a sheet should name the columns")
    if len(filled) > 1:
        raise InputError(f"{name} has several sheets with content; choose one with --sheet: {listed([sheet.title for sheet in filled])}")
    return filled[0]


def _rows(name: str, sheet: Any) -> Iterator[Row]:
    """All rows with anything in them, header first."""
    sheet.reset_dimensions()  # what the sheet says of its own size is often wrong
    rows, number = sheet.iter_rows(), 0
    while block := _next_rows(name, sheet.title, rows, number):
        number += len(block)
        if number > _MOST_ROWS:
            raise InputError(f"{name} cannot be read as Excel: the sheet {sheet.title!r} goes beyond row {_MOST_ROWS:,}; {_WAY_OUT}")
        for cells in block:
            row = _values(cells)
            if not all(map(_is_blank, row)):
                yield row


def _next_rows(name: str, title: str, rows: Iterator[Sequence[Any]], number: int) -> list[Sequence[Any]]:
    with _as_input_error(name, f"after row {number:,} of the sheet {title!r}: "):
        return list(islice(rows, _ROWS_AT_A_TIME))


def _values(cells: Sequence[Any]) -> Row:
    last = len(cells)
    while last and cells[last - 1].value is None:
        last -= 1
    return [_value(cell) for cell in cells[:last]]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _value(cell: Any) -> Any:
    match cell.value:
        case str() as text:
            return CellError(text) if cell.data_type == "e" else _unescaped(text)
        case float() as number if number.is_integer() and abs(number) <= EXACT_IN_DOUBLE:
            return int(number)  # which of 5 and 5.0 is saved depends on the program
        case datetime() as moment:
            return moment
        case date() as day:
            return datetime.combine(day, time())
        case value:
            return value


def _unescaped(text: str) -> str:
    """Excel saves what XML cannot hold as `_x000D_` (ECMA-376, part 1, 22.9.2.19)."""
    if "_x" not in text:
        return text
    from openpyxl.utils.escape import unescape

    return with_surrogates_paired(unescape(text))


# ---- the file


@contextmanager
def _opened(location: Location) -> Iterator[Any]:
    """The workbook, for reading only."""
    load_workbook = _load_workbook()
    with location.open_raw() as file:
        start = file.read(_LEAST)
        if not start:
            raise InputError(f"{location.name}: the file is empty")
        if start.startswith(_OLD_OR_LOCKED):
            raise InputError(f"{location.name} cannot be read as Excel: it is an old .xls or has a password; save it as .xlsx without one")
        if not start.startswith(_ZIP) or len(start) < _LEAST:
            raise InputError(f"{location.name} cannot be read as Excel: it is no zip archive, as .xlsx files are; {_WAY_OUT}")
        with _as_input_error(location.name):
            _check_parts(location.name, file)
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            yield book
        finally:
            book.close()


def _load_workbook() -> Any:
    try:
        import defusedxml  # noqa: F401
        import openpyxl
    except ImportError:
        raise MissingExtraError("reading Excel needs two more packages: pip install 'cxsentiment[excel]'") from None
    if not openpyxl.DEFUSEDXML:
        raise InputError("Excel is not read while OPENPYXL_DEFUSEDXML turns the protection against hostile XML off; unset it")
    return openpyxl.load_workbook


def _check_parts(name: str, file: IO[bytes]) -> None:
    """Refuses what would fill the memory. The sizes can be relied on: no more than these is unpacked, except from bzip2 and LZMA."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    whole = sum(part.file_size for part in parts)
    for part in parts:
        ratio = part.file_size / max(part.compress_size, 1)
        if part.file_size > _most(part.filename) or (part.file_size > _UNSUSPICIOUS and ratio > _LARGEST_RATIO):
            size = f"{part.file_size:,} bytes, {ratio:,.0f} times its size"
            raise InputError(f"{name}: {part.filename!r} in it would unpack to {size}; {_WAY_OUT}")
    if whole > _LARGEST:
        raise InputError(f"{name} would unpack to {whole:,} bytes, more than {_LARGEST:,}; split it, or export it as CSV")
    for part in parts:
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{name} cannot be read as Excel: {part.filename!r} in it is packed as Excel never does; {_WAY_OUT}")


def _most(part: str) -> int:
    part = part.lower()
    if part.endswith("sharedstrings.xml"):
        return _LARGEST_STRINGS
    held = part.endswith((".xml", ".rels")) and not any(folder in part for folder in _READ_IN_PASSING)
    return _LARGEST_HELD if held else _LARGEST


@contextmanager
def _as_input_error(name: str, where: str = "") -> Iterator[None]:
    """Damage can come out of openpyxl as almost any error. Its warnings are of things that are not read anyway."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="openpyxl")
            yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be read as Excel: {where}{_reason(error)}; {_WAY_OUT}") from None


def _reason(error: Exception) -> str:
    from defusedxml import DefusedXmlException

    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if isinstance(cause, DefusedXmlException):
        return "its XML declares entities, which no workbook needs"
    if isinstance(cause, IndexError):
        return "it refers to a text or style that is not there"
    said = str(cause.args[0]) if isinstance(cause, KeyError) and cause.args else str(cause)
    return said.partition("\n")[0] or type(cause).__name__
