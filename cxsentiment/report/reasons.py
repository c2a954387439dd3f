"""Alerts with what stands behind them: which touchpoints, in which words, in whose voice; and the course of business figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cxsentiment import measure
from cxsentiment.measure.alerts import Alert
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import TOUCHPOINT_DIMENSIONS
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

HINT: Final = 1.0
"""The least z of a phrase of an alert: a hint where to look, in what are few comments as a rule."""

READ: Final = 20_000
"""Comments of a series that are read for its phrases at most, those since the change first."""

AT_RISK: Final = 100

DAY: Final = timedelta(days=1)
YEAR: Final = timedelta(days=365)

ALERT_SCHEMA: Final = pa.schema(
    [
        ("alert", pa.int64()),
        *((name, pa.string()) for name in ("touchpoint", "language", "channel", "segment", "value")),
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

    The families share `RATE`, so that more of them do not mean more false alarms.
    Raises InputError if the archive has no days.
    """
    scored.need_date()
    dimensions = [name for name in ("touchpoint", "language", "channel") if _has(scored, name)]
    families: list[tuple[str, ...]] = [(name,) for name in dict.fromkeys((*dimensions, *by)) if name != "group"]
    if _has(scored, "touchpoint") and _has(scored, "language"):
        families.append(("touchpoint", "language"))
    found: dict[tuple[tuple[str, str | None], ...], list[Alert]] = {}
    for family in families or [()]:
        for alert in measure.alerts(scored, family, period=period, min_count=min_count, rate=RATE / max(len(families), 1)):
            found.setdefault(tuple(alert.series.items()), []).append(alert)
    # All comments together are in each family: what one of them notices first is told once.
    told = [alert for alerts in found.values() for alert in {alert.period: alert for alert in alerts}.values()]
    return sorted(told, key=lambda alert: (alert.period, -alert.p), reverse=True)


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
            row |= {name: value} if name in ALERT_SCHEMA.names else {"segment": name, "value": value}
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
        joined = now.join(then, "touchpoint", right_suffix="_then", join_type="full outer")
        count, balance, count_then, balance_then = (
            np.nan_to_num(joined[name].to_numpy().astype(np.float64)) for name in ("comments", "balance", "comments_then", "balance_then")
        )
        pull = balance / max(since.count(), 1) - balance_then / max(before.count(), 1)
        order = [place for place in np.argsort(pull if alert.change < 0 else -pull) if pull[place] * alert.change > 0][:TOLD]
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
    for number, alert in enumerate(alerts, 1):
        chosen = measure.of_series(scored, alert.series).where(since=alert.since - YEAR, until=_end(alert, period))
        late = f"day >= DATE '{alert.since}'"
        order = f"ORDER BY {late} DESC, hash({ROW_ID}), {ROW_ID} LIMIT {READ}"
        found = chosen.query(f"SELECT language, text, {late} AS late FROM comments WHERE text IS NOT NULL {order}")
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


def alert_quotes(scored: Scored, alerts: Sequence[Alert], period: str, *, masked: bool) -> pa.Table:
    """Comments since the change about the touchpoints that pulled most: alert, and the columns of `quotes`."""
    pulls = alert_touchpoints(scored, alerts, period)
    tables = []
    for number, alert, since, _ in _sides(scored, alerts, period):
        about = alert.series.get("touchpoint")
        touchpoints = [about] if about else pulls.filter(pc.equal(pulls["alert"], number))["touchpoint"][:2].to_pylist()
        wanted = ("-",) if alert.change < 0 else ("+",)
        found = measure.quotes(since, touchpoints, polarities=wanted, limit=QUOTES, masked=masked)
        tables.append(found.add_column(0, "alert", pa.array([number] * len(found), pa.int64())))
    empty = measure.quotes(scored, [], limit=0)
    return pa.concat_tables([empty.add_column(0, "alert", pa.array([], pa.int64())), *tables])


def at_risk(scored: Scored, *, masked: bool) -> pa.Table:
    """Comments of customers who are about to go or to strike back, as `measure.at_risk`, with their texts as quotes."""
    scored.need_text()
    found = measure.at_risk(scored, AT_RISK)
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
    return scored.channel is not None if dimension == "channel" else f"cx_{dimension}".replace("point", "points") in scored.columns


def _sides(scored: Scored, alerts: Sequence[Alert], period: str) -> Iterator[tuple[int, Alert, Scored, Scored]]:
    """For each alert its number, and the comments of its series since the change and of the year before."""
    for number, alert in enumerate(alerts, 1):
        series = measure.of_series(scored, alert.series)
        since = series.where(since=alert.since, until=_end(alert, period))
        yield number, alert, since, series.where(since=alert.since - YEAR, until=alert.since - DAY)


def _end(alert: Alert, period: str) -> date:
    """The last day of the period in which it was noticed."""
    starts = period_named(period).starts(np.datetime64(alert.period), np.datetime64(alert.period) + np.timedelta64(100, "D"))
    end: date = (starts[1] - np.timedelta64(1, "D")).astype(object)
    return end


def _balances(scored: Scored) -> pa.Table:
    """Of each touchpoint its comments, and how many more are positive than negative."""
    found = measure.summary(scored, ("touchpoint",))
    return found.select(["touchpoint", "comments"]).append_column("balance", pc.subtract(found["positive"], found["negative"]))


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
