"""The matrix of priorities: how well each touchpoint does, and how much the overall impression goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from cxsentiment.drawing import Picture
from cxsentiment.report.chart_style import (
    FEELINGS,
    LINE,
    PALE_INK,
    WIDTH,
    Row,
    chart,
    floats,
    framed,
    named,
    net_limits,
    number_axis,
)
from cxsentiment.report.findings import Findings
from cxsentiment.report.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

LABELLED: Final = 14
"""Touchpoints that are named at most: those of highest impact and those that do worst."""

_REACH: Final = 3.5
"""Points from the middle of a dot to its edge."""

_PLACES: Final[tuple[tuple[float, float, Literal["left", "right", "center"], Literal["top", "bottom", "center"]], ...]] = (
    (6, 0, "left", "center"),
    (-6, 0, "right", "center"),
    (0, 5, "center", "bottom"),
    (0, -5, "center", "top"),
    (4, 4, "left", "bottom"),
    (4, -4, "left", "top"),
    (-4, 4, "right", "bottom"),
    (-4, -4, "right", "top"),
)
"""Where a name may stand beside its dot, best first: by how many points it is moved, and how it is aligned."""


def priority_matrix(findings: Findings, wording: Wording, width: float = WIDTH) -> Picture | None:
    """Touchpoints by impact and net sentiment."""
    rows = [row for row in findings.rows_of("impact") if row["impact"] is not None]
    if not rows:
        return None
    caption = wording("priority.matrix")

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        framed(axes, grid="")
        impact, performance = floats(rows, "impact"), floats(rows, "performance")
        axes.set_xlim(0, 1.1 * max(float(impact.max()), 0.01))
        axes.set_ylim(*net_limits([performance]))
        axes.axhline(0, color=LINE, linewidth=1, zorder=1)
        axes.axvline(float(impact.mean()), color=LINE, linewidth=1, linestyle="--", zorder=1)
        colours = [FEELINGS["negative" if value < 0 else "positive"] for value in performance]
        axes.scatter(impact, performance, 40, color=colours, edgecolor="white", linewidth=0.8)
        number_axis(axes.xaxis, wording.percent)
        number_axis(axes.yaxis, wording.points, 5)
        axes.set_xlabel(wording("priority.impact"))
        axes.set_title(wording("priority.performance"), fontsize=9)
        _name_quadrants(axes, wording)
        _name_dots(figure, axes, rows, wording)

    told = [
        f"{named(wording, 'touchpoint', row['touchpoint'])}: {wording('priority.impact')} {wording.percent(row['impact'])}, "
        f"{wording('headline.net')} {wording.points(row['performance'])}"
        for row in rows[:5]
    ]
    return chart(f"priority-{round(width * 10)}", f"{caption}. {'; '.join(told)}", caption, (width, 3.9), draw)


def _name_quadrants(axes: Axes, wording: Wording) -> None:
    """At the right, where impact is high."""
    for key, y, vertical in (("priority.keep", 1.0, "top"), ("priority.fix", 0.0, "bottom")):
        axes.text(1, y, wording(key), transform=axes.transAxes, ha="right", va=vertical, color=PALE_INK, style="italic")


def _name_dots(figure: Figure, axes: Axes, rows: Sequence[Row], wording: Wording) -> None:
    """Names where they cover neither dots nor each other; those that find no room are left out."""
    figure.draw_without_rendering()  # lays the axes out, so that places in pixels are known
    taken = [*_dot_boxes(figure, axes, rows), *(text.get_window_extent() for text in axes.texts)]
    for row in _named(rows):
        name = named(wording, "touchpoint", row["touchpoint"])
        for x, y, horizontal, vertical in _PLACES:
            place = (row["impact"], row["performance"])
            text = axes.annotate(name, place, (x, y), textcoords="offset points", ha=horizontal, va=vertical, fontsize=9)
            text.set_in_layout(False)
            box = text.get_window_extent()
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and axes.bbox.y0 <= box.y0 and box.y1 <= axes.bbox.y1
            if inside and not box.count_overlaps(taken):
                taken.append(box)
                break
            text.remove()


def _dot_boxes(figure: Figure, axes: Axes, rows: Sequence[Row]) -> list[Bbox]:
    from matplotlib.transforms import Bbox

    reach = _REACH * figure.dpi / 72
    dots = axes.transData.transform(np.column_stack([floats(rows, "impact"), floats(rows, "performance")]))
    return [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in dots]


def _named(rows: Sequence[Row]) -> list[Row]:
    """Alternately the touchpoint of highest impact and the one that does worst, of those that are left."""
    worst = sorted(rows, key=lambda row: float(row["performance"]))
    both = [row for pair in zip(rows, worst, strict=True) for row in pair]
    return list({row["touchpoint"]: row for row in both}.values())[:LABELLED]
