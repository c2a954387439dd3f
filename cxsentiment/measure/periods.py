"""Periods of time: days, weeks, months and quarters, named by their first day; their seasons; and counts of comments for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.measure.levels import Counts, Floats

Days = NDArray[np.datetime64]

_YEAR = 365.25
_MONTHS: Final = {"month": 1, "quarter": 3}


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time to count by.

    `windows` are the numbers of periods that are looked at together for a change, each with the share of the rate of false alarms that it
    may use; `history` is how many periods there must be before a window; `seasons` are lengths in days of what comes round, and how many
    pairs of sine and cosine describe it.
    """

    name: str
    per_year: float
    windows: tuple[tuple[int, float], ...]
    history: int
    seasons: tuple[tuple[float, int], ...]

    def starts(self, first: np.datetime64, last: np.datetime64) -> Days:
        """The first days of all periods from one to another, without gaps."""
        if self.name in _MONTHS:
            months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1, _MONTHS[self.name])
            return months.astype("datetime64[D]")
        length = np.timedelta64(7 if self.name == "week" else 1, "D")
        return np.arange(first, last + length, length)

    def start_of(self, days: Days) -> Days:
        """The first day of the period of each day; weeks begin on Monday."""
        if self.name in _MONTHS:
            months = days.astype("datetime64[M]").astype(np.int64)
            return (months - months % _MONTHS[self.name]).astype("datetime64[M]").astype("datetime64[D]")
        if self.name == "week":
            numbers = days.astype("datetime64[D]").astype(np.int64)
            return (numbers - (numbers + 3) % 7).astype("datetime64[D]")
        return days.astype("datetime64[D]")

    def last_day(self, start: date) -> date:
        """The last day of the period that begins on a day."""
        first = np.datetime64(start)
        day: date = (self.starts(first, first + np.timedelta64(100, "D"))[1] - np.timedelta64(1, "D")).astype(object)
        return day

    def season_terms(self, starts: Days) -> Floats:
        """Sine and cosine terms of each period; (T, K)."""
        numbers = starts.astype("datetime64[D]").astype(np.float64)
        angles = [2 * np.pi * wave * numbers / length for length, waves in self.seasons for wave in range(1, waves + 1)]
        return np.column_stack([function(angle) for angle in angles for function in (np.cos, np.sin)])


_KINDS: Final = (
    Period("day", _YEAR, ((1, 0.1), (3, 0.3), (7, 0.3), (14, 0.3)), 28, ((7.0, 3), (_YEAR, 1))),
    Period("week", _YEAR / 7, ((1, 0.1), (2, 0.4), (3, 0.5)), 12, ((_YEAR, 2),)),
    Period("month", 12.0, ((1, 0.5), (2, 0.3), (3, 0.2)), 6, ((_YEAR, 2),)),
    Period("quarter", 4.0, ((1, 0.7), (2, 0.3)), 4, ((_YEAR, 1),)),
)
PERIODS: Final = {kind.name: kind for kind in _KINDS}


def period_named(name: str) -> Period:
    """The period of this name. Raises OptionError if there is none."""
    if name not in PERIODS:
        raise OptionError(f"there is no period {name!r}; choose from {', '.join(PERIODS)}")
    return PERIODS[name]


@dataclass(frozen=True)
class Series:
    """Counts of several series over the same periods: what each is of (`labels`, one value for each dimension in `by`), and the periods."""

    by: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    starts: Days
    counts: Counts


def series_of(table: pa.Table, by: Sequence[str], period: Period) -> Series:
    """Series from a table as `summary(scored, (*by, period))` gives it; rows in which one of these is not known are left out."""
    known = np.ones(len(table), dtype=bool)
    for name in (*by, period.name):
        known &= table[name].is_valid().to_numpy(zero_copy_only=False)
    rows = table.filter(pa.array(known))
    days = rows[period.name].to_numpy().astype("datetime64[D]")
    starts = period.starts(days.min(), days.max()) if len(days) else np.array([], dtype="datetime64[D]")
    values = list(zip(*(rows[name].to_pylist() for name in by), strict=True)) if by else [()] * len(rows)
    labels = tuple(dict.fromkeys(values))
    place = {label: number for number, label in enumerate(labels)}
    series = np.array([place[value] for value in values], dtype=np.int64)
    where = (series, np.searchsorted(starts, days))
    arrays = []
    for column in ("positive", "negative", "comments"):
        counted = np.zeros((len(labels), len(starts)), dtype=np.int64)
        counted[where] = rows[column].to_numpy()
        arrays.append(counted)
    return Series(tuple(by), labels, starts, Counts(*arrays))
