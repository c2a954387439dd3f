"""What a comment tells beside sentiment and touchpoints: stage, qualities judged, relation, intents. Pure: arrays in, results out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxsentiment.heads import Floats, sigmoid, softmax
from cxsentiment.results import INTENTS, QUALITIES, RELATIONS, STAGES, Quality

JUDGEMENTS = tuple((quality, polarity) for quality in QUALITIES for polarity in "-+")
STORY = (*STAGES, *RELATIONS, *(f"{quality}:{polarity}" for quality, polarity in JUDGEMENTS), *INTENTS)
"""Labels in the order of their probabilities."""

STORY_LOGITS = len(STORY) + 2
"""Logits of a text: no stage, the stages; no relation, the relations; then one for each judgement and intent."""

FIRST_RELATION = 1 + len(STAGES)
FIRST_FLAG = FIRST_RELATION + 1 + len(RELATIONS)
"""Places of the first relation logit (no relation) and of the first judgement's."""

_RELATIONS = len(STAGES)
_JUDGEMENTS = _RELATIONS + len(RELATIONS)
_INTENTS = _JUDGEMENTS + len(JUDGEMENTS)


def story_probabilities(logits: Floats) -> Floats:
    """Probabilities [texts, len(STORY)] from logits [texts, STORY_LOGITS].

    A text has one stage or none, and one relation or none: those that are less likely than another, or than none, have 0.
    """
    alone = [_likeliest_only(softmax(logits[:, start:end])) for start, end in ((0, FIRST_RELATION), (FIRST_RELATION, FIRST_FLAG))]
    found: Floats = np.concatenate([*alone, sigmoid(logits[:, FIRST_FLAG:])], axis=1)
    return found


def stage_of(probabilities: Floats, thresholds: Sequence[float]) -> str | None:
    """The likeliest stage, if it reaches its threshold; probabilities of one text [len(STORY)]."""
    return _likeliest(probabilities[:_RELATIONS], thresholds[:_RELATIONS], STAGES)


def relation_of(probabilities: Floats, thresholds: Sequence[float]) -> str | None:
    """The likeliest relation, if it reaches its threshold."""
    between = slice(_RELATIONS, _JUDGEMENTS)
    return _likeliest(probabilities[between], thresholds[between], RELATIONS)


def qualities_of(probabilities: Floats, thresholds: Sequence[float]) -> tuple[Quality, ...]:
    """The qualities judged, in the order of `QUALITIES`; one that is praised and blamed has the polarity `±`."""
    found: dict[str, list[tuple[str, float]]] = {}
    for place, (quality, polarity) in enumerate(JUDGEMENTS, _JUDGEMENTS):
        if probabilities[place] >= thresholds[place]:
            found.setdefault(quality, []).append((polarity, float(probabilities[place])))
    return tuple(
        Quality(quality, judged[0][0] if len(judged) == 1 else "±", min(score for _, score in judged)) for quality, judged in found.items()
    )


def intents_of(probabilities: Floats, thresholds: Sequence[float]) -> tuple[str, ...]:
    """The intents present, in the order of `INTENTS`."""
    return tuple(label for place, label in enumerate(INTENTS, _INTENTS) if probabilities[place] >= thresholds[place])


def _likeliest(probabilities: Floats, thresholds: Sequence[float], labels: Sequence[str]) -> str | None:
    place = int(probabilities.argmax())
    return labels[place] if probabilities[place] >= thresholds[place] else None


def _likeliest_only(probabilities: Floats) -> Floats:
    """Probabilities [texts, none and labels] -> [texts, labels], all 0 but the likeliest's."""
    likely = probabilities.argmax(axis=1)[:, None] == np.arange(1, probabilities.shape[1])
    found: Floats = np.where(likely, probabilities[:, 1:], np.float32(0.0))
    return found
