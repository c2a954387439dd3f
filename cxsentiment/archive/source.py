"""What every reader gives: the columns of a file as they are, and for each row its text or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from cxsentiment.errors import InputError
from cxsentiment.results import ROW_SCHEMA
from cxsentiment.text import fold

CHUNK_ROWS: Final = 512
"""Rows read, written and reported at a time."""

NO_TEXT: Final = "no text (null)"

_USUAL_NAMES: Final = """
text comment comments review feedback message body content verbatim opinion
κείμενο σχόλιο σχόλια κριτική μήνυμα γνώμη
tekst treść komentarz opinia recenzja wiadomość uwagi
text comentariu comentarii recenzie mesaj părere opinie
"""
USUAL_TEXT_COLUMNS: Final = frozenset(fold(name) for name in _USUAL_NAMES.split())
"""Names that a column of comments usually has, without case and accents."""

_LISTED_COLUMNS = 30


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
    """Some rows in the order of the file: all their columns, and the text of each."""

    table: pa.Table
    texts: Sequence[str | Unreadable]


class Source(Protocol):
    """A file of comments, opened and checked. Reading it again from the start is possible at any time."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""

    @property
    def text_column(self) -> str:
        """The column that holds the comments."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size` (the last one may be shorter)."""


def check_columns(path: Path, names: Sequence[str]) -> None:
    """Refuses columns that could not be kept apart in the scored file.

    Raises:
        InputError: if two columns have one name, or one has the name of a result.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: more than one column is named {_listed(twice)}; rename them, since results are kept by column name")
    taken = [name for name in names if name in ROW_SCHEMA.names]
    if taken:
        raise InputError(f"{path} seems to be scored already: it has {_listed(taken)}; score the original, or rename these columns")


def choose_text_column(path: Path, names: Sequence[str], wanted: str | None) -> str:
    """The column asked for, or the only one with a usual name (`USUAL_TEXT_COLUMNS`).

    Raises:
        InputError: if it is not there, or several or no columns have a usual name; the message lists the columns there are.
    """
    if wanted is not None:
        if wanted in names:
            return wanted
        raise InputError(f"{path} has no column {wanted!r}; its columns are: {_listed(names)}")
    usual = [name for name in names if fold(name.strip()) in USUAL_TEXT_COLUMNS]
    if len(usual) == 1:
        return usual[0]
    problem = f"several columns could hold the text ({_listed(usual)})" if usual else "no column has a usual name for text"
    raise InputError(f"{path}: {problem}; choose one with --text-column; the columns are: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED_COLUMNS
    return ", ".join(names[:_LISTED_COLUMNS]) + (f" and {more} more" if more > 0 else "")
