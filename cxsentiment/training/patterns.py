"""Feedback made up by construction: negation, irony, marks, comparisons, change, which few comments hold and models get wrong.

`patterns/<language>.toml` and `<language>_second.toml`, by another author, hold sentences with slots; a slot is drawn from its words.
Touchpoints are marked as in annotated comments, and tell the feeling towards what is marked: types would teach to find touchpoints
everywhere, as no words are said to be none.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Final

from cxsentiment.training.corpus import PATTERNS, Document, parse_comment

PATTERN_LANGUAGES: Final = ("el", "pl", "ro", "en")
AUTHORS: Final = ("", "_second")
PER_AUTHOR: Final = 3_000
_SLOT: Final = re.compile(r"(?<!\{)\{(\w+?)(?:_(\d+))?\}(?!\})")
_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Pattern:
    """A sentence with slots, and what it says."""

    phenomenon: str
    text: str
    sentiment: str
    emotions: tuple[str, ...]
    intents: tuple[str, ...]


def pattern_documents(seed: int = 0, number: int = PER_AUTHOR) -> list[Document]:
    """So many different texts of each language and author at most, each pattern as often as the others; equal for equal seeds."""
    return [document for language in PATTERN_LANGUAGES for document in drawn(language, seed, number)]


def drawn(language: str, seed: int = 0, number: int = PER_AUTHOR) -> list[Document]:
    """Texts of one language. What touchpoints a text names beside those marked, and of which stage it tells, is not known."""
    found: dict[str, Document] = {}
    for author in AUTHORS:
        found |= _drawn(f"{language}{author}", language, seed, number)
    return list(found.values())


def _drawn(name: str, language: str, seed: int, number: int) -> dict[str, Document]:
    slots, patterns = read_patterns(name)
    rng = random.Random(f"{name} {seed}")
    found: dict[str, Document] = {}
    for pattern in patterns:
        for _ in range(-(-number // len(patterns))):
            for _ in range(_TRIES):
                text = filled(pattern.text, slots, rng)
                if text not in found:
                    found[text] = _document(text, pattern, language)
                    break
    documents = list(found.items())
    rng.shuffle(documents)
    return dict(documents[:number])


def filled(text: str, slots: dict[str, list[str]], rng: random.Random) -> str:
    """The text with a word in each slot: the same in the same slot, another in `{name_2}`."""
    chosen: dict[str, list[str]] = {}

    def word(slot: re.Match[str]) -> str:
        name = slot[1] if slot[1] in slots else slot[0][1:-1]
        if name not in chosen:
            chosen[name] = rng.sample(slots[name], len(slots[name]))
        place = int(slot[2] or 1) - 1 if name == slot[1] else 0
        return chosen[name][place]

    return _SLOT.sub(word, text).replace("{{", "{").replace("}}", "}")


@cache
def read_patterns(name: str) -> tuple[dict[str, list[str]], tuple[Pattern, ...]]:
    """The slots and patterns of a file: a language, and which author's (`AUTHORS`)."""
    file = resources.files("cxsentiment.training") / "patterns" / f"{name}.toml"
    plain: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    patterns = [
        Pattern(one["phenomenon"], text, one["sentiment"], tuple(one.get("emotions", ())), tuple(one.get("intents", ())))
        for one in plain["patterns"]
        for text in one["texts"]
    ]
    return plain["slots"], tuple(patterns)


def _document(marked: str, pattern: Pattern, language: str) -> Document:
    document = parse_comment(f"{marked}\t{pattern.sentiment}\t{','.join(pattern.emotions) or '-'}", language, PATTERNS)
    spans = tuple(replace(span, type=None) for span in document.spans)
    return replace(document, emotions=pattern.emotions or None, spans=spans, marked=False, story=None)
