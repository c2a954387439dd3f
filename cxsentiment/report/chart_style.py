"""How the charts of a report look: their size, colours and names, and the axes that several of them have."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxsentiment.drawing import COLOURS, Picture, figure_picture
from cxsentiment.printable import plain
from cxsentiment.report.wording import MISSING, Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Row = Mapping[str, Any]
Colour = str | tuple[float, float, float]

WIDTH: Final = 3.7
"""Inches: 355 pixels of a page, so that a phone shows a chart without scrolling."""

WIDE: Final = 8.6
"""Inches, for a desktop."""

NAME: Final = 24
"""Letters of a name that are shown."""

_OURS: Final = ("sentiment", "emotion", "stage", "quality", "relation", "intent", "touchpoint", "group", "module", "language")

INK: Final = "#1f2937"
PALE_INK: Final = "#4b5563"
"""For what is less important; still 7.5 : 1 on white."""

LINE: Final = "#9ca3af"
NEUTRAL: Final = "#6b7280"
FEELINGS: Final[Mapping[str, str]] = {"negative": COLOURS[1], "neutral": NEUTRAL, "mixed": COLOURS[3], "positive": COLOURS[0]}
"""In the order in which they stand beside each other."""

_SETTINGS: Final[Mapping[str, Any]] = {
    "axes.edgecolor": LINE,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.titlelocation": "left",
    "font.sans-serif": ["DejaVu Sans", "Segoe UI", "Helvetica Neue", "Arial"],
    "font.size": 9,
    "grid.linewidth": 0.6,
    "hatch.color": "white",
    "hatch.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": PALE_INK,
    "ytick.color": LINE,
    "ytick.labelcolor": INK,
}


def chart(name: str, label: str, caption: str, size: tuple[float, float], draw: Callable[[Figure], None]) -> Picture:
    """A chart of the report, as `figure_picture`."""
    return figure_picture(name, plain(label), plain(caption), size, draw, extra="report", settings=_SETTINGS)


def floats(rows: Sequence[Row], column: str) -> Floats:
    """A column as numbers, NaN where there is none."""
    return np.array([np.nan if row[column] is None else row[column] for row in rows], np.float64)


def named(wording: Wording, kind: str, value: str | None, letters: int = NAME) -> str:
    """What a value of a dimension is called, as `short`; with a capital, unless it is a name of the user's own."""
    name = short(wording.name(kind, value), letters)
    return name[:1].upper() + name[1:] if kind in _OURS or value is None else name


def short(name: str, letters: int = NAME) -> str:
    """A name that comes from outside, of so many letters at most, without those that cannot be seen; wide letters count twice."""
    seen = " ".join(plain(name).replace("\N{REPLACEMENT CHARACTER}", "").split())
    width = 0
    for place, letter in enumerate(seen):
        width += 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if width > letters:
            return seen[: max(place - 1, 1)].rstrip() + "…"
    return seen or MISSING


def interval(wording: Wording, told: Callable[[float | None], str], low: float | None, high: float | None) -> str:
    """A 95 % interval in words."""
    return wording("headline.net_interval", low=told(low), high=told(high))


def comments(wording: Wording, count: int) -> str:
    """How many comments, in words."""
    return wording("page.subtitle_undated", comments=wording.number(count))


def feeling_colour(low: float, high: float) -> str:
    """The colour of a net sentiment: that of a feeling only where its interval is clear about it."""
    return FEELINGS["negative" if high < 0 else "positive" if low > 0 else "neutral"]


def readable_on(colour: Colour) -> str:
    """Black or white, whichever is easier to read on a colour: at least 4.5 : 1 (WCAG 2.2)."""
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def number_axis(axis: Axis, told: Callable[[float], str], ticks: int = 4, *, whole: bool = False) -> None:
    """Few round numbers on an axis, all of them `whole` if need be, written as `told` writes them."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10], integer=whole))
    axis.set_major_formatter(FuncFormatter(lambda value, _: told(value)))


def framed(axes: Axes, *, grid: str) -> None:
    """Axes with lines across the axis `grid` only (`x`, `y` or neither), and no frame."""
    axes.grid(visible=False)
    if grid in {"x", "y"}:
        axes.grid(visible=True, axis="x" if grid == "x" else "y")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def net_limits(values: Sequence[Floats]) -> tuple[float, float]:
    """Limits of an axis of net sentiment: all values and 0, within [-1, 1], with a margin."""
    every = np.concatenate([np.zeros(1), *(one[np.isfinite(one)] for one in values)])
    low, high = max(every.min(), -1.0), min(every.max(), 1.0)
    margin = 0.06 * max(high - low, 0.2)
    return float(low - margin), float(high + margin)
