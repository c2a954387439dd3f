"""How far the parts of an experience differ from each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import check_dimensions
from cxsentiment.measure.measures import summary

DRAWS: Final = 1_000
"""Of the bootstrap."""

_LEAST_COMMENTS: Final = 2
_QUANTILES: Final = (0.025, 0.975)

Floats = NDArray[np.floating[Any]]


def consistency(scored: Scored, across: str = "touchpoint", by: Sequence[str] = (), *, seed: int = 0) -> pa.Table:
    """Whether customers feel alike at every touchpoint (or channel, language, ...): the index is 1 if so, 0 if they differ widely.

    Columns: by, groups, comments (of all groups), deviation, index, low, high. `deviation` is the standard deviation of net sentiment
    between the groups, weighted by their comments and without what sampling alone makes (`deviation_between`); index = 1 - 2 deviation,
    at least 0, with a 95 % parametric bootstrap interval (1,000 draws of each group's counts, with net sentiments drawn together until
    they differ as much as the estimate says); in simulations it held the truth 92 to 99 % of the time. Groups of a single comment and of
    unknown ones are left out; with fewer than two groups there is no index. That a comment may count at several touchpoints is not
    reckoned with.

    Raises OptionError for a dimension that is none, InputError if the archive does not have it.
    """
    names = check_dimensions(scored, by)
    if across in names:
        raise OptionError(f"groups by {across!r} cannot be compared across {across!r}; take it out of by")
    table = summary(scored, [*names, across])
    table = table.filter(table[across].is_valid())
    generator = np.random.default_rng(seed)
    rows = [_consistency(table.slice(start, stop - start), generator) for start, stop in _runs(table, names)]
    starts = pa.array([start for start, _ in _runs(table, names)], pa.int64())
    columns = {name: table[name].take(starts) for name in names}
    figures = np.array(rows, np.float64).reshape(-1, 6)
    if not names and not rows:
        figures = np.array([[0, 0, np.nan, np.nan, np.nan, np.nan]])
    for place, name in enumerate(("groups", "comments", "deviation", "index", "low", "high")):
        kind = pa.int64() if place < 2 else pa.float64()
        columns[name] = pa.array(figures[:, place].astype(np.int64) if place < 2 else figures[:, place], kind, from_pandas=True)
    return pa.table(columns)


def deviation_between(positive: Floats, negative: Floats, comments: Floats) -> Floats:
    """Standard deviation of net sentiment between groups (last axis), weighted by their comments, without the part that sampling makes.

    The moment estimator of the variance between groups with given weights (R. DerSimonian and R. Kacker, Random-effects model for
    meta-analysis of clinical trials: an update, Contemporary Clinical Trials 28 (2007) 105-114), for the very groups that there are
    rather than others like them; unbiased, cut off at 0. Each group has at least two comments.
    """
    weight = comments / comments.sum(-1, keepdims=True)
    net = (positive - negative) / comments
    noise = ((positive + negative) / comments - net**2) / (comments - 1)
    middle = (weight * net).sum(-1, keepdims=True)
    variance = (weight * (net - middle) ** 2).sum(-1) - (weight * (1 - weight) * noise).sum(-1)
    found: Floats = np.sqrt(np.maximum(variance, 0.0))
    return found


def _consistency(table: pa.Table, generator: np.random.Generator) -> list[float]:
    counts = [table[name].to_numpy().astype(np.float64) for name in ("positive", "negative", "comments")]
    positive, negative, comments = (values[counts[2] >= _LEAST_COMMENTS] for values in counts)
    if len(comments) < 2:
        return [len(comments), comments.sum(), np.nan, np.nan, np.nan, np.nan]
    deviation = float(deviation_between(positive, negative, comments))
    drawn = deviation_between(*_draws(positive, negative, comments, deviation, generator))
    least, most = np.quantile(drawn, _QUANTILES)
    return [len(comments), comments.sum(), deviation, *(max(0.0, 1.0 - 2.0 * value) for value in (deviation, most, least))]


def _draws(
    positive: Floats, negative: Floats, comments: Floats, deviation: float, generator: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Counts of groups whose net sentiments differ by `deviation`: shares are mixtures of their own and those of all groups."""
    weight = comments / comments.sum()
    shares = np.stack([positive, negative, comments - positive - negative], 1) / comments[:, None]
    middle = weight @ shares
    net = shares[:, 0] - shares[:, 1]
    raw = float(np.sqrt(weight @ (net - weight @ net) ** 2))
    own = min(1.0, deviation / raw) if raw else 0.0
    counts = generator.multinomial(comments.astype(np.int64), own * shares + (1 - own) * middle, size=(DRAWS, len(comments)))
    return counts[..., 0].astype(np.float64), counts[..., 1].astype(np.float64), comments


def _runs(table: pa.Table, by: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the rows of each group begin and end, in a table ordered by groups."""
    groups = list(zip(*(table[name].to_pylist() for name in by), strict=True)) if by else [()] * table.num_rows
    starts = [place for place, group in enumerate(groups) if not place or group != groups[place - 1]]
    yield from pairwise([*starts, len(groups)])
