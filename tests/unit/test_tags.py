"""From token logits to mentions, and how mentions and phrases go together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from cxsentiment.encoder.tokenise import TokenisedText
from cxsentiment.results import POLARITIES, TOUCHPOINTS
from cxsentiment.tags import (
    BEGINS,
    FIRST_POLARITY,
    ITSELF,
    TOKEN_LOGITS,
    Tagged,
    _may_mention,
    mentions_of,
    polarity_logits,
    tagged,
    type_shares,
    word_starts,
)
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.touchpoints import Mention
from tests.conftest import some_calibration

TEXT = "the app crashed, courier was rude"
OFFSETS = np.array([(0, 3), (4, 7), (8, 13), (13, 15), (15, 16), (17, 20), (20, 24), (25, 28), (29, 33)])
CALIBRATION = some_calibration(outside_bias=0.0, phrase_share=0.3)


def token_logits(types: dict[int, str], begins: tuple[int, ...] = ()) -> np.ndarray:
    """Sure logits: the given type for some tokens, outside for the others."""
    logits = np.zeros((len(OFFSETS), TOKEN_LOGITS), np.float32)
    logits[:, BEGINS] = -5.0
    logits[list(begins), BEGINS] = 5.0
    for token in range(len(OFFSETS)):
        logits[token, 1 + TOUCHPOINTS.index(types[token]) if token in types else 0] = 9.0
    return logits


def found_in(logits: np.ndarray, bias: float = 0.0, learnt: Mapping[str, str] = ITSELF) -> list[Tagged]:
    (found,) = tagged([TEXT], logits, [OFFSETS], bias, learnt)
    return found


def spans(types: dict[int, str], begins: tuple[int, ...] = (), bias: float = 0.0) -> list[tuple[str, str]]:
    return [(TEXT[one.start : one.end], one.type) for one in found_in(token_logits(types, begins), bias)]


def test_types_are_those_of_the_packaged_taxonomy() -> None:
    assert tuple(Taxonomy.default().types) == TOUCHPOINTS


def test_neighbouring_words_of_a_type_are_one_mention() -> None:
    assert spans({0: "mobile_app", 1: "mobile_app", 5: "delivery", 6: "delivery"}) == [("the app", "mobile_app"), ("courier", "delivery")]


def test_a_new_mention_begins_where_it_is_said_or_the_type_changes() -> None:
    assert spans({0: "food", 1: "food", 2: "food", 3: "food"}, begins=(0, 1)) == [("the", "food"), ("app crashed", "food")]
    assert spans({1: "mobile_app", 2: "website", 3: "website"}) == [("app", "mobile_app"), ("crashed", "website")]


def test_pieces_of_a_word_count_together_and_a_comma_is_no_part_of_it() -> None:
    logits = token_logits({2: "repair"})
    logits[3, 0] = 3.0
    assert [(one.start, one.end) for one in found_in(logits)] == [(8, 15)]


def test_a_bias_against_outside_finds_more() -> None:
    logits = token_logits({})
    logits[1, 0], logits[1, 1 + TOUCHPOINTS.index("mobile_app")] = 2.0, 1.0
    assert found_in(logits) == []
    (found,) = found_in(logits, -1.5)
    assert (found.type, found.first, found.last) == ("mobile_app", 1, 2)


def test_the_space_that_a_piece_begins_with_is_no_part_of_a_mention() -> None:
    offsets = np.array([(0, 2), (2, 6), (6, 14), (14, 18)])
    logits = np.zeros((4, TOKEN_LOGITS), np.float32)
    logits[:, BEGINS] = -1.0
    logits[2, 1 + TOUCHPOINTS.index("delivery")] = logits[[0, 1, 3], 0] = 9.0
    ((found,),) = tagged(["so the courier was"], logits, [offsets], 0.0)
    assert (found.start, found.end, found.first, found.last) == (7, 14, 2, 3)


def test_pieces_of_one_character_are_of_one_word() -> None:
    assert word_starts("κού το", np.array([(0, 1), (1, 2), (1, 2), (2, 3), (3, 5), (5, 6), (5, 6)])).tolist() == [0, 4]


def test_a_merged_type_has_the_probability_of_all_that_it_merges() -> None:
    learnt = {name: "people" if name in ("staff", "sales") else name for name in TOUCHPOINTS if name != "legal"}
    logits = token_logits({})
    logits[1, 0], logits[1, [1 + TOUCHPOINTS.index(name) for name in ("staff", "sales")]] = 4.0, 3.8
    logits[5:7, 0], logits[5:7, 1 + TOUCHPOINTS.index("legal")] = 0.0, 9.0
    assert [one.type for one in found_in(logits)] == ["legal"]
    (found,) = found_in(logits, 0.0, learnt)
    assert (found.start, found.type) == (4, "people")
    shares = type_shares(logits, 0.0, learnt)
    assert shares.sum(axis=1).tolist() == pytest.approx([1.0] * len(OFFSETS))
    assert shares[5, 0] > 0.9


def test_a_text_without_tokens_has_no_mentions() -> None:
    assert tagged([""], np.zeros((0, TOKEN_LOGITS), np.float32), [np.zeros((0, 2), np.int64)], 0.0) == [[]]


def found_with(phrases: list[Mention], logits: np.ndarray) -> list[tuple[int, str]]:
    text = TokenisedText(np.arange(len(OFFSETS)), OFFSETS)
    (found,) = mentions_of([TEXT], [text], logits, [phrases], CALIBRATION)
    return [(one.start, one.type) for one in found]


def test_the_network_decides_on_the_type_of_what_both_see() -> None:
    logits = token_logits({1: "mobile_app"})
    assert found_with([Mention(4, 7, "website", "channels")], logits) == [(4, "mobile_app")]


def test_a_phrase_counts_where_the_network_leaves_room_for_it() -> None:
    sure, unsure = token_logits({}), token_logits({})
    unsure[5:7, 0] = 0.0
    phrase = [Mention(17, 24, "delivery", "journey")]
    assert found_with(phrase, sure) == []
    assert found_with(phrase, unsure) == [(17, "delivery")]


def test_a_users_own_type_comes_before_the_network() -> None:
    logits = token_logits({1: "mobile_app", 5: "delivery", 6: "delivery"})
    assert found_with([Mention(0, 7, "wallet", "channels")], logits) == [(0, "wallet"), (17, "delivery")]


def test_polarity_of_a_mention_is_the_mean_over_its_tokens() -> None:
    logits = np.zeros((3, TOKEN_LOGITS), np.float32)
    logits[:, FIRST_POLARITY + POLARITIES.index("+")] = 1.0, 3.0, 100.0
    assert polarity_logits(logits, [(0, 2), (2, 3)])[:, POLARITIES.index("+")].tolist() == [2.0, 100.0]
    assert polarity_logits(logits, []).shape == (0, len(POLARITIES))


def test_texts_beside_each_other_do_not_change_what_is_found() -> None:
    some = {0: "food", 1: "food", 8: "staff"}
    alone = token_logits(some)
    (expected,) = tagged([TEXT], alone, [OFFSETS], 0.0)
    beside = tagged([TEXT, "", TEXT], np.concatenate([alone, alone]), [OFFSETS, np.zeros((0, 2), np.int64), OFFSETS], 0.0)
    assert beside == [expected, [], expected]
    assert [one.type for one in expected] == ["food", "staff"]
    text = TokenisedText(np.arange(len(OFFSETS)), OFFSETS)
    phrases = [Mention(17, 24, "delivery", "journey")]
    unsure = token_logits({})
    unsure[5:7, 0] = 0.0
    logits = np.concatenate([token_logits({}), alone, unsure])
    found = mentions_of([TEXT] * 3, [text] * 3, logits, [phrases, [], phrases], CALIBRATION)
    assert [[one.type for one in some] for some in found] == [[], ["food", "staff"], ["delivery"]]


@pytest.mark.parametrize("seed", range(5))
def test_texts_that_are_passed_over_have_nothing_in_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(20 * len(OFFSETS), TOKEN_LOGITS)).astype(np.float32)
    firsts = np.arange(20) * len(OFFSETS)
    passed = ~_may_mention(logits, firsts, 3.5, ITSELF)
    found = tagged([TEXT] * 20, logits, [OFFSETS] * 20, 3.5)
    assert 0 < passed.sum() < 20
    assert not any(some for some, over in zip(found, passed, strict=True) if over)
    assert any(found)
