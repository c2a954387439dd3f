"""Sentiment beside figures of the company (revenue, calls, churn): do they move together, and which one first?"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from cxsentiment.archive.reading import open_source
from cxsentiment.archive.source import ReadingOptions, listed
from cxsentiment.errors import InputError, OptionError
from cxsentiment.measure.lags import DETRENDINGS, SHORTEST, Detrending, Floats, LaggedCorrelation, correlations, detrended
from cxsentiment.measure.measures import summary
from cxsentiment.measure.periods import Days, Period, period_named

if TYPE_CHECKING:
    from cxsentiment.measure.archive import Scored

DATE_NAMES: Final = ("date", "day", "week", "month", "period", "data", "dzień", "tydzień", "miesiąc", "zi", "luna", "ημερομηνία", "μήνας")
"""Names that the column with the days may have, also with a capital or in capitals, if none is given."""

MEASURES: Final = ("net_sentiment", "mean_polarity", "comments")
"""What is compared with each figure."""

_FORMATS: Final = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%Y-%m")
_THOUSANDS: Final = re.compile(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}\b)")
_NUMBER: Final = re.compile(r"[-+]?\d*[.,]?\d+(?:[.,]\d{3})*(?:[.,]\d+)?")
_SIGNS: Final = str.maketrans({"−": "-", "%": "", "€": "", "$": "", "£": ""})


_OUR_NAMES: Final = ("day", "period")


def read_kpi(path: str | Path, *, date: str | None = None) -> pa.Table:
    """Reads figures with their days: a file that `open_source` knows (CSV, Excel, Parquet, ...), one row a day, week or other period.

    Numbers in text may have a decimal comma, spaces between thousands, and a percent or currency sign. Columns that are not all numbers or
    empty are left out.

    Args:
        path: The file.
        date: The column with the days; one of `DATE_NAMES` if None. Days are dates or written as 2024-12-31, 31.12.2024 or 31/12/2024.

    Returns:
        Columns: day (the first one, in ascending order), then a float64 column for each that holds numbers; one that is called `day` or
        `period` gets ` (figure)` behind its name.

    Raises:
        InputError: if it cannot be read, has no such column, days are missing or not dates, or there are no numbers.
    """
    table, column = _table(path, date)
    days = _days(table[column].to_pylist(), column, str(path))
    figures = {name: _figures(table[name].to_pylist()) for name in table.column_names if name != column}
    numeric = {f"{name} (figure)" if name in _OUR_NAMES else name: values for name, values in figures.items() if values is not None}
    if not numeric:
        raise InputError(f"{path} has no column of numbers beside {column!r}; its columns are: {listed(table.column_names)}")
    order = np.argsort(days, kind="stable")
    columns = {name: pa.array(values[order], pa.float64(), from_pandas=True) for name, values in numeric.items()}
    return pa.table({"day": pa.array(days[order], pa.date32())} | columns)


def compare_kpi(
    scored: Scored,
    kpi: pa.Table,
    *,
    period: str = "week",
    max_lag: int = 8,
    min_count: int = 10,
    detrend: Detrending = "linear",
) -> pa.Table:
    """How closely sentiment and figures of the company move together, at each lag.

    Columns: measure (`MEASURES`), kpi, lag in periods (positive: sentiment comes first), correlation, its 95 % interval from low to high, n
    (common periods), clearest (whether this lag has the strongest correlation of its pair), note, stands_out. The last two stand in the
    row of the clearest lag, and say whether it stands out if all lags and pairs are allowed for. A pair with fewer than `SHORTEST` common
    periods has one row, with a note only. Correlation tells what moves together, not why.

    Args:
        scored: The archive.
        kpi: As `read_kpi` gives it; figures of one period are averaged.
        period: day, week, month or quarter.
        max_lag: How many periods the one may come before the other.
        min_count: Periods with fewer comments are left out.
        detrend: `linear` compares what is left beside straight lines, `difference` changes from period to period, `none` the series as
            they are: two that merely both grow are then correlated.

    Raises:
        OptionError: if an option is out of its range.
        InputError: if the archive has no days, or `kpi` no column of days.
    """
    kind = period_named(period)
    if max_lag < 0 or detrend not in DETRENDINGS:
        raise OptionError(f"max_lag must not be negative, and detrend be one of {', '.join(DETRENDINGS)}; not {max_lag} and {detrend!r}")
    if "day" not in kpi.column_names:
        raise InputError("the figures have no column day; read them with read_kpi")
    measured = summary(scored, (period,))
    measured = measured.filter(measured[period].is_valid())
    figures = [name for name in kpi.column_names if name != "day"]
    pairs = len(MEASURES) * len(figures)
    rows = [
        row
        for measure in MEASURES
        for name in figures
        for row in _compared(measure, name, *_aligned(measured, kpi, measure, name, kind, min_count), kind, max_lag, detrend, pairs)
    ]
    kinds = {"measure": pa.string(), "kpi": pa.string(), "lag": pa.int64(), "correlation": pa.float64(), "low": pa.float64()}
    schema = pa.schema(
        kinds | {"high": pa.float64(), "n": pa.int64(), "clearest": pa.bool_(), "note": pa.string(), "stands_out": pa.bool_()}
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _aligned(measured: pa.Table, kpi: pa.Table, measure: str, name: str, period: Period, min_count: int) -> tuple[Floats, Floats]:
    """Both series over all periods from the first to the last of either, NaN where one has no value."""
    enough = measured["comments"].to_numpy() >= min_count
    ours = measured[period.name].to_numpy().astype("datetime64[D]")[enough]
    values = measured[measure].to_numpy().astype(np.float64)[enough]
    figures = kpi[name].to_numpy(zero_copy_only=False).astype(np.float64)
    known = ~np.isnan(figures)
    theirs = period.start_of(kpi["day"].to_numpy().astype("datetime64[D]")[known])
    if not len(ours) or not len(theirs):
        return np.zeros(0), np.zeros(0)
    starts = period.starts(min(ours.min(), theirs.min()), max(ours.max(), theirs.max()))
    return _spread(starts, ours, values), _spread(starts, theirs, figures[known])


def _spread(starts: Days, days: Days, values: Floats) -> Floats:
    """The mean of the values of each period."""
    place = np.searchsorted(starts, days)
    count = np.bincount(place, minlength=len(starts))
    total = np.bincount(place, values, minlength=len(starts))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _compared(
    measure: str, name: str, ours: Floats, theirs: Floats, period: Period, max_lag: int, detrend: Detrending, pairs: int
) -> list[dict[str, Any]]:
    common = int((~np.isnan(ours) & ~np.isnan(theirs)).sum())
    empty: dict[str, Any] = {"measure": measure, "kpi": name, "n": common, "clearest": False}
    if common < SHORTEST:
        return [empty | {"note": _too_short(theirs, common, period)}]
    series = (detrended(ours, detrend), detrended(theirs, detrend))
    lags = range(-max_lag, max_lag + 1)
    found = [one for one in correlations(*series, lags) if not np.isnan(one.correlation)]
    if not found:
        return [empty | {"note": f"{measure} or {name} hardly varies: there is nothing to compare"}]
    best = max(found, key=lambda one: abs(one.correlation))
    careful = correlations(*series, range(best.lag, best.lag + 1), 1.0 - 0.05 / (len(found) * pairs))[0]
    return [
        empty
        | {"lag": one.lag, "correlation": one.correlation, "low": one.low, "high": one.high, "n": one.n}
        | {"clearest": one is best, "note": _note(careful, measure, name, period, len(found)) if one is best else ""}
        | {"stands_out": _stands_out(careful) if one is best else None}
        for one in found
    ]


def _stands_out(found: LaggedCorrelation) -> bool:
    return not found.low <= 0.0 <= found.high


def _note(found: LaggedCorrelation, measure: str, name: str, period: Period, lags: int) -> str:
    if not _stands_out(found):
        return f"no clear relation at any lag (with {lags} of them allowed for, the interval at lag {found.lag} includes 0)"
    direction = "the same way" if found.correlation > 0 else "opposite ways"
    length = f"{abs(found.lag)} {period.name}{'s' if abs(found.lag) > 1 else ''}"
    order = "in the same period" if not found.lag else f"{measure} first, by {length}" if found.lag > 0 else f"{name} first, by {length}"
    return f"they move {direction}, {order}; this is no proof that one brings about the other"


def _too_short(theirs: Floats, common: int, period: Period) -> str:
    known = np.flatnonzero(~np.isnan(theirs))
    gap = float(np.median(np.diff(known))) if len(known) > 1 else 1.0
    advice = f"; the figures have a value only every {gap:.0f} {period.name}s, so compare by a longer period" if gap > 1 else ""
    return f"too short: {common} common {period.name}s, and at least {SHORTEST} are needed{advice}"


# ---- reading ----------------------------------------------------------------------------------------------------------------------


def _table(path: str | Path, date: str | None) -> tuple[pa.Table, str]:
    """The file, and the name of its column of days, which `open_source` takes for the text so that none else is needed."""
    names = [date] if date is not None else [form for name in DATE_NAMES for form in (name, name.capitalize(), name.upper())]
    first: InputError | None = None
    for name in names:
        try:
            source = open_source(path, ReadingOptions(text_columns=(name,)))
        except InputError as error:
            first = first or error
            if date is None and "has no column" in str(error):
                continue
            raise
        return pa.concat_tables(chain((source.schema.empty_table(),), (chunk.table for chunk in source.chunks()))), name
    raise InputError(f"{first}; name the one with the days: date=")


def _days(cells: Sequence[Any], column: str, name: str) -> Days:
    if all(isinstance(cell, datetime.date) for cell in cells):
        return np.array(cells, dtype="datetime64[D]")
    texts = [str(cell).strip().split("T")[0].split(" ")[0] for cell in cells]
    for form in _FORMATS:
        try:
            return np.array([datetime.datetime.strptime(text, form).date() for text in texts], dtype="datetime64[D]")
        except ValueError:
            continue
    wrong = next((text for text in texts if not any(_is_day(text, form) for form in _FORMATS)), texts[0] if texts else "")
    raise InputError(f"{name}: column {column!r} has cells such as {wrong!r}, which are no dates; write them as 2024-12-31")


def _is_day(text: str, form: str) -> bool:
    try:
        return bool(datetime.datetime.strptime(text, form))
    except ValueError:
        return False


def _figures(cells: Sequence[Any]) -> Floats | None:
    """The numbers of a column, NaN where a cell is empty; None if it has anything else, or nothing."""
    texts = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
    filled = [cell for cell in texts if isinstance(cell, str) and cell]
    comma = _has_decimal_comma(filled)
    numbers = [_figure(cell, comma) for cell in texts]
    if any(number is None for number in numbers) or all(np.isnan(number) for number in numbers if number is not None):
        return None
    return np.array(numbers, dtype=np.float64)


def _figure(cell: Any, comma: bool) -> float | None:
    if cell is None or cell == "":
        return float("nan")
    if isinstance(cell, str):
        plain = _plain(cell)
        if not _NUMBER.fullmatch(plain):
            return None
        thousands, decimal = (".", ",") if comma or plain.count(".") > 1 else (",", ".")
        return float(plain.replace(thousands, "").replace(decimal, "."))
    try:
        return None if isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError):
        return None


def _plain(cell: str) -> str:
    return _THOUSANDS.sub("", cell.translate(_SIGNS)).strip()


def _has_decimal_comma(cells: Sequence[str]) -> bool:
    """Whether the last comma of some cell stands where only a decimal sign can: behind all points, not just before three digits."""
    for cell in map(_plain, cells):
        behind = cell.rpartition(",")[2]
        if "," in cell and cell.count(",") == 1 and "." not in behind and (len(behind) != 3 or "." in cell):
            return True
    return False
