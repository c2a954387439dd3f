"""Weak labels: the taxonomy's phrases mark the touchpoints of customers' reviews in el, pl and ro that nobody annotated."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cxsentiment.language import LanguageDetector
from cxsentiment.reading import read
from cxsentiment.touchpoints import TouchpointFinder
from cxsentiment.training.corpus import Document, Span

REVIEWS = (
    "el_skroutz_shop_reviews",
    *("pl_allegro_seller_feedback", "pl_allegro_reviews_klej", "pl_ceneo_reviews", "pl_polemo2_in_klej"),
    *("sart", "ro_sent"),
)
LONGEST = 300
READ = 1500
"""Reviews of one set that are looked at."""

PER_TYPE = 250
"""Mentions of one type in one language; the commonest would be learnt by their words."""


def with_phrases(documents: Sequence[Document]) -> list[Document]:
    """The same documents; in some of the reviews the mentions that phrases find are marked, without their feeling.

    What no phrase names there stays unknown (see `finetune.token_loss`): it may be a touchpoint or none.
    """
    marked = list(documents)
    places = _chosen(documents)
    seen: Counter[tuple[str, str | None]] = Counter()
    for place, spans in zip(places, _phrases([documents[place] for place in places]), strict=True):
        kept = []
        for span in spans:
            key = (documents[place].lang, span.type)
            seen[key] += 1
            if seen[key] <= PER_TYPE:
                kept.append(span)
        if kept:
            marked[place] = replace(documents[place], spans=tuple(kept))
    return marked


def _chosen(documents: Sequence[Document]) -> list[int]:
    """Places of the reviews to look at: some of each set, drawn at random."""
    of_set: dict[str, list[int]] = {name: [] for name in REVIEWS}
    for place, document in enumerate(documents):
        if document.dataset in of_set and len(document.text) <= LONGEST:
            of_set[document.dataset].append(place)
    rng = random.Random(0)
    return sorted(place for places in of_set.values() for place in rng.sample(places, min(READ, len(places))))


def _phrases(documents: Sequence[Document]) -> list[tuple[Span, ...]]:
    """What phrases find in each text."""
    readings = read([document.text for document in documents], LanguageDetector())
    found = TouchpointFinder().find([clean.text for clean, _ in readings], [language for _, language in readings])
    return [
        tuple(Span(*clean.span(one.start, one.end), None, one.type) for one in mentions)
        for (clean, _), mentions in zip(readings, found, strict=True)
    ]
