"""Impact: Shapley values agree with brute force, bootstrap intervals cover, and a made-up archive gives what was put into it."""

from datetime import date
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment.errors import OptionError
from cxsentiment.measure.archive import open_scored
from cxsentiment.measure.impact import EXACT, Cells, _by_orders, _by_subsets, _moments, _sums, impact, impact_of, shapley
from tests.made_up_archives import comment, written


def correlated(rng: np.random.Generator, count: int, rows: int = 300) -> np.ndarray:
    mixed = rng.normal(size=(rows, count)) @ (np.eye(count) + rng.uniform(-0.4, 0.4, (count, count)))
    outcome = mixed @ rng.normal(size=count) + rng.normal(size=rows)
    return np.corrcoef(np.column_stack([mixed, outcome]).T)


def explained(correlations: np.ndarray, chosen: list[int]) -> float:
    between, outcome = correlations[np.ix_(chosen, chosen)], correlations[chosen, -1]
    return float(outcome @ np.linalg.solve(between, outcome)) if chosen else 0.0


def over_all_orders(correlations: np.ndarray) -> np.ndarray:
    count = len(correlations) - 1
    gains = np.zeros(count)
    orders = list(permutations(range(count)))
    for order in orders:
        for place, one in enumerate(order):
            gains[one] += explained(correlations, list(order[: place + 1])) - explained(correlations, list(order[:place]))
    return gains / len(orders)


@given(st.integers(1, 5), st.integers(0, 1000))
def test_shapley_is_the_mean_over_all_orders(count: int, seed: int) -> None:
    correlations = correlated(np.random.default_rng(seed), count)
    np.testing.assert_allclose(shapley(correlations[None])[0], over_all_orders(correlations), atol=1e-5)


def test_drawn_orders_agree_with_all_subsets() -> None:
    correlations = correlated(np.random.default_rng(0), EXACT)
    between, outcome = correlations[:-1, :-1], correlations[:-1, -1]
    drawn, exact = _by_orders(between, outcome), _by_subsets(between[None], outcome[None])[0]
    np.testing.assert_allclose(drawn, exact, atol=0.02)
    assert drawn.sum() == pytest.approx(explained(correlations, list(range(EXACT))))


def test_many_touchpoints_share_out_what_they_explain() -> None:
    correlations = correlated(np.random.default_rng(1), 37, rows=2000)
    gains = shapley(correlations[None])[0]
    assert (gains >= 0).all()
    assert gains.sum() == pytest.approx(explained(correlations, list(range(37))), abs=1e-5)


def made_up(rng: np.random.Generator, rows: int, weights: tuple[float, ...]) -> tuple[Cells, np.ndarray, np.ndarray]:
    mentions = rng.choice([-1.0, 0.0, 1.0], size=(rows, len(weights)), p=[0.15, 0.6, 0.25])
    polarity = mentions @ np.array(weights) + rng.normal(0, 0.5, rows)
    cell, touchpoint = np.nonzero(mentions)
    return Cells(np.ones(rows, dtype=np.int64), polarity, cell, touchpoint, mentions[cell, touchpoint]), mentions, polarity


def test_sums_of_cells_give_the_correlations_of_comments() -> None:
    cells, mentions, polarity = made_up(np.random.default_rng(2), 500, (0.5, 0.1, -0.3))
    sums = cells.comments[None, :].astype(float) @ _sums(cells, 3)
    np.testing.assert_allclose(_moments(sums, 3)[0], np.corrcoef(np.column_stack([mentions, polarity]).T), atol=1e-9)


def test_a_touchpoint_that_never_varies_has_no_impact() -> None:
    cells, _, _ = made_up(np.random.default_rng(3), 200, (0.5,))
    found = impact_of(cells, 2, bootstraps=20)
    assert found.share == pytest.approx([1.0, 0.0])
    assert found.slope[1] == 0.0


@pytest.mark.parametrize("draws", [60, pytest.param(1000, marks=pytest.mark.full)])
def test_intervals_cover(draws: int) -> None:
    """Mentions are independent here, so that the true shares are those of the squared weights."""
    weights = (0.6, 0.4, 0.3)
    true = np.square(weights) / np.square(weights).sum()
    rng = np.random.default_rng(4)
    covered = []
    for _ in range(draws):
        found = impact_of(made_up(rng, 400, weights)[0], 3, bootstraps=100)
        covered.append((found.low <= true) & (true <= found.high))
    share = float(np.mean(covered))
    print(f"\nintervals of impact cover {share:.1%} over {draws} draws")
    assert 0.9 <= share <= 0.99


def test_an_archive_gives_what_was_put_into_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    day = date(2024, 1, 1)
    rows = []
    for _ in range(800):
        staff, price = rng.choice(["+", "-"], 2)
        value = {"+": 1, "-": -1}
        overall = float(np.clip(0.6 * value[staff] + 0.2 * value[price] + rng.normal(0, 0.1), -1, 1))
        rows.append(comment(day, "positive" if overall > 0 else "negative", [("staff", staff), ("price", price)], overall))
    rows += [comment(day, "neutral", [("parking", "+")])] * 5 + [comment(day, "neutral")] * 50
    with open_scored(written(tmp_path / "scored.parquet", rows)) as scored:
        found = impact(scored).to_pylist()
    assert [row["touchpoint"] for row in found] == ["staff", "price"]
    assert [row["sign"] for row in found] == ["+", "+"]
    assert found[0]["impact"] == pytest.approx(0.9, abs=0.03)
    assert found[0]["low"] < found[0]["impact"] < found[0]["high"]
    assert sum(row["impact"] for row in found) == pytest.approx(1.0)
    assert found[0]["comments"] == 800
    assert found[0]["explained"] > 0.9


def test_an_archive_with_no_touchpoints_gives_no_rows(tmp_path: Path) -> None:
    with open_scored(written(tmp_path / "scored.parquet", [comment(date(2024, 1, 1), "neutral")] * 3)) as scored:
        assert len(impact(scored)) == 0
        with pytest.raises(OptionError, match="at least 2"):
            impact(scored, min_count=1)
