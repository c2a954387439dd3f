"""Heat maps of touchpoints: which emotions go with them, and how customers feel before, during and after the transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from cxsentiment.drawing import COLOURS, Picture
from cxsentiment.report.chart_style import PALE_INK, WIDTH, Floats, Row, chart, comments, framed, named, readable_on
from cxsentiment.report.findings import Findings
from cxsentiment.report.wording import Wording
from cxsentiment.results import EMOTIONS, STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST: Final = 15
"""Touchpoints of a heat map: those of most comments."""

BESIDE: Final = 6.0
"""Inches from which on names stand beside their cells; in narrower pictures they stand above these."""

_TOLD: Final = 6
"""Cells that the words of a picture tell."""

_SHARES: Final = ("#ffffff", "#cfe3f1", "#7fb5d9", COLOURS[0], "#003a5c")
_NETS: Final = (COLOURS[1], "#ffffff", COLOURS[0])
_EMPTY: Final = "#f3f4f6"
_EDGE: Final = "#e5e7eb"


@dataclass(frozen=True, slots=True)
class Grid:
    """What a heat map shows: values [rows, columns], NaN where there is none, and what is written in each cell."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Floats
    written: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Scale:
    """The colours of values from low to high."""

    colours: Sequence[str]
    low: float
    high: float


def emotion_heat(findings: Findings, wording: Wording, width: float = WIDTH) -> Picture | None:
    """Touchpoints and emotions: in which share of the comments on the one there is the other, in percent."""
    rows = [row for row in findings.rows_of("touchpoint_emotions") if row["touchpoint"] is not None and row["total"]]
    if not rows:
        return None
    sizes = {row["touchpoint"]: int(row["total"]) for row in rows}
    touchpoints = _largest(sizes)
    shares = {(row["touchpoint"], row["emotion"]): row["share"] for row in rows}
    values = np.array([[shares.get((touchpoint, emotion)) for emotion in EMOTIONS] for touchpoint in touchpoints], np.float64)
    grid = Grid(
        [f"{named(wording, 'touchpoint', touchpoint)} ({wording.number(sizes[touchpoint])})" for touchpoint in touchpoints],
        [named(wording, "emotion", emotion) for emotion in EMOTIONS],
        values,
        [["" if np.isnan(value) else wording.number(round(100 * value)) for value in line] for line in values],
    )
    order = np.argsort(-np.nan_to_num(values), axis=None, kind="stable")[:_TOLD]
    places = [(int(place) // len(EMOTIONS), int(place) % len(EMOTIONS)) for place in order]
    told = [f"{grid.rows[row]}, {grid.columns[column]}: {wording.percent(values[row, column])}" for row, column in places]
    highest = max(float(np.nan_to_num(values).max()), 0.01)
    return _picture("emotions", wording("how.heat"), told, grid, Scale(_SHARES, 0.0, highest), width)


def stage_heat(findings: Findings, wording: Wording, width: float = WIDTH) -> Picture | None:
    """Touchpoints and stages of the transaction: net sentiment in points, with the number of comments."""
    cells = {
        (row["touchpoint"], row["stage"]): row
        for row in findings.rows_of("touchpoint_stages")
        if row["touchpoint"] is not None and row["stage"] in STAGES and row["comments"]
    }
    if not cells:
        return None
    sizes: Counter[str] = Counter()
    for (touchpoint, _), row in cells.items():
        sizes[touchpoint] += row["comments"]
    touchpoints = _largest(sizes)
    rows, columns = ([named(wording, kind, one) for one in ones] for kind, ones in (("touchpoint", touchpoints), ("stage", STAGES)))
    found = [[cells.get((touchpoint, stage)) for stage in STAGES] for touchpoint in touchpoints]
    values = np.array([[cell and cell["net_sentiment"] for cell in line] for line in found], np.float64)
    written = [[_points_and_count(cell, wording) if cell else "" for cell in line] for line in found]
    told = [
        f"{row}, {column}: {wording.points(cell['net_sentiment'])}, {comments(wording, cell['comments'])}"
        for row, line in zip(rows, found, strict=True)
        for column, cell in zip(columns, line, strict=True)
        if cell
    ]
    grid = Grid(rows, columns, values, written)
    return _picture("stages", wording("journey.heat"), told[:_TOLD], grid, Scale(_NETS, -1.0, 1.0), width)


def _largest(sizes: Mapping[str, int]) -> list[str]:
    return sorted(sizes, key=lambda name: -sizes[name])[:MOST]


def _points_and_count(cell: Row, wording: Wording) -> str:
    return f"{wording.points(cell['net_sentiment'])} ({wording.number(cell['comments'])})"


# ---- drawing ----------------------------------------------------------------------------------------------------------------------


def _picture(name: str, caption: str, told: Sequence[str], grid: Grid, scale: Scale, width: float) -> Picture:
    head = 0.3 if _is_level(grid) else 0.2 + 0.075 * max(map(len, grid.columns))
    size = (width, head + (0.27 if width >= BESIDE else 0.44) * len(grid.rows))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _fill(axes, grid, scale, *((0.04, 0.92) if width >= BESIDE else (0.46, 0.42)))
        _frame(axes, grid, beside=width >= BESIDE)

    return chart(f"{name}-{round(width * 10)}", f"{caption}. {'; '.join(told)}", caption, size, draw)


def _fill(axes: Axes, grid: Grid, scale: Scale, top: float, height: float) -> None:
    """The cells: from `top` on in each row, `height` of the row."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    colours = LinearSegmentedColormap.from_list("cells", scale.colours)
    for (row, column), value in np.ndenumerate(grid.values):
        colour = _EMPTY if np.isnan(value) else colours((float(value) - scale.low) / (scale.high - scale.low))[:3]
        axes.add_patch(Rectangle((column + 0.02, row + top), 0.96, height, facecolor=colour, edgecolor=_EDGE, linewidth=0.5))
        if text := grid.written[row][column]:
            axes.text(column + 0.5, row + top + height / 2, text, ha="center", va="center_baseline", color=readable_on(colour))


def _is_level(grid: Grid) -> bool:
    """Whether there is room for the names of columns to lie."""
    return len(grid.columns) <= len(STAGES)


def _frame(axes: Axes, grid: Grid, *, beside: bool) -> None:
    framed(axes, grid="")
    axes.set_xlim(0, len(grid.columns))
    axes.set_ylim(len(grid.rows), 0)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(len(grid.columns)) + 0.5, grid.columns, rotation=0 if _is_level(grid) else 90, color=PALE_INK)
    axes.set_yticks(np.arange(len(grid.rows)) + 0.5, grid.rows if beside else [""] * len(grid.rows))
    if not beside:
        for row, name in enumerate(grid.rows):
            axes.text(0.02, row + 0.43, name, ha="left", va="bottom")
