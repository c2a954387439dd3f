"""Which touchpoints the overall impression goes with most: an importance and performance analysis of an archive.

The overall polarity of the comments that mention a touchpoint is regressed on how each touchpoint is spoken of (+1, 0, -1; 0 where it is
not mentioned). The share of variance that the regression explains is divided among touchpoints by their Shapley values: the mean gain of a
touchpoint over all orders in which they can enter the regression (R. H. Lindeman, P. F. Merenda, R. Z. Gold, Introduction to Bivariate
and Multivariate Analysis, 1980, p. 119; U. Grömping, Journal of Statistical Software 17 (1), 2006). These gains are never negative and
add up. They describe what goes together in the comments; they do not say what would happen if something changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.measure.grouping import cases

if TYPE_CHECKING:
    from cxsentiment.measure.archive import Scored

Floats = NDArray[np.float64]

EXACT: Final = 8
"""Up to so many touchpoints all subsets are looked at; beyond, `ORDERS` orders of them are drawn."""

ORDERS: Final = 256
BOOTSTRAPS: Final = 200
LEAST_COMMENTS: Final = 30
"""Fewer mentions of a touchpoint say too little about its impact."""

_RIDGE: Final = 1e-9
_POLARITY_STEPS: Final = 20
_FIRST_SEED, _ORDER_SEED = 20_240_101, 7


@dataclass(frozen=True)
class Cells:
    """Equal comments counted together.

    `comments` (C,) is how many there are in each cell, `polarity` (C,) their overall polarity. Entry i of the mentions says that comments
    of cell `cell[i]` speak of touchpoint `touchpoint[i]` with the polarity `mention[i]` in [-1, 1].
    """

    comments: NDArray[np.int64]
    polarity: Floats
    cell: NDArray[np.int64]
    touchpoint: NDArray[np.int64]
    mention: Floats


@dataclass(frozen=True)
class Impact:
    """For each touchpoint its share of the explained variance with the bounds of its 95 % interval, and its standardised slope; (P,).

    `explained` is the share of the variance of overall polarity that all of them explain, R².
    """

    share: Floats
    low: Floats
    high: Floats
    slope: Floats
    explained: float


def impact(scored: Scored, *, min_count: int = LEAST_COMMENTS, seed: int = _FIRST_SEED) -> pa.Table:
    """How much of the overall polarity goes with each touchpoint, and how well each does.

    Columns: touchpoint, comments, performance (net sentiment of its mentions), impact (share of the explained variance; they add up to 1),
    low, high (95 %, bootstrap over comments), sign (`+` where comments that speak well of it are the better ones overall, `-` where they
    are the worse ones, `0` where that is not clear), explained (R² of all together, the same in each row). Highest impact first.

    Args:
        scored: The archive.
        min_count: Touchpoints that fewer comments mention are left out.
        seed: Of the bootstrap.

    Raises:
        OptionError: if min_count is less than 2.
        InputError: if the archive has no touchpoints.
    """
    if min_count < 2:
        raise OptionError(f"min_count must be at least 2, not {min_count}")
    scored.need("cx_touchpoints")
    counted = scored.query(
        f"""SELECT touchpoint, count(*) AS comments,
            (count(*) FILTER (feeling = 'positive') - count(*) FILTER (feeling = 'negative')) / count(*) AS performance
        FROM ({cases(["touchpoint"])}) GROUP BY touchpoint HAVING count(*) >= {min_count} ORDER BY touchpoint"""
    )
    names = counted["touchpoint"].to_pylist()
    found = impact_of(_cells(scored, names), len(names), seed=seed) if names else None
    columns = {name: counted[name] for name in counted.column_names}
    empty = np.zeros(0)
    values = (found.share, found.low, found.high, found.slope) if found else (empty, empty, empty, empty)
    slope_sign = np.where(np.isnan(values[3]), 0.0, np.sign(values[3]))
    table = pa.table(
        columns
        | {name: pa.array(column, pa.float64(), from_pandas=True) for name, column in zip(("impact", "low", "high"), values, strict=False)}
        | {
            "sign": pa.array(np.array(["-", "0", "+"], dtype=object)[(slope_sign + 1).astype(int)], pa.string()),
            "explained": pa.array([found.explained if found else None] * len(names), pa.float64()),
        }
    )
    return table.sort_by([("impact", "descending"), ("touchpoint", "ascending")])


def impact_of(cells: Cells, touchpoints: int, *, bootstraps: int = BOOTSTRAPS, seed: int = _FIRST_SEED) -> Impact:
    """The impact of each touchpoint. A slope that is not clearly on one side of 0 in the bootstrap is 0."""
    sums = _sums(cells, touchpoints)
    generator = np.random.default_rng(seed)
    found = _moments(np.array([drawn @ sums for drawn in _draws(cells.comments, bootstraps, generator)]), touchpoints)
    gains, slopes = shapley(found), _slopes(found)
    shares = _as_shares(gains)
    low, high = np.nanquantile(shares[1:], [0.025, 0.975], axis=0) if gains[0].sum() > 0 else shares[:2]
    bounds = np.quantile(slopes[1:], [0.025, 0.975], axis=0)
    clear = (bounds[0] > 0) | (bounds[1] < 0)
    return Impact(shares[0], low, high, np.where(clear, slopes[0], 0.0), float(gains[0].sum()))


def _draws(comments: NDArray[np.int64], bootstraps: int, generator: np.random.Generator) -> Iterator[Floats]:
    """How many comments of each cell there are, then how many each bootstrap draws."""
    yield comments.astype(np.float64)
    for _ in range(bootstraps):
        yield generator.poisson(comments).astype(np.float64)


def shapley(correlations: Floats) -> Floats:
    """What each of P predictors adds to R², averaged over orders; (B, P).

    Args:
        correlations: Of the predictors and, last, of the outcome, of B draws; (B, P + 1, P + 1). A predictor that does not vary has zeros.
    """
    between, outcome = _split(correlations)
    if outcome.shape[1] <= EXACT:
        return _by_subsets(between, outcome)
    return np.array([_by_orders(*pair) for pair in zip(between, outcome, strict=True)])


def _by_subsets(between: Floats, outcome: Floats) -> Floats:
    draws, count = outcome.shape
    explained: dict[tuple[int, ...], Floats] = {(): np.zeros(draws)}
    for size in range(1, count + 1):
        for chosen in combinations(range(count), size):
            part = np.array(chosen)
            slopes = np.linalg.solve(between[:, part[:, None], part], outcome[:, part, None])[..., 0]
            explained[chosen] = (outcome[:, part] * slopes).sum(1)
    gains: Floats = np.zeros((draws, count))
    for chosen, value in explained.items():
        for one in chosen:
            without = tuple(other for other in chosen if other != one)
            gains[:, one] += (value - explained[without]) / (count * comb(count - 1, len(without)))
    return gains


def _by_orders(between: Floats, outcome: Floats) -> Floats:
    """With the predictors in some order and L the Cholesky factor of their correlations, the squares of L⁻¹ r are their gains."""
    generator = np.random.default_rng(_ORDER_SEED)
    half = generator.permuted(np.tile(np.arange(len(outcome)), (ORDERS // 2, 1)), axis=1)
    orders = np.concatenate([half, half[:, ::-1]])
    factors = np.linalg.cholesky(between[orders[:, :, None], orders[:, None, :]])
    gains = np.linalg.solve(factors, outcome[orders][..., None])[..., 0] ** 2
    added: Floats = np.bincount(orders.ravel(), gains.ravel(), len(outcome)) / len(orders)
    return added


def _as_shares(gains: Floats) -> Floats:
    """Of each draw; NaN where nothing is explained."""
    whole = gains.sum(1, keepdims=True)
    return gains / np.where(whole > 0, whole, np.nan)


def _slopes(correlations: Floats) -> Floats:
    between, outcome = _split(correlations)
    slopes: Floats = np.linalg.solve(between, outcome[..., None])[..., 0].astype(np.float64)
    return slopes


def _split(correlations: Floats) -> tuple[Floats, Floats]:
    """Those of the predictors among themselves, made safe to invert, and those with the outcome."""
    between: Floats = correlations[:, :-1, :-1] + _RIDGE * np.eye(correlations.shape[1] - 1)
    return between, correlations[:, :-1, -1]


def _sums(cells: Cells, touchpoints: int) -> Any:
    """A sparse matrix that turns numbers of comments of each cell into sums of 1, of all variables, and of all their products."""
    from scipy.sparse import coo_array, hstack

    count, size = len(cells.comments), touchpoints + 2
    row = np.concatenate([np.arange(count), cells.cell, np.arange(count)])
    column = np.concatenate([np.zeros(count, dtype=np.int64), 1 + cells.touchpoint, np.full(count, size - 1)])
    value = np.concatenate([np.ones(count), cells.mention, cells.polarity])
    variables = coo_array((value, (row, column)), shape=(count, size)).tocsc()
    return hstack([variables[:, [one]].multiply(variables) for one in range(size)]).tocsr()


def _moments(sums: Floats, touchpoints: int) -> Floats:
    """Correlations of touchpoints and outcome from sums of products of each draw; (B, P + 1, P + 1)."""
    products = sums.reshape(len(sums), touchpoints + 2, touchpoints + 2)
    means = products[:, 0, 1:] / products[:, 0, :1]
    covariance = products[:, 1:, 1:] / products[:, :1, :1] - means[:, :, None] * means[:, None, :]
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2).clip(0.0))
    scale = np.where(deviation > 1e-9, 1.0 / np.maximum(deviation, 1e-9), 0.0)
    correlations = covariance * scale[:, :, None] * scale[:, None, :]
    diagonal = np.arange(touchpoints + 1)
    correlations[:, diagonal, diagonal] = 1.0
    return correlations


def _cells(scored: Scored, names: list[str]) -> Cells:
    """Comments that mention any touchpoint, counted by overall polarity (to 1 / `_POLARITY_STEPS`) and by all that they mention."""
    found = scored.query(
        f"""WITH one AS ({cases(["touchpoint"], {"overall": "polarity"})}),
            comments AS (
                SELECT any_value(round(overall * {_POLARITY_STEPS}) / {_POLARITY_STEPS}) AS overall,
                    list({{'touchpoint': touchpoint, 'mention': polarity}} ORDER BY touchpoint) AS mentions
                FROM one WHERE overall IS NOT NULL GROUP BY row_id
            ),
            cells AS (SELECT overall, mentions, count(*) AS comments FROM comments GROUP BY overall, mentions),
            numbered AS (SELECT row_number() OVER (ORDER BY overall, mentions) - 1 AS cell, * FROM cells)
        SELECT cell, comments, overall, unnest(mentions, recursive := true) FROM numbered ORDER BY cell"""
    )
    cell, comments, overall = (found[name].to_numpy() for name in ("cell", "comments", "overall"))
    _, first = np.unique(cell, return_index=True)
    place = {name: number for number, name in enumerate(names)}
    touchpoint = np.array([place.get(name, -1) for name in found["touchpoint"].to_pylist()], dtype=np.int64)
    kept = touchpoint >= 0
    mention = found["mention"].to_numpy()[kept].astype(np.float64)
    return Cells(comments[first], overall[first].astype(np.float64), cell[kept], touchpoint[kept], mention)
