"""Whole runs of tiny contenders on tiny sets; what is kept of them, and how two are compared."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.benchmark.comparing import SUFFIX, compare, read_run, wins
from cxsentiment.benchmark.contender import Contender, Example, Prediction, Trainable
from cxsentiment.benchmark.datasets import Registry, checksum, read_registry
from cxsentiment.benchmark.record import BehaviourResult, Failure, Interval, Run
from cxsentiment.benchmark.runner import Benchmark, Plan, run_benchmark
from cxsentiment.benchmark.standings import Comparison
from cxsentiment.benchmark.tasks import Answers, answers_of
from cxsentiment.benchmark.taught import normalised
from cxsentiment.errors import InputError

TOML = """
[sets.polish]
file = "reviews.csv"
language = "pl"
rows = { lang = "pl", split = "test" }
train = { lang = "pl", split = "train" }
sentiment = { column = "label", labels = { negative = "negative", positive = "positive" } }
stars = { column = "stars" }

[sets.both]
file = "reviews.csv"
language = { column = "lang" }
languages = true
rows = { split = "test" }
sentiment = { column = "label", labels = { negative = "negative", positive = "positive" } }
emotions = { column = "feelings" }
"""
TEXTS = {"pl": "Paczka numer {} przyszła wczoraj", "en": "Order {} came yesterday"}
QUICK = Plan(tasks=("sentiment",), resamples=200)


class Numbers:
    """Always right: even numbers are good, whatever stands around them."""

    name = "numbers"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self.of(int("".join(filter(str.isdigit, text)) or 0), text) for text in texts]

    def of(self, number: int, text: str) -> Prediction:
        good = number % 2 == 0
        shares = {"negative": 0.1 + 0.8 * (not good), "positive": 0.1 + 0.8 * good}
        language = "pl" if "aczka" in text else "en"
        return Prediction("positive" if good else "negative", shares, emotions=["joy"] if good else ["anger"], language=language)


class Dice:
    """Labels by chance, the same for the same text."""

    name = "dice"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction(random.Random(f"7 {text}").choice(["negative", "positive"])) for text in texts]


class Learner:
    """Learns to be right from any example, and counts how often it was asked."""

    name = "learner"

    def __init__(self) -> None:
        self.fits: list[tuple[str, int, int]] = []

    def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
        if not examples:
            raise InputError("nothing to learn from")
        self.fits.append((task, seed, len(examples)))
        return Numbers()


class Broken:
    name = "broken"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        raise RuntimeError("no more tea")


class Short:
    name = "short"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction("positive")] * (len(texts) - 1)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("sets")
    lines = ["text,lang,split,label,stars,feelings,none"]
    for lang, template in TEXTS.items():
        for number in range(60):
            good = number % 2 == 0
            cells = [lang, "test" if number < 40 else "train", "positive" if good else "negative", "5" if good else "1"]
            lines.append(",".join([template.format(number), *cells, "joy" if good else "anger", ""]))
    lines.append("PACZKA numer 3 przyszła wczoraj!!!,pl,train,negative,1,anger,")  # stands in the test, typed otherwise
    (folder / "reviews.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "sets.toml").write_text(TOML, encoding="utf-8")
    return read_registry([folder / "sets.toml"], packaged=False)


def benchmark(
    registry: Registry, contender: Contender | Trainable, plan: Plan = QUICK, sets: Sequence[str] = (), **other: Any
) -> Benchmark:
    return Benchmark(contender, "a test", registry, registry.choose(sets, ()), None, plan, **other)


def scores(run: Run) -> dict[tuple[str, str, str], float]:
    return {(one.task, one.dataset, one.language): one.headline.value for one in run.results}


# ---- results --------------------------------------------------------------------------------------------------------------------


def test_a_perfect_contender_is_perfect_on_everything_that_it_answers(registry: Registry) -> None:
    told: list[str] = []
    plan = replace(QUICK, tasks=("sentiment", "stars", "emotions", "touchpoints", "language"))
    run, table = run_benchmark(benchmark(registry, Numbers(), plan, command="cxsentiment benchmark run"), told.append)
    assert scores(run) == {
        ("sentiment", "polish", "pl"): 1.0,
        ("stars", "polish", "pl"): pytest.approx(0.9),  # a polarity of .8 is 4.6 stars
        ("sentiment", "both", "pl"): 1.0,
        ("sentiment", "both", "en"): 1.0,
        ("emotions", "both", "pl"): 1.0,
        ("emotions", "both", "en"): 1.0,
        ("language", "both", "all"): 1.0,
    }
    assert [one.size for one in run.results] == [40, 40, 40, 40, 40, 40, 80]
    assert run.results[0].calibration is not None
    assert all(one.overlap is None and one.seeds is None for one in run.results)
    assert len(answers_of(table)) == len(run.results) == len(told)
    assert run.data == {"reviews.csv": checksum(registry.sets["polish"].path())}
    assert (run.contender, run.kind, run.command, run.seeds) == ("numbers", "a test", "cxsentiment benchmark run", [1, 2, 3])
    assert {"python", "numpy"} <= set(run.versions)
    assert (run.behaviour, run.robustness, run.speed, list(run.notes)) == ([], [], None, [])


def test_tasks_and_numbers_of_texts_are_limited(registry: Registry) -> None:
    run, table = run_benchmark(benchmark(registry, Numbers(), replace(QUICK, tasks=("stars",), per_set=7)))
    assert scores(run) == {("stars", "polish", "pl"): pytest.approx(0.9)}
    assert run.results[0].size == table.num_rows == 7
    again = run_benchmark(benchmark(registry, Dice(), replace(QUICK, tasks=("stars",), per_set=7)))[1]
    other = run_benchmark(benchmark(registry, Dice(), replace(QUICK, tasks=("stars",), per_set=7, seeds=(2,))))[1]
    assert table["id"] == again["id"] != other["id"]


def test_a_set_without_rows_has_no_results(registry: Registry) -> None:
    empty = replace(registry.sets["both"], rows={"split": "nothing"})
    plan = replace(QUICK, tasks=("sentiment", "language", "robustness", "speed"))
    run, table = run_benchmark(Benchmark(Short(), "a test", registry, [empty], None, plan))
    assert (run.results, run.robustness, run.speed, table.num_rows) == ([], [], None, 0)


def test_texts_that_stand_in_training_are_found(registry: Registry) -> None:
    known = frozenset(map(normalised, ["paczka NUMER 3, przyszła wczoraj", "Paczka numer 8 przyszła wczoraj.", "something else"]))
    run, _ = run_benchmark(benchmark(registry, Numbers(), sets=["polish"], training=known))
    assert [one.overlap for one in run.results] == [2 / 40]


def test_data_that_the_registry_does_not_describe_are_refused(registry: Registry) -> None:
    changed = replace(registry, checksums={"reviews.csv": "0" * 64})
    with pytest.raises(InputError, match=r"reviews\.csv is not the file that the registry describes .*--registry"):
        run_benchmark(benchmark(changed, Numbers()))
    right = replace(registry, checksums={"reviews.csv": checksum(registry.sets["polish"].path())})
    assert run_benchmark(benchmark(right, Numbers(), sets=["polish"]))[0].results


# ---- contenders that learn ------------------------------------------------------------------------------------------------------


def test_a_contender_is_trained_once_for_each_language_set_and_seed(registry: Registry) -> None:
    sets = {**registry.sets, "both": replace(registry.sets["both"], train={"split": "train"})}
    contender = Learner()
    plan = Plan(("sentiment", "stars", "emotions", "robustness", "behaviour"), per_test=1, seeds=(5, 6), resamples=100)
    run, _ = run_benchmark(benchmark(Registry(sets, {}), contender, plan))
    polish, english, all_of_them = 21 + 21, 20, 41
    assert sorted(contender.fits) == sorted(
        (task, seed, count) for seed in (5, 6) for task, count in (("sentiment", polish), ("sentiment", english), ("emotions", all_of_them))
    )
    assert {one.task: len(one.seeds or ()) for one in run.results} == {"sentiment": 2, "stars": 2, "emotions": 2}
    assert [one.seeds for one in run.results if one.task == "sentiment"] == [[1.0, 1.0]] * 3
    assert {(one.task, one.dataset, one.language): one.overlap for one in run.results} == {
        ("sentiment", "polish", "pl"): 1 / 40,
        ("stars", "polish", "pl"): 1 / 40,
        ("sentiment", "both", "pl"): 1 / 40,
        ("sentiment", "both", "en"): 0.0,
        ("emotions", "both", "pl"): 1 / 40,
        ("emotions", "both", "en"): 0.0,
    }
    assert {one.language for one in run.behaviour} == {"pl", "en"}
    assert list(run.notes) == [f"not trained on sentiment {language}: nothing to learn from" for language in ("el", "ro")]


def test_where_nothing_can_be_learnt_there_is_a_note(registry: Registry) -> None:
    run, _ = run_benchmark(benchmark(registry, Learner(), replace(QUICK, tasks=("sentiment", "emotions")), ["both"]))
    assert scores(run) == {("sentiment", "both", "pl"): 1.0}
    notes = ["not trained on sentiment en: nothing to learn from", "not trained on emotions both: nothing to learn from"]
    assert sorted(run.notes) == sorted(notes)


def test_sets_whose_files_are_not_there_teach_nothing(registry: Registry) -> None:
    sets = {**registry.sets, "gone": replace(registry.sets["polish"], name="gone", file="gone.csv")}
    contender = Learner()
    run, _ = run_benchmark(benchmark(Registry(sets, {}), contender, replace(QUICK, seeds=(1,)), ["polish"]))
    assert contender.fits == [("sentiment", 1, 21)]
    assert list(run.notes) == ["nothing learnt from gone for sentiment pl: its file is not there"]


# ---- contenders that fail -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["sentiment", "robustness", "behaviour", "speed"])
@pytest.mark.parametrize(
    ("contender", "said"),
    [
        (Broken(), "contender broken failed on .*: RuntimeError: no more tea"),
        (Short(), r"contender short gave \d+ predictions for \d+ texts"),
    ],
    ids=["broken", "short"],
)
def test_a_contender_that_fails_is_named(registry: Registry, contender: Contender, task: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        run_benchmark(benchmark(registry, contender, replace(QUICK, tasks=(task,))))


def test_a_contender_that_fails_to_learn_is_named(registry: Registry) -> None:
    class Lazy(Learner):
        name = "lazy"

        def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
            raise ZeroDivisionError("not today")

    with pytest.raises(InputError, match="contender lazy could not learn sentiment pl: ZeroDivisionError: not today"):
        run_benchmark(benchmark(registry, Lazy()))


def test_errors_of_this_library_are_left_as_they_are(registry: Registry) -> None:
    class Unready(Broken):
        def predict(self, texts: Sequence[str]) -> list[Prediction]:
            raise InputError("the key is missing")

    with pytest.raises(InputError, match=r"^the key is missing$"):
        run_benchmark(benchmark(registry, Unready()))


# ---- robustness, behaviour, speed -----------------------------------------------------------------------------------------------


def test_who_does_not_care_for_spelling_loses_nothing(registry: Registry) -> None:
    plan = replace(QUICK, tasks=("robustness",), robustness_per_set=15)
    found = run_benchmark(benchmark(registry, Numbers(), plan))[0].robustness
    assert {(one.language, one.change) for one in found} == {
        ("pl", "no diacritics"), ("pl", "capitals"), ("pl", "typos in 10 % of words"), ("en", "capitals"), ("en", "typos in 10 % of words"),
    }  # fmt: skip
    assert {(one.before, one.after, one.changed) for one in found} == {(1.0, 1.0, 0.0)}
    assert {one.language: one.sets for one in found} == {"pl": 2, "en": 1}
    assert sum(one.size for one in found if one.change == "capitals") == 30


def test_who_cares_for_spelling_loses(registry: Registry) -> None:
    found = run_benchmark(benchmark(registry, Dice(), replace(QUICK, tasks=("robustness",)), ["both"]))[0].robustness
    capitals = [one for one in found if one.change == "capitals"]
    assert all(0.2 < one.changed < 0.8 for one in capitals)


def test_a_set_without_labels_does_not_hide_the_others(registry: Registry) -> None:
    both = registry.sets["both"]
    sets = [replace(both, name="unlabelled", sentiment={"column": "none"}), both]
    run, _ = run_benchmark(Benchmark(Numbers(), "a test", registry, sets, None, replace(QUICK, tasks=("robustness",))))
    assert {(one.language, one.sets) for one in run.robustness} == {("pl", 1), ("en", 1)}


def test_behaviour_with_few_cases(registry: Registry) -> None:
    class Glad(Dice):
        name = "glad"

        def predict(self, texts: Sequence[str]) -> list[Prediction]:
            return [Prediction("positive")] * len(texts)

    found = run_benchmark(benchmark(registry, Glad(), Plan(tasks=("behaviour",), per_test=2)))[0].behaviour
    assert {one.language for one in found} == {"el", "pl", "ro", "en"}
    assert all(0 < one.cases <= 2 for one in found)
    assert all(one.failures == len(one.examples) for one in found)
    assert {one.failures for one in found if one.kind == "invariance"} == {0}
    assert sum(one.failures for one in found) > 0


def test_who_says_no_sentiment_has_no_behaviour(registry: Registry) -> None:
    class Detector(Dice):
        def predict(self, texts: Sequence[str]) -> list[Prediction]:
            return [Prediction(language="en")] * len(texts)

    run, _ = run_benchmark(benchmark(registry, Detector(), Plan(tasks=("sentiment", "language", "behaviour"), resamples=100)))
    assert (run.behaviour, [one.task for one in run.results]) == ([], ["language"])


@pytest.mark.parametrize(("per_set", "texts"), [(0, 40), (3, None), (4, 2), (5, 3)])
def test_speed_is_measured_where_there_are_texts_enough(registry: Registry, per_set: int, texts: int | None) -> None:
    speed = run_benchmark(benchmark(registry, Numbers(), replace(QUICK, tasks=("speed",), per_set=per_set), ["polish"]))[0].speed
    if texts is None:
        assert speed is None
        return
    assert speed is not None
    assert speed.comments == {40: 20}.get(texts, texts)  # less a quarter to warm up and a quarter one by one
    assert speed.comments_per_second == pytest.approx(speed.comments / speed.seconds)
    assert 0 < speed.latency[0] <= speed.latency[1]


def test_a_trained_contender_is_timed_in_one_language(registry: Registry) -> None:
    speed = run_benchmark(benchmark(registry, Learner(), replace(QUICK, tasks=("speed",), seeds=(1,))))[0].speed
    assert speed is not None
    assert speed.comments > 0


# ---- keeping --------------------------------------------------------------------------------------------------------------------


def kept(registry: Registry, folder: Path, contender: Contender, **plan: Any) -> Path:
    run, table = run_benchmark(benchmark(registry, contender, replace(QUICK, **plan)))
    run.write(folder / f"{run.contender}.json")
    pq.write_table(table, folder / f"{run.contender}{SUFFIX}")
    return folder / f"{run.contender}.json"


def test_a_run_that_was_written_is_read_as_it_was(registry: Registry, tmp_path: Path) -> None:
    plan = Plan(("sentiment", "behaviour", "robustness", "speed"), per_test=1, resamples=100)
    run, _ = run_benchmark(benchmark(registry, Numbers(), plan))
    broken_half = BehaviourResult("spelling", "halves", "invariance", "el", 1, 1, [Failure(["κακό \ud83d"], "same", ["positive"])])
    run = replace(run, behaviour=[*run.behaviour, broken_half], details={"folder": Path("models"), "όνομα": "ż"})
    run.write(tmp_path / "run.json")
    back = Run.read(tmp_path / "run.json")
    assert json.dumps(asdict(back)) == json.dumps(asdict(run), default=str)
    assert back.results[0].headline == run.results[0].headline
    assert back.behaviour[-1] == broken_half
    assert "όνομα" in (tmp_path / "run.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        ("no JSON", "is not a result of cxsentiment benchmark"),
        ("[]", "is not a result of cxsentiment benchmark"),
        ('{"format": 1, "results": []}', "is not a result of cxsentiment benchmark"),
        ('{"format": 99}', "has format 99; this version reads 1: run the benchmark again"),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        Run.read(tmp_path / "run.json")


def test_predictions_that_are_missing_or_damaged_are_refused(registry: Registry, tmp_path: Path) -> None:
    path = kept(registry, tmp_path, Dice())
    predictions = tmp_path / f"dice{SUFFIX}"
    assert len(read_run(path)[1]) == 3
    predictions.write_text("no Parquet", encoding="utf-8")
    with pytest.raises(InputError, match="cannot read"):
        read_run(path)
    pq.write_table(pa.table({"task": ["sentiment"]}), predictions)
    with pytest.raises(InputError, match="cannot read"):
        read_run(path)
    predictions.unlink()
    with pytest.raises(InputError, match=r"are not there: .*; they are needed to compare"):
        read_run(path)


# ---- comparing ------------------------------------------------------------------------------------------------------------------

Kept = tuple[Run, Sequence[Answers]]


@pytest.fixture(scope="module")
def both(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kept, Kept]:
    folder = tmp_path_factory.mktemp("kept")
    numbers, dice = (read_run(kept(registry, folder, contender)) for contender in (Numbers(), Dice()))
    return numbers, dice


def test_the_perfect_one_beats_the_dice(both: tuple[Kept, Kept]) -> None:
    found = compare(*both, resamples=2_000)
    assert [(one.task, one.dataset, one.language, one.first, one.second) for one in found] == [
        ("sentiment", dataset, language, "numbers", "dice") for dataset, language in (("polish", "pl"), ("both", "pl"), ("both", "en"))
    ]
    assert all(one.difference.value > 0.2 and one.difference.low is not None and one.difference.low > 0 for one in found)
    assert all(one.p_value is not None and one.p_value < 0.01 for one in found)
    assert wins(found) == {"sentiment": (3, 0, 0)}
    assert wins(compare(*both[::-1], resamples=2_000)) == {"sentiment": (0, 0, 3)}


def test_equal_ones_do_not_differ(both: tuple[Kept, Kept]) -> None:
    found = compare(both[0], both[0], resamples=200)
    assert {(one.difference, one.p_value) for one in found} == {(Interval(0.0, 0.0, 0.0), 1.0)}
    assert wins(found) == {"sentiment": (0, 3, 0)}


def test_several_sets_raise_the_p_values(both: tuple[Kept, Kept]) -> None:
    first, second = both
    together = compare(first, second, resamples=400)
    alone = [compare((first[0], [one]), second, resamples=400)[0] for one in first[1]]
    raw = sorted(one.p_value or 0.0 for one in alone)
    assert raw == pytest.approx([1 / 401] * 3)  # none of 400 resamples differs as much
    assert [one.p_value for one in together] == pytest.approx([3 / 401] * 3)


def test_wins_need_certainty() -> None:
    def comparison(task: str, difference: float, p_value: float | None) -> Comparison:
        return Comparison(task, "a", "en", "x", "y", Interval(difference), p_value)

    found = [
        comparison("stars", 0.1, 0.04),
        comparison("stars", -0.1, 0.04),
        comparison("stars", 0.5, 0.05),
        comparison("emotions", 1, None),
    ]
    assert wins(found) == {"stars": (1, 1, 1), "emotions": (0, 1, 0)}


def test_only_common_texts_are_compared_in_one_order(both: tuple[Kept, Kept]) -> None:
    first, second = both
    fewer = [
        replace(one, ids=one.ids[9::-1], gold=one.gold[9::-1], given=one.given[9::-1], probabilities=None)
        for one in second[1]
        if one.dataset == "polish"
    ]
    (found,) = compare(first, (second[0], fewer), resamples=200)
    assert found.dataset == "polish"
    right = sum(gold == given for gold, given in zip(fewer[0].gold, fewer[0].given, strict=True))
    assert right < 10
    assert 0 < found.difference.value < 1


def test_different_labels_are_refused(both: tuple[Kept, Kept]) -> None:
    first, second = both
    other = [
        replace(one, gold=["positive", *one.gold[1:]] if one.gold[0] == "negative" else ["negative", *one.gold[1:]]) for one in second[1]
    ]
    with pytest.raises(InputError, match="the runs have different labels on polish: they were made with different data or registries"):
        compare(first, (second[0], other))
    with pytest.raises(InputError, match="different labels on polish"):
        compare(first, (second[0], [replace(one, labels=("positive", "negative")) for one in second[1]]))


def test_without_common_texts_nothing_is_compared(both: tuple[Kept, Kept]) -> None:
    first, second = both
    other = [replace(one, ids=[f"other {name}" for name in one.ids]) for one in second[1]]
    with pytest.raises(InputError, match=r"numbers and dice have no texts in common: .* the same --per-set"):
        compare(first, (second[0], other))
    with pytest.raises(InputError, match="no texts in common"):
        compare(first, (second[0], []))
