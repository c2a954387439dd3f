"""The leaderboard: what stands in its tables, that nothing in it is read as markup, and that the page fits its window."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from cxsentiment.benchmark.cells import form_of
from cxsentiment.benchmark.circumstances import cautions
from cxsentiment.benchmark.leaderboard import leaderboard, write_leaderboard
from cxsentiment.benchmark.plots import MARKERS, picture, styles
from cxsentiment.benchmark.plots_calibration import pooled
from cxsentiment.benchmark.plots_heat import confusion_pictures
from cxsentiment.benchmark.plots_scores import folded, speed_picture
from cxsentiment.benchmark.record import (
    BehaviourResult,
    CalibrationResult,
    Failure,
    Interval,
    RobustnessResult,
    Run,
    SpeedResult,
    TaskResult,
)
from cxsentiment.benchmark.standings import Comparison, failure_rates, headline, ranked, task_scores
from cxsentiment.benchmark.standings import behaviour as behaviour_of
from cxsentiment.benchmark.tables import behaviour_table, headline_table, markdown, task_table
from cxsentiment.errors import InputError, MissingExtraError, OutputError
from tests.browser import measured, picture_of

HOSTILE = "<script>alert('x')</script> $\\frac{ _|*"
LANGUAGES = ("el", "pl", "ro", "en")
LABELS = ("negative", "neutral", "positive")
CAPABILITIES = ("negation", "names that should not matter", "Greeklish", "mixed feelings", "numbers", "typos")


def sentiment(language: str, dataset: str, score: float, **others: object) -> TaskResult:
    right = int(100 * score)
    wrong = 100 - right
    bins = [(0.1 + 0.8 * place / 5, score * place / 5, 0.2) for place in range(1, 6)]
    curve = [(place / 20, (1 - score) * place / 20) for place in range(1, 21)]
    plain = TaskResult(
        task="sentiment",
        dataset=dataset,
        language=language,
        size=300,
        labels=LABELS,
        scores={"macro_f1": Interval(score, score - 0.02, score + 0.025), "accuracy": Interval(score + 0.01)},
        per_class={label: {"precision": score, "recall": score, "f1": score, "support": 100.0} for label in LABELS},
        confusion=[[right, wrong, 0, 0], [0, right, wrong, 0], [wrong - 1, 0, right, 1]],
        calibration=CalibrationResult(0.06 * score, 0.3, bins, curve, 0.1),
        overlap=0.0,
    )
    return replace(plain, **others)  # type: ignore[arg-type]


def behaviour(rate: float) -> list[BehaviourResult]:
    example = Failure(["Nie polecam & <b>nigdy</b>", "\ud800 halves"], "negative", ["positive", "neutral"])
    return [
        BehaviourResult(capability, f"test of {capability}", "invariance", language, 50, round(50 * rate), [example])
        for capability in CAPABILITIES
        for language in LANGUAGES
    ]


def run(name: str, quality: float, **others: object) -> Run:
    results = [
        sentiment(language, f"{language} {kind}", quality - 0.03 * place - 0.01 * number)
        for number, language in enumerate(LANGUAGES)
        for place, kind in enumerate(("reviews", "posts"))
    ]
    results += [
        TaskResult("emotions", "feelings", "en", 200, ["joy", "anger"], {"macro_f1": Interval(quality / 2, quality / 2 - 0.1, 0.6)}),
        TaskResult("touchpoints", "written", "pl", 80, ["store"], {"span_type_f1": Interval(quality - 0.1), "span_f1": Interval(quality)}),
        TaskResult("language", "sentences", "ro", 90, ["ro", "en"], {"accuracy": Interval(0.99)}, confusion=[[44, 1], [0, 45]]),
    ]
    plain = Run(
        contender=name,
        kind="ours",
        details={"parameters": 118_000_000, "quantised": True, "licence": "Apache-2.0"},
        created="2026-01-02T03:04:05Z",
        command="cxsentiment benchmark --contender x",
        seeds=[0, 1],
        hardware={"processor": "Epyc", "cores": 2},
        versions={"python": "3.11.2", "torch": "2.9.0"},
        commit="a17ed18",
        data={"documents.parquet": "sha256:" + "0123456789abcdef" * 4},
        seconds=123.4,
        results=results,
        behaviour=behaviour(1 - quality),
        robustness=[RobustnessResult("no diacritics", language, 2, 600, quality, quality - 0.05, 0.08) for language in LANGUAGES],
        speed=SpeedResult(1000, 4.0, 250 / quality, 400 * quality, (0.012, 0.034)),
        predictions="x.parquet",
        notes=["A note."],
    )
    return replace(plain, **others)  # type: ignore[arg-type]


def bare(name: str = "phrases alone") -> Run:
    """English only, of which one set; nothing else measured."""
    return run(name, 0.7, results=[sentiment("en", "en reviews", 0.9, calibration=None)], behaviour=(), robustness=(), speed=None)


def three() -> list[Run]:
    return [run("linear", 0.7), bare(), run("cxsentiment", 0.8)]


class Parsed(HTMLParser):
    """Tags, ids, addresses and visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.svgs: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value for name, value in attrs if name in {"href", "src", "srcset", "data", "action"} and value]
        self.addresses += [found for _, value in attrs for found in re.findall(r"url\((.*?)\)", value or "")]
        if tag == "svg":
            self.svgs.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_headline_table_is_pinned() -> None:
    sentiment_scores = "**0.785** | **0.775** | **0.765** | **0.755** | **0.770**"
    others = "**0.400** | **0.700** | **0.990** | 0.046 | **20.0 %** | 312 | 320"
    assert headline_table(three()).splitlines() == [
        "| contender | sentiment el, macro-F1 | sentiment pl, macro-F1 | sentiment ro, macro-F1 | sentiment en, macro-F1 "
        "| sentiment, mean, macro-F1 | emotions, macro-F1 | touchpoints, span+type F1 | language, accuracy | ECE | failures "
        "| comments/s | MB |",
        "| --- |" + " ---: |" * 12,
        f"| cxsentiment | {sentiment_scores} | {others} |",
        "| linear | 0.685 | 0.675 | 0.665 | 0.655 | 0.670 | 0.350 | 0.600 | **0.990** | **0.040** | 30.0 % | **357** | **280** |",
        "| phrases alone | n/a | n/a | n/a | 0.900 (1 of 2 sets) | 0.900 (1 of 8 sets) | n/a | n/a | n/a | n/a | n/a | n/a | n/a |",
    ]


def test_mean_over_languages_gives_each_language_the_same_weight() -> None:
    results = [sentiment("el", "a", 0.5), sentiment("en", "b", 0.8), sentiment("en", "c", 1.0)]
    (row,) = headline([run("x", 0.7, results=results, behaviour=(), speed=None)]).rows
    assert [cell.text for cell in row.cells[:3]] == ["0.500", "0.900", "0.700"]


def test_one_contender_alone_is_not_the_best() -> None:
    assert "**" not in headline_table([run("only", 0.8)])


def test_task_table_has_intervals_seeds_overlap_and_errors() -> None:
    result = sentiment("el", "a", 0.8, seeds=[0.8, 0.78, 0.81], overlap=0.031, errors=2)
    rivals = [run("x", 0.8, results=[result]), run("y", 0.7, results=[sentiment("el", "a", 0.7)])]
    notes = "3 seeds: 0.780 to 0.810; 3.1 % seen in training; 2 without an answer"
    assert task_table(rivals, "sentiment").splitlines()[2:] == [
        f"| el | a | 300 | **0.800** [0.780, 0.825] ({notes}) | 0.700 [0.680, 0.725] |"
    ]


def test_what_is_nearly_nothing_has_no_sign() -> None:
    assert [form_of(score).show(-0.0001) for score in ("hamming_loss", "macro_f1")] == ["0.000", "0.000"]
    assert form_of("hamming_loss").show(-0.008) == "-0.008"


def test_least_loss_is_the_best() -> None:
    assert [form_of(name).lower_is_better for name in ("hamming_loss", "one_minus_wmae", "macro_f1")] == [True, False, False]
    rivals = [
        run(name, 0.8, results=[TaskResult("emotions", "a", "en", 9, ["joy"], {"hamming_loss": Interval(loss)})])
        for name, loss in (("x", 0.3), ("y", 0.1))
    ]
    assert [cell.best for cell in task_scores(rivals, "emotions").rows[0].cells] == [False, True]


def test_behaviour_table_weighs_the_tests_of_a_capability_equally() -> None:
    tests = [
        BehaviourResult("negation", name, "invariance", "pl", cases, failures) for name, cases, failures in (("a", 10, 1), ("b", 30, 9))
    ]
    table = behaviour_table([run("x", 0.8, behaviour=tests), run("y", 0.7, behaviour=tests[:1])]).splitlines()
    assert table[2:] == ["| negation | pl | 20.0 % | 10.0 % (1 of 2 tests) |"]


def test_every_behavioural_test_has_its_row_and_languages_weigh_alike() -> None:
    tests = [
        BehaviourResult("ours", "calls", "invariance", "en", 4, 1),
        BehaviourResult("negation", "praise", "minimum functionality", "en", 10, 10),
        BehaviourResult("negation", "blame", "minimum functionality", "en", 40, 0),
        BehaviourResult("negation", "praise", "minimum functionality", "pl", 8, 1),
        BehaviourResult("negation", "never asked", "minimum functionality", "pl", 0, 0),
    ]
    runs = [run("x", 0.8, behaviour=tests)]
    assert markdown(behaviour_of(runs, each_test=True)).splitlines()[2:] == [
        "| ours | calls | invariance | en | 25.0 % |",
        "| negation | praise | minimum functionality | pl | 12.5 % |",
        "| negation | praise | minimum functionality | en | 100.0 % |",
        "| negation | blame | minimum functionality | en | 0.0 % |",
        "| negation | never asked | minimum functionality | pl | n/a |",
    ]
    (everything,) = failure_rates(runs, lambda _: True)
    assert everything is not None
    assert everything.value == pytest.approx(((0.25 + 1 + 0) / 3 + 0.125) / 2)


def test_a_table_has_no_column_for_a_contender_that_says_nothing_in_it() -> None:
    detector = replace(bare("detector"), results=[TaskResult("language", "sentences", "ro", 90, ["ro"], {"accuracy": Interval(0.5)})])
    runs = [*three(), detector]
    assert task_scores(runs, "sentiment").columns == ("cxsentiment", "linear", "phrases alone")
    assert task_scores(runs, "language").columns == ("cxsentiment", "linear", "detector")
    assert [len(row.cells) for row in behaviour_of(runs).rows] == [2] * len(behaviour_of(runs).rows)
    page = leaderboard(runs)
    legends = re.findall(r'<ul class="legend" aria-label="Contenders">(.*?)</ul>', page, re.DOTALL)
    assert legends
    assert all("linear" in legend and "detector" not in legend for legend in legends)


def test_the_range_of_seeds_stands_where_it_is_one() -> None:
    same = replace(bare(), results=[sentiment("en", "en reviews", 0.9, seeds=[0.9, 0.9001, 0.9])])
    differ = replace(bare(), results=[sentiment("en", "en reviews", 0.9, seeds=[0.9, 0.88, 0.91])])
    notes = [task_scores([one], "sentiment").rows[0].cells[0].notes for one in (same, differ)]
    assert notes == [(), ("3 seeds: 0.880 to 0.910",)]


@pytest.mark.parametrize(
    ("name", "lines"),
    [("short_name", "short_name"), ("pl_poleval2024_emotion_sentences", "pl_poleval2024_\nemotion_sentences"), ("o" * 40, "o" * 40)],
)
def test_long_names_of_data_sets_stand_on_two_lines(name: str, lines: str) -> None:
    assert folded(name) == lines


def test_ranked_puts_incomplete_contenders_after_complete_ones() -> None:
    assert [one.contender for one in ranked([bare(), run("b", 0.6), bare("none"), run("a", 0.7)])] == ["a", "b", "phrases alone", "none"]


def test_markdown_escapes_names() -> None:
    table = headline_table([run("a|b <i>*\nc", 0.8)])
    assert r"| a\|b \<i\>\* c |" in table
    assert len(table.splitlines()) == 3


@pytest.mark.parametrize("runs", [[], [run("x", 0.8), run("x", 0.7)]])
def test_no_run_and_two_of_one_contender_are_refused(runs: list[Run]) -> None:
    with pytest.raises(InputError):
        leaderboard(runs)


def test_cautions_name_other_data_texts_machines_and_commits() -> None:
    first = run("x", 0.8, results=[sentiment("el", "a", 0.8)])
    second = replace(
        first, contender="y", data={"documents.parquet": "other"}, hardware={"processor": "M4", "cores": 2}, commit=None,
        results=[sentiment("el", "a", 0.8, size=299)],
    )  # fmt: skip
    words = "documents.parquet|numbers|processor|commits"
    assert [word for caution in cautions([first, second]) for word in re.findall(words, caution)] == [
        "documents.parquet", "numbers", "processor", "commits",
    ]  # fmt: skip
    assert cautions([first, replace(first, contender="y")]) == []


COMPARISON = Comparison("sentiment", "en reviews", "en", "cxsentiment", "linear", Interval(0.1, 0.05, 0.15), 0.0004)


@pytest.fixture(scope="module")
def page() -> str:
    return leaderboard(three(), [COMPARISON])


def test_page_has_every_part_and_loads_nothing(page: str) -> None:
    parsed = Parsed(page)
    for expected in (
        "+0.100",
        "[+0.050, +0.150]",
        "0.0004",
        "Apache-2.0",
        "a17ed18",
        "sha256:",
        "Epyc",
        "A note.",
        "no diacritics",
        "Brier 0.300",
    ):
        assert expected in parsed.text
    assert not {"script", "link", "img", "iframe", "object", "image"}.intersection(parsed.tags)
    assert all(address.startswith("#") for address in parsed.addresses)
    assert {address[1:] for address in parsed.addresses} <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert len(parsed.svgs) == 4 + 1 + 2 + 4 + (2 + 2 + 1) + 2  # scores, speed, reliability, risk, confusions, behaviour
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in parsed.svgs)


def test_equal_runs_give_an_equal_page(page: str) -> None:
    assert leaderboard(three(), [COMPARISON]) == page


def test_hostile_names_are_only_text() -> None:
    hostile = run(
        HOSTILE, 0.8, kind=HOSTILE, command=HOSTILE, notes=[HOSTILE], details={HOSTILE: HOSTILE}, data={HOSTILE: HOSTILE},
        results=[sentiment(HOSTILE, HOSTILE, 0.8, labels=[HOSTILE, "_", "\x00"], per_class={HOSTILE: {"f1": 0.5}}),
                 sentiment("en", HOSTILE, 0.8, task=HOSTILE, scores={HOSTILE: Interval(0.5)})],
        behaviour=[BehaviourResult(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 9, 3, [Failure([HOSTILE], HOSTILE, [HOSTILE])])],
        robustness=[RobustnessResult(HOSTILE, HOSTILE, 1, 9, 0.8, 0.7, 0.1)],
    )  # fmt: skip
    page = leaderboard([hostile, run("_other", 0.7)])
    parsed = Parsed(page)
    assert "script" not in parsed.tags
    assert str(Markup.escape(HOSTILE)) in page
    assert HOSTILE in parsed.text
    assert all(address.startswith("#") for address in parsed.addresses)
    assert len(parsed.ids) == len(set(parsed.ids))


def test_parts_that_are_missing_are_left_out() -> None:
    parsed = Parsed(leaderboard([replace(bare(), results=[sentiment("en", "a", 0.9, calibration=None, confusion=None)])]))
    assert set(parsed.ids).isdisjoint({"behaviour", "robustness", "speed", "probabilities", "confusions"})
    assert len(parsed.svgs) == 1
    assert speed_picture([bare()]) is None
    assert Parsed(leaderboard([replace(bare(), results=())])).svgs == []


def test_confusions_of_equal_labels_are_pooled_over_languages() -> None:
    results = [
        sentiment("el", "a", 0.8),
        sentiment("en", "b", 0.6),
        sentiment("en", "c", 0.5, labels=LABELS[:2], confusion=[[5, 5], [0, 10]]),
    ]
    pooled_one, other = confusion_pictures(run("x", 0.8, results=results), 0)
    assert "600 texts of el a, en b" in pooled_one.label
    assert "no answer" in pooled_one.svg
    assert ">70<" in pooled_one.svg
    assert "20 texts of en c" in other.label
    assert "no answer" not in other.svg


def test_reliability_is_pooled_by_the_number_of_texts() -> None:
    parts = [
        (100, CalibrationResult(0, 0, [(0.5, 0.4, 1.0)], [], 0)),
        (300, CalibrationResult(0, 0, [(0.52, 0.6, 0.5), (0.9, 0.9, 0.5)], [], 0)),
    ]
    assert pooled(parts) == [pytest.approx((0.512, 0.52, 0.625)), pytest.approx((0.9, 0.9, 0.375))]


def test_many_contenders_look_different() -> None:
    looks = styles([f"contender {number}" for number in range(7 * len(MARKERS))])
    assert len({(look.colour, look.marker) for look in looks.values()}) == len(looks)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxsentiment.drawing.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"cxsentiment\[benchmark\]"):
        picture("x", "x", "x", (1, 1), lambda _: None)


def test_importing_the_leaderboard_leaves_matplotlib_alone() -> None:
    code = "import sys, cxsentiment.benchmark.leaderboard, cxsentiment.benchmark.tables; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_page_is_written_and_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write_leaderboard([bare()], tmp_path / "board.html")
    assert (tmp_path / "board.html").read_text(encoding="utf-8") == leaderboard([bare()])
    with pytest.raises(OutputError, match="missing"):
        write_leaderboard([bare()], tmp_path / "missing" / "board.html")


@pytest.mark.full
@pytest.mark.parametrize("width", [1280, 390])
def test_page_fits_its_window_without_network(tmp_path: Path, width: int) -> None:
    """Inside a frame, since a window of a browser has a least width; every fold is opened."""
    many = [run(HOSTILE, 0.75), *(run(f"contender-with-a-long-name-{number}", 0.8 - number / 50) for number in range(5)), bare()]
    page = tmp_path / "board.html"
    write_leaderboard(many, page)
    seen = measured(page, width)
    assert seen["inner"] == width
    assert seen["content"] <= width
    assert (seen["broken"], seen["requests"]) == (0, 0)
    assert picture_of(page, width).stat().st_size > 0
