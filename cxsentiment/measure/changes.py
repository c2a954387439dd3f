"""Which periods depart from what was to be expected: tests of each window of periods against the history before it.

For each period the pooled net sentiment of the last one, two and three periods (`Period.windows`) is compared with the prediction from
everything before the window (`levels`). The rate of false alarms a year is divided among periods of the year, series, windows, and drops
and rises (`DROP_SHARE`), by Bonferroni's inequality, so that it holds for all of them together. A period is judged by what came before it
and never again, so an alert does not vanish with later data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxsentiment.measure.levels import Counts, Floats, Grid, Integers, Prediction, State, design_rows, filtered, predict, shared_weight
from cxsentiment.measure.periods import Days, Period

DROP_SHARE: Final = 0.8
"""The share of the rate of false alarms that drops may use; rises have the rest."""

LINGERING: Final = 0.05
"""While the chance of a window as low (or as high) stays below this, a series is still in the change that it had an alert for."""


@dataclass(frozen=True)
class Changes:
    """What the tests give; all arrays are (S, T).

    `p_drop` and `p_rise` are chances that a quiet year of all series together has anything like it, at most 1, and 1 where nothing could
    be tested; `window` is how many periods, the one at this place the last, make up the clearest change; `before` and `after` are the
    expected and the found net sentiment of that window, `error` the standard error of their difference; `lingers_drop` and `lingers_rise`
    say whether the last periods are still unusually low or high.
    """

    p_drop: Floats
    p_rise: Floats
    window: Integers
    before: Floats
    after: Floats
    error: Floats
    lingers_drop: NDArray[np.bool_]
    lingers_rise: NDArray[np.bool_]

    def first(self, rate: float) -> list[tuple[int, int, bool]]:
        """Series, period, and whether it is a drop, of the first period of each change with p at most `rate`; by period."""
        found = []
        for p, lingers, is_drop in ((self.p_drop, self.lingers_drop, True), (self.p_rise, self.lingers_rise, False)):
            for series in np.flatnonzero((p <= rate).any(1)):
                known = False
                for period in range(p.shape[1]):
                    alarming = p[series, period] <= rate
                    if alarming and not known:
                        found.append((int(series), period, is_drop))
                    known = bool(alarming or (known and lingers[series, period]))
        return sorted(found, key=lambda change: (change[1], change[0]))


def changes(counts: Counts, starts: Days, period: Period, *, min_count: int = 30, family: Integers | None = None) -> Changes:
    """Tests every period of every series.

    Args:
        counts: The series, (S, T).
        starts: The first days of the periods; (T,).
        period: What kind of period they are.
        min_count: A period with fewer comments is not tested.
        family: Which series share the rate of false alarms, and what is learned about how much periods vary: numbers from 0, (S,); all if
            None. (Simulations run many families at once.)
    """
    series, length = counts.net.shape
    family = np.zeros(series, dtype=np.int64) if family is None else family
    terms = period.season_terms(starts)
    grid, rows = Grid.default(seasonal=True), design_rows(terms)
    longest = max(window for window, _ in period.windows)
    found = _Found.empty(series, length)
    weights: dict[int, Floats] = {}
    for now, states in filtered(counts, terms, grid, keep=longest):
        if now == length:
            break
        enough = counts.total[:, now] >= min_count
        tested = np.zeros(series, dtype=bool)
        for window, share in period.windows:
            first = now - window + 1
            if first < period.history or not enough.any():
                continue
            if first not in weights:
                weights[first] = shared_weight(states[-window], grid, family)
            can = enough & ((counts.total[:, :first] > 0).sum(1) >= period.history)
            tested |= can
            found.judge(_judged(states[-window], weights[first], grid, rows, counts, slice(first, now + 1)), now, window, share, can)
        weights.pop(now - longest, None)
        together: Floats = np.bincount(family[tested], minlength=family.max(initial=0) + 1)[family].astype(np.float64)
        found.adjust(now, period.per_year * together)
    return found.changes


@dataclass(frozen=True)
class _Judged:
    """One window: its prediction, what was found, and the chances of as low and as high a value."""

    prediction: Prediction
    net: Floats
    error: Floats
    low: Floats
    high: Floats


def _judged(state: State, weight: Floats, grid: Grid, rows: Floats, counts: Counts, window: slice) -> _Judged:
    prediction = predict(state, weight, grid, rows, counts, window)
    comments = np.maximum(counts.total[:, window].sum(1), 1)
    plus, minus = (part[:, window].sum(1) for part in (counts.positive, counts.negative))
    net = (plus - minus) / comments
    sampling = ((plus + minus + 2) / (comments + 3) - net**2).clip(0.0) / comments
    low, high = prediction.tails(net, 1.0 / comments)
    return _Judged(prediction, net, np.sqrt(prediction.expected_variance + sampling), low, high)


@dataclass(frozen=True)
class _Found:
    """The results while they are being filled in."""

    changes: Changes

    @classmethod
    def empty(cls, series: int, length: int) -> _Found:
        shape = (series, length)
        before, after, error = (np.full(shape, np.nan) for _ in range(3))
        window, never = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
        return cls(Changes(np.ones(shape), np.ones(shape), window, before, after, error, never, never.copy()))

    def judge(self, judged: _Judged, now: int, window: int, share: float, can: NDArray[np.bool_]) -> None:
        """Takes in a window that ends at period `now`, for the series that can be tested."""
        of = self.changes
        of.lingers_drop[:, now] |= can & (judged.low < LINGERING)
        of.lingers_rise[:, now] |= can & (judged.high < LINGERING)
        drop, rise = judged.low / (share * DROP_SHARE), judged.high / (share * (1.0 - DROP_SHARE))
        best = np.minimum(of.p_drop[:, now], of.p_rise[:, now])
        better = can & ((np.minimum(drop, rise) < best) | (of.window[:, now] == 0))
        of.window[better, now] = window
        for kept, new in ((of.before, judged.prediction.expected), (of.after, judged.net), (of.error, judged.error)):
            kept[better, now] = new[better]
        of.p_drop[can, now] = np.minimum(of.p_drop[can, now], drop[can])
        of.p_rise[can, now] = np.minimum(of.p_rise[can, now], rise[can])

    def adjust(self, now: int, tests: Floats) -> None:
        """Multiplies by the number of tests a year."""
        of = self.changes
        for p in (of.p_drop, of.p_rise):
            p[:, now] = np.where(of.window[:, now] > 0, np.minimum(p[:, now] * tests, 1.0), 1.0)
