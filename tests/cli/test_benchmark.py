"""`cxsentiment benchmark`: contenders of one's own on data of one's own, from files to a page; what cannot be done is said in one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.benchmark.comparing import SUFFIX, read_run
from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.runner import TASKS

Fails = Callable[..., str]
Runs = Callable[..., Any]

ROOT = Path(__file__).parents[2]
CONTENDERS = """
import gc

from cxsentiment.benchmark.contender import Prediction


class Words:
    name = "words"
    details = {"licence": "ours"}

    def __init__(self, good="good"):
        self.good = good

    def predict(self, texts):
        return [Prediction("positive" if self.good in text else "negative") for text in texts]


class Glad:
    def __init__(self, name="glad"):
        self.name = name

    def predict(self, texts):
        return [Prediction("positive", {"negative": 0.2, "positive": 0.8}) for _ in texts]


class Heavy(Glad):
    def __init__(self, name):  # holds itself, as models do, and tells how many others there are
        super().__init__(name)
        self.details = {"others": sum(type(one).__name__ == "Heavy" for one in gc.get_objects()) - 1}
        self.me = self


class Teacher:
    name = "teacher"

    def fit(self, examples, task, seed):
        return Words()


class Broken:
    name = "broken"

    def predict(self, texts):
        raise OSError("no more tea")
"""
REGISTRY = """
[sets.reviews]
title = "Reviews of a shop"
file = "reviews.csv"
language = "en"
licence = "ours"
sentiment = {{ column = "label", labels = {{ negative = "negative", positive = "positive" }} }}

[contenders.short]
spec = "python:{place}:Glad"

[contenders.heavy]
spec = "python:{place}:Heavy"
name = "heavy"

[contenders.heavier]
spec = "python:{place}:Heavy"
name = "heavier"

[contenders.spelled]
spec = "python:{place}:Words"
good = "bad"

[contenders.baseline]
spec = "lexicon:nothing.tsv"
"""
QUICK = ("--resamples", 100, "--per-test", 1, "--robustness-per-set", 5)


class Page(HTMLParser):
    """Tags of a page, and every address that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src", "srcset", "data", "action", "xlink:href"}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where contenders, a registry and its data lie; nothing else does, since the data folder is empty."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("CXSENTIMENT_DATA", str(tmp_path / "data"))
    (tmp_path / "mine.py").write_text(CONTENDERS, encoding="utf-8")
    (tmp_path / "mine.toml").write_text(REGISTRY.format(place=(tmp_path / "mine.py").as_posix()), encoding="utf-8")
    lines = [f"order {number} was {'good' if number % 2 else 'bad'},{'positive' if number % 2 else 'negative'}" for number in range(30)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    return tmp_path


def arguments(folder: Path, *contenders: str) -> tuple[object, ...]:
    named = [word for one in contenders for word in ("--contender", one)]
    return ("benchmark", "run", "--registry", folder / "mine.toml", "--set", "reviews", "--out", folder / "out", *QUICK, *named)


def test_contenders_are_run_compared_and_shown(run: Runs, folder: Path) -> None:
    outcome = run(*arguments(folder, f"python:{folder / 'mine.py'}:Words", "short"))
    assert outcome.code == 0
    assert f"{folder / 'out' / 'words.json'} (" in outcome.out
    assert "| words | **1.000** |" in outcome.out
    assert "glad: reviews en sentiment: macro_f1 0.333" in outcome.err
    words, glad = folder / "out" / "words.json", folder / "out" / "glad.json"
    kept, answers = read_run(words)
    assert (kept.contender, kept.kind, kept.details) == ("words", f"python:{folder / 'mine.py'}:Words", {"licence": "ours"})
    assert kept.predictions == f"words{SUFFIX}"
    assert [one.dataset for one in answers] == ["reviews"]
    assert kept.speed is not None
    assert {one.language for one in kept.robustness} == {"en"}
    assert {one.language for one in kept.behaviour} == {"el", "pl", "ro", "en"}
    assert set(kept.data) == {"reviews.csv"}

    outcome = run("benchmark", "compare", words, glad, "--resamples", 200)
    assert outcome.code == 0
    assert re.search(r"\| words \| glad \| \+0\.667 \[\+0\.\d{3}, \+0\.\d{3}\] \| 0\.00498 \|", outcome.out)
    assert "sentiment: words better on 1 sets, glad on 0, no sure difference on 0" in outcome.out

    page = folder / "pages" / "board.html"
    outcome = run("benchmark", "leaderboard", glad, words, "--out", page)
    assert outcome.code == 0
    assert outcome.out.strip().endswith(str(page))
    assert outcome.out.index("| words |") < outcome.out.index("| glad |")
    parsed = Page(page.read_text(encoding="utf-8"))
    assert parsed.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert all(address.startswith("#") for address in parsed.addresses)
    assert not re.search(r"(url\(|@import)\s*['\"]?\s*http", page.read_text(encoding="utf-8"))


def test_tasks_options_and_seeds_reach_the_contender(run: Runs, folder: Path) -> None:
    outcome = run(*arguments(folder, "spelled"), "--task", "sentiment", "--per-set", 10)
    assert outcome.code == 0
    found = Run.read(folder / "out" / "words.json")
    assert (found.results[0].scores["accuracy"].value, found.results[0].size) == (0.0, 10)
    assert (found.speed, found.robustness, found.behaviour) == (None, [], [])

    outcome = run(*arguments(folder, "spelled"), "--task", "sentiment", "--option", "good=good", "--seeds", "4, 5")
    assert outcome.code == 0
    found = Run.read(folder / "out" / "words.json")
    assert (found.results[0].scores["accuracy"].value, found.seeds) == (1.0, [4, 5])

    outcome = run(*arguments(folder, f"python:{folder / 'mine.py'}:Teacher"), "--task", "sentiment", "--seeds", "7")
    assert outcome.code == 0
    found = Run.read(folder / "out" / "teacher.json")
    assert found.results[0].seeds == [1.0]
    assert "nothing learnt from written_en for sentiment en: its file is not there" in found.notes


def test_sets_whose_files_are_not_there_are_left_out_unless_named(run: Runs, fails: Fails, folder: Path) -> None:
    words = f"python:{folder / 'mine.py'}:Words"
    known = ("benchmark", "run", "--registry", folder / "mine.toml", "--out", folder / "out", *QUICK, "--contender", words)
    outcome = run(*known, "--task", "sentiment")
    assert outcome.code == 0
    assert "left out, for their files are not there: written_el, " in outcome.err
    assert [one.dataset for one in Run.read(folder / "out" / "words.json").results] == ["reviews"]
    assert "the file of data set sst5 is not there" in fails(*known, "--set", "sst5")


def test_data_sets_are_shown_with_their_files(run: Runs, folder: Path) -> None:
    outcome = run("benchmark", "datasets", "--registry", folder / "mine.toml")
    assert outcome.code == 0
    lines = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert "Reviews of a shop" in lines["reviews"]
    assert lines["reviews"].rstrip().endswith("reviews.csv")
    assert "sentiment, stars" in lines["amazon_alexa"]
    assert "documents.parquet (not there)" in lines["amazon_alexa"]


def test_the_examples_run(run: Runs, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    own = ("benchmark", "run", "--registry", "examples/own_data.toml", "--set", "own_reviews", "--out", folder / "out", *QUICK)
    for contender in ("python:examples/own_contender.py:Counting", "counting"):
        outcome = run(*own, "--contender", contender)
        assert outcome.code == 0
        found = Run.read(folder / "out" / "counting.json")
        assert {(one.task, one.dataset, one.language, one.size) for one in found.results} == {
            (task, "own_reviews", language, 20) for task in ("sentiment", "stars") for language in ("pl", "en")
        }
        assert all(one.headline.value > 0 and not one.errors for one in found.results)
        assert {one.language for one in found.robustness} == {"pl", "en"}


# ---- what cannot be done --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--task", "sarcasm"), f"no task is called 'sarcasm'; there are: {', '.join(TASKS)}"),
        (("--set", "yours"), "no data set is called 'yours'; there are: written_el, "),
        (("--task", "touchpoints"), "no data set that is there has touchpoints"),
        (("--contender", "magic"), "unknown contender 'magic': use one of default, "),
        (("--contender", "python:nothing.py:Words"), "there is no file nothing.py"),
        (("--contender", "baseline"), "nothing.tsv"),
        (("--option", "good"), "--option 'good': write NAME=VALUE"),
        (("--option", "=good"), "--option '=good': write NAME=VALUE"),
        (("--contender", "spelled", "--option", "colour=red"), "could not be made with options good, colour"),
        (("--seeds", "one"), "--seeds 'one': write whole numbers, such as 1,2,3"),
        (("--seeds", ""), "--seeds '': write whole numbers"),
        (("--seeds", "1,-2"), "--seeds '1,-2': write whole numbers"),
        (("--resamples", "10"), "--resamples"),
        (
            ("--contender", "short", "--contender", "short", "--task", "speed"),
            "two contenders are called 'glad': give each a name of its own",
        ),
        (("--registry", "nothing.toml"), "cannot read nothing.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_are_wrong_are_refused(run: Runs, folder: Path, options: tuple[str, ...], said: str) -> None:
    outcome = run(*arguments(folder), *options)
    assert outcome.code == 2
    assert said in outcome.err.splitlines()[-1]


def test_a_contender_is_let_go_before_the_next_is_made(run: Runs, folder: Path) -> None:
    assert run(*arguments(folder, "heavy", "heavier"), "--task", "sentiment").code == 0
    assert Run.read(folder / "out" / "heavier.json").details == {"others": 0}


def test_a_contender_that_fails_is_named(fails: Fails, folder: Path) -> None:
    said = fails(*arguments(folder, f"python:{folder / 'mine.py'}:Broken"))
    assert said == "error: contender broken failed on texts for speed: OSError: no more tea\n"


@pytest.mark.parametrize(
    "entry", ["contenders = 3", "[contenders]\nmine = 3", "[contenders.mine]\nspec = 3", "[contenders.mine]\nname = 'x'"]
)
def test_a_named_contender_needs_a_specification(fails: Fails, folder: Path, entry: str) -> None:
    (folder / "other.toml").write_text(entry, encoding="utf-8")
    said = fails(*arguments(folder, "mine"), "--registry", folder / "other.toml")
    assert str(folder / "other.toml") in said
    assert "contenders" in said


def test_places_that_cannot_be_written_are_refused_before_anything_is_measured(fails: Fails, folder: Path) -> None:
    (folder / "out").write_text("a file, not a folder", encoding="utf-8")
    said = fails(*arguments(folder, f"python:{folder / 'mine.py'}:Broken"))
    assert f"cannot write to {folder / 'out'}: " in said
    assert "name another folder with --out" in said


def test_results_that_cannot_be_used_are_refused(run: Runs, fails: Fails, folder: Path) -> None:
    assert run(*arguments(folder, "short"), "--task", "sentiment").code == 0
    glad = folder / "out" / "glad.json"
    assert "cannot read" in fails("benchmark", "compare", glad, folder / "nothing.json")
    assert "is not a result of cxsentiment benchmark" in fails("benchmark", "leaderboard", folder / "reviews.csv")
    assert "several runs of 'glad'; give one run of each contender" in fails("benchmark", "leaderboard", glad, glad)
    place = folder / "reviews.csv" / "board.html"
    assert f"cannot write to {place.parent}" in fails("benchmark", "leaderboard", glad, "--out", place)
    predictions = folder / "out" / f"glad{SUFFIX}"
    pq.write_table(pa.concat_tables([pq.read_table(predictions)] * 2), predictions)
    for command in ("compare", "leaderboard"):
        assert "sentiment of reviews (en) has 30 ids of texts more than once" in fails("benchmark", command, glad, glad)
    predictions.unlink()
    assert "are not there" in fails("benchmark", "compare", glad, glad)
