"""The tables of a report as they are shown: titles and cells in the language of the report, for a page or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxsentiment.report.findings import Findings
from cxsentiment.report.sentences import kpi_direction, kpi_verdict
from cxsentiment.report.wording import Wording

Row = Mapping[str, Any]
Cell = Callable[[Row], str]
Head = tuple[str, Cell]
"""Title of a column, and what stands in it."""

MOST: Final = 100
"""Rows of a table that are shown; more values of a column are for programs (JSON) and spreadsheets."""


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a column; figures stand to the right."""

    title: str
    is_figure: bool = True


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table with its title; each row begins with what it is about."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


class Tables:
    """Makes the tables of some findings; each is None where there is nothing to show."""

    def __init__(self, findings: Findings, wording: Wording) -> None:
        self.findings = findings
        self.wording = wording

    def summary(self, table: str, kind: str, title: str) -> ShownTable | None:
        """Comments, shares and net sentiment of each value of a dimension."""
        return self._made(table, title, self._name(kind), [self._comments(), *self._shares("positive", "negative", "mixed"), *self._net()])

    def touchpoints(self) -> ShownTable | None:
        """All touchpoints, worst first."""
        return self.summary("touchpoints", "touchpoint", self.wording("where.touchpoints"))

    def where(self) -> list[ShownTable]:
        """Languages, channels, and the dimensions that were asked for."""
        w = self.wording
        shown = [
            self.summary("languages", "language", w("where.languages")),
            self.summary("channels", "channel", w("where.channels")),
            *(self.summary(f"by_{name}", name, w("where.segment", name=w.dimension(name))) for name in self.findings.by),
        ]
        return [table for table in shown if table]

    def consistency(self) -> ShownTable | None:
        """How alike customers feel everywhere."""
        w = self.wording
        about: Head = ("", lambda row: w("where.across", name=w.dimension(row["across"])))
        figures: list[Head] = [
            (w("where.consistency"), lambda row: w.number(row["index"], 2)),
            self._interval("low", "high", lambda value: w.number(value, 2)),
        ]
        return self._made("consistency", w("where.consistency"), about, figures)

    def impact(self) -> ShownTable | None:
        """Performance and impact of touchpoints."""
        w = self.wording
        figures: list[Head] = [
            self._comments(),
            (w("priority.performance"), lambda row: w.points(row["performance"])),
            (w("priority.impact"), lambda row: w.percent(row["impact"])),
            self._interval("low", "high", w.percent),
        ]
        return self._made("impact", w("priority.matrix"), self._name("touchpoint"), figures)

    def how(self) -> list[ShownTable]:
        """Emotions, qualities, experience modules and intents."""
        w = self.wording
        kinds = (("emotions", "emotion"), ("modules", "module"), ("intents", "intent"))
        shown = [self._made(table, w(f"how.{table}"), self._name(kind), [self._comments(), *self._share()]) for table, kind in kinds]
        balance: list[Head] = [
            self._comments("how.judged_by"),
            (w("where.net"), lambda row: w.points(row["balance"])),
            self._interval("low", "high", w.points),
        ]
        shown.insert(1, self._made("qualities", w("how.qualities"), self._name("quality"), balance))
        return [table for table in shown if table]

    def loyalty(self) -> ShownTable | None:
        """New and returning customers and advocates."""
        w = self.wording
        share: Head = (w("where.share"), lambda row: w.percent(row["share"]))
        return self._made("loyalty", w("loyalty.ladder"), self._name("relation"), [self._comments(), share, *self._net()])

    def phrases(self) -> ShownTable | None:
        """What unhappy and happy customers say more often."""
        return self._phrases("phrases", "sentiment", self.wording("why.phrases"), ("negative", "positive"))

    def touchpoint_phrases(self) -> ShownTable | None:
        """What is said more often of a touchpoint."""
        return self._phrases("touchpoint_phrases", "touchpoint", self.wording("why.touchpoint_phrases"))

    def kpi(self) -> ShownTable | None:
        """Each figure of the company beside each measure, at the lag where they go together most."""
        w = self.wording
        rows = [row for row in self.findings.rows_of("kpi") if row["clearest"] or row["lag"] is None]

        def pair(row: Row) -> str:
            return w("kpi.relation", kpi=w.name("kpi", row["kpi"]), measure=w(f"kpi.{row['measure']}"))

        figures: list[Head] = [
            ("", lambda row: kpi_direction(row, w) if row["stands_out"] else ""),
            (w(f"kpi.lag_{self.findings.period}s"), lambda row: w.number(row["lag"]) if row["stands_out"] else ""),
            (w("kpi.correlation"), lambda row: w.number(row["correlation"], 2)),
            self._interval("low", "high", lambda value: w.number(value, 2)),
            (w("kpi.periods"), lambda row: w.number(row["n"])),
            ("", lambda row: kpi_verdict(row, w)),
        ]
        return _shown(w("kpi.title"), ("", pair), figures, rows)

    def alert_touchpoints(self, alert: int) -> ShownTable | None:
        """Which touchpoints pulled where the alert says."""
        w = self.wording
        rows = [row for row in self.findings.rows_of("alert_touchpoints") if row["alert"] == alert]
        figures: list[Head] = [
            self._comments(),
            (w("alerts.now"), lambda row: w.points(row["net_sentiment"])),
            (w("alerts.earlier"), lambda row: w.points(row["earlier_net_sentiment"])),
            (w("alerts.pull"), lambda row: w.points(row["pull"])),
        ]
        return _shown(w("alerts.touchpoints"), self._name("touchpoint"), figures, rows)

    # ---- columns ----

    def _name(self, kind: str) -> Head:
        return "", lambda row: self.wording.name(kind, row[kind])

    def _comments(self, title: str = "where.comments") -> Head:
        return self.wording(title), lambda row: self.wording.number(row["comments"])

    def _shares(self, *feelings: str) -> list[Head]:
        def cell(feeling: str) -> Cell:
            return lambda row: self.wording.percent(row[feeling] / row["comments"] if row["comments"] else None)

        return [(self.wording(f"headline.{feeling}"), cell(feeling)) for feeling in feelings]

    def _net(self) -> list[Head]:
        w = self.wording
        return [(w("where.net"), lambda row: w.points(row["net_sentiment"])), self._interval("net_low", "net_high", w.points)]

    def _share(self) -> list[Head]:
        w = self.wording
        return [(w("where.share"), lambda row: w.percent(row["share"])), self._interval("low", "high", w.percent)]

    def _interval(self, low: str, high: str, write: Callable[[float | None], str]) -> Head:
        return self.wording("where.interval"), lambda row: f"{write(row[low])} … {write(row[high])}" if row[low] is not None else ""

    def _phrases(self, table: str, kind: str, title: str, groups: Sequence[str] = ()) -> ShownTable | None:
        w = self.wording
        rows = [row for row in self.findings.rows_of(table) if not groups or row[kind] in groups]
        figures: list[Head] = [
            (w("voices.language"), lambda row: w.name("language", row["language"])),
            (w("why.phrase"), lambda row: str(row["phrase"])),
            self._comments(),
            (w("why.here"), lambda row: w.percent(row["share"])),
            (w("why.elsewhere"), lambda row: w.percent(row["elsewhere"])),
        ]
        return _shown(title, self._name(kind), figures, rows, words=2)

    # ---- rows ----

    def _made(self, table: str, title: str, about: Head, figures: Sequence[Head]) -> ShownTable | None:
        found = self.findings.tables.get(table)
        return None if found is None else _shown(title, about, figures, found.slice(0, MOST).to_pylist())


def _shown(title: str, about: Head, figures: Sequence[Head], rows: Sequence[Row], words: int = 0) -> ShownTable | None:
    """None without rows; the first `words` columns after the first, and those without a title, are no figures."""
    if not rows:
        return None
    columns = (Column(about[0], is_figure=False), *(Column(head, bool(head) and place >= words) for place, (head, _) in enumerate(figures)))
    cells = (about[1], *(cell for _, cell in figures))
    return ShownTable(title, columns, tuple(tuple(cell(row) for cell in cells) for row in rows))
