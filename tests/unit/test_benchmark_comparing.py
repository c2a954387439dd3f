"""What is kept of runs, and how two are compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.benchmark.comparing import SUFFIX, compare, read_run, wins
from cxsentiment.benchmark.datasets import Registry
from cxsentiment.benchmark.record import BehaviourResult, Failure, Interval, Run
from cxsentiment.benchmark.runner import Plan, run_benchmark
from cxsentiment.benchmark.standings import Comparison
from cxsentiment.benchmark.tasks import Answers
from cxsentiment.errors import InputError
from tests.tiny_benchmarks import Dice, Numbers, benchmark, kept, write_sets


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return write_sets(tmp_path_factory.mktemp("sets"))


# ---- keeping --------------------------------------------------------------------------------------------------------------------


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
    table = pq.read_table(predictions)
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), predictions)
    with pytest.raises(
        InputError, match=r"cannot read .*dice\.predictions\.parquet: sentiment of polish \(pl\) has 1 ids .* run the bench"
    ):
        read_run(path)
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
