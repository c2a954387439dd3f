import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Outcome
from tests.made_up_archives import comment, written

pytest.importorskip("babel")
pytest.importorskip("matplotlib")
pytest.importorskip("phonenumbers")
pytest.importorskip("scipy")

Run = Callable[..., Outcome]
Fails = Callable[..., str]
MONDAY = date(2026, 1, 5)
WEEKS, EACH = 16, 60


def rows(bad_weeks: int) -> list[dict[str, Any]]:
    made = []
    for week in range(WEEKS):
        is_bad = week >= WEEKS - bad_weeks
        for number in range(EACH):
            sentiment = "negative" if is_bad or number % 3 == 0 else "positive"
            sign = "-" if sentiment == "negative" else "+"
            day = MONDAY + timedelta(weeks=week, days=number % 7)
            made.append(dict(comment(day, sentiment, [("delivery", sign)])) | {"comment": f"said by {number} in week {week}"})
    return made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("quiet") / "scored.parquet", rows(0))


@pytest.fixture(scope="module")
def fallen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("fallen") / "scored.parquet", rows(1))


def test_a_page_is_written_in_the_language_that_was_asked_for(run: Run, fallen: Path, tmp_path: Path) -> None:
    target = tmp_path / "raport.html"
    outcome = run("report", fallen, "-o", target, "--lang", "pl")
    assert outcome == Outcome(0, f"written to {target}\n", "")
    page = target.read_text(encoding="utf-8")
    assert '<html lang="pl">' in page
    assert "Dostawa" in page


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.xlsx"])
def test_the_name_says_the_format(run: Run, quiet: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip("openpyxl")
    assert run("report", quiet, "-o", tmp_path / name).code == 0
    start = (tmp_path / name).read_bytes()[:2]
    assert start == {"report.json": b'{"', "report.md": b"# ", "report.xlsx": b"PK"}[name]


def test_the_format_may_be_given_and_then_names_the_file(run: Run, quiet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report", quiet, "--format", "json").code == 0
    assert run("report", quiet, "--format", "json", "-o", "figures.txt").code == 0
    assert Path("report.json").read_bytes() == Path("figures.txt").read_bytes()


def test_days_and_dimensions_narrow_and_divide(run: Run, fallen: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    assert run("report", fallen, "-o", target, "--since", "2026-01-12", "--until", "2026-01-25", "--by", "stage, comment").code == 0
    found = json.loads(target.read_text(encoding="utf-8"))
    assert (found["comments"], found["first_day"], found["last_day"]) == (2 * EACH, "2026-01-12", "2026-01-25")
    assert found["by"] == ["stage", "comment"]
    assert len(found["tables"]["by_comment"]) == 2 * EACH


def test_figures_of_the_company_are_compared(run: Run, quiet: Path, tmp_path: Path) -> None:
    kpi = tmp_path / "kpi.csv"
    lines = [f"{MONDAY + timedelta(weeks=week)},{(week * 7) % 5}" for week in range(WEEKS)]
    kpi.write_text("\n".join(["week,sales", *lines]), encoding="utf-8")
    target = tmp_path / "report.json"
    assert run("report", quiet, "-o", target, "--kpi", kpi, "--kpi-date", "week", "--period", "week").code == 0
    tables = json.loads(target.read_text(encoding="utf-8"))["tables"]
    assert [row["sales"] for row in tables["kpi_series"]] == [float((week * 7) % 5) for week in range(WEEKS)]


def test_watch_exits_with_3_when_a_change_stands_out(run: Run, quiet: Path, fallen: Path) -> None:
    silent = run("watch", quiet)
    assert (silent.code, silent.err) == (0, "")
    assert silent.out.count("\n") == 1
    loud = run("watch", fallen)
    assert loud.code == 3
    assert "All comments: net sentiment fell from" in loud.out
    assert "Delivery: net sentiment fell from" in loud.out
    told = [json.loads(line) for line in run("watch", fallen, "--json").out.splitlines()]
    assert {(row["touchpoint"], row["language"]) for row in told} >= {(None, None), ("delivery", None)}
    assert all(row["change"] < 0 and row["period"] == str(MONDAY + timedelta(weeks=WEEKS - 1)) for row in told)
    assert run("watch", quiet, "--json").out == ""
    assert run("watch", fallen, "--min-count", EACH + 1).code == 0


def test_watch_leaves_what_was_noticed_long_ago(run: Run, tmp_path: Path) -> None:
    later = [
        made | {"date": made["date"] + timedelta(weeks=back)}
        for back, some in ((0, rows(1)), (WEEKS, rows(0)[: 4 * EACH]))
        for made in some
    ]
    path = written(tmp_path / "scored.parquet", later)
    fell = MONDAY + timedelta(weeks=WEEKS - 1)
    recent = [json.loads(line) for line in run("watch", path, "--json", "--last", 2).out.splitlines()]
    every = [json.loads(line) for line in run("watch", path, "--json", "--last", 0).out.splitlines()]
    assert fell.isoformat() in {row["period"] for row in every}
    assert fell.isoformat() not in {row["period"] for row in recent}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-o", "report.doc"), "--format"),
        (("--format", "pdf"), "html, json, xlsx, md"),
        (("--lang", "de"), "el, pl, ro, en"),
        (("--by", "colour"), "colour"),
        (("--by", "week"), "--period week"),
        (("--period", "year"), "day, week, month, quarter"),
        (("--since", "yesterday"), "2024-12-31"),
        (("--since", "2027-01-01"), "no scored comments"),
        (("--kpi", "nowhere.csv"), "nowhere.csv"),
        (("--date", "birthday"), "birthday"),
        (("-o", "missing/report.html"), "missing"),
    ],
)
def test_options_that_are_wrong_are_refused(
    fails: Fails, quiet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in fails("report", quiet, *options)
    assert not list(tmp_path.iterdir())


def test_what_was_not_scored_is_refused(fails: Fails, tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text("comment\nok\n", encoding="utf-8")
    assert "cx_sentiment" in fails("watch", plain)
    assert "nowhere" in fails("report", tmp_path / "nowhere")
