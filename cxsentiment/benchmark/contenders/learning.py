"""What trained contenders share: which rows teach what, the held-out tenth, a temperature, and answers made of probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxsentiment.benchmark.contender import Example, Prediction
from cxsentiment.errors import InputError, OptionError
from cxsentiment.results import EMOTIONS, SENTIMENTS

SENTIMENT, EMOTION = "sentiment", "emotions"
HELD_OUT = 0.1
PRESENT = 0.5
TEMPERATURES = np.geomspace(0.02, 50.0, 200)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SentimentRows:
    """Examples with a sentiment: `targets` [rows] index `labels`; `allowed` [rows, labels] are the labels that a row's set has."""

    examples: Sequence[Example]
    labels: tuple[str, ...]
    targets: npt.NDArray[np.int64]
    allowed: Flags

    @classmethod
    def of(cls, examples: Sequence[Example]) -> SentimentRows:
        """Raises InputError unless there are two labels to tell apart."""
        rows = [one for one in examples if one.sentiment is not None]
        labels = tuple(label for label in SENTIMENTS if any(one.sentiment == label for one in rows))
        if len(labels) < 2:
            raise InputError(
                f"sentiment cannot be learnt from {len(rows)} labelled texts with {len(labels)} different labels: two are needed"
            )
        targets = np.array([labels.index(str(one.sentiment)) for one in rows])
        allowed = np.array([[not one.sentiments or label in one.sentiments for label in labels] for one in rows])
        allowed[np.arange(len(rows)), targets] = True
        return cls(rows, labels, targets, allowed)


@dataclass(frozen=True)
class EmotionRows:
    """Examples with emotions: `targets` and `known` [rows, emotions], of those emotions that some row has and some row has not."""

    examples: Sequence[Example]
    emotions: tuple[str, ...]
    targets: Flags
    known: Flags

    @classmethod
    def of(cls, examples: Sequence[Example]) -> EmotionRows:
        """Raises InputError when there is no emotion to learn."""
        rows = [one for one in examples if one.emotions is not None]
        targets = np.array([[label in (one.emotions or ()) for label in EMOTIONS] for one in rows], bool).reshape(-1, len(EMOTIONS))
        known = np.array([[label in one.emotion_scheme for label in EMOTIONS] for one in rows], bool).reshape(-1, len(EMOTIONS))
        known |= targets
        used = np.flatnonzero((targets & known).any(axis=0) & (~targets & known).any(axis=0))
        if not len(used):
            raise InputError(f"emotions cannot be learnt from {len(rows)} labelled texts: none is present in some and absent in others")
        return cls(rows, tuple(EMOTIONS[column] for column in used), targets[:, used], known[:, used])


def unknown_task(task: str) -> OptionError:
    """The error for a task that cannot be learnt."""
    return OptionError(f"unknown task {task!r}: {SENTIMENT} and {EMOTION} can be learnt")


def held_out(rows: int, seed: int) -> Flags:
    """Which tenth of the rows [rows] is kept aside, by the seed; at least one row, never all."""
    count = min(max(round(rows * HELD_OUT), 1), rows - 1)
    kept = np.zeros(rows, bool)
    kept[np.random.default_rng(seed).permutation(rows)[:count]] = True
    return kept


def softmax(scores: Floats) -> Floats:
    """[rows, labels] -> probabilities that sum to 1; scores of minus infinity get none."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(scores: Floats, targets: npt.NDArray[np.int64], allowed: Flags) -> float:
    """The temperature that divides scores [rows, labels] for the least log loss of softmax among each row's allowed labels.

    Guo et al. 2017, "On Calibration of Modern Neural Networks"; searched on a grid from .02 to 50.
    """
    masked = np.where(allowed, scores, -np.inf)
    rows = np.arange(len(targets))
    losses = [-np.log(softmax(masked / one)[rows, targets].clip(1e-12)).mean() for one in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def columns_of_all(scores: Floats, classes: Sequence[int], labels: int) -> Floats:
    """Scores [rows] (of the second of two classes) or [rows, classes] as [rows, labels]; labels that were not seen get minus infinity."""
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    found = np.full((len(scores), labels), -np.inf)
    found[:, list(classes)] = scores
    return found


def sentiment_predictions(labels: Sequence[str], probabilities: Floats) -> list[Prediction]:
    """[texts, labels] -> the likeliest of each, with all."""
    return [Prediction(sentiment=_likeliest(told), sentiment_probabilities=told) for told in _named(labels, probabilities)]


def emotion_predictions(labels: Sequence[str], probabilities: Floats) -> list[Prediction]:
    """[texts, emotions] -> those with a probability of at least one half, strongest first, with all."""
    return [Prediction(emotions=present(told), emotion_probabilities=told) for told in _named(labels, probabilities)]


def present(probabilities: Mapping[str, float]) -> list[str]:
    """Emotions with a probability of at least one half, strongest first."""
    return sorted((label for label, share in probabilities.items() if share >= PRESENT), key=lambda label: -probabilities[label])


def _likeliest(probabilities: Mapping[str, float]) -> str:
    return max(probabilities, key=probabilities.__getitem__)


def _named(labels: Sequence[str], probabilities: Floats) -> list[dict[str, float]]:
    return [dict(zip(labels, row, strict=True)) for row in probabilities.tolist()]
