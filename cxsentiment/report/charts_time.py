"""Charts of time: the course of net sentiment, with alerts where they were noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from cxsentiment.drawing import Picture
from cxsentiment.report.chart_dates import Days, day_axis
from cxsentiment.report.chart_style import (
    FEELINGS,
    LINE,
    NEUTRAL,
    PALE_INK,
    WIDE,
    WIDTH,
    Floats,
    Row,
    chart,
    comments,
    floats,
    framed,
    named,
    net_limits,
    number_axis,
)
from cxsentiment.report.findings import ENOUGH, Findings
from cxsentiment.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 8
"""Series that have a chart of their own."""

_SIZES: Final = 6
"""Of the dots of a course; their areas are as the comments."""

_DOTS: Final = 450.0
"""Points that the diameters of all dots add up to, where there are so many that they would hide each other."""

LENGTHS: Final = {"day": 1, "week": 7, "month": 30, "quarter": 91}
"""Of periods, in days: of the last one, of which no next one tells it."""

_NAMED: Final = ("touchpoint", "language", "channel", "segment")


@dataclass(frozen=True, slots=True)
class Course:
    """Net sentiment over T periods.

    `edges` (T + 1,) are the days on which they begin and the last one ends; `by_months`: they are months or quarters.
    """

    edges: Days
    by_months: bool
    comments: Floats
    net: Floats
    smooth: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, rows: Sequence[Row], period: str) -> Course:
        """From rows of a table as `measure.trend` gives it, of one series."""
        starts = np.array([row["period"] for row in rows], "datetime64[D]")
        edges = np.append(starts, starts[-1] + LENGTHS[period])
        values = (floats(rows, name) for name in ("comments", "net_sentiment", "smooth", "low", "high"))
        return cls(edges, period in {"month", "quarter"}, *values)

    @property
    def middles(self) -> Floats:
        """Of each period, in days since 1970."""
        edges = self.edges.astype(np.float64)
        return (edges[:-1] + edges[1:]) / 2

    @property
    def limits(self) -> tuple[float, float]:
        """Of all that is drawn."""
        return net_limits([self.net, self.low, self.high])


def trend_chart(findings: Findings, wording: Wording, width: float = WIDE) -> Picture | None:
    """Net sentiment of all comments, with every alert, and how many comments there are."""
    rows = findings.rows_of("trend")
    if not rows:
        return None
    course, alerts = Course.of(rows, findings.period), findings.rows_of("alerts")
    period = wording(f"periods.{findings.period}")
    caption = wording("time.overall", period=period)

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        draw_course(upper, course, wording)
        upper.set_ylim(*course.limits)
        _mark(upper, course, alerts, wording)
        _draw_volume(lower, course, wording("time.volume", period=period), wording)
        time_axis(lower, course, wording, width)
        if alerts:
            _explain(upper, alerts, wording)

    label = f"{caption}. {course_words(course, wording)}. {wording('headline.alerts')}: {wording.number(len(alerts))}"
    return chart(f"trend-{round(width * 10)}", label, caption, (width, 3.9 if width < WIDE else 4.2), draw)


def language_trends(findings: Findings, wording: Wording) -> list[Picture]:
    """Net sentiment of each language, with its own alerts."""
    return _small(findings, wording, "language")


def touchpoint_trends(findings: Findings, wording: Wording) -> list[Picture]:
    """Net sentiment of each touchpoint that has a trend, with its own alerts."""
    return _small(findings, wording, "touchpoint")


def draw_course(axes: Axes, course: Course, wording: Wording) -> None:
    """The smooth line with its interval, and a dot for each period, larger for more comments."""
    framed(axes, grid="y")
    axes.axhline(0, color=LINE, linewidth=1, zorder=1)
    axes.fill_between(course.middles, course.low, course.high, color=FEELINGS["positive"], alpha=0.15, linewidth=0)
    axes.plot(course.middles, course.smooth, color=FEELINGS["positive"], linewidth=2)
    _draw_dots(axes, course)
    number_axis(axes.yaxis, wording.points, 5)


def _draw_dots(axes: Axes, course: Course) -> None:
    """In few sizes, which need little space in a file."""
    largest = min(max(_DOTS / len(course.net), 3.0), 6.0)
    sizes = np.ceil(_SIZES * course.comments / max(course.comments.max(), 1))
    for size in range(1, _SIZES + 1):
        chosen = np.isfinite(course.net) & (sizes == size)
        if chosen.any():
            look = {"color": NEUTRAL, "alpha": 0.75, "markersize": largest * (size / _SIZES) ** 0.5, "markeredgewidth": 0}
            axes.plot(course.middles[chosen], course.net[chosen], "o", zorder=2.5, **look)


def time_axis(axes: Axes, course: Course, wording: Wording, width: float) -> None:
    """The days below a course."""
    first, last = course.edges[0], course.edges[-1]
    margin = 0.02 * float((last - first).astype(np.int64))
    axes.set_xlim(first.astype(np.float64) - margin, last.astype(np.float64) + margin)
    day_axis(axes, first, last, wording, 5 if width < WIDE else 12, months=course.by_months)


def course_words(course: Course, wording: Wording) -> str:
    """Where a course begins, where it ends, and between which values it lies."""
    days = course.edges.astype(object)
    places = dict.fromkeys([0, int(np.argmin(course.smooth)), int(np.argmax(course.smooth)), len(course.smooth) - 1])
    values = "; ".join(f"{wording.day(days[place])}: {wording.points(course.smooth[place])}" for place in sorted(places))
    return f"{values}; {comments(wording, int(course.comments.sum()))}"


# ---- one series each --------------------------------------------------------------------------------------------------------------


def _small(findings: Findings, wording: Wording, kind: str) -> list[Picture]:
    series: dict[str | None, list[Row]] = {}
    for row in findings.rows_of(f"{kind}_trends"):
        series.setdefault(row[kind], []).append(row)
    courses = {value: Course.of(rows, findings.period) for value, rows in series.items()}
    enough = [value for value, course in courses.items() if course.comments.sum() >= ENOUGH]
    chosen = sorted(enough or courses, key=lambda value: -courses[value].comments.sum())[:MOST]
    lows, highs = zip(*(courses[value].limits for value in chosen), strict=True) if chosen else ((0.0,), (0.0,))
    pictures = []
    for number, value in enumerate(chosen):
        alerts = [row for row in findings.rows_of("alerts") if _is_of(row, kind, value)]
        pictures.append(_one(f"{kind}-trend-{number}", courses[value], alerts, kind, value, (min(lows), max(highs)), wording))
    return pictures


def _one(
    name: str, course: Course, alerts: Sequence[Row], kind: str, value: str | None, limits: tuple[float, float], wording: Wording
) -> Picture:
    caption = named(wording, kind, value)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        draw_course(axes, course, wording)
        axes.set_ylim(*limits)
        _mark(axes, course, alerts, wording)
        time_axis(axes, course, wording, WIDTH)

    label = f"{caption}: {course_words(course, wording)}. {wording('headline.alerts')}: {wording.number(len(alerts))}"
    return chart(name, label, caption, (WIDTH, 2.0), draw)


def _is_of(alert: Row, kind: str, value: str | None) -> bool:
    """Whether an alert is about this series, and no other or smaller one."""
    return value is not None and alert[kind] == value and all(alert[other] is None for other in _NAMED if other != kind)


# ---- parts ------------------------------------------------------------------------------------------------------------------------


def _mark(axes: Axes, course: Course, alerts: Sequence[Row], wording: Wording) -> None:
    """A line at each period that has alerts; a triangle down at the top for drops, up at the bottom for rises, with how many if several."""
    middles = dict(zip(course.edges.astype(object)[:-1], course.middles, strict=True))
    for (day, is_drop), number in Counter((alert["period"], alert["change"] < 0) for alert in alerts).items():
        if day not in middles:
            continue
        colour, at = FEELINGS["negative" if is_drop else "positive"], 0.96 if is_drop else 0.04
        axes.axvline(middles[day], color=colour, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1.5)
        down = axes.get_xaxis_transform()
        axes.plot(
            middles[day], at, marker="v" if is_drop else "^", color=colour, markersize=8, markeredgecolor="white", transform=down,
            clip_on=False,
        )  # fmt: skip
        if number > 1:
            place = (middles[day], at)
            axes.annotate(wording.number(number), place, (6, 0), down, textcoords="offset points", va="center", fontweight="bold")


def _explain(axes: Axes, alerts: Sequence[Row], wording: Wording) -> None:
    """What the triangles are, above the axes."""
    from matplotlib.lines import Line2D

    drops = sum(row["change"] < 0 for row in alerts)
    kinds = [("v", "negative", "time.alert_drop")] * bool(drops) + [("^", "positive", "time.alert_rise")] * (drops < len(alerts))
    marks = [
        Line2D([], [], marker=marker, color=FEELINGS[feeling], markersize=8, linestyle="none", label=wording(words))
        for marker, feeling, words in kinds
    ]
    axes.legend(handles=marks, loc="lower right", bbox_to_anchor=(1, 1), borderpad=0, handletextpad=0.4, ncols=len(marks), columnspacing=1)


def _draw_volume(axes: Axes, course: Course, title: str, wording: Wording) -> None:
    framed(axes, grid="y")
    axes.stairs(course.comments, course.edges.astype(np.float64), fill=True, color=LINE)
    axes.set_title(title, fontsize=9, color=PALE_INK)
    number_axis(axes.yaxis, wording.number, 2, whole=True)
    axes.set_ylim(bottom=0)
