"""The cases of behavioural tests: texts with what is expected of them, drawn from a file of tests; equal seeds give equal cases."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from cxsentiment.benchmark.behavioural_file import SLOT, BehaviouralTest, BehaviourFile, packaged
from cxsentiment.benchmark.behavioural_table import ADDED, CHANGED, DIRECTIONAL, INVARIANCE, SAME, AddedTest, ChangedTest, Expectation

Drawn = TypeVar("Drawn")
Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One text of which the label is known, or two of which the second is compared with the first.

    `kind`: minimum functionality, invariance, directional. `expect`: the labels that are right; or the direction of the polarity from the
    first text to the second: `up`, `down`, `not up`, `not down`; or `same`.
    """

    capability: str
    test: str
    kind: str
    language: str
    texts: Texts
    expect: Expectation


def cases(language: str, per_test: int = 40, seed: int = 1) -> list[Case]:
    """At most `per_test` of each of our tests in that language. Raises OptionError where there are none in it."""
    return cases_of(packaged(language), per_test, seed)


def cases_of(file: BehaviourFile, per_test: int = 40, seed: int = 1) -> list[Case]:
    """At most `per_test` of each test of the file, and of those that its sentences and additions make.

    What is drawn for a test depends on the file's language, the test's own texts, their slots and the seed alone. Templates, groups and
    additions have equal numbers of cases, as far as each has so many, whatever the size of their slots.
    """
    found = []
    for test in file.tests:
        rng = random.Random(f"{seed} {file.language} {test.name}")
        drawn = _written(test, file.slots, per_test, rng)
        found += [Case(test.capability, test.name, test.kind, file.language, texts, test.expect) for texts in drawn]
    sentences = _shuffled([text for texts in file.sentences.values() for text in texts], random.Random(f"{seed} {file.language}"))
    for changed in CHANGED:
        if file.language in changed.languages:
            found += _made(changed, file.language, _changed(changed, sentences, seed)[:per_test])
    for added in ADDED:
        pieces = _shuffled(file.additions.get(added.addition, ()), random.Random(f"{seed} {file.language} {added.name}"))
        found += _made(added, file.language, _added(added, sentences, pieces)[:per_test])
    return found


def _written(test: BehaviouralTest, slots: Mapping[str, Sequence[str]], limit: int, rng: random.Random) -> list[Texts]:
    if test.kind == DIRECTIONAL:
        return _shuffled(test.groups, rng)[:limit]
    if test.groups:
        return _evenly([[(group[0], other) for other in _shuffled(group[1:], rng)] for group in test.groups], limit, rng)
    if test.swap is not None:
        return _evenly([_swaps(template, test.swap, slots, limit, rng) for template in test.templates], limit, rng)
    return _evenly([_expansions(template, slots, limit, rng) for template in test.templates], limit, rng)


def _expansions(template: str, slots: Mapping[str, Sequence[str]], limit: int, rng: random.Random) -> list[Texts]:
    """Different texts that the template gives, each as likely as any other."""
    names = list(dict.fromkeys(SLOT.findall(template)))
    settings = _settings([slots[name] for name in names], limit, rng)
    return [(_filled(template, dict(zip(names, setting, strict=True))),) for setting in settings]


def _swaps(template: str, swap: str, slots: Mapping[str, Sequence[str]], limit: int, rng: random.Random) -> list[Texts]:
    """Pairs of texts that differ in the swapped slot alone, each as likely as any other and in any order."""
    names = [name for name in dict.fromkeys(SLOT.findall(template)) if name != swap]
    swapped = [tuple(_shuffled(pair, rng)) for pair in combinations(slots[swap], 2)]
    found = []
    for *setting, pair in _settings([*(slots[name] for name in names), swapped], limit, rng):
        others = {name: str(value) for name, value in zip(names, setting, strict=True)}
        found.append(tuple(_filled(template, others | {swap: value}) for value in pair))
    return found


def _settings(values: Sequence[Sequence[Drawn]], limit: int, rng: random.Random) -> list[list[Drawn]]:
    """One value of each list, all different and each as likely as any other, at most `limit`."""
    total = math.prod(len(one) for one in values)
    return [_setting(number, values) for number in rng.sample(range(total), min(total, limit))]


def _setting(number: int, values: Sequence[Sequence[Drawn]]) -> list[Drawn]:
    """The digits of a number whose places have as many digits as the lists have values."""
    setting = []
    for one in values:
        number, digit = divmod(number, len(one))
        setting.append(one[digit])
    return setting


def _filled(template: str, values: Mapping[str, str]) -> str:
    return SLOT.sub(lambda match: values[match[1]], template)


def _evenly(drawn: Sequence[Sequence[Texts]], limit: int, rng: random.Random) -> list[Texts]:
    """One of each list in turn, different ones, until there are `limit` or no more."""
    order = _shuffled(drawn, rng)
    turns = max((len(one) for one in order), default=0)
    found = dict.fromkeys(one[turn] for turn in range(turns) for one in order if turn < len(one))
    return list(found)[:limit]


def _shuffled(values: Sequence[Drawn], rng: random.Random) -> list[Drawn]:
    return rng.sample(values, len(values))


def _changed(test: ChangedTest, sentences: Sequence[str], seed: int) -> list[Texts]:
    """Each sentence and the same typed otherwise; sentences that this leaves as they are say nothing and are left out."""
    pairs = [(text, test.apply(text, random.Random(f"{seed} {test.name} {text}"))) for text in sentences]
    return [pair for pair in pairs if pair[0] != pair[1]]


def _added(test: AddedTest, sentences: Sequence[str], pieces: Sequence[str]) -> list[Texts]:
    """Each sentence and the same with one of the pieces, which take turns; none where there are no pieces."""
    if not pieces:
        return []
    turns = [(text, pieces[number % len(pieces)]) for number, text in enumerate(sentences)]
    return [(text, f"{piece} {text}" if test.before else f"{text} {piece}") for text, piece in turns]


def _made(test: ChangedTest | AddedTest, language: str, pairs: Sequence[Texts]) -> list[Case]:
    return [Case(test.capability, test.name, INVARIANCE, language, texts, SAME) for texts in pairs]
