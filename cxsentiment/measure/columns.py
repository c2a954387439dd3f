"""Which columns of an archive hold the days, the texts and the channel, where nobody says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxsentiment.archive.source import USUAL_TEXT_COLUMNS, listed
from cxsentiment.errors import InputError
from cxsentiment.measure.scanning import Scan, literal, quoted
from cxsentiment.results import ROW_SCHEMA
from cxsentiment.text import fold

if TYPE_CHECKING:
    import duckdb

_USUAL_NAMES: Final = """
date day datetime timestamp time created created_at creation_date review_date submitted submitted_at posted_at published_at
ημερομηνία ημέρα ημ/νία
data data_dodania data_utworzenia data_opinii dzień
dată data_publicării data_recenziei zi ziua
"""
_DATE_NAMES: Final = frozenset(fold(name) for name in _USUAL_NAMES.split())
_CHANNEL_NAMES: Final = frozenset(map(fold, ("channel", "κανάλι", "kanał", "canal")))

_FORMATS: Final = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y"),
)
"""How days are written, the first of two that suit alike first. Times after them do not matter."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_SAMPLE: Final = 2_000
"""Rows that are looked at."""
_BY_NAME, _BY_CONTENT, _AS_TOLD = 0.9, 1.0, 0.5
"""Shares of the sample that must be dates, for a column with a usual name, any other one, and one that the caller names."""


@dataclass(frozen=True, slots=True)
class DateColumn:
    """A column with dates; `sql` gives the day, null where a cell is none."""

    name: str
    sql: str


def text_columns(found: Scan) -> tuple[str, ...]:
    """Those that were scored, or the only one with a usual name, or none."""
    if found.text_columns and all(name in found.columns for name in found.text_columns):
        return found.text_columns
    usual = _named(found.columns, USUAL_TEXT_COLUMNS)
    return tuple(usual) if len(usual) == 1 else ()


def channel_column(names: Iterable[str]) -> str | None:
    """The only one of that name."""
    usual = _named(names, _CHANNEL_NAMES)
    return usual[0] if len(usual) == 1 else None


def date_columns(connection: duckdb.DuckDBPyConnection, found: Scan) -> list[DateColumn]:
    """The column with the days; several if it is not clear which one it is, none if there is none."""
    own = [name for name in found.columns if name not in ROW_SCHEMA.names and name not in text_columns(found)]
    typed = [DateColumn(name, f"{quoted(name)}::DATE") for name in own if _is_date(found.columns[name])]
    usual = set(_named(own, _DATE_NAMES))
    by_name = [one for one in typed if one.name in usual]
    if not by_name:
        texts = [name for name in own if found.columns[name] == "VARCHAR" or (name in usual and _is_whole(found.columns[name]))]
        formats = {name: _format(connection, found, name, _BY_NAME if name in usual else _BY_CONTENT) for name in texts}
        parsed = [DateColumn(name, _parsed(name, format_)) for name, format_ in formats.items() if format_ is not None]
        by_name, typed = [one for one in parsed if one.name in usual], [*typed, *parsed]
    return by_name or typed


def date_column(connection: duckdb.DuckDBPyConnection, found: Scan, name: str, archive: str) -> DateColumn:
    """The column that the caller names. Raises InputError if it holds something else."""
    if _is_date(found.columns[name]):
        return DateColumn(name, f"{quoted(name)}::DATE")
    format_ = _format(connection, found, name, _AS_TOLD)
    if format_ is None:
        cells = [cell for (cell,) in connection.execute(f"{_sample(found, name)} LIMIT 3").fetchall()]
        shown = f"cells such as {listed(list(map(repr, cells)))}" if cells else "only empty cells"
        raise InputError(f"{archive}: column {name!r} has {shown}, which are no dates; write them as 2024-12-31")
    return DateColumn(name, _parsed(name, format_))


def _named(names: Iterable[str], usual: frozenset[str]) -> list[str]:
    return [name for name in names if fold(name.strip()).replace(" ", "_") in usual]


def _is_date(kind: str) -> bool:
    return kind.startswith(("DATE", "TIMESTAMP"))


def _is_whole(kind: str) -> bool:
    return kind in ("INTEGER", "BIGINT")


def _cell(name: str) -> str:
    """What stands before the time of day."""
    return f"split_part(split_part(trim({quoted(name)}::VARCHAR), ' ', 1), 'T', 1)"


def _parsed(name: str, format_: str) -> str:
    day = f"try_strptime({_cell(name)}, {literal(format_)})::DATE"
    return f"CASE WHEN year({day}) BETWEEN {_FIRST_YEAR} AND {_LAST_YEAR} THEN {day} END"


def _sample(found: Scan, name: str) -> str:
    return f"SELECT {quoted(name)}::VARCHAR FROM ({found.sql}) WHERE trim({quoted(name)}::VARCHAR) <> ''"


def _format(connection: duckdb.DuckDBPyConnection, found: Scan, name: str, least: float) -> str | None:
    """The format that most cells of the sample have, if as many as `least` have it."""
    cells = f"{_sample(found, name)} LIMIT {_SAMPLE}"
    if not _look_like_days(connection, cells, name, least):
        return None
    counts = _counts(connection, cells, name, _FORMATS)
    best = max(_FORMATS, key=lambda format_: counts[format_])
    if not counts[best] or counts[best] < least * counts["all"]:
        return None
    rivals = [format_ for format_ in _FORMATS if counts[format_] == counts[best]]
    if len(rivals) > 1:  # all days of the sample are up to the twelfth
        everywhere = _counts(connection, _sample(found, name), name, rivals)
        best = max(rivals, key=lambda format_: everywhere[format_])
    return best


def _look_like_days(connection: duckdb.DuckDBPyConnection, cells: str, name: str, least: float) -> bool:
    """Whether enough cells are three numbers. Trying all formats takes DuckDB a while, even on a few cells."""
    alike = f"count(*) FILTER (regexp_full_match({_cell(name)}, '[0-9]{{1,4}}[-./]?[0-9]{{1,2}}[-./]?[0-9]{{1,4}}'))"
    row = connection.execute(f"SELECT {alike}, count(*) FROM ({cells}) AS cells({quoted(name)})").fetchone()
    return row is not None and row[0] > 0 and row[0] >= least * row[1]


def _counts(connection: duckdb.DuckDBPyConnection, cells: str, name: str, formats: Sequence[str]) -> dict[str, int]:
    """How many cells there are, and how many are days in each format."""
    counted = ", ".join(["count(*)", *(f"count({_parsed(name, format_)})" for format_ in formats)])
    row = connection.execute(f"SELECT {counted} FROM ({cells}) AS cells({quoted(name)})").fetchone() or ()
    return dict(zip(["all", *formats], row, strict=True))
