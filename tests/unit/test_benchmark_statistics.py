import itertools

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from cxsentiment.benchmark import statistics
from cxsentiment.benchmark.metrics import NO_ANSWER, accuracy, macro_f1, micro_f1, one_hot, one_minus_wmae, outcomes, star_errors
from cxsentiment.benchmark.record import Interval
from cxsentiment.benchmark.statistics import bootstrap, holm, interval, paired_bootstrap, paired_permutation

Floats = statistics.Floats
RUNS = 1600
"""Enough that the share of intervals that hold is known to half a point: with 400, one seed in ten would fail."""
DRAWING = {"multinomial": 0, "text by text": 10**9}
"""What makes either way of drawing the cheaper one."""


def mean(sums: Floats) -> Floats:
    """Of rows (value, 1)."""
    return sums[..., 0] / sums[..., 1]


def rows_of(values: np.ndarray) -> Floats:
    return np.stack([values, np.ones(len(values))], axis=1)


def error_of(share: float, draws: int) -> float:
    """Four standard errors of a share estimated by random draws."""
    return 4 * float(np.sqrt(share * (1 - share) / draws))


def answers(gold: npt.ArrayLike, given: npt.ArrayLike, labels: int = 3) -> Floats:
    """Rows of texts with one label each."""
    return outcomes(one_hot(gold, labels), one_hot(given, labels)).astype(np.float64)


def said(rng: np.random.Generator, gold: np.ndarray, share: float, labels: int = 3) -> np.ndarray:
    """The right label in at least this share of the texts, else any or none."""
    return np.where(rng.random(len(gold)) < share, gold, rng.integers(NO_ANSWER, labels, len(gold)))


def contenders(texts: int, seed: int = 0) -> tuple[np.ndarray, Floats, Floats]:
    """Gold labels and the rows of two contenders, right in about .7 and .6 of the texts."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(3, texts, p=[0.2, 0.2, 0.6])
    return gold, answers(gold, said(rng, gold, 0.6)), answers(gold, said(rng, gold, 0.45))


def plain_macro_f1(gold: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Of labels [..., texts] themselves, label by label."""
    scores = []
    for label in np.unique(gold):
        right = ((gold == label) & (given == label)).sum(axis=-1)
        scores.append(2 * right / ((gold == label).sum(axis=-1) + (given == label).sum(axis=-1)))
    found: np.ndarray = np.mean(scores, axis=0)
    return found


@pytest.mark.parametrize("cost", DRAWING.values(), ids=DRAWING)
def test_bootstrap_is_distributed_as_all_resamples(cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MULTINOMIAL_COST", cost)
    gold, given = np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 1, 0, NO_ANSWER])
    zeros, ones = itertools.product(range(4), repeat=4), itertools.product(range(4, 7), repeat=3)
    every = np.array([[*zero, *one] for zero, one in itertools.product(zeros, list(ones))])
    exact = np.round(plain_macro_f1(gold[every], given[every]), 9)
    draws = np.round(bootstrap(answers(gold, given), gold, macro_f1, 20_000), 9)
    values = np.unique(exact)
    assert set(draws) <= set(values)
    shares = [(each[:, None] <= values).mean(axis=0) for each in (exact, draws)]
    assert np.abs(shares[0] - shares[1]).max() < 2 / np.sqrt(20_000)  # Kolmogorov and Smirnov: more in 7 of 10,000 seeds


@pytest.mark.parametrize("distinct", [3, 40])
def test_bootstrap_is_distributed_as_that_of_scipy(distinct: int) -> None:
    values = np.random.default_rng(1).integers(0, distinct, 60).astype(float)
    draws = bootstrap(rows_of(values), np.zeros(60), mean, 20_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2))
    error = theirs.standard_error
    assert draws.mean() == pytest.approx(values.mean(), abs=4 * error / np.sqrt(20_000))
    assert draws.std(ddof=1) == pytest.approx(error, rel=0.03)
    assert np.quantile(draws, [0.025, 0.5, 0.975]) == pytest.approx(
        np.quantile(theirs.bootstrap_distribution, [0.025, 0.5, 0.975]), abs=0.1 * error
    )


def test_every_resample_has_as_many_texts_of_each_stratum_as_the_set() -> None:
    gold, rows, _ = contenders(300)
    for label in range(3):
        drawn = bootstrap(rows, gold, lambda sums, label=label: sums[:, label] + sums[:, 6 + label], 50)
        assert (drawn == (gold == label).sum()).all()


def test_one_text_to_a_stratum_leaves_nothing_to_chance() -> None:
    _, rows, _ = contenders(30)
    assert (bootstrap(rows, np.arange(30), accuracy, 20) == accuracy(rows.sum(axis=0))).all()


def test_equal_seeds_give_equal_results_in_any_order_of_the_texts() -> None:
    gold, first, second = contenders(200)
    stars = star_errors(gold + 1, np.random.default_rng(0).normal(3, 1, 200))
    order = np.random.default_rng(5).permutation(200)
    assert np.array_equal(bootstrap(first, gold, macro_f1, 100, 3), bootstrap(first[order], gold[order], macro_f1, 100, 3))
    assert not np.array_equal(bootstrap(first, gold, macro_f1, 100, 3), bootstrap(first, gold, macro_f1, 100, 4))
    one, other = (bootstrap(stars[places], gold[places], one_minus_wmae, 100, 3) for places in (np.arange(200), order))
    assert np.array_equal(one, other)
    assert paired_permutation(first, second, macro_f1, 500, 3) == paired_permutation(first[order], second[order], macro_f1, 500, 3)


def test_strata_may_be_names() -> None:
    gold, rows, _ = contenders(100)
    names = np.array(["a", "b", "c"])[gold]
    assert np.array_equal(bootstrap(rows, names, macro_f1, 100), bootstrap(rows, gold, macro_f1, 100))


@pytest.mark.parametrize("items", [7, 600])
def test_chunks_of_any_size_make_as_many_draws(items: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gold, first, _ = contenders(50)
    monkeypatch.setattr(statistics, "CHUNK_ITEMS", items)
    assert bootstrap(first, gold, accuracy, 101).shape == (101,)
    assert paired_permutation(first, first, accuracy, 101) == 1


def test_interval_is_of_percentiles() -> None:
    found = interval(np.arange(1001.0), 400, 0.9)
    assert (found.value, found.low, found.high) == pytest.approx((400, 50, 950), abs=1e-9)


def test_no_texts_have_an_interval_of_nothing() -> None:
    assert interval(bootstrap(answers([], []), [], macro_f1, 10), 0) == Interval(0, 0, 0)


def test_paired_bootstrap_draws_the_same_texts_for_both() -> None:
    gold, first, second = contenders(400)
    assert (paired_bootstrap(first, first, gold, macro_f1, 200) == 0).all()
    draws = paired_bootstrap(first, second, np.zeros(400), accuracy, 20_000)
    right = [rows[:, :3].sum(axis=1) for rows in (first, second)]
    differences = right[0] - right[1]
    assert draws.mean() == pytest.approx(differences.mean(), abs=0.001)
    assert draws.std() == pytest.approx(differences.std() / 20, rel=0.03)


def test_permutation_of_macro_f1_agrees_with_all_swaps() -> None:
    gold = np.arange(12) % 3
    first, second = answers(gold, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 1]), answers(gold, [0, 2, 1, 0, 0, 2, 0, -1, 2, 0, 1, 2])
    moved = np.array(list(itertools.product((0, 1), repeat=12))) @ (first - second)
    differences = np.abs(macro_f1(first.sum(axis=0) - moved) - macro_f1(second.sum(axis=0) + moved))
    exact = np.mean(differences >= differences[0] - 1e-12)
    assert 0.05 < exact < 0.95
    assert paired_permutation(first, second, macro_f1, 20_000) == pytest.approx(exact, abs=error_of(exact, 20_000))


def test_permutation_of_thirty_labels_agrees_with_swapping_text_by_text() -> None:
    rng = np.random.default_rng(8)
    gold = np.arange(600) % 30
    first, second = said(rng, gold, 0.72, 30), said(rng, gold, 0.70, 30)
    observed = abs(plain_macro_f1(gold, first) - plain_macro_f1(gold, second))
    swapped = rng.random((4_000, 600)) < 0.5
    one, other = np.where(swapped, second, first), np.where(swapped, first, second)
    plain = np.mean(np.abs(plain_macro_f1(gold, one) - plain_macro_f1(gold, other)) >= observed - 1e-12)
    assert 0.05 < plain < 0.95
    p_value = paired_permutation(answers(gold, first, 30), answers(gold, second, 30), macro_f1, 20_000)
    assert p_value == pytest.approx(plain, abs=error_of(plain, 4_000) + error_of(plain, 20_000))


def test_permutation_of_numbers_agrees_with_scipy() -> None:
    first, second = np.random.default_rng(4).normal(size=(2, 11))
    theirs = stats.permutation_test((first, second), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf)
    p_value = paired_permutation(rows_of(first), rows_of(second), mean, 20_000)
    assert p_value == pytest.approx(theirs.pvalue, abs=error_of(theirs.pvalue, 20_000))


def test_permutation_of_right_and_wrong_is_the_sign_test() -> None:
    first, second = np.repeat([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [120, 90, 300], axis=1)
    exact = stats.binomtest(120, 210).pvalue
    p_value = paired_permutation(rows_of(first), rows_of(second), mean, 40_000)
    assert p_value == pytest.approx(exact, abs=error_of(exact, 40_000))


def test_permutation_is_never_surer_than_its_resamples_allow() -> None:
    values = np.ones(300)
    assert paired_permutation(rows_of(values), rows_of(-values), mean, 99) == 1 / 100
    assert paired_permutation(rows_of(values), rows_of(values), mean, 99) == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02], abs=1e-12)
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_intervals_of_random_answers_hold_chance_in_95_of_100_runs() -> None:
    sizes, rng = (120, 120, 360), np.random.default_rng(11)
    gold, right = np.repeat(np.arange(3), sizes), np.array(sizes) / 3
    expected = np.concatenate([right, 200 - right, 2 * right, [600]])
    held = np.zeros(2)
    for run in range(RUNS):
        rows = answers(gold, rng.integers(0, 3, 600))
        for index, statistic in enumerate((macro_f1, accuracy)):
            found = interval(bootstrap(rows, gold, statistic, 1000, run), 0)
            held[index] += found.low <= statistic(expected) <= found.high
    assert held / RUNS == pytest.approx([0.95, 0.95], abs=0.02)


def test_intervals_of_random_labels_hold_chance_in_95_of_100_runs() -> None:
    rng = np.random.default_rng(12)
    held = 0
    for run in range(RUNS):
        rows = outcomes(rng.random((600, 2)) < 0.2, rng.random((600, 2)) < 0.3)
        found = interval(bootstrap(rows, np.zeros(600), micro_f1, 1000, run), 0)
        held += found.low <= 2 * 0.2 * 0.3 / (0.2 + 0.3) <= found.high
    assert held / RUNS == pytest.approx(0.95, abs=0.02)
