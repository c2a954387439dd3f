import random
import re
from collections import Counter

import pytest

from cxsentiment.benchmark.behavioural_cases import cases
from cxsentiment.results import EMOTIONS, INTENTS, SENTIMENTS
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import fold
from cxsentiment.training.patterns import AUTHORS, PATTERN_LANGUAGES, drawn, filled, pattern_documents, read_patterns


def test_slots_are_filled_alike_within_a_text_and_differ_by_number() -> None:
    slots = {"firm": ["A", "B"], "noun_2": ["parcel"]}
    seen = {filled("{firm} {firm} {firm_2} [{noun_2}]{{delivery:-}}", slots, random.Random(seed)) for seed in range(20)}
    assert seen == {"A A B [parcel]{delivery:-}", "B B A [parcel]{delivery:-}"}


@pytest.mark.parametrize("author", AUTHORS)
@pytest.mark.parametrize("language", PATTERN_LANGUAGES)
def test_patterns_are_well_formed(language: str, author: str) -> None:
    slots, patterns = read_patterns(language + author)
    types = set(Taxonomy.default().types)
    assert len(patterns) >= 150
    assert all(len(set(words)) == len(words) >= 2 for words in slots.values())
    assert len({pattern.text for pattern in patterns}) == len(patterns)
    for pattern in patterns:
        assert pattern.sentiment in SENTIMENTS, pattern
        assert set(pattern.emotions) <= set(EMOTIONS), pattern
        assert set(pattern.intents) <= set(INTENTS), pattern
        assert set(re.findall(r"\{(\w+):[-+0±]\}", pattern.text)) <= types, pattern
    assert {"positive", "negative", "neutral"} <= {pattern.sentiment for pattern in patterns}
    for document in drawn(language, number=500):
        assert not set(document.text) & set("{}[]\t\n"), document.text
        assert {span.type for span in document.spans} <= {None}, document.text
        assert not document.marked
        assert document.story is None


@pytest.mark.parametrize("language", PATTERN_LANGUAGES)
def test_texts_are_many_different_and_equal_for_equal_seeds(language: str) -> None:
    texts = [document.text for document in drawn(language)]
    assert len(set(texts)) == len(texts) >= 5_000
    assert texts == [document.text for document in drawn(language)]
    assert texts != [document.text for document in drawn(language, seed=1)]
    counts = Counter(document.sentiment for document in drawn(language))
    assert min(counts["positive"], counts["negative"]) > 0.25 * len(texts)


def test_no_text_is_one_of_the_behavioural_tests() -> None:
    """What is measured must not be learnt by heart; that a bare mark such as 9/10 is among both cannot be helped."""
    tests = {fold(text) for language in PATTERN_LANGUAGES for case in cases(language, per_test=400) for text in case.texts}
    taught = {fold(document.text) for document in pattern_documents()}
    assert not [text for text in tests & taught if any(letter.isalpha() for letter in text)]
