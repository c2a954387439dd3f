"""The report as Markdown, in the syntax of GitHub, to read as it is or rendered.

Whatever comes from customers is shown letter by letter: no markup of theirs is markup, no tag a tag, no address a link. Escaped are
characters that mean something in Markdown, HTML or a template; an invisible word joiner (U+2060) parts what would become a link or
notify somebody by itself (`https://`, `www.`, `@name`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cxsentiment.archive.encoding import without_surrogates
from cxsentiment.report.findings import Findings
from cxsentiment.report.headline import archive_name, cards, errors, explained, subtitle
from cxsentiment.report.sentences import alert_details, alert_sentence, at_risk_facts, below, gap_sentence, quote_facts
from cxsentiment.report.tables import Column, ShownTable, Tables
from cxsentiment.report.wording import Wording

Row = Mapping[str, Any]

_MARKUP: Final = re.compile(r"[\\`*_{}\[\]#|~$]")
_LIST_OR_LINE: Final = re.compile(r"^(\d*)([-+=.)])")
"""What makes a list, a heading or a line of the line that it begins."""
_SPACES: Final = re.compile(r"[^\S\u00a0\u202f]+")
"""White space and line breaks; the spaces within a number stay as they are."""
_LINK: Final = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[\w-])", re.IGNORECASE)
_WORD_JOINER: Final = "\u2060"
_UNSEEN: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff\\ufff9-\\ufffb]")
"""Control characters, and marks that turn the direction of the text around them."""


def as_markdown(findings: Findings, wording: Wording) -> str:
    """The whole report but for pictures: headline figures, alerts with what stands behind them, tables, quotes, and what is missing."""
    blocks = [*_top(findings, wording), *_alerts(findings, wording), *_tables(findings, wording), *_gaps(findings, wording)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """The text on one line, to stand inside of a line or a cell of a table, where it looks as it is."""
    seen = _UNSEEN.sub("", _SPACES.sub(" ", without_surrogates(text))).strip(" ")
    return _MARKUP.sub(r"\\\g<0>", html.escape(_LINK.sub(_WORD_JOINER, seen), quote=False))


def _line(text: str) -> str:
    """The text, to stand at the beginning of a line."""
    return _LIST_OR_LINE.sub(r"\1\\\2", escaped(text))


def _heading(text: str, level: int = 2) -> str:
    return f"{'#' * level} {escaped(text)}"


def _listed(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(table: ShownTable) -> str:
    lines = [[escaped(column.title) for column in table.columns], ["---:" if column.is_figure else "---" for column in table.columns]]
    lines += [[escaped(cell) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _titled(table: ShownTable | None, note: str = "") -> Iterator[str]:
    """A table below its title, with a note; nothing if there is none."""
    if table:
        yield from (_heading(table.title), _table(table), _line(note))


# ---- sections ---------------------------------------------------------------------------------------------------------------------


def _top(findings: Findings, wording: Wording) -> Iterator[str]:
    yield _heading(wording("page.title"), 1)
    yield _line(f"{archive_name(findings)} · {subtitle(findings, wording)}")
    yield _line(errors(findings, wording))
    yield _heading(wording("headline.title"))
    figures = [(card.what, f"{card.figure} ({card.small})" if card.small else card.figure) for card in cards(findings, wording)]
    yield _listed([f"{escaped(what)}: **{escaped(figure)}**" for what, figure in figures])
    yield _line(wording("headline.net_is"))


def _alerts(findings: Findings, wording: Wording) -> Iterator[str]:
    if "alerts" not in findings.tables:
        return
    yield _heading(wording("alerts.title"))
    alerts = findings.rows_of("alerts")
    tables = Tables(findings, wording)
    for alert in alerts:
        number = alert["alert"]
        yield _heading(alert_sentence(alert, wording), 3)
        yield _line(alert_details(alert, wording))
        if pulls := tables.alert_touchpoints(number):
            yield from (_line(f"{pulls.title}:"), _table(pulls))
        yield from _words([row for row in findings.rows_of("alert_phrases") if row["alert"] == number], wording)
        yield from (_quote(row, wording) for row in findings.rows_of("alert_quotes") if row["alert"] == number)
    if not alerts:
        yield _line(wording("alerts.none"))
    yield _line(wording("alerts.rate", min_count=wording.number(findings.min_count)))


def _words(rows: Sequence[Row], wording: Wording) -> Iterator[str]:
    if rows:
        said = ", ".join(f"{row['phrase']} ({wording.number(row['comments'])})" for row in rows)
        yield _line(f"{wording('alerts.words')}: {said}")


def _quote(row: Row, wording: Wording) -> str:
    return f"> {_line(row['quote'])}\n>\n> — {escaped(below(quote_facts(row, wording)))}"


def _tables(findings: Findings, wording: Wording) -> Iterator[str]:
    w = wording
    tables = Tables(findings, wording)
    shown: list[tuple[ShownTable | None, str]] = [
        *((table, "") for table in (*tables.where(), tables.touchpoints())),
        (tables.impact(), explained(findings, wording)),
        *((table, "") for table in tables.how()),
        (tables.loyalty(), w("loyalty.ladder_note")),
        (tables.consistency(), w("where.consistency_note")),
        (tables.kpi(), w("kpi.caution")),
        (tables.phrases(), ""),
        (_at_risk(findings, wording), ""),
        (_quotes(findings, wording), w("voices.masked") if findings.masked else ""),
    ]
    for table, note in shown:
        yield from _titled(table, note)


def _gaps(findings: Findings, wording: Wording) -> Iterator[str]:
    if findings.gaps:
        yield _heading(wording("page.not_here"))
        yield _listed([f"{escaped(name)}: {escaped(gap_sentence(gap, wording))}" for name, gap in findings.gaps.items()])


# ---- voices -----------------------------------------------------------------------------------------------------------------------


def _quotes(findings: Findings, wording: Wording) -> ShownTable | None:
    """The most typical quote of each touchpoint and feeling."""
    first: dict[tuple[str, str], Row] = {}
    for row in findings.rows_of("quotes"):
        first.setdefault((row["touchpoint"], row["polarity"]), row)
    heads = (wording("voices.touchpoint"), wording("voices.sentiment"), wording("voices.language"), wording("time.title"))
    rows = tuple((*quote_facts(row, wording), str(row["quote"])) for row in first.values())
    return _of_texts(wording("voices.title"), (*heads, wording("alerts.voices")), rows)


def _at_risk(findings: Findings, wording: Wording) -> ShownTable | None:
    rows = tuple((*at_risk_facts(row, wording), str(row["text"] or "")) for row in findings.rows_of("at_risk"))
    heads = [wording(key) for key in ("how.intents", "voices.touchpoint", "voices.language", "time.title", "alerts.voices")]
    return _of_texts(wording("loyalty.at_risk"), heads, rows)


def _of_texts(title: str, heads: Sequence[str], rows: tuple[tuple[str, ...], ...]) -> ShownTable | None:
    return ShownTable(title, tuple(Column(head, is_figure=False) for head in heads), rows) if rows else None
