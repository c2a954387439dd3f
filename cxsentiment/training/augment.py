"""Copies of texts as other people would have typed them."""

from __future__ import annotations

import random

WORD_SHARE = 0.12


def with_typos(text: str, rng: random.Random) -> str:
    """The text with about one word in eight mistyped: two letters swapped, one dropped, one doubled, or one wrong."""
    words = text.split(" ")
    return " ".join(_mistyped(word, rng) if len(word) > 3 and rng.random() < WORD_SHARE else word for word in words)


def _mistyped(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[:place] + word[place] + word[place:]
    return word[:place] + rng.choice(word) + word[place + 1 :]
