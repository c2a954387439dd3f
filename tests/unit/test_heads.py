from dataclasses import asdict

import numpy as np
import pytest

from cxsentiment.heads import BranchWeights, Calibration, sentiment_of, sigmoid, softmax
from cxsentiment.results import EMOTIONS, Emotion
from tests.conftest import some_calibration


def calibration() -> Calibration:
    thresholds = tuple(0.1 * (index % 5) + 0.2 for index in range(15))
    return some_calibration(emotion_thresholds=thresholds, polarity_scale=1.5)


def test_the_wide_branch_weighs_more_in_longer_texts() -> None:
    weights = BranchWeights(deep=2.0, wide=0.5, wide_length=0.25, bias=(1.0,))
    deep, wide = np.ones((2, 1), np.float32), np.full((2, 1), 4.0, np.float32)
    combined = weights.combine(deep, wide, np.array([24, 96]))
    assert combined[:, 0].tolist() == pytest.approx([2 + 0.5 * 4 + 1, 2 + (0.5 + 0.25 * 2) * 4 + 1])


def test_calibration_survives_its_plain_form() -> None:
    assert Calibration.from_dict(asdict(calibration())) == calibration()


def test_calibration_with_too_few_biases_is_refused() -> None:
    plain = asdict(calibration())
    plain["sentiment"]["bias"] = (0.0,)
    with pytest.raises(KeyError):
        Calibration.from_dict(plain)


def test_emotions_present_reach_their_own_threshold_and_come_strongest_first() -> None:
    probabilities = np.zeros(15, np.float32)
    probabilities[[0, 4, 6]] = 0.25, 0.59, 0.9
    assert [emotion.label for emotion in calibration().emotions_present(list(map(Emotion, EMOTIONS, probabilities.tolist())))] == [
        "surprise",
        "joy",
    ]


def test_polarity_is_positive_minus_negative() -> None:
    sentiment = sentiment_of(np.array([0.1, 0.2, 0.6, 0.1], np.float32))
    assert sentiment.label == "positive"
    assert sentiment.polarity == pytest.approx(0.5)
    assert sum(sentiment.probabilities.values()) == pytest.approx(1.0)


def test_softmax_and_sigmoid_agree_with_their_formulas() -> None:
    logits = np.array([[0.0, 1.0, 2.0, -80.0]], np.float32)
    expected = np.exp(logits) / np.exp(logits).sum()
    assert softmax(logits) == pytest.approx(expected)
    assert sigmoid(logits) == pytest.approx(1 / (1 + np.exp(-logits.astype(np.float64))))


def test_no_spans_give_no_polarities() -> None:
    assert calibration().polarities(np.zeros((0, 4), np.float32)) == []
