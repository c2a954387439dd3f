"""Alerts and trends: hardly ever in quiet years, soon after a drop. The large simulations are marked `full` and print figures."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from cxsentiment.errors import OptionError
from cxsentiment.measure.alerts import alerts, alerts_in
from cxsentiment.measure.archive import open_scored
from cxsentiment.measure.changes import Changes, changes
from cxsentiment.measure.levels import Counts, Grid, design_rows, filtered, pearson_tail
from cxsentiment.measure.periods import PERIODS, Series, period_named, series_of
from cxsentiment.measure.trends import smooth, trend
from tests.made_up_archives import Comment, comment, written

WEEK = PERIODS["week"]
YEAR = 52
DROP = 0.25


@dataclass(frozen=True)
class Setting:
    """Made-up weekly feedback: shares, comments a week, how much weeks vary beyond chance and for how long, and the season's height."""

    positive: float = 0.5
    negative: float = 0.3
    comments: int = 100
    deviation: float = 0.0
    persistence: float = 0.0
    season: float = 0.0
    series: int = 5
    history: int = YEAR


def weeks(length: int) -> np.ndarray:
    return np.datetime64("2022-01-03") + 7 * np.arange(length)


def net_shift(rng: np.random.Generator, setting: Setting, series: int, length: int) -> np.ndarray:
    noise = rng.normal(0.0, 1.0, (series, length))
    for week in range(1, length):
        noise[:, week] = setting.persistence * noise[:, week - 1] + np.sqrt(1 - setting.persistence**2) * noise[:, week]
    phase = rng.uniform(0.0, 2 * np.pi, (series, 1))
    return setting.deviation * noise + setting.season * np.cos(2 * np.pi * 7 * np.arange(length) / 365.25 + phase)


def drawn(rng: np.random.Generator, setting: Setting, shift: np.ndarray, total: np.ndarray) -> Counts:
    plus = np.clip(setting.positive + shift / 2, 0.0, 1.0)
    minus = np.clip(setting.negative - shift / 2, 0.0, 1.0)
    whole = np.maximum(plus + minus, 1.0)
    plus, minus = plus / whole, minus / whole
    positive = rng.binomial(total, plus)
    negative = rng.binomial(total - positive, np.clip(minus / np.maximum(1 - plus, 1e-9), 0.0, 1.0))
    return Counts(positive, negative, total)


def judged(setting: Setting, shift: np.ndarray, total: np.ndarray, rng: np.random.Generator) -> Changes:
    return changes(drawn(rng, setting, shift, total), weeks(shift.shape[1]), WEEK, family=np.arange(len(shift)) // setting.series)


def alarming_years(setting: Setting, years: int, seed: int = 1, rate: float = 0.05) -> float:
    """The share of quiet years with any alert in any series."""
    rng = np.random.default_rng(seed)
    length, at_once = setting.history + YEAR, 10
    alarming = []
    for _ in range(0, years, at_once):
        rows = at_once * setting.series
        found = judged(setting, net_shift(rng, setting, rows, length), rng.poisson(setting.comments, (rows, length)), rng)
        p = np.minimum(found.p_drop, found.p_rise)[:, setting.history :].reshape(at_once, -1)
        alarming.append((p.min(1) <= rate).mean())
    return float(np.mean(alarming))


def found_drops(setting: Setting, draws: int, seed: int = 2) -> list[float]:
    """The share of drops, in the first of several series, that are found with the first, second and third week of lower sentiment."""
    rng = np.random.default_rng(seed)
    length, at_once = setting.history + 3, 50 // setting.series
    found_by = []
    for _ in range(0, draws, at_once):
        shift = net_shift(rng, setting, at_once * setting.series, length)
        shift[:: setting.series, setting.history :] -= DROP
        p = judged(setting, shift, np.full(shift.shape, setting.comments), rng).p_drop[:: setting.series, setting.history :]
        found_by.append([(p[:, :count].min(1) <= 0.05).mean() for count in (1, 2, 3)])
    return [float(share) for share in np.mean(found_by, axis=0)]


QUIET = {
    "plain": Setting(),
    "plain, no history": Setting(history=0),
    "one series": Setting(series=1),
    "twenty series, no history": Setting(series=20, history=0),
    "weeks vary": Setting(deviation=0.08),
    "weeks vary, no history": Setting(deviation=0.08, history=0),
    "weeks vary and linger": Setting(deviation=0.08, persistence=0.6),
    "season": Setting(season=0.1),
    "season, no history": Setting(season=0.1, history=0),
    "season, weeks vary, 2 years": Setting(season=0.1, deviation=0.04, history=2 * YEAR),
    "hardly anybody unhappy": Setting(positive=0.95, negative=0.02, comments=40),
}


@pytest.mark.full
@pytest.mark.parametrize("name", QUIET)
def test_at_most_one_quiet_year_in_twenty_has_an_alert(name: str) -> None:
    share = alarming_years(QUIET[name], years=200)
    print(f"\nquiet years with an alert, {name}: {share:.1%} of 200")
    assert share <= 0.05


TYPICAL = Setting(positive=0.45, negative=0.2, series=1)

DROPS = {
    "one series": TYPICAL,
    "one series, 2 years": replace(TYPICAL, history=2 * YEAR),
    "one series, half a year": replace(TYPICAL, history=YEAR // 2),
    "one series, weeks vary by 3": replace(TYPICAL, deviation=0.03),
    "one series, season, 2 years": replace(TYPICAL, season=0.1, history=2 * YEAR),
    "five series": replace(TYPICAL, series=5),
    "five series, 2 years": replace(TYPICAL, series=5, history=2 * YEAR),
    "one series, few neutral": Setting(series=1),
}


@pytest.mark.full
@pytest.mark.parametrize("name", DROPS)
def test_drops_are_found(name: str) -> None:
    first, second, third = found_drops(DROPS[name], draws=400 if DROPS[name].series == 1 else 200)
    print(f"\ndrops of 25 points found, {name}: {first:.1%} with the first week, {second:.1%} with two, {third:.1%} with three")
    assert third >= 0.5


def test_quiet_years_are_quiet() -> None:
    assert alarming_years(Setting(series=4, history=YEAR // 2), years=20) <= 0.1


def test_most_drops_are_found() -> None:
    assert found_drops(replace(TYPICAL, comments=200), draws=50)[1] >= 0.9


def one_series(setting: Setting, shift: np.ndarray, comments: int = 100, seed: int = 3) -> Series:
    counts = drawn(np.random.default_rng(seed), setting, shift[None, :], np.full((1, len(shift)), comments))
    return Series((), ((),), weeks(len(shift)), counts)


def test_an_alert_says_what_changed_and_is_raised_once() -> None:
    shift = np.zeros(70)
    shift[60:] = -0.5
    found = alerts_in(one_series(TYPICAL, shift), WEEK)
    assert len(found) == 1
    alert = found[0]
    assert alert.since == weeks(61)[60].astype(object)
    assert alert.before == pytest.approx(0.25, abs=0.05)
    assert alert.low <= -0.5 <= alert.high < 0
    assert alert.change == pytest.approx(alert.after - alert.before)
    assert alert.p < 0.001


def test_a_rise_is_an_alert_too() -> None:
    shift = np.zeros(64)
    shift[60:] = 0.5
    assert [alert.change > 0 for alert in alerts_in(one_series(TYPICAL, shift), WEEK)] == [True]


def test_few_comments_raise_no_alert() -> None:
    shift = np.zeros(64)
    shift[60:] = -0.6
    assert not alerts_in(one_series(TYPICAL, shift, comments=29), WEEK)
    assert alerts_in(one_series(TYPICAL, shift, comments=31), WEEK)


def test_short_histories_raise_no_alert() -> None:
    shift = np.zeros(12)
    shift[8:] = -0.9
    assert not alerts_in(one_series(TYPICAL, shift), WEEK)


def test_a_season_that_comes_round_is_no_alert_but_a_drop_within_it_is() -> None:
    length = 4 * YEAR
    season = 0.25 * np.cos(2 * np.pi * 7 * np.arange(length) / 365.25)
    quiet = one_series(TYPICAL, season, comments=400)
    assert not alerts_in(quiet, WEEK)
    dropped = season.copy()
    dropped[-3:] -= DROP
    assert [alert.change < 0 for alert in alerts_in(one_series(TYPICAL, dropped, comments=400), WEEK)] == [True]


def test_a_period_is_judged_by_what_came_before_it() -> None:
    rng = np.random.default_rng(5)
    counts = drawn(rng, TYPICAL, np.zeros((2, 40)), rng.poisson(100, (2, 40)))
    cut = Counts(counts.positive[:, :30], counts.negative[:, :30], counts.total[:, :30])
    whole, part = changes(counts, weeks(40), WEEK), changes(cut, weeks(30), WEEK)
    np.testing.assert_allclose(whole.p_drop[:, :30], part.p_drop)


def test_weeks_without_comments_change_nothing() -> None:
    counts = drawn(np.random.default_rng(6), TYPICAL, np.zeros((1, 40)), np.where(np.arange(40) % 3 == 1, 0, 100)[None, :])
    found = changes(counts, weeks(40), WEEK)
    assert (found.p_drop[:, 1::3] == 1.0).all()
    assert np.isfinite(found.p_drop).all()


@pytest.mark.parametrize(("count", "chance"), [(30, 0.03), (100, 0.05), (400, 0.01), (200, 0.5)])
def test_the_tail_is_nearly_the_exact_one(count: int, chance: float) -> None:
    """It is rather too large than too small, so that rare kinds of feeling raise no false alarms."""
    spread, skewness = np.sqrt(count * chance * (1 - chance)), (1 - 2 * chance) / np.sqrt(count * chance * (1 - chance))
    seen = np.arange(int(count * chance) + 1, count + 1)
    exact = stats.binom.sf(seen - 1, count, chance)
    ours = pearson_tail((seen - 0.5 - count * chance) / spread, np.full(len(seen), skewness))
    assert (ours[exact > 1e-6] > exact[exact > 1e-6] / 1.5).all()
    assert (ours[exact > 1e-4] < exact[exact > 1e-4] * 3).all()


def test_states_know_the_level() -> None:
    counts = Counts(np.full((1, 30), 60), np.full((1, 30), 20), np.full((1, 30), 100))
    terms = WEEK.season_terms(weeks(30))
    *_, (_, states) = filtered(counts, terms, Grid.default(seasonal=True))
    expected = (states[-1].weight * (states[-1].mean @ design_rows(terms)[-1])).sum(1)
    assert expected == pytest.approx([0.4], abs=0.02)


@pytest.mark.parametrize("draws", [30, pytest.param(200, marks=pytest.mark.full)])
@pytest.mark.parametrize("setting", [TYPICAL, replace(TYPICAL, season=0.15)])
def test_the_interval_of_the_smooth_line_covers(setting: Setting, draws: int) -> None:
    rng = np.random.default_rng(7)
    steps = rng.normal(0, 0.015, (draws, 2 * YEAR)).cumsum(1)
    level = steps + net_shift(rng, setting, draws, 2 * YEAR)
    counts = drawn(rng, setting, level, rng.poisson(60, level.shape))
    line, low, high = smooth(counts, weeks(2 * YEAR), WEEK)
    true = setting.positive - setting.negative + level
    share = float(((low <= true) & (true <= high)).mean())
    print(f"\nthe interval of the smooth line covers {share:.1%}")
    assert share >= 0.9
    assert np.abs(line - true).mean() < 0.75 * np.abs(counts.net - true).mean()


@pytest.mark.parametrize(
    ("name", "day", "start"),
    [
        ("day", "2024-02-29", "2024-02-29"),
        ("week", "2024-03-03", "2024-02-26"),
        ("week", "1969-12-31", "1969-12-29"),
        ("month", "2024-02-29", "2024-02-01"),
        ("quarter", "2024-12-31", "2024-10-01"),
    ],
)
def test_periods_begin_where_they_should(name: str, day: str, start: str) -> None:
    assert period_named(name).start_of(np.array([day], dtype="datetime64[D]")) == np.array([start], dtype="datetime64[D]")


def test_periods_have_no_gaps() -> None:
    starts = PERIODS["quarter"].starts(np.datetime64("2023-10-01"), np.datetime64("2024-07-01"))
    assert [str(start) for start in starts] == ["2023-10-01", "2024-01-01", "2024-04-01", "2024-07-01"]
    with pytest.raises(OptionError, match="choose from day, week"):
        period_named("fortnight")


def test_series_are_counted_from_a_table() -> None:
    table = pa.table(
        {
            "channel": ["web", "web", "shop", None],
            "week": pa.array([date(2024, 1, 1), date(2024, 1, 15), date(2024, 1, 8), date(2024, 1, 1)], pa.date32()),
            "positive": [1, 2, 3, 9],
            "negative": [0, 1, 0, 9],
            "comments": [2, 4, 3, 20],
        }
    )
    found = series_of(table, ("channel",), WEEK)
    assert found.labels == (("web",), ("shop",))
    assert found.counts.total.tolist() == [[2, 0, 4], [0, 3, 0]]
    assert found.counts.net[0].tolist() == [0.5, 0.0, 0.25]


def feedback(weeks_: int, bad_from: int) -> list[Comment]:
    rows = []
    for week in range(weeks_):
        day = date(2023, 1, 2) + timedelta(weeks=week)
        bad = 35 if week >= bad_from else 10 + week % 3
        rows += [comment(day, "positive", [("staff", "+")], emotions=["joy"])] * 40
        rows += [comment(day, "positive", [("delivery", "+")])] * (50 - bad)
        rows += [comment(day, "negative", [("delivery", "-")], emotions=["anger"])] * bad
    return rows


def test_alerts_of_an_archive(tmp_path: Path) -> None:
    with open_scored(written(tmp_path / "scored.parquet", feedback(30, 28))) as scored:
        found = alerts(scored)
        assert {tuple(alert.series.items()) for alert in found} == {(), (("touchpoint", "delivery"),)}
        assert {alert.main_emotion for alert in found} == {"anger"}
        assert {alert.period for alert in found} == {date(2023, 1, 2) + timedelta(weeks=28)}
        assert {tuple(alert.series.items()) for alert in alerts(scored, with_all=False)} == {(("touchpoint", "delivery"),)}
        assert {tuple(alert.series.items()) for alert in alerts(scored, (), with_all=False)} == {()}
        with pytest.raises(OptionError, match="rate"):
            alerts(scored, rate=1.5)
        with pytest.raises(OptionError, match="period="):
            alerts(scored, ("week",))


def test_the_trend_of_an_archive(tmp_path: Path) -> None:
    with open_scored(written(tmp_path / "scored.parquet", feedback(20, 99))) as scored:
        found = trend(scored, ("touchpoint",))
    assert found.column_names == ["touchpoint", "period", "comments", "net_sentiment", "smooth", "low", "high"]
    assert len(found) == 40
    rows = found.to_pylist()
    assert all(row["low"] <= row["smooth"] <= row["high"] for row in rows)
    assert all(abs(row["smooth"] - row["net_sentiment"]) < 0.15 for row in rows)


def test_an_archive_without_days_or_comments(tmp_path: Path) -> None:
    with open_scored(written(tmp_path / "scored.parquet", [comment(None, "neutral")] * 3), date="date") as scored:
        assert alerts(scored) == []
        assert len(trend(scored)) == 0
