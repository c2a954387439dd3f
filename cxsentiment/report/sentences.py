"""What the report says in whole sentences, for a page, a terminal or a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from cxsentiment.measure.lags import SHORTEST
from cxsentiment.measure.periods import period_named
from cxsentiment.printable import plain
from cxsentiment.report.findings import Gap
from cxsentiment.report.wording import MISSING, Wording

Row = Mapping[str, Any]

FEELINGS: Final = {"-": "negative", "0": "neutral", "+": "positive", "±": "mixed"}
"""Feelings of touchpoints by their sign in `cx_touchpoints`."""

_OPTIONS: Final = {"date": "--date", "channel": "--channel", "text": "--text-column"}
"""Of the command line, that name a column."""


def alert_subject(alert: Row, wording: Wording) -> str:
    """What an alert (a row of the table `alerts`) is about: Delivery, Polish."""
    parts = [wording.name(kind, alert[kind]) for kind in ("touchpoint", "language", "channel") if alert[kind] is not None]
    if alert["segment"] is not None:
        kind = alert["segment"]
        parts.append(f"{wording.name(kind, alert['value'])} ({wording.dimension(kind)})")
    return _capital(", ".join(parts)) if parts else wording("page.all_comments")


def alert_sentence(alert: Row, wording: Wording) -> str:
    """What happened: Delivery, Polish: net sentiment fell from +12 to −31 (...)."""
    change = "alerts.drop" if alert["change"] < 0 else "alerts.rise"
    figures = {name: wording.points(alert[name]) for name in ("before", "after", "change", "low", "high")}
    return wording(change, what=alert_subject(alert, wording), **figures)


def alert_details(alert: Row, wording: Wording) -> str:
    """Since when, how many comments, which emotion grew."""
    since: date = alert["since"]
    when = wording(
        "alerts.since", since=wording.day(since), period=wording.day(alert["period"]), comments=wording.number(alert["comments"])
    )
    emotion = alert["main_emotion"]
    return when if emotion is None else f"{when} {wording('alerts.emotion', emotion=wording.name('emotion', emotion))}"


def unjudged_sentence(period: str, min_count: int, wording: Wording) -> str:
    """That there is too little to raise an alert, and what it would take."""
    return wording("alerts.unjudged", needed=wording.number(period_named(period).history), min_count=wording.number(min_count))


def quote_facts(row: Row, wording: Wording) -> tuple[str, str, str, str]:
    """Touchpoint, feeling, language and day of a row of the tables `quotes` and `alert_quotes`."""
    feeling = wording.name("sentiment", FEELINGS[row["polarity"]])
    return wording.name("touchpoint", row["touchpoint"]), feeling, *_origin(row, wording)


def at_risk_facts(row: Row, wording: Wording) -> tuple[str, str, str, str]:
    """Intents, touchpoints, language and day of a row of the table `at_risk`."""
    intents, touchpoints = (", ".join(wording.name(kind, name) for name in row[f"{kind}s"] or ()) for kind in ("intent", "touchpoint"))
    return intents, touchpoints, *_origin(row, wording)


def below(facts: tuple[str, ...]) -> str:
    """What stands below a comment: its facts, but for those that are not known."""
    return " · ".join(fact for fact in facts if fact not in ("", MISSING))


def gap_sentence(gap: Gap, wording: Wording) -> str:
    """Why something is not there; in English where it is not one of the usual reasons."""
    return wording(f"gaps.{gap.lacks}", column=plain(gap.column), option=_OPTIONS.get(gap.lacks, "")) if gap.lacks else gap.reason


def kpi_direction(row: Row, wording: Wording) -> str:
    """Which of the two comes first at the lag of a row of the table `kpi`."""
    names = {"measure": wording(f"kpi.{row['measure']}"), "kpi": wording.name("kpi", row["kpi"])}
    key = "same" if not row["lag"] else "first" if row["lag"] > 0 else "after"
    return wording(f"kpi.lag_{key}", **names)


def kpi_verdict(row: Row, wording: Wording) -> str:
    """Whether the clearest relation of a pair stands out."""
    if row["n"] < SHORTEST:
        return wording("kpi.short", n=wording.number(row["n"]))
    if row["lag"] is None:
        return wording("kpi.empty")
    return wording("kpi.clear" if row["stands_out"] else "kpi.unclear")


def _origin(row: Row, wording: Wording) -> tuple[str, str]:
    return wording.name("language", row["language"]), wording.day(row["day"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
