"""Whether probabilities mean what they say, and whether the texts of which a contender is sure are the ones that it gets right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cxsentiment.benchmark.record import CalibrationResult
from cxsentiment.errors import InputError

CALIBRATION_BINS = 15
CURVE_POINTS = 50

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Confidence = npt.NDArray[np.floating[Any]]


def calibration(probabilities: npt.ArrayLike, gold: npt.ArrayLike) -> CalibrationResult:
    """All figures of probabilities [texts, labels], whose likeliest label is the chosen one, against the right labels' indices [texts].

    Raises InputError when there are no texts or an index is out of range.
    """
    table, labels = np.asarray(probabilities, np.float64), np.asarray(gold, np.int64)
    if not len(table) or labels.min() < 0 or labels.max() >= table.shape[1]:
        raise InputError("calibration needs at least one text, and for each the index of its right label among the probabilities")
    confidence, correct = table.max(axis=1), table.argmax(axis=1) == labels
    risk = risk_at_coverage(confidence, correct)
    return CalibrationResult(
        ece=calibration_error(confidence, correct),
        brier=brier_score(table, labels),
        reliability=list(zip(*(column.tolist() for column in reliability(confidence, correct)), strict=True)),
        risk_coverage=_curve(risk),
        area=float(risk.mean()),
    )


def reliability(confidence: Confidence, correct: Bools) -> tuple[Floats, Floats, Floats]:
    """Of each of 15 equal-width bins that holds texts: mean confidence, share right, and share of all texts; three [bins]."""
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    texts = np.bincount(bins, minlength=CALIBRATION_BINS)
    held = texts > 0
    means = [np.bincount(bins, values, CALIBRATION_BINS)[held] / texts[held] for values in (confidence, correct)]
    return means[0], means[1], texts[held] / len(bins)


def calibration_error(confidence: Confidence, correct: Bools) -> float:
    """Expected calibration error over 15 equal-width bins (Naeini et al. 2015)."""
    mean, right, share = reliability(confidence, correct)
    return float((np.abs(mean - right) * share).sum())


def brier_score(probabilities: Floats, gold: Integers) -> float:
    """Mean squared distance of probabilities [texts, labels] from the truth, summed over the labels (Brier 1950), in [0, 2]."""
    truth = np.arange(probabilities.shape[1]) == gold[:, None]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def risk_at_coverage(confidence: Confidence, correct: Bools) -> Floats:
    """Share wrong of the 1, 2, ... all surest texts [texts] (Geifman and El-Yaniv 2017); its mean is the area under the curve.

    Texts of equal confidence are answered in random order: each counts as their mean, which is the expectation over all their orders.
    """
    levels, block, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    answered, wrong = (np.cumsum(counts) for counts in (sizes, np.bincount(block, ~correct, len(levels))))
    texts = np.arange(1, len(confidence) + 1)
    risk: Floats = np.interp(texts, [0, *answered], [0, *wrong]) / texts
    return risk


def _curve(risk: Floats) -> list[tuple[float, float]]:
    """At most 50 points at equal steps of coverage, the last where all texts are answered."""
    points = min(CURVE_POINTS, len(risk))
    answered = np.ceil(len(risk) * np.arange(1, points + 1) / points).astype(int)
    return [(float(count / len(risk)), float(risk[count - 1])) for count in answered]
