import itertools
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from cxsentiment.benchmark.calibration import calibration, risk_at_coverage
from cxsentiment.errors import InputError
from cxsentiment.training import measure

EXACT = 1e-9


def judged(texts: int = 400, labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities with two decimals, so that many are equal, and labels drawn from them."""
    rng = np.random.default_rng(0)
    raw = np.round(rng.dirichlet(np.ones(labels), texts), 2)
    table = raw / raw.sum(axis=1, keepdims=True)
    return table, np.array([rng.choice(labels, p=row) for row in table])


def test_calibration_error_and_reliability_agree_with_a_plain_count() -> None:
    table, gold = judged()
    expected, rows = 0.0, []
    for number in range(15):
        members = [text for text in range(400) if min(int(max(table[text]) * 15), 14) == number]
        if members:
            sure = sum(max(table[text]) for text in members) / len(members)
            right = sum(int(table[text].argmax()) == gold[text] for text in members) / len(members)
            rows.append((sure, right, len(members) / 400))
            expected += abs(sure - right) * len(members) / 400
    result = calibration(table, gold)
    assert result.ece == pytest.approx(expected, abs=EXACT)
    assert np.allclose(result.reliability, rows, rtol=0, atol=EXACT)


def test_brier_score_is_the_sum_of_those_of_each_label() -> None:
    table, gold = judged()
    expected = sum(brier_score_loss(gold == label, table[:, label]) for label in range(3))
    assert calibration(table, gold).brier == pytest.approx(expected, abs=EXACT)


def test_brier_score_is_2_at_worst() -> None:
    assert calibration([[1.0, 0.0]], [1]).brier == 2
    assert calibration([[1.0, 0.0]], [0]).brier == 0


def test_risk_of_different_confidences_agrees_with_a_plain_count() -> None:
    confidence, correct = np.array([0.9, 0.5, 0.8, 0.6]), np.array([True, False, False, True])
    assert risk_at_coverage(confidence, correct) == pytest.approx([0, 1 / 2, 1 / 3, 2 / 4], abs=EXACT)


def test_risk_of_equal_confidences_is_the_mean_over_all_orders() -> None:
    confidence, correct = np.array([0.9, 0.7, 0.7, 0.7, 0.7]), np.array([False, True, True, False, True])
    orders = [[0, *order] for order in itertools.permutations(range(1, 5))]
    risks = [np.cumsum(~correct[order]) / np.arange(1, 6) for order in orders]
    assert risk_at_coverage(confidence, correct) == pytest.approx(np.mean(risks, axis=0), abs=EXACT)


def test_the_order_of_the_texts_does_not_matter() -> None:
    table, gold = judged()
    order = np.random.default_rng(1).permutation(400)
    one, other = calibration(table, gold), calibration(table[order], gold[order])
    assert np.allclose(one.risk_coverage, other.risk_coverage, rtol=0, atol=EXACT)
    assert [one.ece, one.brier, one.area] == pytest.approx([other.ece, other.brier, other.area], abs=EXACT)


@pytest.mark.parametrize(("texts", "points"), [(1, 1), (7, 7), (50, 50), (51, 50), (400, 50)])
def test_the_curve_has_few_points_and_ends_at_the_error_rate(texts: int, points: int) -> None:
    table, gold = judged(texts)
    curve = calibration(table, gold).risk_coverage
    coverages = [coverage for coverage, _ in curve]
    assert len(set(coverages)) == points
    assert coverages == sorted(coverages)
    assert curve[-1] == (1.0, pytest.approx((table.argmax(axis=1) != gold).mean(), abs=EXACT))


def test_area_is_the_mean_risk_over_all_coverages() -> None:
    table, gold = judged(40)
    result = calibration(table, gold)
    assert result.area == pytest.approx(np.mean([risk for _, risk in result.risk_coverage]), abs=EXACT)


def test_one_label_is_always_right() -> None:
    result = calibration(np.ones((5, 1)), np.zeros(5, int))
    assert (result.ece, result.brier, result.area) == (0, 0, 0)
    assert result.reliability == [(1, 1, 1)]


@pytest.mark.parametrize("gold", [[], [2], [-1]])
def test_nothing_to_judge_is_refused(gold: list[int]) -> None:
    with pytest.raises(InputError, match="at least one text"):
        calibration(np.full((len(gold), 2), 0.5), gold)


def test_training_measures_the_same_error() -> None:
    table, gold = judged()
    assert measure.calibration_error(table.max(axis=1), table.argmax(axis=1) == gold) == calibration(table, gold).ece


def test_statistics_come_without_torch() -> None:
    modules = ", ".join(f"cxsentiment.benchmark.{name}" for name in ("metrics", "statistics", "calibration"))
    subprocess.run([sys.executable, "-c", f"import sys, {modules}; assert 'torch' not in sys.modules"], check=True)
