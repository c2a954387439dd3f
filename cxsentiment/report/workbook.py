"""The tables of a report as an Excel workbook: real numbers and days to reckon with, texts that can never become formulas.

A sheet for each table that has rows, called as it is in the JSON, after one with the facts of the archive and what is missing. Heads of
columns and names of labels are in the language of the report, where it has words for them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa

from cxsentiment.archive.column_types import EXACT_IN_DOUBLE
from cxsentiment.archive.durable import as_output_error, written
from cxsentiment.archive.encoding import without_surrogates
from cxsentiment.archive.plain import plain_values
from cxsentiment.errors import MissingExtraError, OutputError
from cxsentiment.report.findings import Findings
from cxsentiment.report.sentences import FEELINGS, gap_sentence
from cxsentiment.report.wording import Wording

LONGEST_CELL: Final = 32_767
LONGEST_NAME: Final = 31
"""Most letters of a cell and of the name of a sheet, in units of UTF-16."""

FACTS: Final = "facts"
_RESERVED: Final = "history"
_FIRST_YEAR: Final = 1900
"""Excel knows no days before it."""

_NARROWEST, _WIDEST, _FIGURE, _ARROW = 8, 60, 10, 4
"""Widths in letters: of columns, of a figure, and of the arrow beside the head."""
_MEASURED: Final = 200
"""Rows whose texts decide how wide a column is."""

_UNFIT: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ufffe\\uffff]")
"""What XML cannot hold."""
_LIKE_ESCAPE: Final = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
"""What Excel would take for an escaped character (ECMA-376, part 1, 22.9.2.19), if it were not escaped itself."""
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]")

_COUNT, _WHOLE, _DECIMAL, _SMALL, _ANY = "#,##0", "0", "0.00", "0.0000", "General"
_SHARE, _POINTS, _DAY = "0.0%", "+0.0%;-0.0%;0.0%", "yyyy-mm-dd"

_FORMATS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("alert", "lag", "row_id"), _WHOLE),
    **dict.fromkeys(("share", "mixed_share", "elsewhere", "impact", "explained"), _SHARE),
    **dict.fromkeys(("net_sentiment", "net_low", "net_high", "earlier_net_sentiment", "performance", "balance", "smooth"), _POINTS),
    **dict.fromkeys(("before", "after", "change", "pull"), _POINTS),
    "p": _SMALL,
}
"""How figures are shown, by column; whole numbers as counts otherwise, others with two digits."""
_ESTIMATES: Final = ("share", "impact", "balance", "smooth", "change", "index", "correlation")
"""Of which a table has one that `low` and `high` belong to."""

_LABELS: Final[Mapping[str, str]] = {
    **{
        kind: kind
        for kind in ("language", "stage", "relation", "group", "touchpoint", "module", "sentiment", "emotion", "quality", "intent")
    },
    **{"touchpoints": "touchpoint", "intents": "intent", "main_emotion": "emotion"},
}
"""Columns with names of labels, and their kinds."""

_HEADS: Final[Mapping[str, str]] = {
    **{feeling: f"headline.{feeling}" for feeling in FEELINGS.values()},
    **{"comments": "where.comments", "net_sentiment": "where.net", "share": "where.share", "index": "where.consistency"},
    **{"performance": "priority.performance", "impact": "priority.impact", "pull": "alerts.pull"},
    **{"phrase": "why.phrase", "elsewhere": "why.elsewhere", "correlation": "kpi.correlation", "n": "kpi.periods"},
    **{"touchpoint": "voices.touchpoint", "touchpoints": "voices.touchpoint", "language": "voices.language"},
    **{"emotion": "how.emotions", "quality": "how.qualities", "module": "how.modules", "intent": "how.intents", "intents": "how.intents"},
    **{"quote": "alerts.voices", "text": "alerts.voices", "day": "time.title", "period": "time.title", "group": "where.groups"},
}
"""Columns whose heads the report has words for."""


def write_workbook(findings: Findings, wording: Wording, path: str | Path) -> None:
    """Writes the workbook; it is there whole or not at all, and takes the place of an older one. Links are followed.

    Cells hold at most 32,767 letters; characters that XML cannot hold are left out.

    Raises:
        OutputError: if it cannot be written there, or a table has more rows than a sheet.
        MissingExtraError: if openpyxl is not installed.
    """
    most = _most_rows()
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    for name, table in findings.tables.items():
        if len(table) >= most:
            raise OutputError(f"{path}: {name} has {len(table):,} rows, and a sheet holds {most:,}; leave it out, or write JSON")
    with as_output_error(path), written(place) as file:
        _save(findings, wording, file)


def _most_rows() -> int:
    """Of a sheet, its head among them. Raises MissingExtraError."""
    try:
        import openpyxl
    except ImportError:
        raise MissingExtraError("a workbook is written with openpyxl: pip install 'cxsentiment[report]'") from None
    return int(openpyxl.xml.constants.MAX_ROW)


def _save(findings: Findings, wording: Wording, file: BinaryIO) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    try:
        _write_facts(book.create_sheet(FACTS), findings, wording)
        taken = {FACTS, _RESERVED}
        for name, table in findings.tables.items():
            if len(table):
                _write_table(book.create_sheet(_sheet_name(name, taken)), name, table, wording)
        book.save(file)
    finally:
        for sheet in book.worksheets:  # open ones hold files, and complain when they are forgotten
            if not sheet.closed:
                with suppress(OSError):
                    sheet.close()


def _sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel allows and that is not taken, whatever the case of its letters; it is taken then."""
    allowed = _NOT_IN_NAMES.sub("_", " ".join(_fit(name).split())).lstrip("'") or "_"
    ending, number = "", 1
    while (found := _cut(allowed, LONGEST_NAME - len(ending)).rstrip("' ") + ending).casefold() in taken:
        number += 1
        ending = f" ({number})"
    taken.add(found.casefold())
    return found


# ---- sheets -----------------------------------------------------------------------------------------------------------------------


def _write_facts(sheet: Any, findings: Findings, wording: Wording) -> None:
    facts: list[tuple[str, Any]] = [
        ("archive", findings.archive),
        ("rows", findings.rows),
        ("errors", findings.errors),
        (wording("where.comments"), findings.comments),
        ("first_day", findings.first_day),
        ("last_day", findings.last_day),
        ("period", wording(f"periods.{findings.period}")),
        ("by", ", ".join(findings.by) or None),
        ("min_count", findings.min_count),
        ("masked", findings.masked),
    ]
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 2 * _FIGURE, _WIDEST
    for name, value in facts:
        sheet.append([_cell(sheet, name, bold=True), _cell(sheet, _storable(value), _COUNT)])
    if findings.gaps:
        sheet.append([])
        sheet.append([_cell(sheet, wording("page.not_here"), bold=True)])
    for name, gap in findings.gaps.items():
        sheet.append([_cell(sheet, name), _cell(sheet, gap_sentence(gap, wording))])


def _write_table(sheet: Any, name: str, table: pa.Table, wording: Wording) -> None:
    from openpyxl.utils import get_column_letter

    heads = [_head(field, wording) for field in table.schema]
    formats = [_format(name, field, table.column_names) for field in table.schema]
    columns = [_values(field.name, column, wording) for field, column in zip(table.schema, table.columns, strict=True)]
    letters = [get_column_letter(place) for place in range(1, len(heads) + 1)]
    for letter, head, values in zip(letters, heads, columns, strict=True):
        sheet.column_dimensions[letter].width = _width(head, values[:_MEASURED])
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{letters[-1]}{len(table) + 1}"
    sheet.append([_cell(sheet, head, bold=True) for head in heads])
    for row in zip(*columns, strict=True):
        sheet.append([_cell(sheet, value, form) for value, form in zip(row, formats, strict=True)])


def _cell(sheet: Any, value: Any, form: str = _ANY, *, bold: bool = False) -> Any:
    """A cell of a value that can be stored; texts stay texts also when somebody edits them."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    if value is None:
        return None
    is_text = isinstance(value, str)
    cell = WriteOnlyCell(sheet, _cut(_LIKE_ESCAPE.sub("_x005F_", _fit(value)), LONGEST_CELL) if is_text else value)
    if is_text:
        cell.data_type = "s"
        cell.quotePrefix = True
    elif not isinstance(value, bool):
        cell.number_format = _DAY if isinstance(value, date) else form
    if bold:
        cell.font = Font(bold=True)
    return cell


def _width(head: str, values: Iterable[Any]) -> int:
    longest = max((len(value) if isinstance(value, str) else _FIGURE for value in values if value is not None), default=0)
    return min(max(longest + 1, len(head) + _ARROW, _NARROWEST), _WIDEST)


# ---- columns ----------------------------------------------------------------------------------------------------------------------


def _head(field: pa.Field, wording: Wording) -> str:
    if field.name == "polarity" and pa.types.is_string(field.type):
        return wording("voices.sentiment")
    return wording(_HEADS[field.name]) if field.name in _HEADS else str(field.name)


def _format(table: str, field: pa.Field, columns: Sequence[str]) -> str:
    """How its figures are shown. Those of the company's own can be anything."""
    if table == "kpi_series":
        return _ANY
    estimate = next((name for name in _ESTIMATES if name in columns), "") if field.name in ("low", "high") else field.name
    return _FORMATS.get(estimate, _COUNT if pa.types.is_integer(field.type) else _DECIMAL)


def _values(name: str, column: pa.ChunkedArray, wording: Wording) -> list[Any]:
    """The cells of a column, all of which can be stored; labels by their names."""
    values = plain_values(column)
    if pa.types.is_date(column.type):
        return [_storable(_day(value)) for value in values]
    called = _called(name, wording)

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return ", ".join(called(str(item)) for item in value)
        return called(value) if isinstance(value, str) else value

    return [_storable(shown(value)) for value in values]


def _called(column: str, wording: Wording) -> Callable[[str], str]:
    """What a text of this column is called."""
    if column in _LABELS:
        return lambda value: wording.name(_LABELS[column], value)
    if column == "polarity":
        return lambda value: wording.name("sentiment", FEELINGS.get(value, value))
    if column == "across":
        return wording.dimension
    if column == "measure":
        return lambda value: wording.words["kpi"].get(value, value)
    return str


def _day(text: str | None) -> date | str | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:  # beyond Python's calendar
        return text


def _storable(value: Any) -> Any:
    """The value, as text where Excel has no such day or would round the number."""
    if isinstance(value, date):
        return value if value.year >= _FIRST_YEAR else value.isoformat()
    if isinstance(value, int) and abs(value) > EXACT_IN_DOUBLE:
        return str(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _fit(text: str) -> str:
    return _UNFIT.sub("", without_surrogates(text))


def _cut(text: str, units: int) -> str:
    """As much of the text as so many units of UTF-16 hold."""
    return text if 2 * len(text) <= units else text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
