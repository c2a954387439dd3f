from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxsentiment import measure
from cxsentiment.errors import InputError, OptionError
from cxsentiment.measure import Alert, open_scored, summary
from cxsentiment.report.findings import ReportOptions, find
from cxsentiment.report.reasons import RATE, alert_table, find_alerts, is_judged, recent
from cxsentiment.report.sentences import alert_subject
from cxsentiment.report.wording import Wording
from tests.made_up_archives import comment, written

pytest.importorskip("scipy")
pytest.importorskip("phonenumbers")

MONDAY = date(2026, 1, 5)
WEEKS, BAD = 24, (20, 21)
EACH = 60


def quiet(day: date, number: int) -> dict[str, Any]:
    """Of ten comments five are pleased and two are not, about the store and delivery by turns."""
    sentiment = ("positive", "positive", "neutral", "positive", "negative", "positive", "neutral", "positive", "negative", "mixed")[
        number % 10
    ]
    sign = {"positive": "+", "negative": "-", "neutral": "0", "mixed": "±"}[sentiment]
    made = dict(comment(day, sentiment, [("delivery" if number % 2 else "store", sign)], emotions=["joy"] if sign == "+" else []))
    words = "my parcel came as it should, call +48 600 100 200" if number % 2 else "a shop where one finds things quickly"
    return made | {"comment": words, "cx_language": "pl" if number % 3 else "en", "cx_stage": "during", "cx_relation": "returning"}


def incident(day: date, number: int) -> dict[str, Any]:
    if number % 4 == 0:
        return quiet(day, number)
    made = comment(day, "negative", [("delivery", "-")], emotions=["anger"])
    told = "the courier threw my parcel over the fence" if number % 2 else "courier lost the parcel again"
    return dict(made) | {"comment": f"{told}, says {number}", "cx_language": "pl", "cx_intents": ["churn"] if number % 5 == 1 else []}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    comments = [
        (incident if week in BAD else quiet)(MONDAY + timedelta(weeks=week, days=number % 7), number)
        for week in range(WEEKS)
        for number in range(EACH)
    ]
    return written(tmp_path_factory.mktemp("report") / "scored.parquet", comments)


def undated(path: Path, comments: Sequence[dict[str, Any]]) -> Path:
    return written(path, [made | {"date": None} for made in comments])


def test_the_incident_is_found_with_what_stands_behind_it(archive: Path) -> None:
    findings = find(open_scored(archive, text="comment"))
    alerts = findings.tables["alerts"].to_pylist()
    drops = {(alert["touchpoint"], alert["language"]): alert for alert in alerts if alert["change"] < 0}
    assert {(None, None), ("delivery", None), (None, "pl"), ("delivery", "pl")} <= set(drops)
    overall = drops[None, None]
    bad = MONDAY + timedelta(weeks=BAD[0])
    assert overall["since"] == bad
    assert overall["main_emotion"] == "anger"
    assert overall["after"] < overall["before"] - 0.25
    pulls = [row for row in findings.tables["alert_touchpoints"].to_pylist() if row["alert"] == overall["alert"]]
    assert pulls[0]["touchpoint"] == "delivery"
    assert pulls[0]["pull"] < -0.25
    assert not {drops["delivery", None]["alert"]} & set(findings.tables["alert_touchpoints"]["alert"].to_pylist())
    words = {row["phrase"] for row in findings.tables["alert_phrases"].to_pylist() if row["alert"] == drops[None, "pl"]["alert"]}
    assert any("courier" in word for word in words)
    quotes = [row for row in findings.tables["alert_quotes"].to_pylist() if row["alert"] == overall["alert"]]
    assert quotes
    assert all(row["day"] >= bad and row["polarity"] == "-" for row in quotes)


def test_pulls_add_up_to_the_change_of_mentions(archive: Path) -> None:
    """Computed by hand from the comments."""
    with open_scored(archive) as scored:
        findings = find(scored)
        (alert,) = [row for row in findings.tables["alerts"].to_pylist() if row["language"] == "pl" and row["touchpoint"] is None]
        polish = scored.where(language="pl")
        since = polish.where(since=alert["since"], until=alert["period"] + timedelta(days=6))
        before = polish.where(until=alert["since"] - timedelta(days=1))

        def balance(part: Any, touchpoint: str) -> float:
            (row,) = [row for row in summary(part, ("touchpoint",)).to_pylist() if row["touchpoint"] == touchpoint]
            return float(row["positive"] - row["negative"]) / part.count()

        expected = balance(since, "delivery") - balance(before, "delivery")
    (pull,) = [
        row["pull"]
        for row in findings.tables["alert_touchpoints"].to_pylist()
        if (row["alert"], row["touchpoint"]) == (alert["alert"], "delivery")
    ]
    assert pull == pytest.approx(expected, abs=1e-12)


def test_all_families_share_the_rate(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []
    monkeypatch.setattr("cxsentiment.report.reasons.measure.alerts", lambda *_, rate, **__: rates.append(rate) or [])
    with open_scored(archive, segments=["date"], channel="comment") as scored:
        find_alerts(scored, "week", 30, ["stage"])
    assert len(rates) == 6
    assert sum(rates) == pytest.approx(RATE)


def test_all_comments_together_speak_once_and_p_is_of_all_families(archive: Path) -> None:
    with open_scored(archive) as scored:
        found = find_alerts(scored, "week", 30)
        (alone,) = [alert for alert in measure.alerts(scored, (), rate=RATE / 4) if alert.change < 0]
    (overall,) = [alert for alert in found if not alert.series and alert.change < 0]
    assert overall.p == pytest.approx(4 * alone.p)


@pytest.mark.parametrize("name", ["segment", "value", "before", "p"])
def test_segments_may_be_called_like_columns_of_the_alerts(name: str) -> None:
    alert = Alert({name: "premium"}, MONDAY, MONDAY, 40, 0.5, -0.5, -1.0, -1.2, -0.8, 0.01)
    (row,) = alert_table([alert]).to_pylist()
    assert (row["segment"], row["value"], row["before"]) == (name, "premium", 0.5)
    assert alert_subject(row, Wording.of("en")) == f"Premium ({name})"


def test_a_dimension_that_is_not_there_is_a_gap_of_the_report(archive: Path) -> None:
    findings = find(open_scored(archive), ReportOptions(by=("channel",)))
    assert {"by_channel", "channels"} <= set(findings.gaps)
    assert len(findings.tables["alerts"])


def test_a_damaged_archive_is_no_gap(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr("cxsentiment.report.findings.measure.quotes", damaged)
    with pytest.raises(InputError, match="disk is full"):
        find(open_scored(archive))


@pytest.mark.parametrize("stray", [date(1970, 1, 1), date(2062, 1, 1)])
def test_a_stray_day_is_left_out_of_what_is_told_over_time(tmp_path: Path, stray: date) -> None:
    comments = [quiet(MONDAY + timedelta(weeks=number % 20), number) for number in range(200)]
    path = written(tmp_path / "stray.parquet", [*comments, quiet(stray, 0), quiet(MONDAY, 1) | {"date": None}])
    findings = find(open_scored(path))
    assert (findings.comments, findings.untimed) == (202, 2)
    assert (findings.first_day, findings.last_day) == (MONDAY, MONDAY + timedelta(weeks=19))
    assert len(findings.tables["trend"]) == 20


def test_little_history_is_not_called_quiet(tmp_path: Path, archive: Path) -> None:
    assert find(open_scored(archive)).is_judged
    short = written(tmp_path / "short.parquet", [quiet(MONDAY + timedelta(weeks=number % 9), number) for number in range(400)])
    assert not find(open_scored(short), ReportOptions(period="week")).is_judged
    with open_scored(archive) as scored:
        assert not is_judged(scored, "week", 10 * EACH)


def test_recent_alerts_are_those_of_the_last_periods(archive: Path) -> None:
    with open_scored(archive) as scored:
        found = find_alerts(scored, "week", 30)
        bad = [alert for alert in found if alert.change < 0]
        assert recent(scored, found, "week", 0) == found
        assert not [alert for alert in recent(scored, bad, "week", 2) if alert.period < MONDAY + timedelta(weeks=WEEKS - 2)]
        assert recent(scored, bad, "week", WEEKS) == bad
        assert found == sorted(found, key=lambda alert: alert.period, reverse=True)


def test_an_archive_without_days_channels_or_texts_has_gaps_and_no_error(tmp_path: Path, archive: Path) -> None:
    path = undated(tmp_path / "undated.parquet", [quiet(MONDAY, number) for number in range(40)])
    findings = find(open_scored(path, text="comment"))
    assert {"trend", "channels"} <= set(findings.gaps)
    assert "alerts" not in findings.tables
    assert not set(findings.gaps) & set(findings.tables)
    assert findings.first_day is findings.last_day is None
    assert findings.tables["overall"]["comments"].to_pylist() == [40]
    assert findings.gaps["trend"].lacks == "undated"
    assert all(gap.reason for gap in findings.gaps.values())


def test_nothing_to_report_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "none.parquet", [quiet(MONDAY, 0) | {"cx_sentiment": None}])
    with pytest.raises(InputError, match="no scored comments"):
        find(open_scored(path))


@pytest.mark.parametrize(("weeks", "each", "period"), [(15, 30, "day"), (17, 30, "week"), (15, 29, "week")])
def test_short_archives_with_many_comments_are_told_by_days(tmp_path: Path, weeks: int, each: int, period: str) -> None:
    comments = [quiet(MONDAY + timedelta(weeks=week), number) for week in range(weeks + 1) for number in range(each)]
    path = written(tmp_path / "short.parquet", comments)
    assert find(open_scored(path)).period == period
    assert find(open_scored(path), ReportOptions(period="month")).period == "month"


@pytest.mark.parametrize(
    ("options", "said"),
    [({"period": "year"}, "year"), ({"by": ("week",)}, "--period week"), ({"quotes": -1}, "-1"), ({"min_count": 0}, "0 comments")],
)
def test_options_that_are_wrong_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        ReportOptions(**options)


def test_an_unknown_dimension_is_refused(archive: Path) -> None:
    with pytest.raises(OptionError, match="colour"):
        find(open_scored(archive), ReportOptions(by=("colour",)))


def test_quotes_are_masked_unless_it_is_said_otherwise(archive: Path) -> None:
    with open_scored(archive, text="comment") as scored:
        hidden = find(scored).tables["quotes"]["quote"].to_pylist()
        open_ = find(scored, ReportOptions(masked=False)).tables["quotes"]["quote"].to_pylist()
    assert not any("600 100 200" in text for text in hidden)
    assert any("600 100 200" in text for text in open_)


def test_figures_of_the_company_stand_beside_each_period(archive: Path) -> None:
    days = [MONDAY + timedelta(days=day) for day in range(7 * WEEKS)]
    kpi = pa.table({"day": pa.array(days), "sales": [float(place // 7 % 5) for place in range(len(days))]})
    findings = find(open_scored(archive), ReportOptions(kpi=kpi))
    series = findings.tables["kpi_series"]
    assert series["sales"].to_pylist() == [float(week % 5) for week in range(WEEKS)]
    assert series["period"].to_pylist() == [MONDAY + timedelta(weeks=week) for week in range(WEEKS)]
    assert set(findings.tables["kpi"]["kpi"].to_pylist()) == {"sales"}
    clearest = [row["measure"] for row in findings.tables["kpi"].to_pylist() if row["clearest"]]
    assert clearest == ["net_sentiment", "mean_polarity"]  # there are as many comments each week
