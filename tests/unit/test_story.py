"""From story logits to stage, qualities, relation and intents."""

from __future__ import annotations

import numpy as np
import pytest

from cxsentiment.results import INTENTS, STAGES
from cxsentiment.story import FIRST_FLAG, STORY, STORY_LOGITS, intents_of, qualities_of, relation_of, stage_of, story_probabilities

HALF = (0.5,) * len(STORY)


def probabilities(**present: float) -> np.ndarray:
    return np.array([present.get(label.replace(":", "_").replace("-", "minus").replace("+", "plus"), 0.0) for label in STORY], np.float32)


def test_a_text_has_at_most_one_stage_and_one_relation() -> None:
    logits = np.zeros((2, STORY_LOGITS), np.float32)
    logits[0, 1 + STAGES.index("after")] = logits[1, 0] = 2.0
    found = story_probabilities(logits)
    assert found.shape == (2, len(STORY))
    assert (found[:, : len(STAGES)] > 0).tolist() == [[False, False, True], [False, False, False]]
    assert found[0, -len(INTENTS) :].tolist() == pytest.approx([0.5] * len(INTENTS))
    assert STORY_LOGITS - FIRST_FLAG == 14


def test_the_likeliest_stage_counts_if_it_reaches_its_threshold() -> None:
    assert stage_of(probabilities(before=0.6), HALF) == "before"
    assert stage_of(probabilities(before=0.4), HALF) is None
    assert relation_of(probabilities(before=0.9, returning=0.7), HALF) == "returning"


def test_a_quality_that_is_praised_and_blamed_is_both() -> None:
    found = qualities_of(probabilities(simplicity_minus=0.7, simplicity_plus=0.6, value_plus=0.8, consistency_minus=0.4), HALF)
    assert [(one.quality, one.polarity, round(one.score, 2)) for one in found] == [("simplicity", "±", 0.6), ("value", "+", 0.8)]


def test_intents_come_in_their_order() -> None:
    assert intents_of(probabilities(request=0.9, complaint=0.5, churn=0.49), HALF) == ("complaint", "request")
