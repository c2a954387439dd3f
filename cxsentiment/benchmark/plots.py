"""How contenders and languages look in the pictures of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxsentiment import drawing
from cxsentiment.drawing import COLOURS, Picture
from cxsentiment.printable import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS: Final = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"), ("P", "✚"), ("X", "✖"), ("*", "★"))
"""For matplotlib, and as a letter. Their number and that of the colours have no common divisor: 56 contenders look different."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a contender or a language looks in all pictures and in the legend beside them."""

    name: str
    colour: str
    marker: str
    glyph: str


def styles(names: Sequence[str]) -> dict[str, Style]:
    """A colour and a marker for each name, in order."""
    return {name: Style(plain(name), COLOURS[number % len(COLOURS)], *MARKERS[number % len(MARKERS)]) for number, name in enumerate(names)}


def picture(name: str, label: str, caption: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> Picture:
    """A picture of a benchmark, as `drawing.picture`."""
    return drawing.picture(name, label, caption, size, draw, extra="benchmark")
