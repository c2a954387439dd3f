"""The report as one HTML page that needs no network; its only script is ours, and the page allows no other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.metadata import version
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from cxsentiment.printable import plain
from cxsentiment.report import charts
from cxsentiment.report.findings import Findings
from cxsentiment.report.headline import archive_name, cards, errors, explained, subtitle
from cxsentiment.report.sentences import (
    FEELINGS,
    alert_details,
    alert_sentence,
    at_risk_facts,
    below,
    gap_sentence,
    quote_facts,
    unjudged_sentence,
)
from cxsentiment.report.tables import ShownTable, Tables
from cxsentiment.report.wording import REPORT_LANGUAGES, Wording

TEMPLATE: Final = "page.html.jinja"
SECTIONS: Final = ("headline", "alerts", "time", "where", "priority", "why", "how", "journey", "loyalty", "kpi", "voices", "about")
NEEDS: Final = {
    "alerts": ("alerts",),
    "time": ("trend",),
    "priority": ("impact",),
    "why": ("phrases", "touchpoint_phrases"),
    "loyalty": ("loyalty", "at_risk"),
    "kpi": ("kpi",),
    "voices": ("quotes",),
}
"""Sections that are shown if one of these tables is there and, but for alerts, has rows."""


OPEN: Final = 5
"""Alerts that stand open: the newest."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a customer said, with what stands below it."""

    text: str
    about: str
    feeling: str
    language: str | None
    touchpoint: str | None = None


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert with what stands behind it."""

    sentence: str
    details: str
    is_rise: bool
    is_open: bool
    touchpoints: ShownTable | None
    words: Sequence[Mapping[str, Any]]
    quotes: Sequence[Quote]


def page(findings: Findings, wording: Wording) -> str:
    """The whole page; equal findings give an equal page."""
    tables = Tables(findings, wording)
    pictures = _charts(findings, wording)
    there = [name for name in SECTIONS if _shows(findings, name) and (name != "journey" or pictures["stage_heat"][0])]
    script = _file("page.js")
    quotes = [_quote(row, wording) for row in findings.rows_of("quotes")]
    return _template(wording).render(
        archive=archive_name(findings),
        subtitle=subtitle(findings, wording),
        version=version("cxsentiment"),
        languages=REPORT_LANGUAGES,
        sections=[(name, wording(f"{name}.title")) for name in SECTIONS if name in there],
        shows=there.__contains__,
        cards=cards(findings, wording),
        alerts=_alerts(findings, wording, tables),
        min_count=wording.number(findings.min_count),
        charts=pictures,
        is_judged=findings.is_judged,
        unjudged=unjudged_sentence(findings.period, findings.min_count, wording),
        days=_days(findings, wording),
        sample=_sample(findings, wording),
        tables=_tables(tables),
        least=wording.number(charts.least_ranked(findings)),
        explained=explained(findings, wording),
        at_risk=[_risk(row, wording) for row in findings.rows_of("at_risk")] if "at_risk" in findings.tables else None,
        voices=_voices(quotes, wording),
        filters=_filters(quotes, wording),
        masked=findings.masked,
        errors=errors(findings, wording),
        gaps=_gaps(findings, wording),
        script=script,
        script_hash="sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_file("page.css"),
    )


def _template(wording: Wording) -> Template:
    """The template, with the words of the language."""
    loader = PackageLoader("cxsentiment.report", "")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["w"] = wording
    return environment.get_template(TEMPLATE)


def _file(name: str) -> str:
    return (resources.files("cxsentiment.report") / name).read_text(encoding="utf-8").strip()


def _shows(findings: Findings, section: str) -> bool:
    needs = NEEDS.get(section)
    if needs is None:
        return True
    there = [findings.tables[name] for name in needs if name in findings.tables]
    return any(section == "alerts" or len(table) for table in there)


# ---- voices -----------------------------------------------------------------------------------------------------------------------


def _quote(row: Mapping[str, Any], wording: Wording) -> Quote:
    return Quote(row["quote"], below(quote_facts(row, wording)), FEELINGS[row["polarity"]], row["language"], row["touchpoint"])


def _days(findings: Findings, wording: Wording) -> list[str]:
    """Which column the days are from, and of how many comments they are not known."""
    told = [] if findings.date_column is None else [wording("about.days", column=plain(findings.date_column))]
    return [*told, wording("about.untimed", n=wording.number(findings.untimed))] if told and findings.untimed else told


def _sample(findings: Findings, wording: Wording) -> str:
    """How many comments were read for what is said more often, where it is not all."""
    table = findings.tables.get("phrases", findings.tables.get("touchpoint_phrases"))
    metadata = {} if table is None else table.schema.metadata or {}
    read, of = (int(metadata.get(name, b"0")) for name in (b"read", b"of"))
    return wording("why.sample", read=wording.number(read), of=wording.number(of)) if read < of else ""


def _risk(row: Mapping[str, Any], wording: Wording) -> Quote:
    return Quote(row["text"], below(at_risk_facts(row, wording)), row["sentiment"], row["language"])


def _gaps(findings: Findings, wording: Wording) -> list[tuple[str, str]]:
    """What is not there and why, once each, with the language that it is said in."""
    said = [(wording.language if gap.lacks else "en", gap_sentence(gap, wording)) for gap in findings.gaps.values()]
    return list(dict.fromkeys((language, text.replace(findings.archive, archive_name(findings))) for language, text in said))


def _voices(quotes: Sequence[Quote], wording: Wording) -> list[tuple[str, list[Quote]]]:
    """Quotes by touchpoint, in the order of its names."""
    by_touchpoint: dict[str, list[Quote]] = {}
    for quote in quotes:
        by_touchpoint.setdefault(wording.name("touchpoint", quote.touchpoint), []).append(quote)
    return sorted(by_touchpoint.items(), key=lambda pair: pair[0].casefold())


def _filters(quotes: Sequence[Quote], wording: Wording) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Name, title and choices of each filter."""

    def choices(kind: str, values: set[str | None]) -> list[tuple[str, str]]:
        return sorted(((value, wording.name(kind, value)) for value in values if value), key=lambda pair: pair[1].casefold())

    return [
        ("touchpoint", wording("voices.touchpoint"), choices("touchpoint", {quote.touchpoint for quote in quotes})),
        ("sentiment", wording("voices.sentiment"), choices("sentiment", {quote.feeling for quote in quotes})),
        ("language", wording("voices.language"), choices("language", {quote.language for quote in quotes})),
    ]


def _alerts(findings: Findings, wording: Wording, tables: Tables) -> list[ShownAlert]:
    """Alerts; those that began with one of the same kind are folded, since they tell of the same comments as a rule."""
    words, quotes = findings.rows_of("alert_phrases"), findings.rows_of("alert_quotes")
    alerts = findings.rows_of("alerts")
    first = {(alert["since"], alert["change"] > 0): alert["alert"] for alert in reversed(alerts)}
    opened = sorted(first.values())[:OPEN]
    return [
        ShownAlert(
            alert_sentence(row, wording),
            alert_details(row, wording),
            row["change"] > 0,
            row["alert"] in opened,
            tables.alert_touchpoints(row["alert"]),
            [word | {"comments": wording.number(word["comments"])} for word in words if word["alert"] == row["alert"]],
            [_quote(quote, wording) for quote in quotes if quote["alert"] == row["alert"]],
        )
        for row in alerts
    ]


# ---- tables and pictures ----------------------------------------------------------------------------------------------------------


def _tables(tables: Tables) -> dict[str, Any]:
    return {
        "where": tables.where(),
        "touchpoints": tables.touchpoints(),
        "groups": tables.summary("touchpoint_groups", "group", tables.wording("where.groups")),
        "consistency": tables.consistency(),
        "impact": tables.impact(),
        "phrases": tables.phrases(),
        "touchpoint_phrases": tables.touchpoint_phrases(),
        "how": tables.how(),
        "loyalty": tables.loyalty(),
        "kpi": tables.kpi(),
    }


def _charts(findings: Findings, wording: Wording) -> dict[str, Any]:
    """The pictures by section; those that gain by it for a desktop and for a phone."""
    w = wording
    found = findings.tables
    both = {
        "trend": charts.trend_chart,
        "priority": charts.priority_matrix,
        "emotion_heat": charts.emotion_heat,
        "stage_heat": charts.stage_heat,
    }
    titles = {"languages": w("where.languages"), "channels": w("where.channels")}
    dimensions = {"languages": "language", "channels": "channel"} | {f"by_{name}": name for name in findings.by}
    titles |= {f"by_{name}": w("where.segment", name=w.dimension(name)) for name in findings.by}
    return {
        **{name: [draw(findings, w, width) for width in (charts.WIDE, charts.WIDTH)] for name, draw in both.items()},
        "language_trends": charts.language_trends(findings, w),
        "touchpoint_trends": charts.touchpoint_trends(findings, w),
        "where": [charts.net_bars(found.get(table), kind, w, table, titles[table]) for table, kind in dimensions.items()],
        "ranking": charts.touchpoint_ranking(findings, w),
        "how": [draw(findings, w) for draw in (charts.emotion_bars, charts.quality_bars, charts.module_bars, charts.intent_bars)],
        "loyalty": charts.loyalty_chart(findings, w),
        "kpi": [[charts.kpi_chart(findings, w, name), charts.lag_chart(findings, w, name)] for name in charts.charted_kpis(findings)],
    }
