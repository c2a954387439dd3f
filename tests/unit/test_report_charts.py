"""The charts of a report: what is drawn, that nothing in a name is read as markup, and that a phone has room for them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment.drawing import Picture
from cxsentiment.errors import MissingExtraError
from cxsentiment.report import charts
from cxsentiment.report.chart_dates import day_axis
from cxsentiment.report.chart_style import FEELINGS, readable_on, short
from cxsentiment.report.findings import Findings, Gap
from cxsentiment.report.wording import REPORT_LANGUAGES, Wording
from cxsentiment.results import EMOTIONS
from tests.charted_findings import START, course, felt, figures, made, shares, table

pytest.importorskip("matplotlib")
pytest.importorskip("babel")

HOSTILE = "<script>alert('x')</script>\x00\x1b[1m\u202e\ud800\ufffe $\\frac{ _|*"
PHONE = 358
"""Pixels that a page has on a phone 390 pixels wide."""

TOUCHPOINTS = ("delivery", "product", "staff", "billing", "store", "my own")


@pytest.fixture(scope="module")
def findings() -> Findings:
    return made(TOUCHPOINTS)


ENGLISH = Wording.of("en")


def single(findings: Findings, wording: Wording) -> list[Picture | None]:
    """Each chart of which there is one."""
    one = (
        charts.touchpoint_ranking, charts.emotion_bars, charts.quality_bars, charts.module_bars, charts.intent_bars, charts.loyalty_chart,
        charts.emotion_heat, charts.stage_heat, charts.priority_matrix,
    )  # fmt: skip
    tables = (("languages", "language"), ("channels", "channel"), ("by_shop", "shop"))
    nets = [charts.net_bars(findings.tables.get(name), kind, wording, name, f"Net by {kind}") for name, kind in tables]
    figures = [draw(findings, wording, kpi) for kpi in charts.charted_kpis(findings) for draw in (charts.kpi_chart, charts.lag_chart)]
    return [*nets, *(draw(findings, wording) for draw in one), charts.trend_chart(findings, wording, charts.WIDTH), *figures]


def narrow(findings: Findings, wording: Wording) -> list[Picture]:
    """All that a phone shows."""
    found = [picture for picture in single(findings, wording) if picture is not None]
    return [*found, *charts.language_trends(findings, wording), *charts.touchpoint_trends(findings, wording)]


def wide(findings: Findings, wording: Wording) -> list[Picture]:
    drawn = (draw(findings, wording, charts.WIDE) for draw in (charts.trend_chart, charts.emotion_heat, charts.stage_heat))
    return [picture for picture in drawn if picture is not None]


def texts(picture: Picture | None) -> list[str]:
    assert picture is not None
    return [element.text or "" for element in ElementTree.fromstring(picture.svg).iter("{http://www.w3.org/2000/svg}text")]


def check(pictures: Sequence[Picture]) -> None:
    """All of them in one page."""
    ids: list[str] = []
    for picture in pictures:
        root = ElementTree.fromstring(picture.svg)
        own = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        ids += own
        named = {f"#{name}" for name in own}
        assert root.attrib["aria-label"] == picture.label
        assert len(picture.label) > len(picture.caption) > 0
        assert not {"script", "image", "style", "foreignObject"} & {element.tag.split("}")[1] for element in root.iter()}
        for element in root.iter():
            assert not any(name.startswith("on") for name in element.attrib)
            assert element.attrib.get("href", next(iter(named))) in named
            assert {found for value in element.attrib.values() for found in re.findall(r"url\((.*?)\)", value)} <= named
        sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", picture.svg)]
        assert min(sizes) >= 9
    assert len(ids) == len(set(ids))


def pixels(picture: Picture) -> float:
    width = ElementTree.fromstring(picture.svg).attrib["width"]
    assert width.endswith("pt")
    return float(width[:-2]) * 96 / 72


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_every_chart_is_sound_and_has_room_on_a_phone(findings: Findings, language: str) -> None:
    wording = Wording.of(language)
    small, large = narrow(findings, wording), wide(findings, wording)
    assert (len(small), len(large)) == (3 + 9 + 1 + 2 + 2 + 6, 3)
    check([*small, *large])
    assert max(map(pixels, small)) <= PHONE


def test_equal_findings_give_equal_charts(findings: Findings) -> None:
    again = made(TOUCHPOINTS)
    for draw in (charts.loyalty_chart, charts.priority_matrix, charts.trend_chart):
        assert draw(findings, ENGLISH) == draw(again, ENGLISH)


def test_no_tables_and_empty_ones_give_no_charts(findings: Findings) -> None:
    bare = replace(findings, tables={}, gaps={"trend": Gap("no days")})
    empty = replace(findings, tables={name: one.slice(0, 0) for name, one in findings.tables.items()})
    for one in (bare, empty):
        assert narrow(one, ENGLISH) == wide(one, ENGLISH) == []
    nothing_known = {name: findings.tables[name].slice(0, 1) for name in ("qualities", "loyalty")}
    unjudged = {"qualities": findings.tables["qualities"].slice(1), "loyalty": nothing_known["loyalty"]}
    assert narrow(replace(findings, tables=unjudged), ENGLISH) == []


def test_hostile_names_are_only_text() -> None:
    hostile = made([f"{number} {HOSTILE}" for number in range(4)], value=HOSTILE, kpi=HOSTILE)
    pictures = [*narrow(hostile, ENGLISH), *wide(hostile, ENGLISH)]
    check(pictures)
    assert "0 <script>alert('x')</s…" in texts(charts.stage_heat(hostile, ENGLISH))
    assert not re.search("[\x00\x1b\u202e\ud800\ufffe]", "".join(picture.svg + picture.label + picture.caption for picture in pictures))


def test_a_label_of_the_caller_may_hold_anything(findings: Findings) -> None:
    picture = charts.net_bars(findings.tables["channels"], "channel", ENGLISH, HOSTILE, HOSTILE)
    assert picture is not None
    check([picture])


def test_formulas_are_not_read() -> None:
    shops = table([felt("shop", "$x^2$", 9, 3, 2)])
    assert "$x^2$ (9)" in texts(charts.net_bars(shops, "shop", ENGLISH, "shops", "$x^2$"))


def test_one_comment_is_drawn() -> None:
    tables = {
        "channels": table([felt("channel", "app", 1, 1, 0)]),
        "touchpoints": table([felt("touchpoint", "staff", 1, 1, 0)]),
        "touchpoint_stages": table([felt("touchpoint", "staff", 1, 1, 0, stage="after")]),
        "touchpoint_emotions": table(shares("emotion", EMOTIONS[:1], touchpoint="staff")),
        "impact": table([{"touchpoint": "staff", "performance": 1.0, "impact": None}]),
        "loyalty": table([felt("relation", "new", 1, 1, 0)]),
        "trend": table([{**course(2)[1], "comments": 1}]),
        "language_trends": table([{**course(2, language="el")[1], "comments": 1}]),
    }
    one = Findings("one", 1, 0, 1, START, START, "week", (), False, tables)
    pictures = narrow(one, ENGLISH)
    check(pictures)
    assert [picture.caption for picture in pictures] == [
        "Net by channel",
        "From new customers to advocates",
        "Touchpoints and emotions",
        "Touchpoints and stages of the transaction",
        "Net sentiment by week",
        "Greek",
    ]


# ---- what is drawn ----------------------------------------------------------------------------------------------------------------


def test_net_bars_show_the_largest_groups_with_their_figures(findings: Findings) -> None:
    shown = texts(charts.net_bars(findings.tables["languages"], "language", ENGLISH, "languages", "By language"))
    assert {"Greek (1,200)", "Polish (80)", "+25", "−38"} <= set(shown)
    assert not any("Unknown" in text for text in shown)  # one comment says nothing beside hundreds
    picture = charts.net_bars(findings.tables["by_shop"], "shop", ENGLISH, "shops", "By shop")
    assert [text for text in texts(picture) if "app" in text] == [f"{number} app ({30 - number})" for number in range(12)]
    assert picture is not None
    assert re.match(r"By shop\. 0 app \+3 \(.* −17 .* \+23\), Comments: 30; ", picture.label)


def test_forty_touchpoints_are_ranked_worst_first() -> None:
    names = [f"kind {number}" for number in range(40)]
    many = made(names)
    shown = [text for text in texts(charts.touchpoint_ranking(many, ENGLISH)) if text.startswith("Kind ")]
    assert [text.split(" (")[0].lower() for text in shown] == names
    drawn = [heat(many, ENGLISH, width) for heat in (charts.emotion_heat, charts.stage_heat) for width in (charts.WIDTH, charts.WIDE)]
    for picture in drawn:
        rows = [text for text in texts(picture) if text.startswith("Kind ")]
        assert [text.split(" (")[0].lower() for text in rows] == names[:15]
    check([picture for picture in drawn if picture is not None])
    labelled = [text for text in texts(charts.priority_matrix(many, ENGLISH)) if text.startswith("Kind ")]
    assert 5 <= len(labelled) <= 14
    assert "Kind 0" in labelled


def test_ranking_takes_fewer_comments_where_hardly_any_touchpoint_has_enough() -> None:
    rows = [felt("touchpoint", name, count, 1, 0) for name, count in (("staff", 50), ("store", 3), ("billing", 2))]
    few = Findings("few", 9, 0, 9, None, None, "week", (), False, {"touchpoints": table(rows)})
    assert charts.least_ranked(few) == 3
    shown = texts(charts.touchpoint_ranking(few, ENGLISH))
    assert {"Staff (50)", "Store (3)"} <= set(shown)
    assert "Billing (2)" not in shown
    assert charts.least_ranked(made(TOUCHPOINTS)) == 10


def test_shares_are_written_as_the_language_writes_them(findings: Findings) -> None:
    assert {"Churn", "6%"} & set(texts(charts.intent_bars(findings, ENGLISH))) == {"6%"}
    greek = texts(charts.emotion_bars(findings, Wording.of("el")))
    assert {Wording.of("el").name("emotion", "joy").capitalize(), "42%"} <= set(greek)


def test_heat_maps_write_each_cell(findings: Findings) -> None:
    emotions = [text for text in texts(charts.emotion_heat(findings, ENGLISH)) if text.isdigit()]
    assert emotions == [str(3 * place) for place in range(15)] * len(TOUCHPOINTS)
    stages = [text for text in texts(charts.stage_heat(findings, ENGLISH)) if re.fullmatch(r"[+−]?\d+ \(\d+\)", text)]
    assert stages == ["−25 (4)", "+25 (4)"] * len(TOUCHPOINTS)  # no comments during the transaction


def test_loyalty_tells_counts_and_net_sentiment(findings: Findings) -> None:
    picture = charts.loyalty_chart(findings, ENGLISH)
    assert {"20", "12", "8", "9", "−20", "+100", "–"} <= set(texts(picture))
    assert picture is not None
    assert "pattern" in picture.svg  # mixed has a hatch


def marks(picture: Picture | None) -> dict[str, int]:
    """Dashed lines of alerts by feeling."""
    assert picture is not None
    lines = re.findall(r"stroke-dasharray: [^\"]*", picture.svg)
    return {
        feeling: sum(colour.lower() in line for line in lines)
        for feeling, colour in FEELINGS.items()
        if feeling in {"negative", "positive"}
    }


def test_alerts_stand_at_their_periods_and_in_their_own_charts(findings: Findings) -> None:
    every = charts.trend_chart(findings, ENGLISH)
    assert marks(every) == {"negative": 1, "positive": 1}  # two drops in one period are one mark with a 2
    assert "2" in texts(every)
    assert "Alert: fell" in texts(every)
    assert "Alert: rose" in texts(every)
    assert every is not None
    assert every.label.endswith("Alerts: 3")
    greek, polish = charts.language_trends(findings, ENGLISH)
    assert (greek.caption, marks(greek)) == ("Greek", {"negative": 0, "positive": 0})
    assert (polish.caption, marks(polish)) == ("Polish", {"negative": 1, "positive": 0})
    delivery, *_ = charts.touchpoint_trends(findings, ENGLISH)  # that alert is about delivery in Polish alone
    assert (delivery.caption, marks(delivery)) == ("Delivery", {"negative": 0, "positive": 0})


def test_figures_of_the_company_have_charts_up_to_eight() -> None:
    series = table([{"period": row["period"], **{f"figure_{number}": 1.25 for number in range(10)}} for row in course(9)])
    found = made(TOUCHPOINTS)
    many = replace(found, tables={**found.tables, "kpi_series": series, "kpi": table(figures("figure_0"))})
    assert charts.charted_kpis(many) == [f"figure_{number}" for number in range(8)]
    assert charts.kpi_chart(many, ENGLISH, "figure_9") is None
    assert charts.lag_chart(many, ENGLISH, "figure_1") is None
    lag = texts(charts.lag_chart(many, ENGLISH, "figure_0"))
    assert {"0.60", "Lag in weeks", "Net sentiment comes first →", "← figure_0 comes first"} <= set(lag)
    check([one for one in (charts.kpi_chart(many, ENGLISH, "figure_0"), charts.lag_chart(many, ENGLISH, "figure_0")) if one])


def test_figures_are_shown_where_they_are_known(findings: Findings) -> None:
    known = [{"period": row["period"], "sales": 5.25 if place in {3, 9} else None} for place, row in enumerate(course(40))]
    some = charts.kpi_chart(replace(findings, tables={**findings.tables, "kpi_series": table(known)}), ENGLISH, "sales")
    assert some is not None
    assert some.label.endswith("sales: 5.2 – 5.2")
    for nowhere in (known[:3], known[30:], [{**known[0], "sales": float("nan")}]):
        series = pa.Table.from_pylist(nowhere, schema=pa.schema([("period", pa.date32()), ("sales", pa.float64())]))
        assert charts.kpi_chart(replace(findings, tables={**findings.tables, "kpi_series": series}), ENGLISH, "sales") is None


def test_pairs_too_short_for_a_correlation_have_no_chart(findings: Findings) -> None:
    row = {**figures("sales")[0], "lag": None, "correlation": None, "low": None, "high": None, "note": "too short"}
    short_pair = pa.Table.from_pylist([row], schema=findings.tables["kpi"].schema)
    assert charts.lag_chart(replace(findings, tables={**findings.tables, "kpi": short_pair}), ENGLISH, "sales") is None


# ---- time -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("period", "days"), [("day", 1), ("week", 7), ("month", 30), ("quarter", 91)])
@pytest.mark.parametrize("periods", [1, 2, 300])
def test_any_number_of_periods_has_few_days_on_its_axis(findings: Findings, period: str, days: int, periods: int) -> None:
    long = replace(findings, period=period, tables={**findings.tables, "trend": table(course(periods, days))})
    for width, most in ((charts.WIDTH, 5), (charts.WIDE, 12)):
        picture = charts.trend_chart(long, ENGLISH, width)
        assert picture is not None
        check([picture])
        assert 1 <= sum(re.fullmatch(r"20\d\d", text) is not None for text in texts(picture)) <= most


class Marked:
    """Stands for axes."""

    def set_xticks(self, places: Sequence[float], labels: Sequence[str]) -> None:
        self.places, self.labels = places, labels


DAYS = st.dates(date(1970, 1, 1), date(2100, 1, 1))


@given(DAYS, st.integers(1, 20_000), st.integers(3, 12), st.sampled_from(REPORT_LANGUAGES), st.booleans())
def test_days_on_an_axis_are_few_and_in_order(first: date, length: int, most: int, language: str, months: bool) -> None:
    start = np.datetime64(first, "D")
    axes: Any = Marked()
    day_axis(axes, start, start + length, Wording.of(language), most, months=months)
    assert 1 <= len(axes.places) == len(axes.labels) <= most
    assert list(axes.places) == sorted(set(axes.places))
    assert float(start.astype(int)) <= axes.places[0] <= axes.places[-1] <= float((start + length).astype(int))
    assert len(set(axes.labels)) > len(axes.labels) // 4
    assert re.search(r"\d{4}$", axes.labels[0])


def test_months_are_written_as_the_language_writes_them(findings: Findings) -> None:
    for language, month in (("en", "Sept"), ("el", "Σεπ"), ("pl", "wrz"), ("ro", "sept.")):
        assert month in texts(charts.trend_chart(findings, Wording.of(language)))


# ---- parts ------------------------------------------------------------------------------------------------------------------------


@given(st.text(), st.integers(2, 40))
def test_short_names_are_short_and_can_be_seen(name: str, letters: int) -> None:
    shown = short(name, letters)
    assert 1 <= len(shown) <= letters
    assert shown.isprintable()


def test_wide_letters_count_twice() -> None:
    assert short("物流配送服务", 6) == "物流…"


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_text_on_any_colour_can_be_read(colour: tuple[float, float, float]) -> None:
    def luminance(parts: Sequence[float]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    ink = 1.0 if readable_on(colour) == "#ffffff" else 0.0
    dark, light = sorted((luminance(colour), luminance((ink,) * 3)))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_without_matplotlib_the_extra_is_named(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxsentiment.drawing.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"cxsentiment\[report\]"):
        charts.emotion_bars(findings, ENGLISH)


def test_importing_the_charts_leaves_matplotlib_alone() -> None:
    code = "import sys, cxsentiment.report.charts; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
