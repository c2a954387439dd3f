"""What every reader gives: the columns of an archive as they are, and for each row its text or the reason why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from cxsentiment.errors import InputError
from cxsentiment.results import ROW_SCHEMA
from cxsentiment.text import fold

CHUNK_ROWS: Final = 8192
"""Rows that are scored, written and recorded together, unless asked for otherwise."""

NO_TEXT: Final = "no text (null)"
BROKEN_ENCODING: Final = "broken encoding"
NOT_TEXT: Final = "not text"
TOO_MANY_CELLS: Final = "too many cells"
"""Kinds of trouble with a row, as they begin in `cx_error`."""

BETWEEN_TEXTS: Final = "\n"
"""Stands between the texts of a row that has several."""

_USUAL_NAMES: Final = """
text comment comments review feedback message body content verbatim opinion
κείμενο σχόλιο σχόλια κριτική μήνυμα γνώμη
tekst treść komentarz opinia recenzja wiadomość uwagi
text comentariu comentarii recenzie mesaj părere opinie
"""
USUAL_TEXT_COLUMNS: Final = frozenset(fold(name) for name in _USUAL_NAMES.split())
"""Names that a column of comments usually has, without case and accents."""

_LISTED_COLUMNS = 30
_LISTED_LETTERS = 60


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a text should be. `reason` reads `kind` or `kind: detail`; kinds are counted in the summary."""

    reason: str

    @property
    def kind(self) -> str:
        """The part of the reason that rows with the same trouble share."""
        return self.reason.partition(": ")[0]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows in the order of the archive: all their columns, and the text of each."""

    table: pa.Table
    texts: Sequence[str | Unreadable]


class Source(Protocol):
    """An archive of comments, opened and checked. Reading it again from the start is possible at any time."""

    @property
    def name(self) -> str:
        """What messages call it; for a database the address without its password."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that hold the comments."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What tells it from every other: names and values of a run's fingerprint (size and checksum of a file, a query, ...)."""

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size` (the last one may be shorter)."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How to read an archive; None is to find out.

    `text_columns` are the columns that hold the comments, none for the only one with a usual name. `encoding` is that of CSV, TSV and
    JSON Lines, `delimiter` that between the cells of a CSV or TSV, `quoted` whether quotation marks may surround those, `sheet` the
    name of an Excel workbook's sheet.
    """

    text_columns: tuple[str, ...] = ()
    encoding: str | None = None
    delimiter: str | None = None
    quoted: bool | None = None
    sheet: str | None = None


def check_columns(name: str, columns: Sequence[str]) -> None:
    """Refuses columns that could not be kept apart in the scored archive.

    Raises:
        InputError: if there are none, two have one name, or one has the name of a result.
    """
    if not columns:
        raise InputError(f"{name} has no columns; it should have one with the texts")
    twice = sorted(column for column, count in Counter(columns).items() if count > 1)
    if twice:
        raise InputError(f"{name}: more than one column is named {listed(twice)}; rename them, since results are kept by column name")
    taken = [column for column in columns if column in ROW_SCHEMA.names]
    if taken:
        raise InputError(f"{name} seems to be scored already: it has {listed(taken)}; score the original, or rename these columns")


def choose_text_columns(name: str, columns: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The columns asked for, or the only one with a usual name (`USUAL_TEXT_COLUMNS`).

    Raises:
        InputError: if one is not there, or several or no columns have a usual name; the message lists the columns there are.
    """
    for column in wanted:
        if column not in columns:
            raise InputError(f"{name} has no column {column!r}; its columns are: {listed(columns)}")
    if wanted:
        return tuple(dict.fromkeys(wanted))
    usual = [column for column in columns if fold(column.strip()) in USUAL_TEXT_COLUMNS]
    if len(usual) == 1:
        return (usual[0],)
    problem = f"several columns could hold the text ({listed(usual)})" if usual else "no column has a usual name for text"
    raise InputError(f"{name}: {problem}; choose one with --text-column; the columns are: {listed(columns)}")


def joined(columns: Sequence[Sequence[str | Unreadable]]) -> list[str | Unreadable]:
    """One text for each row: those of its columns that are not null, one a line. A row with any other trouble is that trouble."""
    if len(columns) == 1:
        return list(columns[0])
    return [_joined(cells) for cells in zip(*columns, strict=True)]


def _joined(cells: Sequence[str | Unreadable]) -> str | Unreadable:
    trouble = next((cell for cell in cells if isinstance(cell, Unreadable) and cell.reason != NO_TEXT), None)
    if trouble is not None:
        return trouble
    texts = [cell for cell in cells if isinstance(cell, str)]
    return BETWEEN_TEXTS.join(texts) if texts else Unreadable(NO_TEXT)


def listed(names: Sequence[str]) -> str:
    """Names for a message: not too many, none too long."""
    shown = [name if len(name) <= _LISTED_LETTERS else f"{name[:_LISTED_LETTERS]}…" for name in names[:_LISTED_COLUMNS]]
    more = len(names) - _LISTED_COLUMNS
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
