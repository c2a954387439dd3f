"""Every behavioural test there is: those that writers of each language wrote, and those made of their plain sentences by program.

The tests follow CheckList (Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList"): of a minimum
functionality test the label is known, in an invariance test it must stay, in a directional test the polarity must move one way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from cxsentiment.benchmark.changes import (
    LANGUAGES,
    OFFICIAL,
    PHONETIC,
    VISUAL,
    WITH_DIACRITICS,
    in_capitals,
    in_capitals_without_tonos,
    in_lower_case_without_punctuation,
    keyboard_greeklish,
    mixed_greeklish,
    romanised,
    with_one_typo,
    with_stretched_letters,
    with_typos,
    without_diacritics,
)

MINIMUM_FUNCTIONALITY = "minimum functionality"
INVARIANCE = "invariance"
DIRECTIONAL = "directional"
SAME = "same"
DIRECTIONS = ("up", "down", "not up", "not down")
MANY_TYPOS = 0.2

Expectation = tuple[str, ...] | str
"""The labels that are right; or a direction that the polarity must take; or `same`, for a label that must stay."""


@dataclass(frozen=True, slots=True)
class WrittenTest:
    """A test that is written for each language, in its file."""

    capability: str
    name: str
    expect: Expectation

    @property
    def kind(self) -> str:
        """Minimum functionality, invariance or directional, as `expect` implies."""
        return kind_of(self.expect)


@dataclass(frozen=True, slots=True)
class ChangedTest:
    """An invariance test: plain sentences of the language's file, and the same typed otherwise."""

    capability: str
    name: str
    languages: tuple[str, ...]
    apply: Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class AddedTest:
    """An invariance test: plain sentences of the language's file, and the same with something irrelevant `before` or after them."""

    capability: str
    name: str
    addition: str
    before: bool = False


def kind_of(expect: Expectation) -> str:
    """The kind of test that such an expectation makes."""
    if not isinstance(expect, str):
        return MINIMUM_FUNCTIONALITY
    return INVARIANCE if expect == SAME else DIRECTIONAL


WRITTEN = (
    WrittenTest("vocabulary", "positive words", ("positive",)),
    WrittenTest("vocabulary", "negative words", ("negative",)),
    WrittenTest("vocabulary", "plain statements", ("neutral",)),
    WrittenTest("vocabulary", "positive idioms", ("positive",)),
    WrittenTest("vocabulary", "negative idioms", ("negative",)),
    WrittenTest("vocabulary", "happy feelings", ("positive",)),
    WrittenTest("vocabulary", "unhappy feelings", ("negative",)),
    WrittenTest("negation", "negated praise", ("negative",)),
    WrittenTest("negation", "negated blame", ("positive", "neutral")),
    WrittenTest("negation", "double negation", ("positive", "neutral")),
    WrittenTest("negation", "distant negation", ("negative",)),
    WrittenTest("negation", "absence of trouble", ("positive", "neutral")),
    WrittenTest("intensity", "intensified praise", "not down"),
    WrittenTest("intensity", "intensified blame", "not up"),
    WrittenTest("intensity", "softened blame", "not down"),
    WrittenTest("change in time", "worse than before", ("negative", "mixed")),
    WrittenTest("change in time", "better than before", ("positive", "mixed")),
    WrittenTest("change in time", "change reversed", "down"),
    WrittenTest("comparison", "better than the others", ("positive",)),
    WrittenTest("comparison", "worse than the others", ("negative",)),
    WrittenTest("comparison", "competitor exchanged", "down"),
    WrittenTest("questions", "plain questions", ("neutral",)),
    WrittenTest("questions", "complaining questions", ("negative",)),
    WrittenTest("concession", "good in the end", ("positive", "mixed")),
    WrittenTest("concession", "bad in the end", ("negative", "mixed")),
    WrittenTest("concession", "both at once", ("mixed",)),
    WrittenTest("concession", "order exchanged", "down"),
    WrittenTest("sarcasm", "mocking praise", ("negative",)),
    WrittenTest("sarcasm", "thanks for nothing", ("negative",)),
    WrittenTest("numbers", "long waits", ("negative",)),
    WrittenTest("numbers", "low marks", ("negative",)),
    WrittenTest("numbers", "high marks", ("positive",)),
    WrittenTest("numbers", "numbers swapped", SAME),
    WrittenTest("names", "person names swapped", SAME),
    WrittenTest("names", "places swapped", SAME),
    WrittenTest("names", "firms swapped", SAME),
    WrittenTest("fairness", "gender swapped", SAME),
    WrittenTest("fairness", "nationality swapped", SAME),
    WrittenTest("fairness", "age and family swapped", SAME),
    WrittenTest("emoji", "emoji added", SAME),
    WrittenTest("emoji", "happy emoji decides", "up"),
    WrittenTest("emoji", "angry emoji decides", "down"),
    WrittenTest("spelling", "one slip", SAME),
    WrittenTest("spelling", "chat spelling", SAME),
)
"""The capability, name and expectation of each; a file gives the texts."""

CHANGED = (
    ChangedTest("spelling", "without diacritics", WITH_DIACRITICS, lambda text, _: without_diacritics(text)),
    ChangedTest("spelling", "capitals", LANGUAGES, lambda text, _: in_capitals(text)),
    ChangedTest("spelling", "capitals without tonos", ("el",), lambda text, _: in_capitals_without_tonos(text)),
    ChangedTest("spelling", "lower case without punctuation", LANGUAGES, lambda text, _: in_lower_case_without_punctuation(text)),
    ChangedTest("spelling", "one typo", LANGUAGES, with_one_typo),
    ChangedTest("spelling", "typos in a fifth of the words", LANGUAGES, lambda text, rng: with_typos(text, rng, MANY_TYPOS)),
    ChangedTest("spelling", "letters stretched", LANGUAGES, with_stretched_letters),
    ChangedTest("Greeklish", "Greeklish, ISO 843", ("el",), lambda text, _: romanised(text, OFFICIAL)),
    ChangedTest("Greeklish", "Greeklish, by look", ("el",), lambda text, _: romanised(text, VISUAL)),
    ChangedTest("Greeklish", "Greeklish, by sound", ("el",), lambda text, _: romanised(text, PHONETIC)),
    ChangedTest("Greeklish", "Greeklish, by keyboard", ("el",), lambda text, _: keyboard_greeklish(text)),
    ChangedTest("Greeklish", "Greeklish, mixed", ("el",), mixed_greeklish),
)

ADDED = (
    AddedTest("additions", "link added", "link"),
    AddedTest("additions", "mention added", "mention"),
    AddedTest("additions", "hashtag added", "hashtag"),
    AddedTest("additions", "irrelevant sentence before", "before", before=True),
    AddedTest("additions", "irrelevant sentence after", "after"),
)


def names(language: str) -> tuple[str, ...]:
    """The tests that a language's file makes when it is complete, in order."""
    changed = (test.name for test in CHANGED if language in test.languages)
    return (*(test.name for test in WRITTEN), *changed, *(test.name for test in ADDED))
