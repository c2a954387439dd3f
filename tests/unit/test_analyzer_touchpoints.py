"""Mentions and stories that the network itself finds, on their way through `Analyzer`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cxsentiment import Analyzer, Taxonomy
from cxsentiment.results import STAGES, TOUCHPOINTS, Analysis
from tests.conftest import SENTENCES

LONG = "η παράδοση άργησε, the courier was rude &amp; late " * 120
TEXTS = [*SENTENCES, "  😡  Η ΠΑΡΑΔΟΣΗΗΗΗ άργησε,   the courier was rude  ", LONG, "", "ok", "ł"]


@pytest.fixture(scope="module")
def eager(eager_model: Path) -> Analyzer:
    return Analyzer.from_pretrained(eager_model, device="cpu", cache_size=0)


def marks(analysis: Analysis) -> list[tuple[int, int, str, str]]:
    return [(one.start, one.end, one.type, one.polarity) for one in analysis.touchpoints]


def test_mentions_are_whole_words_in_order_and_do_not_overlap(eager: Analyzer) -> None:
    for text, analysis in zip(TEXTS, eager(TEXTS), strict=True):
        assert bool(analysis.touchpoints) == any(letter.isalnum() for letter in text)
        last = 0
        for one in analysis.touchpoints:
            assert one.text == text[one.start : one.end] == one.text.strip() != ""
            assert one.start >= last
            assert any(character.isalnum() for character in one.text)
            for outer, inner in ((one.start - 1, one.start), (one.end, one.end - 1)):
                assert not (text[max(outer, 0) : outer + 1].isalnum() and text[inner].isalnum())
            last = one.end
    assert eager(LONG).touchpoints[-1].end > len(LONG) - 40


def test_mentions_are_the_same_alone_and_in_any_batch(eager: Analyzer, eager_model: Path) -> None:
    alone = [marks(eager(text)) for text in TEXTS]
    assert [marks(one) for one in eager(TEXTS)] == alone
    small = Analyzer.from_pretrained(eager_model, device="cpu", token_budget=64, cache_size=0)
    assert [marks(one) for one in small(TEXTS[::-1])] == alone[::-1]


def test_a_taxonomy_renames_merges_and_leaves_out_what_the_network_finds(eager_model: Path, eager: Analyzer, tmp_path: Path) -> None:
    types = {one.type for analysis in eager(TEXTS) for one in analysis.touchpoints}
    assert len(types) > 2
    first, second, *_ = [name for name in TOUCHPOINTS if name in types]
    rest = [name for name in TOUCHPOINTS if name not in (first, second)]
    file = tmp_path / "mine.toml"
    file.write_text(
        f"""
extends = "default"
remove = {rest[1:]!r}
[types.both]
merges = [{first!r}, {second!r}]
labels.en = "Both"
""",
        encoding="utf-8",
    )
    changed = Analyzer.from_pretrained(eager_model, device="cpu", taxonomy=Taxonomy.load(file))
    found = {one.type for analysis in changed(TEXTS) for one in analysis.touchpoints}
    assert "both" in found
    assert found <= {"both", rest[0]}


def test_unsure_labels_are_given_to_those_who_ask(eager: Analyzer, eager_model: Path) -> None:
    bold = Analyzer.from_pretrained(eager_model, device="cpu", unsure_labels=True)
    for shy, told in zip(eager(TEXTS), bold(TEXTS), strict=True):
        assert (shy.stage, shy.relation, shy.qualities, shy.intents) == (None, None, (), ())
        assert bool(told.qualities) == bool(told.windows)
        assert told.stage in (None, *STAGES)
