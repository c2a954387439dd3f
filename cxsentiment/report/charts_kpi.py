"""Charts of net sentiment beside figures of the company: both over time, and how closely they move together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from cxsentiment.drawing import Picture
from cxsentiment.report.chart_style import (
    FEELINGS,
    INK,
    LINE,
    NEUTRAL,
    PALE_INK,
    WIDTH,
    Floats,
    Row,
    chart,
    floats,
    framed,
    interval,
    named,
    number_axis,
)
from cxsentiment.report.charts_time import LENGTHS, Course, course_words, draw_course, time_axis
from cxsentiment.report.findings import Findings
from cxsentiment.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 8
"""Figures that have charts."""

_DOTTED: Final = 60
"""Periods up to which each of them has a dot."""

_MEASURE: Final = "net_sentiment"


def charted_kpis(findings: Findings) -> list[str]:
    """The figures that have charts: the first ones."""
    table = findings.tables.get("kpi_series")
    return [] if table is None else [name for name in table.column_names if name != "period"][:MOST]


def kpi_chart(findings: Findings, wording: Wording, kpi: str) -> Picture | None:
    """Net sentiment and a figure of the company over the same time, one above the other."""
    trend, shown = findings.rows_of("trend"), charted_kpis(findings)
    if not trend or kpi not in shown:
        return None
    course = Course.of(trend, findings.period)
    days, figures = _during(course, findings.rows_of("kpi_series"), kpi, findings.period)
    if not len(figures):
        return None
    name, net = named(wording, "kpi", kpi), wording("headline.net")
    told = _writer(figures, wording)

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        draw_course(upper, course, wording)
        upper.set_ylim(*course.limits)
        upper.set_title(net, fontsize=9)
        framed(lower, grid="y")
        lower.plot(days, figures, color=INK, linewidth=1.5, marker="o" if len(days) <= _DOTTED else None, markersize=3)
        lower.set_title(name, fontsize=9)
        number_axis(lower.yaxis, told)
        time_axis(lower, course, wording, WIDTH)

    caption = wording("kpi.relation", kpi=name, measure=net)
    label = f"{caption}. {net}: {course_words(course, wording)}. {name}: {told(figures[0])} – {told(figures[-1])}"
    return chart(f"kpi-{shown.index(kpi)}", label, caption, (WIDTH, 3.2), draw)


def _during(course: Course, series: Sequence[Row], kpi: str, period: str) -> tuple[Floats, Floats]:
    """The middles of the periods of a course in which a figure is known, in days since 1970, and the figure in each."""
    days = np.array([row["period"] for row in series], "datetime64[D]").astype(np.float64) + LENGTHS[period] / 2
    figures = floats(series, kpi)
    first, last = course.edges[[0, -1]].astype(np.float64)
    known = np.isfinite(figures) & (days >= first) & (days <= last)
    return days[known], figures[known]


def lag_chart(findings: Findings, wording: Wording, kpi: str) -> Picture | None:
    """The correlation of net sentiment with a figure at each lag, with intervals; the clearest one stands out."""
    shown = charted_kpis(findings)
    rows = [row for row in findings.rows_of("kpi") if (row["measure"], row["kpi"]) == (_MEASURE, kpi) and row["correlation"] is not None]
    if kpi not in shown or not rows:
        return None
    name, net = named(wording, "kpi", kpi), wording("headline.net")
    caption = wording("kpi.relation", kpi=name, measure=net)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        framed(axes, grid="y")
        axes.axhline(0, color=LINE, linewidth=1, zorder=1)
        axes.axvline(0, color=LINE, linewidth=1, linestyle=":", zorder=1)
        for row in rows:
            _draw_lag(axes, row, wording)
        axes.set_ylim(-1.05, 1.05)
        number_axis(axes.yaxis, lambda value: wording.number(value, 1))
        number_axis(axes.xaxis, wording.number, 8, whole=True)
        axes.set_xlabel(wording(f"kpi.lag_{findings.period}s"), color=PALE_INK)
        axes.set_title(wording("kpi.correlation"), fontsize=9, color=PALE_INK)
        _name_sides(axes, wording("kpi.lag_after", kpi=name, measure=net), wording("kpi.lag_first", kpi=name, measure=net))

    best = next((row for row in rows if row["clearest"]), rows[0])
    label = f"{caption}. {_words(best, findings.period, wording)}"
    return chart(f"lag-{shown.index(kpi)}", label, caption, (WIDTH, 2.9), draw)


def _words(row: Row, period: str, wording: Wording) -> str:
    def told(value: float | None) -> str:
        return wording.number(value, 2)

    where = f"{wording(f'kpi.lag_{period}s')}: {wording.number(row['lag'])}"
    return f"{where}; {wording('kpi.correlation')}: {told(row['correlation'])}, {interval(wording, told, row['low'], row['high'])}"


def _draw_lag(axes: Axes, row: Row, wording: Wording) -> None:
    stands_out = bool(row["clearest"] and row["stands_out"])
    colour = FEELINGS["positive" if row["correlation"] > 0 else "negative"] if stands_out else NEUTRAL
    axes.plot([row["lag"]] * 2, [row["low"], row["high"]], color=colour, linewidth=2.4 if row["clearest"] else 1.2)
    axes.plot(row["lag"], row["correlation"], marker="o", color=colour, markersize=7 if row["clearest"] else 4)
    if row["clearest"]:
        axes.annotate(
            wording.number(row["correlation"], 2), (row["lag"], row["high"]), (0, 3), textcoords="offset points", ha="center",
            fontweight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip


def _name_sides(axes: Axes, left: str, right: str) -> None:
    """What comes first at lags below and above 0."""
    for text, x, y, side in ((f"← {left}", 0, -30, "left"), (f"{right} →", 1, -42, "right")):
        axes.annotate(text, (x, 0), (0, y), "axes fraction", textcoords="offset points", ha=side, va="top", color=PALE_INK)


def _writer(known: Floats, wording: Wording) -> Callable[[float], str]:
    """Writes figures with as many digits as tell them apart."""
    spread = float(known.max() - known.min()) or abs(float(known.max())) or 1.0
    digits = min(max(0, 1 - math.floor(math.log10(spread))), 6)
    return lambda value: wording.number(value, digits)
