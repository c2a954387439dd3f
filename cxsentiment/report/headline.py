"""What stands first in a report: what it is about, and the few figures that matter most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cxsentiment.report.findings import ENOUGH, Findings
from cxsentiment.report.wording import Wording


@dataclass(frozen=True, slots=True)
class Card:
    """A headline figure: what it is, the figure, what it adds in small, and whether it is `good`, `bad` or neither."""

    what: str
    figure: str
    small: str = ""
    tone: str = ""


def archive_name(findings: Findings) -> str:
    """The last part of its path."""
    return findings.archive.rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def subtitle(findings: Findings, wording: Wording) -> str:
    """How many comments of which days."""
    comments = wording.number(findings.comments)
    if findings.first_day is None:
        return wording("page.subtitle_undated", comments=comments)
    return wording("page.subtitle", comments=comments, span=wording.span(findings.first_day, findings.last_day))


def errors(findings: Findings, wording: Wording) -> str:
    """How many rows are left out; empty if none are."""
    if not findings.errors:
        return ""
    return wording("about.errors", errors=wording.number(findings.errors), rows=wording.number(findings.rows))


def cards(findings: Findings, wording: Wording) -> list[Card]:
    """The headline figures; those are left out that the findings do not tell."""
    w = wording
    shown = [card for row in findings.rows_of("overall") for card in _overall(row, wording)]
    for row in [row for row in findings.rows_of("emotions")[:1] if row["comments"]]:
        shown.append(Card(w("headline.strongest"), w.name("emotion", row["emotion"]), w.percent(row["share"])))
    ranked = [row for row in findings.rows_of("touchpoints") if row["touchpoint"] is not None and row["comments"] >= ENOUGH]
    if len(ranked) > 1:
        for title, row in (("best", ranked[-1]), ("worst", ranked[0])):
            tone = _tone(row["net_low"], row["net_high"])
            small = f"{w.points(row['net_sentiment'])} ({w.points(row['net_low'])} … {w.points(row['net_high'])})"
            shown.append(Card(w(f"headline.{title}"), w.name("touchpoint", row["touchpoint"]), small, tone))
    if "alerts" in findings.tables:
        alerts = findings.rows_of("alerts")
        count, is_bad = len(alerts), any(row["change"] < 0 for row in alerts)
        shown.append(Card(w("headline.alerts"), w.number(count) if count else w("headline.no_alerts"), tone="bad" if is_bad else ""))
    return shown


def explained(findings: Findings, wording: Wording) -> str:
    """How much of the differences all touchpoints account for together; empty if that is not known."""
    rows = findings.rows_of("impact")
    return wording("priority.explained", share=wording.percent(rows[0]["explained"])) if rows else ""


def _overall(row: dict[str, Any], wording: Wording) -> list[Card]:
    w = wording
    interval = w("headline.net_interval", low=w.points(row["net_low"]), high=w.points(row["net_high"]))
    return [
        Card(w("headline.comments"), w.number(row["comments"])),
        Card(w("headline.net"), w.points(row["net_sentiment"]), interval, _tone(row["net_low"], row["net_high"])),
        *(Card(w(f"headline.{one}"), w.percent(row[one] / row["comments"])) for one in ("positive", "negative", "mixed")),
    ]


def _tone(low: float | None, high: float | None) -> str:
    """Whether an interval lies on one side of 0."""
    if low is None or high is None:
        return ""
    return "good" if low > 0 else "bad" if high < 0 else ""
