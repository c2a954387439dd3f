"""Alerts: periods in which customers feel clearly worse, or better, than the history leads one to expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxsentiment.errors import OptionError
from cxsentiment.measure.changes import Changes, changes
from cxsentiment.measure.grouping import DIMENSIONS
from cxsentiment.measure.intervals import QUANTILE
from cxsentiment.measure.levels import Counts
from cxsentiment.measure.measures import summary
from cxsentiment.measure.periods import PERIODS, Period, Series, period_named, series_of
from cxsentiment.measure.scanning import literal

if TYPE_CHECKING:
    from cxsentiment.measure.archive import Scored


YEAR: Final = timedelta(days=365)
"""How far back one looks for what has changed with an alert."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A change of net sentiment that a quiet year would not show.

    `series` says of what (`{"touchpoint": "delivery"}`; empty: of all comments). It was noticed with the period that began on `period`, and
    shows in the comments (`comments` of them) from the period `since` on. `before` is what the history led one to expect, `after` what was
    found, `change` their difference with its 95 % interval from `low` to `high`. `p` bounds the chance that a year in which nothing changes
    brings any alert as clear as this one, in any of the series. `main_emotion` is the one whose share grew most, if one did.
    """

    series: Mapping[str, str]
    period: date
    since: date
    comments: int
    before: float
    after: float
    change: float
    low: float
    high: float
    p: float
    main_emotion: str | None = None


def alerts(
    scored: Scored,
    by: Sequence[str] = ("touchpoint",),
    *,
    period: str = "week",
    min_count: int = 30,
    rate: float = 0.05,
    with_all: bool = True,
) -> list[Alert]:
    """Alerts of all comments together and of each group of `by`, in the order of time.

    Args:
        scored: The archive.
        by: Dimensions as for `summary`, none of them a period; all groups together share the rate.
        period: day, week, month or quarter. A week is judged once there are 12 before it (day 28, month 6, quarter 4).
        min_count: A period with fewer comments raises no alert.
        rate: How often at most a year in which nothing changes may bring any alert at all.
        with_all: Whether all comments together are one of the series, where `by` names groups.

    Raises:
        OptionError: if an option is out of its range or a dimension does not exist.
        InputError: if the archive has no days.
    """
    kind = period_named(period)
    if not 0.0 < rate < 1.0 or min_count < 1:
        raise OptionError(f"rate must lie between 0 and 1 and min_count must be at least 1, not {rate} and {min_count}")
    if set(by) & PERIODS.keys():
        raise OptionError(f"by must not name a period; choose it with period=; by is {', '.join(by)}")
    groups = series_of(_large(summary(scored, (*by, period)), by, min_count), by, kind) if by else None
    if groups is None or with_all:
        groups = _with_all(series_of(summary(scored, (period,)), (), kind), groups)
    found = alerts_in(groups, kind, min_count=min_count, rate=rate)
    return [_with_emotion(scored, alert, kind) for alert in found]


def alerts_in(series: Series, period: Period, *, min_count: int = 30, rate: float = 0.05) -> list[Alert]:
    """Alerts of series that were counted already; as `alerts`, without emotions."""
    if not len(series.starts) or not len(series.labels):
        return []
    found = changes(series.counts, series.starts, period, min_count=min_count)
    return [_alert(series, found, *change) for change in found.first(rate)]


def _large(table: pa.Table, by: Sequence[str], min_count: int) -> pa.Table:
    """Without the groups that have too few comments in every period: they cannot raise an alert."""
    largest = table.group_by(list(by)).aggregate([("comments", "max")])
    enough = largest.filter(pc.greater_equal(largest["comments_max"], min_count)).select(list(by))
    return table.join(enough, list(by), join_type="inner").sort_by([(name, "ascending") for name in (*by, table.column_names[len(by)])])


def _with_all(everything: Series, groups: Series | None) -> Series:
    """All comments as the first series, with no labels; then the groups. Periods are those of all comments."""
    if groups is None or not groups.labels:
        return everything
    places = np.searchsorted(everything.starts, groups.starts)

    def stacked(all_comments: np.ndarray, grouped: np.ndarray) -> np.ndarray:
        spread = np.zeros((len(grouped), len(everything.starts)), dtype=np.int64)
        spread[:, places] = grouped
        return np.concatenate([all_comments, spread])

    one, other = everything.counts, groups.counts
    counts = Counts(stacked(one.positive, other.positive), stacked(one.negative, other.negative), stacked(one.total, other.total))
    return Series(groups.by, ((), *groups.labels), everything.starts, counts)


def _alert(series: Series, found: Changes, number: int, now: int, is_drop: bool) -> Alert:
    since = now - int(found.window[number, now]) + 1
    before, after, error = (float(values[number, now]) for values in (found.before, found.after, found.error))
    return Alert(
        series=dict(zip(series.by, series.labels[number], strict=False)),
        period=series.starts[now].astype(object),
        since=series.starts[since].astype(object),
        comments=int(series.counts.total[number, since : now + 1].sum()),
        before=before,
        after=after,
        change=after - before,
        low=after - before - QUANTILE * error,
        high=after - before + QUANTILE * error,
        p=float((found.p_drop if is_drop else found.p_rise)[number, now]),
    )


def of_series(scored: Scored, series: Mapping[str, str]) -> Scored:
    """The comments of one group of `summary`: the value of each of its dimensions, no period among them."""
    built_in = {name: value for name, value in series.items() if name in DIMENSIONS}
    return scored.where(**built_in, segments={name: value for name, value in series.items() if name not in DIMENSIONS})


def _with_emotion(scored: Scored, alert: Alert, period: Period) -> Alert:
    """The alert with the emotion whose share of comments grew most, against the year before it."""
    if "cx_emotions" not in scored.columns:
        return alert
    since = literal(alert.since)
    chosen = of_series(scored, alert.series).where(since=alert.since - YEAR, until=period.last_day(alert.period))
    rows = chosen.query(
        f"""WITH chosen AS (SELECT day >= DATE {since} AS late, emotions FROM answers),
            sizes AS (SELECT count(*) FILTER (late) AS late, count(*) FILTER (NOT late) AS early FROM chosen),
            found AS (SELECT emotion, count(*) FILTER (late) AS late, count(*) FILTER (NOT late) AS early
                FROM (SELECT late, unnest(list_distinct(emotions)) AS emotion FROM chosen) GROUP BY emotion)
        SELECT emotion, found.late / nullif(sizes.late, 0) - found.early / nullif(sizes.early, 0) AS growth
        FROM found CROSS JOIN sizes ORDER BY growth DESC NULLS LAST, emotion LIMIT 1"""
    ).to_pylist()
    grew = bool(rows) and rows[0]["growth"] is not None and rows[0]["growth"] > 0
    return replace(alert, main_emotion=rows[0]["emotion"]) if grew else alert
