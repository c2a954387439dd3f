"""Sentiment beside figures: intervals cover for series that wander, leads are found, and too few periods are said so."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.errors import InputError, OptionError
from cxsentiment.measure.archive import Scored, open_scored
from cxsentiment.measure.kpi import compare_kpi, read_kpi
from cxsentiment.measure.lags import correlations, detrended, effective_periods
from tests.made_up_archives import comment, written

MONDAY = date(2023, 1, 2)


def wandering(rng: np.random.Generator, length: int, persistence: float, series: int = 1) -> np.ndarray:
    values = rng.normal(size=(series, length))
    for now in range(1, length):
        values[:, now] = persistence * values[:, now - 1] + np.sqrt(1 - persistence**2) * values[:, now]
    return values


@pytest.mark.parametrize("detrend", ["none", "linear"])
@pytest.mark.parametrize(("length", "persistence"), [(52, 0.0), (52, 0.7), (104, 0.9), (30, 0.5)])
@pytest.mark.parametrize("draws", [100, pytest.param(1000, marks=pytest.mark.full)])
def test_intervals_of_unrelated_series_include_none(length: int, persistence: float, detrend: str, draws: int) -> None:
    rng = np.random.default_rng(1)
    pairs = zip(wandering(rng, length, persistence, draws), wandering(rng, length, persistence, draws), strict=True)
    found = [correlations(detrended(one, detrend), detrended(other, detrend), range(1))[0] for one, other in pairs]
    share = float(np.mean([one.low <= 0 <= one.high for one in found]))
    print(f"\nunrelated, {length} periods, persistence {persistence}, detrended {detrend}: {share:.1%} of {draws} intervals include 0")
    assert share >= 0.93 if draws > 100 else share >= 0.9


@pytest.mark.parametrize("draws", [100, pytest.param(1000, marks=pytest.mark.full)])
@pytest.mark.parametrize("persistence", [0.0, 0.6])
def test_intervals_of_related_series_include_the_truth(persistence: float, draws: int) -> None:
    rng = np.random.default_rng(2)
    first, noise = wandering(rng, 80, persistence, draws), wandering(rng, 80, persistence, draws)
    second = 0.6 * first + 0.8 * noise
    found = [correlations(one, other, range(1))[0] for one, other in zip(first, second, strict=True)]
    share = float(np.mean([one.low <= 0.6 <= one.high for one in found]))
    print(f"\nrelated by 0.6, persistence {persistence}: {share:.1%} of {draws} intervals include it")
    assert share >= 0.93 if draws > 100 else share >= 0.9


def test_neighbours_that_agree_are_worth_fewer_periods() -> None:
    rng = np.random.default_rng(3)
    steady, jumpy = (wandering(rng, 200, persistence, 2) for persistence in (0.9, 0.0))
    assert effective_periods(*steady) < 60 < 150 < effective_periods(*jumpy)


@pytest.mark.parametrize("lead", [-3, 0, 2])
def test_the_right_lag_is_the_clearest(lead: int) -> None:
    rng = np.random.default_rng(4)
    first = wandering(rng, 120, 0.3)[0]
    second = np.roll(first, lead) + rng.normal(0, 0.5, 120)
    found = correlations(first, second, range(-6, 7))
    assert max(found, key=lambda one: one.correlation).lag == lead


def test_gaps_are_left_out() -> None:
    rng = np.random.default_rng(5)
    first = rng.normal(size=40)
    second = first.copy()
    first[5], second[9] = np.nan, np.nan
    found = correlations(first, second, range(1))[0]
    assert found.n == 38
    assert found.correlation == pytest.approx(1.0)


def archive(folder: Path, net: np.ndarray) -> Scored:
    """Twenty comments a week with about this net sentiment."""
    rows = []
    for week, value in enumerate(net):
        positive = round(20 * (1 + value) / 2)
        day = MONDAY + timedelta(weeks=week)
        rows += [comment(day, "positive")] * positive + [comment(day, "negative")] * (20 - positive)
    return open_scored(written(folder / "scored.parquet", rows))


def figures(values: np.ndarray, days: int = 7) -> pa.Table:
    start = [MONDAY + timedelta(days=days * number) for number in range(len(values))]
    return pa.table({"day": pa.array(start, pa.date32()), "sales": pa.array(values, pa.float64())})


def test_sentiment_that_comes_first_is_found(tmp_path: Path) -> None:
    net = np.clip(np.random.default_rng(6).normal(0.2, 0.3, 80), -1, 1)
    with archive(tmp_path, net) as scored:
        found = compare_kpi(scored, figures(100 + 10 * np.roll(net, 3)), max_lag=5).to_pylist()
    clearest = [row for row in found if row["clearest"] and row["measure"] == "net_sentiment"]
    assert [row["lag"] for row in clearest] == [3]
    assert clearest[0]["low"] > 0.5
    assert "net_sentiment first, by 3 weeks" in clearest[0]["note"]
    assert [row["lag"] for row in found if row["measure"] == "net_sentiment"] == list(range(-5, 6))
    assert not any("cause" in str(row["note"]) for row in found)


def test_two_straight_lines_are_not_related(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    net = np.linspace(-0.5, 0.5, 60) + rng.normal(0, 0.1, 60)
    sales = figures(np.linspace(0, 100, 60) + rng.normal(0, 10, 60))
    with archive(tmp_path, net) as scored:
        clear = compare_kpi(scored, sales, max_lag=0, detrend="none").to_pylist()[0]
        detrended_row = compare_kpi(scored, sales, max_lag=0).to_pylist()[0]
    assert clear["correlation"] > 0.8
    assert "no clear relation" in detrended_row["note"]


def test_too_few_periods_give_a_plain_warning(tmp_path: Path) -> None:
    with archive(tmp_path, np.linspace(-0.5, 0.5, 11)) as scored:
        found = compare_kpi(scored, figures(np.arange(11.0))).to_pylist()
        monthly = compare_kpi(scored, figures(np.arange(4.0), days=28)).to_pylist()
    assert [row["note"] for row in found] == ["too short: 11 common weeks, and at least 12 are needed"] * 3
    assert all(row["correlation"] is None for row in found)
    assert "a value only every 4 weeks, so compare by a longer period" in monthly[0]["note"]


def test_a_figure_that_does_not_vary_cannot_be_compared(tmp_path: Path) -> None:
    with archive(tmp_path, np.linspace(-0.5, 0.5, 20)) as scored:
        found = compare_kpi(scored, figures(np.ones(20))).to_pylist()
        with pytest.raises(OptionError, match="max_lag"):
            compare_kpi(scored, figures(np.ones(20)), max_lag=-1)
        with pytest.raises(InputError, match="read_kpi"):
            compare_kpi(scored, pa.table({"sales": [1.0]}))
    assert "hardly varies" in found[0]["note"]


def test_figures_are_read_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    path.write_text("Ημερομηνία;τζίρος;churn;remark\n08.01.2024;1 234,50;3,1%;ok\n01.01.2024;1.000;2,9%;\n", encoding="utf-8")
    found = read_kpi(path)
    assert found["day"].to_pylist() == [date(2024, 1, 1), date(2024, 1, 8)]
    assert found.column_names == ["day", "τζίρος", "churn"]
    assert found["τζίρος"].to_pylist() == [1000.0, 1234.5]
    assert found["churn"].to_pylist() == [2.9, 3.1]


def test_figures_are_read_from_parquet(tmp_path: Path) -> None:
    path = tmp_path / "figures.parquet"
    pq.write_table(pa.table({"when": pa.array([date(2024, 1, 8), date(2024, 1, 1)]), "calls": [5, None]}), path)
    assert read_kpi(path, date="when").to_pylist() == [{"day": date(2024, 1, 1), "calls": None}, {"day": date(2024, 1, 8), "calls": 5.0}]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("when,sales\n2024-01-01,5\n", {}, "date="),
        ("when,sales\n2024-01-01,5\n", {"date": "day"}, "no column 'day'"),
        ("date,sales\nsoon,5\n", {}, "'soon', which are no dates"),
        ("date,sales\n2024-01-01,many\n", {}, "no column of numbers"),
    ],
)
def test_figures_that_cannot_be_read_are_refused(tmp_path: Path, content: str, options: dict[str, str], message: str) -> None:
    path = tmp_path / "figures.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_kpi(path, **options)
