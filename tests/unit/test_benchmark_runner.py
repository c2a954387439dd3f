"""Whole runs of tiny contenders on tiny sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cxsentiment.benchmark.contender import Contender, Example, Prediction
from cxsentiment.benchmark.datasets import Registry, checksum
from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.runner import Benchmark, Plan, run_benchmark
from cxsentiment.benchmark.tasks import answers_of
from cxsentiment.benchmark.taught import normalised
from cxsentiment.errors import InputError
from tests.tiny_benchmarks import QUICK, Dice, Learner, Numbers, benchmark, write_sets


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
    return write_sets(tmp_path_factory.mktemp("sets"))


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


def test_who_remembers_texts_is_timed_on_others(registry: Registry) -> None:
    calls: list[list[str]] = []

    class Remembers(Learner):
        def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
            learnt = super().fit(examples, task, seed)

            class Watched:
                name = "remembers"

                def predict(self, texts: Sequence[str]) -> Sequence[Prediction]:
                    calls.append(list(texts))
                    return learnt.predict(texts)

            return Watched()

    run, _ = run_benchmark(benchmark(registry, Remembers(), replace(QUICK, tasks=("sentiment", "speed"), seeds=(1,)), ["polish"]))
    assert run.speed is not None
    judged, timed = calls[0], [text for texts in calls[1:] for text in texts]
    assert len(judged) == len(timed) == 40
    assert not set(judged) & set(timed)
