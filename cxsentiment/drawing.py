"""How pictures are made: SVG of matplotlib that stands inside a page, equal for equal data.

Drawing needs matplotlib, which the extras `benchmark` and `report` bring.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from cxsentiment.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart with any kind of colour vision (Okabe and Ito 2008); their yellow is too pale on white."""

SVG: Final = "http://www.w3.org/2000/svg"
LINK: Final = "{http://www.w3.org/1999/xlink}href"
_SETTINGS: Final[Mapping[str, Any]] = {
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
class Picture:
    """An SVG element to stand in a page, what it shows in words (which its `aria-label` says too), and the few words to stand above it."""

    svg: str
    label: str
    caption: str


def picture(name: str, label: str, caption: str, size: tuple[float, float], draw: Callable[[Axes], None], *, extra: str) -> Picture:
    """What `draw` puts on axes; the rest as `figure_picture`."""
    return figure_picture(name, label, caption, size, lambda figure: draw(figure.add_subplot()), extra=extra)


def figure_picture(
    name: str,
    label: str,
    caption: str,
    size: tuple[float, float],
    draw: Callable[[Figure], None],
    *,
    extra: str,
    settings: Mapping[str, Any] | None = None,
) -> Picture:
    """What `draw` puts on a figure, `size` in inches. `name` has to be unique in its page: it keeps the ids of its pictures apart.

    `extra` is the one that brings matplotlib to those who draw this; `settings` are rcParams beside those of all pictures.
    Raises MissingExtraError without matplotlib.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError(f"pictures are drawn with matplotlib: pip install 'cxsentiment[{extra}]'")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser draws the letters, with its own fonts
        mpl.rcdefaults()
        chosen: Any = {**_SETTINGS, **(settings or {}), "svg.hashsalt": f"cxsentiment {name}"}  # Any: the stubs want each name as a literal
        mpl.rcParams.update(chosen)
        drawn = Figure(figsize=size, layout="constrained")
        draw(drawn)
        return Picture(_inlined(_saved(drawn), name, label), label, caption)


def id_part(name: str) -> str:
    """Any name as part of an id: letters and digits only, different for different names."""
    return "".join(letter if letter.isascii() and letter.isalnum() else f"-{ord(letter):x}-" for letter in name)


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
        for attribute in ("clip-path", "style"):  # a style names the pattern of a hatch
            if "url(#" in element.attrib.get(attribute, ""):
                element.set(attribute, element.attrib[attribute].replace("url(#", f"url(#{name}-"))
    root.attrib.pop("version", None)
    root.attrib |= {"xmlns": SVG, "role": "img", "aria-label": label, "style": "stroke-linejoin: round; stroke-linecap: butt"}
    return ElementTree.tostring(root, encoding="unicode")
