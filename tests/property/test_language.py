"""What holds for language detection of any texts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxsentiment.language import LanguageDetector, available_languages, transliterate
from cxsentiment.language.script import SCRIPTS

EVERYTHING = LanguageDetector()
OURS = LanguageDetector(["el", "en", "pl", "ro"])

WORDS = st.sampled_from(
    [
        "super",
        "Πολύ",
        "ΟΔΟΣ",
        "kalo",
        "foarte",
        "mulțumit",
        "źle",
        "the",
        "staff",
        "спасибо",
        "服务",
        "です",
        "ок",
        "😡",
        "10",
        "@me",
        "www.a.gr",
        "\0",
        "Ά",
    ]
)
ANY_TEXT = (
    st.text(st.characters(codec=None), max_size=60) | st.lists(WORDS, max_size=8).map(" ".join) | st.lists(WORDS, max_size=4).map("".join)
)


@given(ANY_TEXT)
@example("\ud800\udc00")
@example("\0\0a\0")
@example("İ\u0307\u0345")
@settings(max_examples=300, deadline=None)
def test_any_string_has_a_result(text: str) -> None:
    found = EVERYTHING.detect(text)
    assert found.code in {*available_languages(), "und"}
    assert found.script in SCRIPTS
    assert 0.0 <= found.score <= 1.0
    assert (found.code == "und") == (found.score == 0.0)
    if found.script == "Zyyy":
        assert found.code == "und"


@given(st.lists(ANY_TEXT, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_result_does_not_depend_on_the_batch(texts: list[str], rng: random.Random) -> None:
    for detector in (EVERYTHING, OURS):
        alone = [detector.detect(text) for text in texts]
        assert detector.detect_batch(texts) == alone
        order = list(range(len(texts)))
        rng.shuffle(order)
        assert detector.detect_batch([texts[place] for place in order]) == [alone[place] for place in order]


@given(st.lists(ANY_TEXT, min_size=1, max_size=6), st.integers(1, 6000))
@settings(max_examples=15, deadline=None)
def test_result_does_not_depend_on_chunks(texts: list[str], length: int) -> None:
    many = [texts[place % len(texts)] for place in range(length)]
    alone = {text: EVERYTHING.detect(text) for text in texts}
    assert EVERYTHING.detect_batch(many) == [alone[text] for text in many]


@given(st.lists(WORDS, min_size=400, max_size=500).map(" ".join), ANY_TEXT)
@settings(max_examples=20, deadline=None)
def test_a_cut_text_does_not_touch_the_next(text: str, following: str) -> None:
    long = text * 10
    assert EVERYTHING.detect_batch([long, following]) == [EVERYTHING.detect(long), EVERYTHING.detect(following)]


@given(ANY_TEXT, st.integers())
@settings(max_examples=200, deadline=None)
def test_transliteration_is_repeatable_and_leaves_no_greek_letter(text: str, seed: int) -> None:
    spelled = transliterate(text, random.Random(seed))
    assert spelled == transliterate(text, random.Random(seed))
    assert not set(spelled.lower()) & set("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ")


def test_processes_agree_whatever_the_hash_seed() -> None:
    program = (
        "from cxsentiment.language import LanguageDetector\n"
        "texts = ['super', 'ok', 'Foarte bun', 'kalo magazi', 'źle', 'thanks a lot', 'ok super 服务', 'Спасибо', 'καλό', '']\n"
        "print(LanguageDetector().detect_batch(texts), LanguageDetector(['ro', 'el', 'pl']).detect_batch(texts))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1


@given(ANY_TEXT)
@example("\ud800\udc00 super")
@example("Το delivery: www.a.gr super!")
@settings(max_examples=200, deadline=None)
def test_stretches_lie_in_the_text_in_order_and_in_a_known_language(text: str) -> None:
    for detector in (EVERYTHING, OURS):
        spans = detector.detect_spans(text)
        ends = [place for span in spans for place in (span.start, span.end)]
        assert ends == sorted(ends)
        assert all(0 <= span.start < span.end <= len(text) for span in spans)
        assert all(span.language.code in detector.languages and 0.3 <= span.language.score <= 1.0 for span in spans)
