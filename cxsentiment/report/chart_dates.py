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


def day_axis(axes: Axes, first: np.datetime64, last: np.datetime64, wording: Wording, most: int, *, months: bool = False) -> None:
    """Marks so many days at most from `first` to `last`, on an axis of days since 1970; first days of months only, if these are wanted.

    The year stands below the first day of each.
    """
    chosen = chain(() if months else _round_days(first, last), _round_months(first, last))
    days, step = next(found for found in chosen if 0 < len(found[0]) <= most)
    axes.set_xticks(days.astype(np.float64), _written(days.astype(object).tolist(), step, wording))


def _round_days(first: np.datetime64, last: np.datetime64) -> Iterator[tuple[Days, str]]:
    """Days from the first one or the first Monday on, ever fewer of them."""
    for length in _DAYS:
        yield np.arange(_monday_from(first) if length >= 7 else first, last + 1, length), "day"


def _round_months(first: np.datetime64, last: np.datetime64) -> Iterator[tuple[Days, str]]:
    """First days of months, ever fewer of them."""
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
    for step in chain(_MONTHS, (12 * years for years in count(1))):
        days = months[months.astype(np.int64) % step == 0].astype("datetime64[D]")
        days = days[days >= first]
        yield days if len(days) else np.array([first]), "year" if step >= 12 else "month"


def _written(days: list[date], step: str, wording: Wording) -> list[str]:
    from babel.dates import format_date, format_skeleton

    if step == "year":
        return [str(day.year) for day in days]
    texts = [
        format_date(day, "LLL", locale=wording.locale) if step == "month" else format_skeleton("MMMd", day, locale=wording.locale)
        for day in days
    ]
    years = [day.year for day in days]
    below = [str(year) if year != before else " " for year, before in zip(years, [None, *years[:-1]], strict=True)]
    return [f"{text}\n{year}" for text, year in zip(texts, below, strict=True)]


def _monday_from(day: np.datetime64) -> np.datetime64:
    """The first Monday that is not before a day."""
    number = int(day.astype("datetime64[D]").astype(np.int64))
    return np.datetime64(number + (-number - 3) % 7, "D")
