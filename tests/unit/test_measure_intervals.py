"""Intervals of 95 % hold the truth that often: by simulation, and reckoned over all counts that there can be."""

import math

import numpy as np
import pytest

from cxsentiment.measure.intervals import net_interval, share_interval

USUAL = ((0.5, 0.3), (0.4, 0.4), (0.33, 0.33), (0.7, 0.2), (0.1, 0.6), (0.5, 0.5), (0.2, 0.6), (0.3, 0.2))
EXTREME = (
    (0.95, 0.03),
    (0.98, 0.01),
    (0.99, 0.0),
    (1.0, 0.0),
    (0.9, 0.1),
    (0.02, 0.02),
    (0.005, 0.0),
    (0.0, 0.0),
    (0.0, 1.0),
    (0.1, 0.005),
)


@pytest.mark.parametrize("comments", [20, 100, 1000])
@pytest.mark.parametrize("shares", USUAL + EXTREME)
def test_net_interval_covers_in_simulation(shares: tuple[float, float], comments: int) -> None:
    positive, negative = shares
    generator = np.random.default_rng(comments)
    counts = generator.multinomial(comments, [positive, negative, max(0.0, 1 - positive - negative)], size=1_000)
    low, high = net_interval(counts[:, 0], counts[:, 1], comments)
    covered = np.mean((low <= positive - negative + 1e-12) & (positive - negative <= high + 1e-12))
    assert covered >= 0.93
    assert covered <= (0.97 if shares in USUAL else 1.0)


@pytest.mark.parametrize(("comments", "least"), [(20, 0.915), (50, 0.93), (100, 0.935)])
def test_net_interval_covers_whatever_the_shares(comments: int, least: float) -> None:
    grid = [0.0, 0.005, *np.arange(0.02, 1.0, 0.05), 0.28, 0.72, 0.99, 1.0]
    found = [exact_coverage(positive, negative, comments) for positive in grid for negative in grid if positive + negative <= 1 + 1e-9]
    assert min(found) > least
    assert np.mean(np.array(found) < 0.93) < 0.02
    assert 0.95 < np.mean(found) < 0.97


def exact_coverage(positive: float, negative: float, comments: int) -> float:
    """The probability that the interval holds the truth."""
    more, less = (counts.ravel() for counts in np.indices((comments + 1, comments + 1)))
    more, less = more[more + less <= comments], less[more + less <= comments]
    rest = comments - more - less
    factorial = np.array([math.lgamma(one + 1) for one in range(comments + 1)])
    logs = factorial[comments] - factorial[more] - factorial[less] - factorial[rest]
    for counts, share in ((more, positive), (less, negative), (rest, max(0.0, 1 - positive - negative))):
        logs = logs + np.where(counts > 0, counts * math.log(max(share, 1e-300)), 0.0)
    low, high = net_interval(more, less, comments)
    covers = (low <= positive - negative + 1e-12) & (positive - negative <= high + 1e-12)
    return float(np.exp(logs)[covers].sum())


def test_net_interval_of_published_example() -> None:
    # Bonett and Price: discordant counts f12 = 1 and f21 = 7 of 20 give (2/22 - 8/22) and its adjusted Wald interval.
    low, high = net_interval(1, 7, 20)
    middle, half = -6 / 22, 1.959964 * math.sqrt((10 / 22 - (6 / 22) ** 2) / 22)
    assert float(low) == pytest.approx(middle - half, abs=1e-6)
    assert float(high) == pytest.approx(middle + half, abs=1e-6)


def test_net_interval_is_symmetric_and_bounded() -> None:
    positive, negative = np.array([0, 3, 20, 7]), np.array([20, 3, 0, 1])
    low, high = net_interval(positive, negative, 20)
    other_low, other_high = net_interval(negative, positive, 20)
    np.testing.assert_allclose(low, -other_high)
    np.testing.assert_allclose(high, -other_low)
    assert np.all((low >= -1) & (high <= 1) & (low < high))
    assert np.isnan(net_interval(0, 0, 0)).all()


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("comments", [100, 1000])
def test_share_interval_covers(share: float, comments: int) -> None:
    found = np.random.default_rng(comments).binomial(comments, share, 1_000)
    low, high = share_interval(found, comments)
    assert 0.93 <= np.mean((low <= share) & (share <= high)) <= 0.97


def test_share_interval_of_none_and_all() -> None:
    low, high = share_interval([0, 10, 0], [10, 10, 0])
    np.testing.assert_allclose(low, [0.0, 0.722467, np.nan], atol=1e-6)
    np.testing.assert_allclose(high, [0.277533, 1.0, np.nan], atol=1e-6)
