"""`Analyzer.stream_chunks`: each chunk by itself, the same to the last bit whatever is beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cxsentiment import Analyzer, InputError
from cxsentiment.streaming import cut_by_size
from tests.conftest import SENTENCES

A = [*SENTENCES, SENTENCES[0], "", "   ", "😀"]
B = [f"{number} {text}" for number, text in enumerate(SENTENCES * 5)]
C = ["app " * 700, SENTENCES[1], SENTENCES[1]]


@pytest.fixture
def analyzer(tiny_model: Path) -> Analyzer:
    return Analyzer.from_pretrained(tiny_model, device="cpu")


def test_chunks_come_in_order_with_one_analysis_for_each_text(analyzer: Analyzer) -> None:
    chunks = [A, [], B, C, []]
    found = list(analyzer.stream_chunks(chunks))
    assert [[analysis.text for analysis in chunk] for chunk in found] == chunks
    for analyses, chunk in zip(found, chunks, strict=True):
        alone = analyzer(chunk)
        assert [analysis.sentiment.label for analysis in analyses] == [analysis.sentiment.label for analysis in alone]
        assert [analysis.touchpoints for analysis in analyses] == [analysis.touchpoints for analysis in alone]


def test_a_chunk_is_the_same_to_the_last_bit_wherever_it_stands(analyzer: Analyzer) -> None:
    (first,) = analyzer.stream_chunks([A])
    analyzer(B)
    assert list(analyzer.stream_chunks([B, C, A]))[2] == first
    assert list(analyzer.stream_chunks([A, A]))[1] == first


def test_chunks_are_read_as_they_are_needed(analyzer: Analyzer) -> None:
    taken = 0

    def chunks() -> Iterator[Sequence[str]]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield SENTENCES

    next(analyzer.stream_chunks(chunks()))
    assert taken < 10


def test_what_is_not_text_is_refused_after_all_chunks_before_it(analyzer: Analyzer) -> None:
    found = analyzer.stream_chunks([["a"], ["b", 5]])  # type: ignore[list-item]
    assert [analysis.text for analysis in next(found)] == ["a"]
    with pytest.raises(InputError, match="item 1 is int"):
        next(found)


def test_stats_count_repeated_texts(analyzer: Analyzer) -> None:
    list(analyzer.stream_chunks([["a", "b", "a"], ["a"]]))
    stats = analyzer.stats()
    assert (stats.texts, stats.repeats) == (4, 1)


def test_the_identity_names_what_answers_depend_on(analyzer: Analyzer, tiny_model: Path) -> None:
    identity = analyzer.identity
    assert identity["model"] == "tiny 0"
    assert identity["token budget"] == "1024"
    assert identity == Analyzer.from_pretrained(tiny_model, device="cpu").identity
    unsure = Analyzer.from_pretrained(tiny_model, device="cpu", unsure_labels=True, token_budget=64).identity
    assert [name for name in identity if identity[name] != unsure[name]] == ["unsure labels", "token budget"]


def test_stretches_have_about_so_many_tokens() -> None:
    texts = ["a" * 40] * 10
    assert cut_by_size(texts, 26) == [texts[:2]] * 5
    assert cut_by_size(texts, 1_000_000) == [texts]
    assert cut_by_size([], 10) == [[]]
