"""The behavioural tests that are packaged: every one is there in each language, in full."""

from collections import Counter

import pytest

from cxsentiment.benchmark.behavioural_cases import cases, cases_of
from cxsentiment.benchmark.behavioural_file import BehaviourFile, packaged
from cxsentiment.benchmark.behavioural_table import ADDED, CHANGED, WRITTEN, names

SENTENCES = {"negative": 20, "positive": 16, "neutral": 8, "mixed": 6}
GROUPS = {"emoji added": 30, "one slip": 30}
TEMPLATES, EXPANSIONS, SWAPPED_TEMPLATES, SWAPPED_VALUES, FEWEST_GROUPS, PAIRS = 15, 40, 12, 6, 25, 30


def test_names_of_tests_are_unique() -> None:
    every = [test.name for test in (*WRITTEN, *CHANGED, *ADDED)]
    assert len(set(every)) == len(every)
    assert len(names("en")) < len(names("pl")) < len(names("el"))


@pytest.mark.parametrize("language", ["el", "pl", "ro", "en"])
def test_our_files_have_every_test_in_full(language: str) -> None:
    file = packaged(language)
    assert file.language == language
    assert {test.name for test in file.tests} == {test.name for test in WRITTEN}
    short = []
    for test in file.tests:
        if test.swap:
            counts = (len(test.templates) >= SWAPPED_TEMPLATES, len(file.slots[test.swap]) >= SWAPPED_VALUES)
        elif test.templates:
            whole = BehaviourFile(language, (test,), file.slots)
            counts = (len(test.templates) >= TEMPLATES, len(cases_of(whole, EXPANSIONS)) == EXPANSIONS)
        else:
            counts = (len(test.groups) >= (PAIRS if test.kind == "directional" else GROUPS.get(test.name, FEWEST_GROUPS)), True)
        if not all(counts):
            short.append(test.name)
    assert not short
    assert {label: len(texts) for label, texts in file.sentences.items()} == SENTENCES
    assert {name: len(texts) for name, texts in file.additions.items() if name in ("before", "after")} == {"before": 10, "after": 10}
    links = [len(file.additions.get(kind, ())) for kind in ("link", "mention", "hashtag")]
    assert all(links)
    assert sum(links) == 8


def test_there_are_enough_kinds_and_cases_in_our_languages() -> None:
    total = 0
    for language in ("el", "pl", "ro", "en"):
        found = cases(language)
        sizes = Counter(one.test for one in found)
        assert set(sizes) == set(names(language))
        assert len(sizes) >= 40
        assert max(sizes.values()) <= 40
        assert len({(one.test, one.texts) for one in found}) == len(found)
        total += len(found)
    assert total >= 4000
