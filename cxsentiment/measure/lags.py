"""Correlation of two time series at several lags, with intervals that allow for what each period has in common with the one before.

Two series that wander look related more often than two that do not, since neighbouring periods tell less than as many separate ones would.
The interval is that of Fisher's z with the number of periods replaced by an effective one (M. S. Bartlett, Journal of the Royal Statistical
Society 98 (1935) 536-543; in the form of B. J. Pyper, R. M. Peterman, Canadian Journal of Fisheries and Aquatic Sciences 55 (1998)
2127-2140).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Detrending = Literal["none", "linear", "difference"]
DETRENDINGS: Final[tuple[Detrending, ...]] = ("none", "linear", "difference")

SHORTEST: Final = 12
"""With fewer common periods nothing is computed."""

_MOST = 0.98
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class LaggedCorrelation:
    """At a lag: the correlation, the bounds of its interval, the common periods and how many separate ones they are worth.

    A positive lag means that the first series comes first by so many periods. NaN where there are too few periods, or one series does
    not vary.
    """

    lag: int
    correlation: float
    low: float
    high: float
    n: int
    effective: float


def detrended(values: Floats, how: Detrending) -> Floats:
    """The series without a straight line (linear), or its steps from one period to the next (difference); NaN are gaps; (T,)."""
    if how == "difference":
        return np.concatenate([[np.nan], np.diff(values)])
    known = np.flatnonzero(~np.isnan(values))
    if how == "none" or len(known) < 3:
        return values
    slope, level = np.polyfit(known, values[known], 1)
    rest: Floats = values - (level + slope * np.arange(len(values)))
    nothing = np.abs(rest) <= _ROUNDING * np.nanmax(np.abs(values))
    return np.where(nothing, 0.0, rest)


def correlations(first: Floats, second: Floats, lags: range, confidence: float = 0.95) -> list[LaggedCorrelation]:
    """Correlations of `first` at period t with `second` at period t + lag, for each lag; NaN are gaps; both (T,)."""
    return [_correlation(*_paired(first, second, lag), lag, confidence) for lag in lags]


def effective_periods(first: Floats, second: Floats) -> float:
    """How many separate periods are worth as much as these, for a correlation of the two series; between 4 and T.

    From the autocorrelations at all lags up to a quarter of the length, each raised by its known bias; and never more than what two series
    with only the first of these autocorrelations, fading away at a steady rate, would be worth.
    """
    length = len(first)
    lags = np.arange(1, max(length // 4, 1) + 1)
    product = _autocorrelations(first, lags) * _autocorrelations(second, lags)
    negligible = np.flatnonzero(product <= 0)
    until = negligible[0] if len(negligible) else len(product)
    summed = 2.0 * np.sum((1.0 - lags[:until] / length) * product[:until])
    fading = min(max(float(product[0]), 0.0), _MOST)
    steady = length * (1.0 - fading) / (1.0 + fading)
    return float(np.clip(min(length / (1.0 + summed), steady), min(4.0, length), length))


def _autocorrelations(values: Floats, lags: NDArray[np.int64]) -> Floats:
    length = len(values)
    centred = values - np.nanmean(values)
    variance = np.nanmean(centred**2)
    found = []
    for lag in lags:
        pairs = centred[:-lag] * centred[lag:]
        found.append(np.nanmean(pairs) / variance if np.isfinite(pairs).any() and variance > 0 else 0.0)
    raised = np.array(found) + (1.0 + 4.0 * np.maximum(np.array(found), 0.0)) / length
    within: Floats = raised.clip(-_MOST, _MOST)
    return within


def _paired(first: Floats, second: Floats, lag: int) -> tuple[Floats, Floats]:
    """The parts of both that face each other; a gap in one is a gap in both."""
    start, end = max(0, -lag), len(first) - max(0, lag)
    one, other = first[start:end], second[start + lag : end + lag]
    gap = np.isnan(one) | np.isnan(other)
    return np.where(gap, np.nan, one), np.where(gap, np.nan, other)


def _correlation(first: Floats, second: Floats, lag: int, confidence: float) -> LaggedCorrelation:
    from scipy.stats import t as student

    known = ~np.isnan(first)
    count = int(known.sum())
    if count < SHORTEST or np.ptp(first[known]) == 0 or np.ptp(second[known]) == 0:
        return LaggedCorrelation(lag, np.nan, np.nan, np.nan, count, np.nan)
    found = float(np.corrcoef(first[known], second[known])[0, 1])
    effective = effective_periods(first, second) * count / len(first)
    free = max(effective - 2.0, 1.0)
    half = student.ppf(0.5 + confidence / 2, free) / np.sqrt(max(effective - 3.0, 1.0))
    middle = np.arctanh(np.clip(found, -1 + 1e-12, 1 - 1e-12))
    return LaggedCorrelation(lag, found, float(np.tanh(middle - half)), float(np.tanh(middle + half)), count, effective)
