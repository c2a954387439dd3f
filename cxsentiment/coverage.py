"""What a taxonomy's phrases find in an archive, and what customers often speak of that none of them covers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from cxsentiment.language import LanguageDetector
from cxsentiment.reading import read
from cxsentiment.results import Language
from cxsentiment.stop_words import stop_words
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import fold
from cxsentiment.touchpoints import Mention, TouchpointFinder
from cxsentiment.word_forms import lemma

CHUNK = 1024
SHORTEST_WORD = 4
MOST_FORMS = 500_000
"""Different words and pairs that are counted; beyond them, the rarest are forgotten until half are left."""

FEWEST_COMMENTS = 3
WHOLE_SHARE = 0.6
"""Share of a word's comments in which it stands within a frequent pair, from which on only the pair is listed."""

_WORD = re.compile(r"[^\W\d_]+|[.!?;:,\n]")

Form = tuple[str, tuple[str, ...]]
"""Language and lemmas of a word or a pair of words."""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Words that stand in many comments and in no mention: as they are mostly written, their language, and how many comments have them."""

    words: str
    language: str
    comments: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many comments there are, have no mention, and have one of each type; and what is not covered, most frequent first."""

    comments: int
    without: int
    types: Mapping[str, int]
    uncovered: tuple[Uncovered, ...]


def coverage(texts: Iterable[str], taxonomy: Taxonomy, most: int = 30) -> Coverage:
    """Reads the texts once; `most` bounds the list of what is not covered."""
    finder, detector, counted = TouchpointFinder(taxonomy), LanguageDetector(), _Counted()
    types = Counter(dict.fromkeys(taxonomy.types, 0))
    comments = without = 0
    source = iter(texts)
    while chunk := list(islice(source, CHUNK)):
        readings = read(chunk, detector)
        found = finder.find([text.text for text, _ in readings], [language for _, language in readings])
        for (text, language), mentions in zip(readings, found, strict=True):
            comments += 1
            without += not mentions
            types.update({mention.type for mention in mentions})
            counted.add(text.text, language, mentions)
    return Coverage(comments, without, dict(types), tuple(islice(counted.most_frequent(), most)))


class _Counted:
    """In how many comments each word and pair of words stands outside of mentions, and how they are written."""

    def __init__(self) -> None:
        self._comments: Counter[Form] = Counter()
        self._spelled: dict[Form, Counter[str]] = {}

    def add(self, text: str, language: Language, mentions: Sequence[Mention]) -> None:
        """Counts one comment."""
        seen = dict(_forms(text, language.code, mentions))
        self._comments.update(seen.keys())
        for form, spelled in seen.items():
            self._spelled.setdefault(form, Counter())[spelled] += 1
        if len(self._comments) > MOST_FORMS:
            self._comments = Counter(dict(self._comments.most_common(MOST_FORMS // 2)))
            self._spelled = {form: self._spelled[form] for form in self._comments}

    def most_frequent(self) -> Iterator[Uncovered]:
        """The most frequent ones first; a word that nearly always stands in one pair is left to the pair."""
        pairs = [(form, count) for form, count in self._comments.items() if len(form[1]) > 1 and count >= FEWEST_COMMENTS]
        within: dict[Form, int] = {
            (lang, (part,)): count for (lang, parts), count in sorted(pairs, key=lambda item: item[1]) for part in parts
        }
        for form, count in self._comments.most_common():
            if count < FEWEST_COMMENTS:
                return
            if within.get(form, 0) < WHOLE_SHARE * count:
                yield Uncovered(self._spelled[form].most_common(1)[0][0], form[0], count)


def _forms(text: str, language: str, mentions: Sequence[Mention]) -> Iterator[tuple[Form, str]]:
    """Words and pairs of neighbouring words that stand in no mention and may name something, with their spelling."""
    stop = stop_words(language)
    places: list[tuple[str, str] | None] = []
    for found in _WORD.finditer(text):
        word = found[0]
        covered = any(mention.start < found.end() and found.start() < mention.end for mention in mentions)
        content = len(word) >= SHORTEST_WORD and fold(word) not in stop and not covered
        places.append((lemma(word.lower(), language), word.lower()) if content else None)
    for place in places:
        if place:
            yield (language, (place[0],)), place[1]
    for first, second in pairwise(places):
        if first and second:
            yield (language, (first[0], second[0])), f"{first[1]} {second[1]}"
