"""Logits to calibrated probabilities to labels. Pure: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS, Emotion, Sentiment

Floats = npt.NDArray[np.float32]
TYPICAL_TOKENS = 24.0
OUT_OF_REACH = 2.0


@dataclass(frozen=True, slots=True)
class BranchWeights:
    """How the two branches add up: `deep * encoder + (wide + wide_length * log2(tokens / 24)) * n-grams + bias`.

    `bias` has one entry for each label. Weights scale logits, so they calibrate too (vector scaling, Guo et al. 2017).
    """

    deep: float
    wide: float
    wide_length: float
    bias: tuple[float, ...]

    def combine(self, deep: Floats, wide: Floats, tokens: npt.NDArray[np.int64]) -> Floats:
        """Calibrated logits [texts, labels] from both branches' [texts, labels] and the texts' lengths in tokens [texts]."""
        share = self.wide + self.wide_length * np.log2(np.maximum(tokens, 1) / TYPICAL_TOKENS)
        combined: Floats = (self.deep * deep + share[:, None] * wide + np.array(self.bias)).astype(np.float32)
        return combined


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything between logits and labels; kept in the model's manifest.

    `outside_bias` is added to the logit of no touchpoint; a phrase is a mention where the network gives one of its words at least the
    probability `phrase_share` of being in one (without the bias). `story_thresholds` and `story_unsure` go with the labels `story.STORY`:
    those that are not right often enough are unsure, and given only to those who ask for them.
    """

    sentiment: BranchWeights
    emotions: BranchWeights
    emotion_thresholds: tuple[float, ...]
    polarity_scale: float
    polarity_bias: tuple[float, ...]
    outside_bias: float
    phrase_share: float
    story_thresholds: tuple[float, ...]
    story_unsure: tuple[bool, ...]

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Calibration:
        """The inverse of `dataclasses.asdict`. Raises KeyError or TypeError when something is missing."""
        branches = {name: BranchWeights(**{**plain[name], "bias": tuple(plain[name]["bias"])}) for name in ("sentiment", "emotions")}
        sizes = {"sentiment": len(SENTIMENTS), "emotions": len(EMOTIONS)}
        if any(len(branches[name].bias) != size for name, size in sizes.items()):
            raise KeyError("a bias for every label")
        if len(plain["story_thresholds"]) != len(plain["story_unsure"]):
            raise KeyError("story_unsure for every threshold")
        return cls(
            branches["sentiment"],
            branches["emotions"],
            tuple(plain["emotion_thresholds"]),
            float(plain["polarity_scale"]),
            tuple(plain["polarity_bias"]),
            float(plain["outside_bias"]),
            float(plain["phrase_share"]),
            tuple(plain["story_thresholds"]),
            tuple(plain["story_unsure"]),
        )

    def thresholds_of_story(self, *, unsure_labels: bool = False) -> tuple[float, ...]:
        """The least probability of each label of the story; out of reach for unsure ones, unless they are asked for."""
        pairs = zip(self.story_thresholds, self.story_unsure, strict=True)
        return tuple(threshold if unsure_labels or not unsure else OUT_OF_REACH for threshold, unsure in pairs)

    def polarity_probabilities(self, logits: Floats) -> Floats:
        """Probabilities [spans, 4] of the polarities from their logits [spans, 4]."""
        return softmax(self.polarity_scale * logits + np.array(self.polarity_bias, np.float32))

    def polarities(self, logits: Floats) -> list[tuple[str, float]]:
        """(polarity, probability) of each span from its logits [spans, 4]."""
        return [(POLARITIES[int(row.argmax())], float(row.max())) for row in self.polarity_probabilities(logits)]

    def emotions_present(self, emotions: Sequence[Emotion]) -> tuple[Emotion, ...]:
        """The emotions of one text whose probability reaches their threshold, strongest first; all fifteen in the order of `EMOTIONS`."""
        pairs = zip(emotions, self.emotion_thresholds, strict=True)
        return tuple(sorted((one for one, threshold in pairs if one.probability >= threshold), key=lambda one: -one.probability))


def sentiment_of(probabilities: Floats) -> Sentiment:
    """The result of one text from its four probabilities [4]."""
    negative, neutral, positive, mixed = (float(value) for value in probabilities)
    return Sentiment(SENTIMENTS[int(probabilities.argmax())], positive - negative, negative, neutral, positive, mixed)


def all_emotions(probabilities: Floats) -> tuple[Emotion, ...]:
    """All fifteen emotions with their probabilities [15]."""
    return tuple(map(Emotion, EMOTIONS, probabilities.tolist()))


def softmax(logits: Floats) -> Floats:
    """Probabilities [rows, labels] that sum to 1 in each row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True)) if len(logits) else logits
    normalised: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return normalised


def sigmoid(logits: Floats) -> Floats:
    """Independent probabilities, elementwise."""
    probabilities: Floats = (0.5 * (1.0 + np.tanh(0.5 * logits))).astype(np.float32)
    return probabilities
