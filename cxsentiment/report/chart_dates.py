"""Days on the axis of a chart, written as the language of the report writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain, count
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxsentiment.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Days = NDArray[np.datetime64]

_DAYS: Final = (1, 2, 7, 14)
_MONTHS: Final = (1, 2, 3, 6)


def day_axis(axes: Axes, first: np.datetime64, last: np.datetime64, wording: Wording, most: int) -> None:
    """Marks so many days at most from `first` to `last`, on an axis of days since 1970; the year stands below the first day of each."""
    days, step = _ticks(first, last, most)
    axes.set_xticks(days.astype(np.float64), _written(days.astype(object).tolist(), step, wording))


def _ticks(first: np.datetime64, last: np.datetime64, most: int) -> tuple[Days, str]:
    """The days to mark, and whether they are days, months or years."""
    for length in _DAYS:
        days = np.arange(_monday_from(first) if length >= 7 else first, last + 1, length)
        if 0 < len(days) <= most:
            return days, "day"
    return next(found for found in _round_months(first, last) if len(found[0]) <= most)


def _round_months(first: np.datetime64, last: np.datetime64) -> Iterator[tuple[Days, str]]:
    """First days of months, ever fewer of them."""
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
    for step in chain(_MONTHS, (12 * years for years in count(1))):
        days = months[months.astype(np.int64) % step == 0].astype("datetime64[D]")
        yield days[days >= first], "year" if step >= 12 else "month"


def _written(days: list[date], step: str, wording: Wording) -> list[str]:
    from babel.dates import format_date, format_skeleton

    if step == "year":
        return [str(day.year) for day in days]
    texts = [
        format_date(day, "LLL", locale=wording.locale) if step == "month" else format_skeleton("MMMd", day, locale=wording.locale)
        for day in days
    ]
    years = [day.year for day in days]
    return [f"{text}\n{year}" if year != before else text for text, year, before in zip(texts, years, [None, *years[:-1]], strict=True)]


def _monday_from(day: np.datetime64) -> np.datetime64:
    """The first Monday that is not before a day."""
    number = int(day.astype("datetime64[D]").astype(np.int64))
    return np.datetime64(number + (-number - 3) % 7, "D")
