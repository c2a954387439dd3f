"""The course of net sentiment: a smooth line through noisy periods, with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cxsentiment.errors import OptionError
from cxsentiment.measure.intervals import QUANTILE
from cxsentiment.measure.levels import LEVEL_VARIANCE, Counts, Floats, Grid, Integers, filtered, shared_weight
from cxsentiment.measure.measures import summary
from cxsentiment.measure.periods import PERIODS, Days, Period, period_named, series_of

if TYPE_CHECKING:
    from cxsentiment.measure.archive import Scored

_POINTS = 8


def trend(scored: Scored, by: Sequence[str] = (), *, period: str = "week") -> pa.Table:
    """The smooth course of net sentiment in each group.

    Columns: those of `by`, `period` (first day of each, without gaps), comments, net_sentiment (null without comments), smooth, and its
    95 % interval from low to high. Smooth is the level and the season, without what single periods have on top (`levels`).

    Raises:
        OptionError: if a dimension or the period does not exist.
        InputError: if the archive has no days.
    """
    kind = period_named(period)
    if set(by) & PERIODS.keys():
        raise OptionError(f"by must not name a period; choose it with period=; by is {', '.join(by)}")
    series = series_of(summary(scored, (*by, period)), by, kind)
    line, low, high = smooth(series.counts, series.starts, kind)
    groups, length = len(series.labels), len(series.starts)
    columns = {name: np.repeat(np.array([label[place] for label in series.labels], dtype=object), length) for place, name in enumerate(by)}
    total = series.counts.total.ravel()
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in columns.items()}
        | {
            "period": pa.array(np.tile(series.starts, groups), pa.date32()),
            "comments": pa.array(total, pa.int64()),
            "net_sentiment": pa.array(series.counts.net.ravel(), pa.float64(), mask=total == 0),
            "smooth": pa.array(line.ravel(), pa.float64()),
            "low": pa.array(low.ravel(), pa.float64()),
            "high": pa.array(high.ravel(), pa.float64()),
        }
    )


def smooth(counts: Counts, starts: Days, period: Period) -> tuple[Floats, Floats, Floats]:
    """The smooth line of each series, and the bounds of its 95 % interval; three arrays (S, T) in [-1, 1].

    For the likeliest points of the grid of variances, the line is the best linear prediction of level and season from all periods; their
    answers are averaged.
    """
    series, length = counts.net.shape
    line, error = np.zeros((series, length)), np.zeros((series, length))
    if not line.size:
        return line, line, line
    grid, terms = Grid.default(seasonal=True), period.season_terms(starts)
    *_, (_, states) = filtered(counts, terms, grid)
    weight = shared_weight(states[-1], grid, np.zeros(series, dtype=np.int64))
    variance = counts.moments_so_far[0][:, -1]
    for number in range(series):
        seen = np.flatnonzero(counts.total[number])
        sampling = variance[number] / counts.total[number, seen]
        points = np.argsort(weight[number])[-_POINTS:]
        means, variances = zip(
            *(_smoothed(grid, int(point), terms, seen, counts.net[number, seen], sampling) for point in points), strict=True
        )
        shares = weight[number, points] / weight[number, points].sum()
        line[number] = shares @ np.array(means)
        error[number] = np.sqrt(shares @ (np.array(variances) + (np.array(means) - line[number]) ** 2))
    low, high = line - QUANTILE * error, line + QUANTILE * error
    return line.clip(-1.0, 1.0), low.clip(-1.0, 1.0), high.clip(-1.0, 1.0)


def _smoothed(grid: Grid, point: int, terms: Floats, seen: Integers, net: Floats, sampling: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of level and season in each period, at one point of the grid, from the periods that were seen."""
    times = np.arange(len(terms))
    course = LEVEL_VARIANCE + grid.step[point] * (1 + np.minimum.outer(times, times)) + grid.season[point] * terms @ terms.T
    apart = np.abs(np.subtract.outer(seen, seen))
    noise = grid.effect[point] * grid.persistence[point] ** apart + np.diag(sampling)
    toward = course[:, seen]
    gain = np.linalg.solve(course[np.ix_(seen, seen)] + noise, toward.T).T
    return gain @ net, np.maximum(np.diag(course) - (gain * toward).sum(1), 0.0)
