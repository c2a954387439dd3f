"""How the pictures of a benchmark are made: SVG of matplotlib that stands inside a page, equal for equal results.

Drawing needs matplotlib, which the extra `benchmark` brings.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from cxsentiment.benchmark.cells import plain
from cxsentiment.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart with any kind of colour vision (Okabe and Ito 2008); their yellow is too pale on white."""

MARKERS: Final = (("o", "●"), ("s", "■"), ("^", "▲"), ("D", "◆"), ("v", "▼"), ("P", "✚"), ("X", "✖"), ("*", "★"))
"""For matplotlib, and as a letter. Their number and that of the colours have no common divisor: 56 contenders look different."""

SVG: Final = "http://www.w3.org/2000/svg"
LINK: Final = "{http://www.w3.org/1999/xlink}href"
_SETTINGS: Final[Any] = {  # Any: the stubs of matplotlib want each name as a literal
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "font.size": 10,
    "grid.color": "#e4e4e4",
    "svg.fonttype": "none",
    "text.parse_math": False,
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a contender or a language looks in all pictures and in the legend beside them."""

    name: str
    colour: str
    marker: str
    glyph: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG element to stand in a page, what it shows in words (which its `aria-label` says too), and the few words to stand above it."""

    svg: str
    label: str
    caption: str


def styles(names: Sequence[str]) -> dict[str, Style]:
    """A colour and a marker for each name, in order."""
    return {name: Style(plain(name), COLOURS[number % len(COLOURS)], *MARKERS[number % len(MARKERS)]) for number, name in enumerate(names)}


def picture(name: str, label: str, caption: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> Picture:
    """What `draw` puts on axes, `size` in inches. `name` has to be unique in its page: it keeps the ids of its pictures apart.

    Raises MissingExtraError without matplotlib.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("the leaderboard draws with matplotlib: pip install 'cxsentiment[benchmark]'")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser draws the letters, with its own fonts
        mpl.rcdefaults()
        mpl.rcParams.update({**_SETTINGS, "svg.hashsalt": f"cxsentiment {name}"})
        drawn = Figure(figsize=size, layout="constrained")
        draw(drawn.add_subplot())
        return Picture(_inlined(_saved(drawn), name, label), label, caption)


def _saved(drawn: Figure) -> str:
    file = io.StringIO()
    drawn.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _inlined(svg: str, name: str, label: str) -> str:
    """Without prolog, namespaces, metadata and a style sheet that would change the page; all ids begin with `name`."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
        if "id" in element.attrib:
            element.set("id", f"{name}-{element.attrib['id']}")
        if LINK in element.attrib:
            element.set("href", element.attrib.pop(LINK).replace("#", f"#{name}-"))
        if "clip-path" in element.attrib:
            element.set("clip-path", element.attrib["clip-path"].replace("#", f"#{name}-"))
    root.attrib.pop("version", None)
    root.attrib |= {"xmlns": SVG, "role": "img", "aria-label": label, "style": "stroke-linejoin: round; stroke-linecap: butt"}
    return ElementTree.tostring(root, encoding="unicode")
