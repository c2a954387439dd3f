"""Charts with a row for each name: net sentiment with its interval, shares with theirs, and the ladder of loyalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from cxsentiment.drawing import Picture, id_part
from cxsentiment.report.chart_style import (
    FEELINGS,
    INK,
    LINE,
    NEUTRAL,
    PALE_INK,
    WIDTH,
    Row,
    chart,
    comments,
    feeling_colour,
    framed,
    interval,
    named,
    net_limits,
    number_axis,
    readable_on,
)
from cxsentiment.report.findings import ENOUGH, Findings
from cxsentiment.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 12
"""Rows of a chart of languages, channels or segments."""

FEW: Final = 3
"""Comments that a row has at least; of touchpoints, where fewer than `LEAST` have `ENOUGH`."""

LEAST: Final = 5

_TOLD: Final = 6
"""Rows that the words of a chart tell."""

_ROW: Final = 0.235
"""Inches."""

_LINE: Final = 17
"""Letters of a line of a name."""

_BESIDE: Final = 34
"""Points from the axes to the right edge of what stands beside them."""

_FELT: Final[Mapping[str, str]] = {
    **dict.fromkeys(("joy", "satisfaction", "trust", "admiration", "gratitude", "recommendation", "repurchase"), "positive"),
    **dict.fromkeys(("confusion", "disappointment", "sadness", "fear", "frustration", "anger", "disgust", "hate"), "negative"),
    **dict.fromkeys(("complaint", "retaliation", "churn"), "negative"),
}
"""What emotions and intents have to do with sentiment; the others are neutral."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: a value with its interval, and of how many comments (None: not told beside the name)."""

    name: str
    value: float
    low: float
    high: float
    comments: int | None = None
    colour: str = NEUTRAL


def net_bars(table: pa.Table | None, dimension: str, wording: Wording, name: str, label: str) -> Picture | None:
    """Net sentiment of each value of a dimension with its interval, those of most comments first; with `FEW` comments at least, if any has.

    `name` keeps the picture apart from others of its page, `label` stands above it; `table` is as `measure.summary` gives it.
    """
    largest = [] if table is None else table.sort_by([("comments", "descending")]).slice(0, 2 * MOST).to_pylist()
    every = [row for row in largest if row["comments"]]
    rows = sorted(_with_enough(every, FEW) or every, key=lambda row: -row["comments"])[:MOST]
    return _net_chart(f"net-{id_part(name)}", [_net_bar(row, dimension, wording) for row in rows], wording, label)


def touchpoint_ranking(findings: Findings, wording: Wording) -> Picture | None:
    """Net sentiment of each touchpoint that enough comments mention (`least_ranked`), the worst first."""
    rows = _with_enough(findings.rows_of("touchpoints"), least_ranked(findings))
    rows = sorted(rows, key=lambda row: (row["net_sentiment"], -row["comments"]))
    return _net_chart("touchpoints", [_net_bar(row, "touchpoint", wording) for row in rows], wording, wording("where.touchpoints"))


def least_ranked(findings: Findings) -> int:
    """From how many comments on a touchpoint is ranked: fewer where hardly any has enough."""
    return ENOUGH if len(_with_enough(findings.rows_of("touchpoints"), ENOUGH)) >= LEAST else FEW


def quality_bars(findings: Findings, wording: Wording) -> Picture | None:
    """How the qualities of the experience are judged, those that anybody judges."""
    bars = [
        Bar(
            named(wording, "quality", row["quality"]), row["balance"], row["low"], row["high"], row["comments"],
            feeling_colour(row["low"], row["high"]),
        )
        for row in findings.rows_of("qualities")
        if row["comments"]
    ]  # fmt: skip
    return _net_chart("qualities", bars, wording, wording("how.qualities"))


def emotion_bars(findings: Findings, wording: Wording) -> Picture | None:
    """In which share of comments each emotion is expressed, in the order of the table."""
    return _share_chart(findings, "emotions", "emotion", wording)


def module_bars(findings: Findings, wording: Wording) -> Picture | None:
    """What shares of comments the experience modules have."""
    return _share_chart(findings, "modules", "module", wording)


def intent_bars(findings: Findings, wording: Wording) -> Picture | None:
    """In which share of comments customers are about to do something."""
    return _share_chart(findings, "intents", "intent", wording)


# ---- net sentiment ----------------------------------------------------------------------------------------------------------------


def _with_enough(rows: Sequence[Row], least: int) -> list[Row]:
    return [row for row in rows if row["comments"] >= least]


def _net_bar(row: Row, dimension: str, wording: Wording) -> Bar:
    colour = feeling_colour(row["net_low"], row["net_high"])
    name = named(wording, dimension, row[dimension])
    return Bar(name, row["net_sentiment"], row["net_low"], row["net_high"], row["comments"], colour)


def _net_chart(name: str, bars: Sequence[Bar], wording: Wording, caption: str) -> Picture | None:
    if not bars:
        return None
    rows = _Rows.of(bars, wording)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        framed(axes, grid="x")
        for place, bar in zip(rows.places, bars, strict=True):
            axes.plot([bar.low, bar.high], [place, place], color=bar.colour, linewidth=2, solid_capstyle="round")
            axes.plot(bar.value, place, marker="o", color=bar.colour, markersize=6.5, markeredgecolor="white", linestyle="none")
        axes.axvline(0, color=LINE, linewidth=1, zorder=1)
        axes.set_xlim(*net_limits([np.array([bar.low, bar.high]) for bar in bars]))
        number_axis(axes.xaxis, wording.points, 5)
        rows.name(axes, [wording.points(bar.value) for bar in bars])

    return chart(name, _words(caption, bars, wording, wording.points), caption, (WIDTH, rows.height), draw)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The names beside a chart, in one line or two, and where their rows are."""

    names: Sequence[str]
    places: Sequence[float]
    end: float

    @classmethod
    def of(cls, bars: Sequence[Bar], wording: Wording) -> _Rows:
        names = [bar.name if bar.comments is None else f"{bar.name} ({wording.number(bar.comments)})" for bar in bars]
        wrapped = ["\n".join(wrap(name, _LINE, break_long_words=False)) for name in names]
        ends = np.cumsum([1 + 0.45 * name.count("\n") for name in wrapped])
        starts = np.append(0.0, ends[:-1])
        return cls(wrapped, ((starts + ends) / 2).tolist(), float(ends[-1]))

    @property
    def height(self) -> float:
        """Of the chart, in inches."""
        return 0.4 + _ROW * self.end

    def name(self, axes: Axes, figures: Sequence[str]) -> None:
        """Names at the left, and what the rows come to at the right."""
        axes.set_yticks(self.places, self.names, linespacing=1.0)
        axes.set_ylim(self.end, 0)
        for place, text in zip(self.places, figures, strict=True):
            edge = axes.get_yaxis_transform()
            axes.annotate(text, (1, place), (_BESIDE, 0), edge, textcoords="offset points", ha="right", va="center", fontweight="bold")


def _words(caption: str, bars: Sequence[Bar], wording: Wording, told: Callable[[float | None], str]) -> str:
    shown = [*bars[: _TOLD // 2], *bars[-(_TOLD // 2) :]] if len(bars) > _TOLD else bars
    parts = [
        f"{bar.name} {told(bar.value)} ({interval(wording, told, bar.low, bar.high)})"
        + ("" if bar.comments is None else f", {comments(wording, bar.comments)}")
        for bar in shown
    ]
    if len(parts) < len(bars):
        parts.insert(_TOLD // 2, "…")
    return f"{caption}. {'; '.join(parts)}"


# ---- shares -----------------------------------------------------------------------------------------------------------------------


def _share_chart(findings: Findings, table: str, kind: str, wording: Wording) -> Picture | None:
    bars = [
        Bar(
            named(wording, kind, row[kind]), row["share"], row["low"], row["high"], None,
            FEELINGS[_FELT.get(row[kind], "neutral")],
        )
        for row in findings.rows_of(table)
        if row["total"]
    ]  # fmt: skip
    if not bars:
        return None
    caption = wording(f"how.{table}")
    rows = _Rows.of(bars, wording)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        framed(axes, grid="x")
        axes.barh(rows.places, [bar.value for bar in bars], height=0.62, color=[bar.colour for bar in bars])
        axes.hlines(rows.places, [bar.low for bar in bars], [bar.high for bar in bars], color=INK, linewidth=1.2)
        axes.set_xlim(0, 1.02 * max(bar.high for bar in bars))
        number_axis(axes.xaxis, wording.percent)
        rows.name(axes, [wording.percent(bar.value) for bar in bars])

    label = _words(caption, bars, wording, wording.percent)
    return chart(table, label, caption, (WIDTH, rows.height), draw)


# ---- loyalty ----------------------------------------------------------------------------------------------------------------------


def loyalty_chart(findings: Findings, wording: Wording) -> Picture | None:
    """New customers, returning ones and advocates: how many comments of each feeling, and net sentiment."""
    found = findings.rows_of("loyalty")
    whole = max((row["comments"] for row in found), default=0)
    if not whole:
        return None
    caption, net = wording("loyalty.ladder"), wording("headline.net")
    bars = [Bar(named(wording, "relation", row["relation"]), row["comments"], 0, 0) for row in found]
    rows = _Rows.of(bars, wording)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        framed(axes, grid="x")
        _stack(axes, rows.places, found, wording)
        axes.set_xlim(0, 1.02 * whole)
        number_axis(axes.xaxis, wording.number, whole=True)
        axes.set_xlabel(wording("headline.comments"), color=PALE_INK)
        rows.name(axes, [wording.points(row["net_sentiment"]) for row in found])
        axes.set_title(net, fontsize=9, color=PALE_INK, loc="right")
        figure.legend(loc="outside upper left", ncols=2, handlelength=1.2, columnspacing=1.2)

    told = [
        f"{bar.name}: {comments(wording, row['comments'])}, {net} {wording.points(row['net_sentiment'])}"
        for bar, row in zip(bars, found, strict=True)
    ]
    return chart("loyalty", f"{caption}. {'; '.join(told)}", caption, (WIDTH, 1.1 + rows.height), draw)


def _stack(axes: Axes, places: Sequence[float], found: Sequence[Row], wording: Wording) -> None:
    """A bar for each row, of a part for each feeling; with how many comments, in the parts that have room for it."""
    left = np.zeros(len(found))
    whole = max(row["comments"] for row in found)
    for feeling, colour in FEELINGS.items():
        counts = np.array([row[feeling] for row in found], np.float64)
        axes.barh(
            places, counts, left=left, height=0.7, color=colour, hatch="////" if feeling == "mixed" else None, edgecolor="white",
            linewidth=0.8, label=named(wording, "sentiment", feeling),
        )  # fmt: skip
        for place, count, start in zip(places, counts, left, strict=True):
            if count >= 0.12 * whole and feeling != "mixed":
                axes.text(start + count / 2, place, wording.number(count), ha="center", va="center", color=readable_on(colour))
        left += counts
