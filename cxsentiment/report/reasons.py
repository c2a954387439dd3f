"""Alerts with what stands behind them: which touchpoints, in which words, in whose voice; and the course of business figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxsentiment import measure
from cxsentiment.errors import MissingColumnError
from cxsentiment.measure.alerts import YEAR, Alert
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import TOUCHPOINT_DIMENSIONS, check_dimensions
from cxsentiment.measure.periods import period_named
from cxsentiment.measure.phrases import distinctive
from cxsentiment.measure.quotes import passage
from cxsentiment.measure.scanning import ROW_ID
from cxsentiment.measure.words import count_phrases
from cxsentiment.word_forms import LANGUAGES

RATE: Final = 0.05
"""How often at most a year in which nothing changes brings any alert at all, of all families together."""

TOLD: Final = 5
"""Touchpoints and phrases of an alert that are told."""

QUOTES: Final = 3
POOL: Final = 100
"""Quotes of an alert's touchpoint, chosen among so many comments."""

HINT: Final = 1.0
"""The least z of a phrase of an alert: a hint where to look, in what are few comments as a rule."""

READ: Final = 10_000
"""Comments of a series that are read for its phrases at most: half of them since the change, half of the year before."""

AT_RISK: Final = 100

DAY: Final = timedelta(days=1)

SHORT_SPAN: Final = timedelta(weeks=16)

MOST: Final = 10
"""Alerts that are explained: the newest."""

_NAMED: Final = ("touchpoint", "language", "channel")

ALERT_SCHEMA: Final = pa.schema(
    [
        ("alert", pa.int64()),
        *((name, pa.string()) for name in (*_NAMED, "segment", "value")),
        *((name, pa.date32()) for name in ("since", "period")),
        ("comments", pa.int64()),
        *((name, pa.float64()) for name in ("before", "after", "change", "low", "high", "p")),
        ("main_emotion", pa.string()),
    ]
)
_PULLS: Final = pa.schema(
    [
        *(("alert", pa.int64()), ("touchpoint", pa.string()), ("comments", pa.int64()), ("net_sentiment", pa.float64())),
        *(("earlier_comments", pa.int64()), ("earlier_net_sentiment", pa.float64()), ("pull", pa.float64())),
    ]
)
_PHRASES: Final = pa.schema(
    [
        *(("alert", pa.int64()), ("language", pa.string()), ("phrase", pa.string()), ("comments", pa.int64())),
        *((name, pa.float64()) for name in ("share", "elsewhere", "z")),
    ]
)


def find_alerts(scored: Scored, period: str, min_count: int, by: Sequence[str] = ()) -> list[Alert]:
    """Alerts of all comments, of each touchpoint, language, channel and value of `by`, the newest first.

    The families share `RATE`, so that more of them do not mean more false alarms; `p` is of all of them together. A dimension that the
    archive does not have is left out. Raises MissingColumnError if the archive has no days.
    """
    scored.need_date()
    dimensions = [name for name in dict.fromkeys(("touchpoint", "language", "channel", *by)) if name != "group" and _has(scored, name)]
    families: list[tuple[str, ...]] = [(), *((name,) for name in dimensions)]
    if {"touchpoint", "language"} <= set(dimensions):
        families.append(("touchpoint", "language"))
    found: list[Alert] = []
    for family in families:
        alerts = measure.alerts(scored, family, period=period, min_count=min_count, rate=RATE / len(families), with_all=False)
        found += [replace(alert, p=min(1.0, alert.p * len(families))) for alert in alerts]
    return sorted(found, key=lambda alert: (alert.period, -alert.p), reverse=True)


def is_judged(scored: Scored, period: str, min_count: int) -> bool:
    """Whether any period of all comments together has the history and the comments that it takes to raise an alert."""
    counts = measure.summary(scored, (period,))
    counts = counts.filter(counts[period].is_valid())
    if not len(counts):
        return False
    kind = period_named(period)
    days = counts[period].to_numpy().astype("datetime64[D]")
    places = np.searchsorted(kind.starts(days.min(), days.max()), days)
    return bool(((places >= kind.history) & (counts["comments"].to_numpy() >= min_count)).any())


def usual_period(scored: Scored, min_count: int) -> str:
    """Days, where there are less than 16 weeks and most days have enough comments to raise an alert; else weeks."""
    days = scored.query("SELECT day, count(*) AS comments FROM comments WHERE day IS NOT NULL GROUP BY day ORDER BY day")
    if not len(days) or days["day"][-1].as_py() - days["day"][0].as_py() >= SHORT_SPAN:
        return "week"
    return "day" if float(np.median(days["comments"].to_numpy())) >= min_count else "week"


def plausible(scored: Scored) -> Scored:
    """Without comments of days far from all others (1970, 2062), which would make the time between them part of the report."""
    bounds = scored.query(
        "SELECT min(day) AS first, max(day) AS last, quantile_disc(day, 0.01) AS low, quantile_disc(day, 0.99) AS high FROM comments"
    ).to_pylist()[0]
    if bounds["first"] is None:
        return scored
    since, until = bounds["low"] - YEAR, min(bounds["high"] + YEAR, date.max)
    return scored if since <= bounds["first"] and bounds["last"] <= until else scored.where(since=since, until=until)


def recent(scored: Scored, alerts: Sequence[Alert], period: str, last: int) -> list[Alert]:
    """Those that were noticed in the `last` periods up to the last day of the archive; all of them if it is 0."""
    newest = scored.query("SELECT max(day) AS day FROM comments")["day"][0].as_py()
    if newest is None or not last:
        return list(alerts)
    kind = period_named(period)
    begin = np.datetime64(newest)
    for _ in range(last - 1):
        begin = kind.start_of(np.array([begin]))[0] - np.timedelta64(1, "D")
    first: date = kind.start_of(np.array([begin]))[0].astype(object)
    return [alert for alert in alerts if alert.period >= first]


def alert_table(alerts: Sequence[Alert]) -> pa.Table:
    """One row an alert, numbered from 1; `segment` and `value` where it is about a value of a column of the user's own."""
    rows = []
    for number, alert in enumerate(alerts, 1):
        row = {name: value for name, value in asdict(alert).items() if name != "series"} | {"alert": number}
        for name, value in alert.series.items():
            row |= {name: value} if name in _NAMED else {"segment": name, "value": value}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=ALERT_SCHEMA)


def alert_touchpoints(scored: Scored, alerts: Sequence[Alert], period: str) -> pa.Table:
    """Which touchpoints pulled where an alert says that sentiment went, those that pulled most first.

    Columns: alert, touchpoint, comments and net_sentiment of them since the change, earlier_comments and earlier_net_sentiment of the year
    before, and pull: by how much (positive - negative) mentions per comment of the series have changed, in [-1, 1]. Alerts that are about a
    touchpoint have no rows.
    """
    scored.need("cx_touchpoints")
    tables = [_PULLS.empty_table()]
    for number, alert, since, before in _sides(scored, alerts, period):
        if set(alert.series) & set(TOUCHPOINT_DIMENSIONS):
            continue
        now, then = _balances(since), _balances(before)
        joined = now.join(then, "touchpoint", right_suffix="_then", join_type="full outer").sort_by("touchpoint")
        count, balance, count_then, balance_then = (
            np.nan_to_num(joined[name].to_numpy().astype(np.float64)) for name in ("comments", "balance", "comments_then", "balance_then")
        )
        pull = balance / max(since.count(), 1) - balance_then / max(before.count(), 1)
        order = [place for place in np.argsort(pull if alert.change < 0 else -pull, kind="stable") if pull[place] * alert.change > 0][:TOLD]
        columns = {
            "alert": [number] * len(order),
            "touchpoint": [joined["touchpoint"][int(place)].as_py() for place in order],
            "comments": [int(count[place]) for place in order],
            "net_sentiment": [_share(balance[place], count[place]) for place in order],
            "earlier_comments": [int(count_then[place]) for place in order],
            "earlier_net_sentiment": [_share(balance_then[place], count_then[place]) for place in order],
            "pull": [float(pull[place]) for place in order],
        }
        tables.append(pa.table(columns, schema=_PULLS))
    return pa.concat_tables(tables)


def alert_phrases(scored: Scored, alerts: Sequence[Alert], period: str) -> pa.Table:
    """What comments since the change say more often than those of the year before.

    Columns: alert, language, phrase, comments, share, elsewhere, z (as of `distinctive_phrases`).
    """
    scored.need_text()
    rows = []
    for number, alert in enumerate(alerts[:MOST], 1):
        chosen = measure.of_series(scored, alert.series).where(since=alert.since - YEAR, until=period_named(period).last_day(alert.period))
        late = f"day >= DATE '{alert.since}'"
        found = chosen.query(
            f"SELECT language, text, {late} AS late FROM comments WHERE text IS NOT NULL "
            f"QUALIFY row_number() OVER (PARTITION BY {late} ORDER BY hash({ROW_ID}), {ROW_ID}) <= {READ // 2} ORDER BY {ROW_ID}"
        )
        told = [row for language in LANGUAGES for row in _distinctive(found.filter(pc.equal(found["language"], language)), language)]
        rows += [{"alert": number} | row for row in sorted(told, key=lambda row: -float(row["z"]))[: 2 * TOLD]]
    return pa.Table.from_pylist(rows, schema=_PHRASES)


def _distinctive(comments: pa.Table, language: str) -> list[dict[str, Any]]:
    late = np.flatnonzero(comments["late"].to_numpy(zero_copy_only=False))
    if not len(late):
        return []
    phrases = count_phrases(comments["text"].to_pylist(), language)
    told = [asdict(one) for one in distinctive(phrases, late, limit=TOLD, clear=HINT)]
    return [{"language": language} | {name: row[name] for name in _PHRASES.names if name in row} for row in told]


def alert_quotes(scored: Scored, alerts: Sequence[Alert], period: str, pulls: pa.Table, *, masked: bool) -> pa.Table:
    """Comments since the change about the touchpoints that pulled most (`pulls`): alert, and the columns of `quotes`."""
    tables = []
    for number, alert, since, _ in _sides(scored, alerts, period):
        about = alert.series.get("touchpoint")
        touchpoints = [about] if about else pulls.filter(pc.equal(pulls["alert"], number))["touchpoint"][:2].to_pylist()
        wanted = ("-",) if alert.change < 0 else ("+",)
        found = measure.quotes(since, touchpoints, polarities=wanted, limit=QUOTES, pool=POOL, masked=masked)
        tables.append(found.add_column(0, "alert", pa.array([number] * len(found), pa.int64())))
    empty = measure.quotes(scored, [], limit=0)
    return pa.concat_tables([empty.add_column(0, "alert", pa.array([], pa.int64())), *tables])


def at_risk(scored: Scored, *, masked: bool) -> pa.Table:
    """Comments of customers who are about to go or to strike back, as `measure.at_risk` without segments, with their texts as quotes."""
    scored.need_text()
    found = measure.at_risk(scored, AT_RISK).drop_columns(list(scored.segments))
    texts = [passage(text or "", 0, 0, masked=masked).text for text in found["text"].to_pylist()]
    return found.set_column(found.column_names.index("text"), "text", pa.array(texts, pa.string()))


def kpi_series(scored: Scored, kpi: pa.Table, period: str) -> pa.Table:
    """The mean of each figure of the company in each period: `period` (its first day), and the figures."""
    scored.need_date()
    days = period_named(period).start_of(kpi["day"].to_numpy().astype("datetime64[D]"))
    figures = [name for name in kpi.column_names if name != "day"]
    table = kpi.select(figures).add_column(0, "period", pa.array(days))
    means = table.group_by("period").aggregate([(name, "mean") for name in figures])
    return means.rename_columns({f"{name}_mean": name for name in figures}).sort_by("period")


def _has(scored: Scored, dimension: str) -> bool:
    """Whether the archive knows a dimension."""
    try:
        check_dimensions(scored, (dimension,))
    except MissingColumnError:
        return False
    return True


def _sides(scored: Scored, alerts: Sequence[Alert], period: str) -> Iterator[tuple[int, Alert, Scored, Scored]]:
    """For each alert its number, and the comments of its series since the change and of the year before."""
    for number, alert in enumerate(alerts[:MOST], 1):
        series = measure.of_series(scored, alert.series)
        since = series.where(since=alert.since, until=period_named(period).last_day(alert.period))
        yield number, alert, since, series.where(since=alert.since - YEAR, until=alert.since - DAY)


def _balances(scored: Scored) -> pa.Table:
    """Of each touchpoint its comments, and how many more are positive than negative."""
    found = measure.summary(scored, ("touchpoint",))
    return found.select(["touchpoint", "comments"]).append_column("balance", pc.subtract(found["positive"], found["negative"]))


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
