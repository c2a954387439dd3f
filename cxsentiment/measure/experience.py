"""Schmitt's experience modules: what an experience speaks to - senses, feelings, mind, body and way of life, ties to others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from cxsentiment.errors import TaxonomyError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import cases, check_dimensions, grouped_by, keys, ordered_by
from cxsentiment.measure.measures import with_share
from cxsentiment.measure.scanning import literal
from cxsentiment.taxonomy import ExperienceModule, Taxonomy
from cxsentiment.text import fold

_LETTERS: Final = "a-z0-9α-ω"
"""All that `text.fold` leaves of the letters of our languages. (Unicode's classes of letters make a pattern a hundred times slower.)"""

_FOLDED: Final = "replace(replace(strip_accents(lower(text)), 'ς', 'σ'), 'ł', 'l')"
"""What `text.fold` makes of them, as SQL."""

NEVER: Final = r"[^\x00-\x{10FFFF}]"
"""A regular expression that finds nothing."""

_LANGUAGES: Final = {"el": ("el", "el-Latn"), "pl": ("pl",), "ro": ("ro",), "en": ("en",)}
"""Phrases that are looked for in a comment, by its language."""


def experience_modules(scored: Scored, by: Sequence[str] = (), *, taxonomy: Taxonomy | None = None) -> pa.Table:
    """Which comments speak to each experience module (B. Schmitt, Experiential marketing, Journal of Marketing Management 15 (1999) 53-67).

    Columns: by, module, comments that speak to it, total comments, share, low, high; every module stands in each group, in the order of
    the taxonomy. A comment speaks to a module by one of its emotions, by a mention of one of its touchpoints, or by one of its phrases
    in the comment's language, where the archive has texts.

    Args:
        scored: The archive.
        by: Dimensions, as for `summary`.
        taxonomy: Its modules, `Taxonomy.default()` if None.

    Raises:
        OptionError: for a dimension that is none.
        InputError: if the archive does not have it, or neither emotions nor touchpoints.
        TaxonomyError: if the taxonomy has no modules.
    """
    names = check_dimensions(scored, by)
    for column in ("cx_emotions", "cx_touchpoints"):
        scored.need(column)
    modules = list((taxonomy or Taxonomy.default()).modules.values())
    if not modules:
        raise TaxonomyError("the taxonomy has no experience modules; define at least one [modules.NAME]")
    speaks = {f"module_{place}": _speaks(module, with_texts=bool(scored.text_columns)) for place, module in enumerate(modules)}
    counted = ", ".join(f"count(*) FILTER ({name}) AS {name}" for name in speaks)
    source = f"(SELECT *, unnest([{_FOLDED}]) AS folded FROM answers)"  # unnested, so that it is not computed anew for each module
    wide = f"SELECT {keys(names)}count(*) AS total, {counted} FROM ({cases(names, speaks, source)}) {grouped_by(names)}"
    each = ", ".join(f"{{place: {place}, name: {literal(module.name)}, found: module_{place}}}" for place, module in enumerate(modules))
    long = f"SELECT {keys(names)}total, unnest([{each}]) AS item FROM ({wide})"
    order = ordered_by(names, "item.place")
    return with_share(scored.query(f"SELECT {keys(names)}item.name AS module, item.found AS comments, total FROM ({long}) {order}"))


def phrase_pattern(phrases: Sequence[str]) -> str:
    """A regular expression (RE2) that finds the phrases in folded text: their words one after the other, `*` for any ending.

    What stands between words, if it is no letter or digit, does not matter.
    """
    words = [re.findall(rf"[{_LETTERS}]+\*?", fold(phrase)) for phrase in phrases]
    found = dict.fromkeys(rf"[^{_LETTERS}]+".join(phrase).replace("*", f"[{_LETTERS}]*") for phrase in words if phrase)
    return rf"(?:^|[^{_LETTERS}])(?:{'|'.join(found)})(?:[^{_LETTERS}]|$)" if found else NEVER


def _speaks(module: ExperienceModule, *, with_texts: bool) -> str:
    """Whether a comment speaks to the module, as SQL of the columns of `answers`."""
    found = ["false"]
    if module.emotions:
        found.append(f"list_has_any(emotions, [{', '.join(map(literal, module.emotions))}])")
    if module.touchpoints:
        found.append(f"list_has_any([item.type FOR item IN touchpoints], [{', '.join(map(literal, module.touchpoints))}])")
    if with_texts:
        by_language = {language: [phrase for one in sources for phrase in module.phrases[one]] for language, sources in _LANGUAGES.items()}
        matched = "".join(
            f" WHEN {literal(language)} THEN regexp_matches(folded, {literal(phrase_pattern(phrases))})"
            for language, phrases in by_language.items()
            if phrases
        )
        found += [f"CASE language{matched} END"] if matched else []
    return f"coalesce({' OR '.join(found)}, false)"
