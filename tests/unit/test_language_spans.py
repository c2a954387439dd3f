"""The trained scorer by its parts, and which words of a mixed text are in which language."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cxsentiment.language import LanguageDetector
from cxsentiment.language.letters import hide_noise
from cxsentiment.language.scorer import CLASSES, FINE_CLASSES, REMEMBERED_WORDS, Scorer, Settings, gram_hashes
from cxsentiment.language.words import LONGEST_WORD, MOST_WORDS, words_at, words_of

OURS = ("el", "pl", "ro", "en")


def random_scorer() -> Scorer:
    generator = np.random.default_rng(0)
    common = generator.integers(-127, 128, (256, len(CLASSES))).astype(np.int8)
    fine = generator.integers(-127, 128, (1024, len(FINE_CLASSES) + 1)).astype(np.int8)
    return Scorer(common, fine, Settings(100.0, (1.0, 1.1, 1.2)))


def test_a_word_has_every_gram_once_and_itself() -> None:
    _, counts = gram_hashes(["ab", "a", "abcde"])
    # With the marks: <ab> has 2 + 3 + 2 + 1 grams and the word; <a> 1 + 2 + 1 and the word; <abcde> 5 + 6 + 5 + 4 + 3 and the word.
    assert counts.tolist() == [9, 5, 24]


def test_hashes_of_a_word_do_not_depend_on_its_neighbours() -> None:
    alone, _ = gram_hashes(["courier"])
    together, counts = gram_hashes(["the", "courier", "was"])
    start = int(counts[0])
    assert (together[start : start + int(counts[1])] == alone).all()


def test_scores_of_words_add_up() -> None:
    scorer = random_scorer()
    one, other, both = scorer.logits([["good"], ["morning"], ["good", "morning"]])
    np.testing.assert_allclose((one + other) / 1.1, both)


def test_a_forgetful_scorer_scores_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [[f"word{number}", "the", f"other{number % 7}"] for number in range(60)]
    whole = random_scorer().logits(texts)
    monkeypatch.setattr("cxsentiment.language.scorer.REMEMBERED_WORDS", 5)
    forgetful = random_scorer()
    assert (np.concatenate([forgetful.logits([text]) for text in texts]) == whole).all()
    assert REMEMBERED_WORDS > 10_000


def test_a_text_without_words_scores_nothing() -> None:
    assert not random_scorer().logits([[], ["a"], []])[[0, 2]].any()


def test_words_are_small_shortened_and_bounded() -> None:
    assert words_of(["SUUUUPER!!! Obsługa", "", "10/10 👍", "it's d’accord"]) == [["suuper", "obsługa"], [], [], ["it's", "d'accord"]]
    assert len(words_of(["a b " * 5000])[0]) == MOST_WORDS
    assert len(words_of(["x" + "abc" * 3000])[0][0]) <= LONGEST_WORD
    assert words_of(["see https://example.ro/super and maria@example.ro"]) == [["see", "and"]]


def test_places_of_words_are_those_of_the_text() -> None:
    text = "Λοιπόν: <b>super</b> café, www.example.com/x it’s ok"
    assert [text[start:end] for start, end in words_at(hide_noise(text))] == ["Λοιπόν", "super", "café", "it’s", "ok"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Το delivery ήταν πολύ αργό", [("Το", "el"), ("delivery", "en"), ("ήταν πολύ αργό", "el")]),
        (
            "The staff were lovely and the room was clean, ale śniadanie było zimne i spóźnione",
            [("The staff were lovely and the room was clean", "en"), ("ale śniadanie było zimne i spóźnione", "pl")],
        ),
        (
            "Mulțumesc frumos pentru ajutor, you are the best team ever",
            [("Mulțumesc frumos pentru ajutor", "ro"), ("you are the best team ever", "en")],
        ),
        ("Bardzo polecam ten sklep", [("Bardzo polecam ten sklep", "pl")]),
    ],
)
def test_spans_of_a_mixed_text(text: str, expected: list[tuple[str, str]]) -> None:
    spans = LanguageDetector(OURS).detect_spans(text)
    assert [(text[span.start : span.end], span.language.code) for span in spans] == expected


@pytest.mark.parametrize("text", ["", " ", "👍👍", "10/10", "გამარჯობა", "https://example.gr"])
def test_no_spans_where_nothing_is_said_in_a_candidate(text: str) -> None:
    assert LanguageDetector(OURS).detect_spans(text) == []


def test_spans_are_in_order_and_inside_the_text() -> None:
    text = "Good morning, dzień dobry, καλημέρα, bună ziua! " * 30
    spans = LanguageDetector().detect_spans(text)
    assert spans
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(before.end <= after.start for before, after in itertools.pairwise(spans))
