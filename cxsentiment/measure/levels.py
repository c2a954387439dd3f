"""How the level of net sentiment moves: a local level model, averaged over what its variances may be.

The net sentiment of period t of a series is

    y[t] = level[t] + season[t] + effect[t] + sampling error (variance s²[t] / n[t])
    level[t] = level[t-1] + step (variance q)
    effect[t] = rho effect[t-1] + innovation, with variance tau²: what makes periods vary more than sampling error, and linger

with a season of sine and cosine terms (`calendar.season_terms`) whose coefficients have a prior around zero. How much periods vary beyond
sampling error (tau), for how long (rho), how fast the level wanders (q) and whether there is a season are not known: the model is run on
a grid of them, and its answers are averaged with the weights that the history so far gives to each point of the grid. A short history
therefore gives wide predictions rather than false ones, and a season is used as soon as the history supports it, which takes about two
rounds of it.

Everything is pure and works on many series at once. Shapes: S series, T periods, G points of the grid, D = 2 + number of season terms
(level, effect, season).

References: Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989); West and Harrison, Bayesian Forecasting and
Dynamic Models (1997), chapter 12 (mixtures over unknown variances).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EFFECT_DEVIATIONS: Final = ((0.0, 0.3), (0.03, 0.2), (0.06, 0.16), (0.09, 0.14), (0.14, 0.12), (0.24, 0.08))
"""Standard deviations of the effect of a single period, in units of net sentiment, and their prior weights."""

PERSISTENCES: Final = ((0.0, 0.6), (0.6, 0.4))
"""What is left of an effect one period later, and the prior weights."""

STEP_DEVIATIONS: Final = ((0.0, 0.85), (0.01, 0.1), (0.03, 0.05))
"""Standard deviations of the step of the level from one period to the next, and their prior weights."""

SEASON_DEVIATIONS: Final = ((0.0, 0.6), (0.1, 0.4))
"""Prior standard deviations of a season's coefficients, and their prior weights."""

LEVEL_VARIANCE: Final = 1.0
"""Prior variance of the first level: net sentiment lies in [-1, 1], so this says next to nothing."""

PRIOR_SERIES: Final = 1.0
"""For how many series the prior of the grid counts, beside those there are."""

_SHARING_STEPS = 4
_PSEUDO_COUNT = 1.0
_SYMMETRIC = 1e-4


@dataclass(frozen=True)
class Counts:
    """Comments a period: three arrays of shape (S, T). Neutral and mixed comments are in `total` only; no comments, `total` 0."""

    positive: Integers
    negative: Integers
    total: Integers

    @cached_property
    def net(self) -> Floats:
        """Net sentiment, 0 where there are no comments; (S, T)."""
        difference: Floats = (self.positive - self.negative) / np.maximum(self.total, 1)
        return difference

    @cached_property
    def moments_so_far(self) -> tuple[Floats, Floats]:
        """Variance and third central moment of one comment's -1, 0 or +1, from periods 0 to t; two arrays (S, T)."""
        whole = self.total.cumsum(1) + 3 * _PSEUDO_COUNT
        plus = (self.positive.cumsum(1) + _PSEUDO_COUNT) / whole
        minus = (self.negative.cumsum(1) + _PSEUDO_COUNT) / whole
        mean = plus - minus
        variance = plus + minus - mean**2
        third = mean - 3 * mean * (plus + minus) + 2 * mean**3
        return variance, third


@dataclass(frozen=True)
class Grid:
    """Points of the grid: variances of effects, level steps and season coefficients, persistence of effects, log prior weights; (G,)."""

    effect: Floats
    persistence: Floats
    step: Floats
    season: Floats
    log_prior: Floats

    @classmethod
    def default(cls, seasonal: bool) -> Grid:
        """All combinations of the values above; without a season, that dimension has one point."""
        effects = [
            (deviation**2, left, weight * share)
            for (deviation, weight), (left, share) in product(EFFECT_DEVIATIONS, PERSISTENCES)
            if deviation or not left
        ]
        seasons = SEASON_DEVIATIONS if seasonal else ((0.0, 1.0),)
        points = [
            (effect, left, step**2, season**2, np.log(first * second * third))
            for (effect, left, first), (step, second), (season, third) in product(effects, STEP_DEVIATIONS, seasons)
        ]
        return cls(*np.array(points).T)


@dataclass(frozen=True)
class State:
    """What is known after a period: mean (S, G, D) and covariance (S, G, D, D) of the state, log weight (S, G) of each grid point."""

    mean: Floats
    covariance: Floats
    log_weight: Floats

    @property
    def weight(self) -> Floats:
        """Weight of each grid point, adding up to 1; (S, G)."""
        shifted = np.exp(self.log_weight - self.log_weight.max(1, keepdims=True))
        weights: Floats = shifted / shifted.sum(1, keepdims=True)
        return weights


def start(grid: Grid, series: int, terms: int) -> State:
    """What is known before the first period, with `terms` season terms."""
    points = len(grid.effect)
    covariance = np.zeros((series, points, 2 + terms, 2 + terms))
    covariance[:, :, 0, 0] = LEVEL_VARIANCE
    covariance[:, :, 1, 1] = grid.effect
    for term in range(2, 2 + terms):
        covariance[:, :, term, term] = grid.season
    return State(np.zeros((series, points, 2 + terms)), covariance, np.tile(grid.log_prior, (series, 1)))


def stepped(state: State, grid: Grid) -> State:
    """One period later, before it is looked at."""
    mean, covariance = state.mean.copy(), state.covariance.copy()
    mean[:, :, 1] *= grid.persistence
    covariance[:, :, 1, :] *= grid.persistence[:, None]
    covariance[:, :, :, 1] *= grid.persistence[:, None]
    covariance[:, :, 0, 0] += grid.step
    covariance[:, :, 1, 1] += grid.effect * (1.0 - grid.persistence**2)
    return State(mean, covariance, state.log_weight)


def updated(state: State, row: Floats, net: Floats, sampling: Floats, seen: NDArray[np.bool_]) -> State:
    """The Kalman update with one period.

    Args:
        state: As `stepped` gives it.
        row: 1 for the level, 1 for the effect, and the season terms of the period; (D,).
        net: Net sentiment of each series; (S,).
        sampling: Variance of its sampling error; (S,).
        seen: Whether the series has comments in this period; if not, nothing is learned; (S,).
    """
    toward = state.covariance @ row
    spread = toward @ row + sampling[:, None]
    error = net[:, None] - state.mean @ row
    learned = seen[:, None]
    gain = np.where(learned[..., None], toward / spread[..., None], 0.0)
    log_weight = state.log_weight - np.where(learned, 0.5 * (np.log(spread) + error**2 / spread), 0.0)
    covariance = state.covariance - gain[..., :, None] * toward[..., None, :]
    return State(state.mean + gain * error[..., None], covariance, log_weight)


@dataclass(frozen=True)
class Prediction:
    """Of the net sentiment of a window of periods, from what was known before it: expected values and variances at each grid point (S, G).

    `level_variance` is the part of the variance that is not sampling error; `skewness` that of the sampling error.
    """

    mean: Floats
    variance: Floats
    level_variance: Floats
    skewness: Floats
    weight: Floats

    @property
    def expected(self) -> Floats:
        """The expected net sentiment, averaged over the grid; (S,)."""
        averaged: Floats = (self.weight * self.mean).sum(1)
        return averaged

    @property
    def expected_variance(self) -> Floats:
        """The variance of what is expected, within and between grid points, without sampling error; (S,)."""
        between = (self.mean - self.expected[:, None]) ** 2
        averaged: Floats = (self.weight * (self.level_variance + between)).sum(1)
        return averaged

    def tails(self, net: Floats, unit: Floats) -> tuple[Floats, Floats]:
        """Chances of a net sentiment as low, and as high, as the one seen; two arrays (S,). `unit` is that of one comment, 1 / n.

        The tail of each grid point is that of a gamma distribution with the right variance and skewness (Pearson type III), which is
        close to the exact one also where hardly anybody is unhappy; half a comment is added as a continuity correction.
        """
        spread = np.sqrt(self.variance)
        below = (net[:, None] + 0.5 * unit[:, None] - self.mean) / spread
        above = (net[:, None] - 0.5 * unit[:, None] - self.mean) / spread
        low = (self.weight * pearson_tail(-below, -self.skewness)).sum(1)
        high = (self.weight * pearson_tail(above, self.skewness)).sum(1)
        return low, high


def shared_weight(state: State, grid: Grid, family: Integers) -> Floats:
    """Weights of the grid points, with a prior that the series of a family have in common; (S, G).

    What one series shows about how much periods vary tells something about the others: the prior of a family is the mean of the weights
    of its series, and `PRIOR_SERIES` series more that have those of the grid (empirical Bayes, by a few steps of expectation
    maximisation). `family` numbers the family of each series, from 0; (S,).
    """
    likelihood = state.log_weight - grid.log_prior
    likelihood = np.exp(likelihood - likelihood.max(1, keepdims=True))
    given = np.exp(grid.log_prior) / np.exp(grid.log_prior).sum()
    size = np.bincount(family)[:, None]
    members = np.zeros((len(size), len(family)))
    members[family, np.arange(len(family))] = 1.0
    prior = np.tile(given, (len(size), 1))
    for _ in range(_SHARING_STEPS):
        weight = likelihood * prior[family]
        weight /= weight.sum(1, keepdims=True)
        prior = (PRIOR_SERIES * given + members @ weight) / (PRIOR_SERIES + size)
    weight = likelihood * prior[family]
    shared: Floats = weight / weight.sum(1, keepdims=True)
    return shared


def predict(state: State, weight: Floats, grid: Grid, rows: Floats, counts: Counts, window: slice) -> Prediction:
    """Predicts the pooled net sentiment of the periods of `window` from the state just before it; `weight` (S, G), `rows` (T, D)."""
    total = counts.total[:, window].astype(float)
    comments = np.maximum(total.sum(1), 1.0)
    share = total / comments[:, None]
    ahead = np.arange(1, share.shape[1] + 1)
    design = np.repeat((share @ rows[window])[:, None, :], len(grid.effect), axis=1)
    design[:, :, 1] = share @ (grid.persistence[:, None] ** ahead).T
    mean = (design * state.mean).sum(2)
    known = (np.matmul(state.covariance, design[..., None])[..., 0] * design).sum(2)
    pairs = share[:, :, None] * share[:, None, :]
    steps = np.einsum("sij,ij->s", pairs, np.minimum.outer(ahead, ahead))[:, None] * grid.step
    between, sums = np.abs(np.subtract.outer(ahead, ahead)), np.add.outer(ahead, ahead)
    left = grid.persistence[:, None, None]
    effects = np.einsum("sij,gij->sg", pairs, left**between - left**sums) * grid.effect
    variance, third = (moment[:, window.start - 1] for moment in counts.moments_so_far)
    level = np.maximum(known + steps, 0.0)
    whole = level + effects + (variance / comments)[:, None]
    return Prediction(mean, whole, level + effects, (third / comments**2)[:, None] / whole**1.5, weight)


def filtered(counts: Counts, terms: Floats, grid: Grid, keep: int = 1) -> Iterator[tuple[int, tuple[State, ...]]]:
    """For each period t, the states after periods t - keep to t - 1 (as many as there are), oldest first, then goes on by one period.

    Args:
        counts: The series.
        terms: The season terms of each period; (T, K).
        grid: The grid.
        keep: How many states are kept.
    """
    rows = design_rows(terms)
    state = start(grid, counts.net.shape[0], terms.shape[1])
    recent: deque[State] = deque([state], maxlen=keep)
    variance, _ = counts.moments_so_far
    for period in range(counts.net.shape[1]):
        yield period, tuple(recent)
        sampling = variance[:, period] / np.maximum(counts.total[:, period], 1)
        state = updated(stepped(state, grid), rows[period], counts.net[:, period], sampling, counts.total[:, period] > 0)
        recent.append(state)
    yield counts.net.shape[1], tuple(recent)


def design_rows(terms: Floats) -> Floats:
    """What level, effect and season terms (T, K) are multiplied by in each period; (T, 2 + K)."""
    return np.column_stack([np.ones((len(terms), 2)), terms])


def pearson_tail(standard: Floats, skewness: Floats) -> Floats:
    """The chance that a variable with mean 0, variance 1 and this skewness (Pearson type III) is above `standard`.

    By the cube root transformation of E. B. Wilson and M. M. Hilferty (PNAS 17 (1931) 684-688).
    """
    from scipy.special import ndtr

    size = np.where(np.abs(skewness) < _SYMMETRIC, _SYMMETRIC, skewness)
    normal = 6.0 / size * (np.cbrt(np.maximum(1.0 + size * standard / 2.0, 0.0)) - 1.0) + size / 6.0
    tail: Floats = ndtr(-normal)
    return tail
