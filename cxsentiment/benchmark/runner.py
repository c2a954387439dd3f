"""One run: a contender on all tasks and data sets that it takes part in."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from cxsentiment.benchmark.behavioural import run_behaviour
from cxsentiment.benchmark.contender import Contender, Prediction, Trainable, details_of
from cxsentiment.benchmark.datasets import DataSet, Registry, Row, checksum, read_rows, sample
from cxsentiment.benchmark.record import BehaviourResult, RobustnessResult, Run, SpeedResult, TaskResult
from cxsentiment.benchmark.robust import robustness_of
from cxsentiment.benchmark.speed import FEWEST, measure_speed, resident_memory
from cxsentiment.benchmark.statistics import RESAMPLES
from cxsentiment.benchmark.surroundings import commit, hardware, now, versions
from cxsentiment.benchmark.tasks import Answers, answer, answers_table, measured, score
from cxsentiment.benchmark.taught import Taught, overlap
from cxsentiment.errors import InputError

LABELLED = ("sentiment", "stars", "emotions", "touchpoints", "language")
OTHERS = ("robustness", "behaviour", "speed")
TASKS = (*LABELLED, *OTHERS)
LANGUAGES = ("el", "pl", "ro", "en")
ALL_LANGUAGES = "all"
SPEED_TEXTS = 2_400

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: tasks, and at most so many texts of each data set (0: all) and cases of each behavioural test.

    `train_per_set`: texts of each set that a contender learns from; `robustness_per_set`: those that are typed otherwise. `seeds` are those
    of contenders that are trained; the first also draws the texts.
    """

    tasks: Sequence[str] = TASKS
    per_set: int = 1_000
    train_per_set: int = 0
    robustness_per_set: int = 200
    per_test: int = 40
    seeds: Sequence[int] = (1, 2, 3)
    resamples: int = RESAMPLES


@dataclass(frozen=True)
class Benchmark:
    """A contender, the data sets to measure it on, and what is known of it. `training` are normalised texts that it has learnt from."""

    contender: Contender | Trainable
    kind: str
    registry: Registry
    data_sets: Sequence[DataSet]
    data: Path | None
    plan: Plan
    command: str = ""
    training: frozenset[str] | None = None
    memory_before: int = 0


def run_benchmark(benchmark: Benchmark, tell: Tell = lambda _: None) -> tuple[Run, pa.Table]:
    """The record of a run, and the table of all predictions. Raises InputError for data that are not there or have changed."""
    start, plan = time.perf_counter(), benchmark.plan
    data = _checksums(benchmark)
    taught = Taught(benchmark.contender, benchmark.registry, benchmark.data, plan.seeds, plan.train_per_set)
    rows = {one.name: sample(read_rows(one, benchmark.data), plan.per_set, plan.seeds[0]) for one in benchmark.data_sets}
    speed = _speed(benchmark, taught, rows, tell) if "speed" in plan.tasks and not taught.learns else None
    results, kept = _labelled(benchmark, taught, rows, tell)
    robustness = _robustness(benchmark, taught, rows, tell) if "robustness" in plan.tasks else []
    behaviour = _behaviour(benchmark, taught, tell) if "behaviour" in plan.tasks else []
    if "speed" in plan.tasks and taught.learns:
        speed = _speed(benchmark, taught, rows, tell)
    run = Run(
        contender=benchmark.contender.name,
        kind=benchmark.kind,
        details=details_of(benchmark.contender),
        created=now(),
        command=benchmark.command,
        seeds=list(plan.seeds),
        hardware=hardware(),
        versions=versions(),
        commit=commit(),
        data=data,
        seconds=time.perf_counter() - start,
        results=results,
        behaviour=behaviour,
        robustness=robustness,
        speed=speed,
        notes=taught.notes,
    )
    return run, answers_table(kept)


# ---- labelled data --------------------------------------------------------------------------------------------------------------


def _labelled(
    benchmark: Benchmark, taught: Taught, rows: Mapping[str, Sequence[Row]], tell: Tell
) -> tuple[list[TaskResult], list[Answers]]:
    results: list[TaskResult] = []
    kept: list[Answers] = []
    for data_set in benchmark.data_sets:
        said: dict[tuple[int, str], Sequence[Prediction]] = {}  # of one contender for all tasks of the set
        for task in (task for task in data_set.tasks if task in benchmark.plan.tasks):
            for language, members in _by_language(task, rows[data_set.name]):
                found = _one_task(benchmark, taught, task, data_set, language, members, said)
                if found is not None:
                    results.append(found[0])
                    kept.append(found[1])
                    headline = found[0].headline
                    tell(f"{data_set.name} {language} {task}: {next(iter(found[0].scores))} {headline.value:.3f}")
    return results, kept


def _one_task(
    benchmark: Benchmark,
    taught: Taught,
    task: str,
    data_set: DataSet,
    language: str,
    rows: Sequence[Row],
    said: dict[tuple[int, str], Sequence[Prediction]],
) -> tuple[TaskResult, Answers] | None:
    """A task in one language of a set; with several seeds the first's scores, and the headline of each."""
    texts = [row.text for row in rows]
    per_seed: list[Answers] = []
    for seed in taught.seeds or (None,):
        contender = taught.of(task, language, data_set, seed)
        if contender is None:
            return None
        key = id(contender), language
        if key not in said:
            said[key] = taught.predict(contender, texts, f"{data_set.name} ({language})")
        found = answer(data_set, task, rows, said[key], language)
        if found is None:
            return None
        per_seed.append(found)
    result = score(
        per_seed[0], benchmark.plan.resamples, benchmark.plan.seeds[0], _overlap(benchmark, taught, task, data_set, language, texts)
    )
    if taught.seeds:
        result = replace(result, seeds=[_headline(one) for one in per_seed])
    return result, per_seed[0]


def _headline(answers: Answers) -> float:
    measure = measured(answers)
    return float(next(iter(measure.scores.values()))(measure.rows.sum(axis=0)))


def _overlap(benchmark: Benchmark, taught: Taught, task: str, data_set: DataSet, language: str, texts: Sequence[str]) -> float | None:
    if taught.learns:
        return overlap(texts, taught.training(task, language, data_set))
    return None if benchmark.training is None else overlap(texts, benchmark.training)


def _by_language(task: str, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Row]]]:
    """Languages are told apart among all; everything else is measured language by language."""
    if task == "language":
        yield from [(ALL_LANGUAGES, rows)] if rows else []
        return
    members: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        members[row.language].append(row)
    yield from members.items()


# ---- robustness, behaviour, speed -----------------------------------------------------------------------------------------------


def _sentiment(taught: Taught, about: str) -> Callable[[Sequence[str], str], Sequence[Prediction]]:
    """Predictions of sentiment in a language."""

    def predict(texts: Sequence[str], language: str) -> Sequence[Prediction]:
        contender = taught.of("sentiment", language)
        return [Prediction()] * len(texts) if contender is None else taught.predict(contender, texts, f"{about} ({language})")

    return predict


def _robustness(benchmark: Benchmark, taught: Taught, rows: Mapping[str, Sequence[Row]], tell: Tell) -> list[RobustnessResult]:
    sets = [(one, sample(rows[one.name], benchmark.plan.robustness_per_set, benchmark.plan.seeds[0])) for one in benchmark.data_sets]
    found = robustness_of(
        _sentiment(taught, "changed texts"), [pair for pair in sets if "sentiment" in pair[0].tasks], benchmark.plan.seeds[0]
    )
    for one in found:
        tell(f"robustness {one.language} {one.change}: {100 * (one.after - one.before):+.1f} points")
    return found


def _behaviour(benchmark: Benchmark, taught: Taught, tell: Tell) -> list[BehaviourResult]:
    """Behavioural tests in each of the four languages in which the contender says sentiment at all."""
    predict = _sentiment(taught, "behavioural tests")
    languages = [lang for lang in LANGUAGES if _speaks(predict, lang)]
    found = run_behaviour(predict, languages, benchmark.plan.per_test, benchmark.plan.seeds[0])
    if found:
        tell(f"behaviour: {sum(one.failures for one in found)} of {sum(one.cases for one in found)} cases failed")
    return found


def _speaks(predict: Callable[[Sequence[str], str], Sequence[Prediction]], language: str) -> bool:
    greeting = {"el": "Πολύ καλή εξυπηρέτηση, ευχαριστώ", "pl": "Bardzo dobra obsługa, dziękuję", "ro": "Servicii foarte bune, mulțumesc"}
    said = predict([greeting.get(language, "Very good service, thank you")], language)[0]
    return said.error is None and (said.sentiment is not None or said.sentiment_probabilities is not None)


def _speed(benchmark: Benchmark, taught: Taught, rows: Mapping[str, Sequence[Row]], tell: Tell) -> SpeedResult | None:
    """Of distinct texts of all sets that are in one language, whose sentiment (else whose language) is asked for.

    A full stop is put before each, so that nobody who remembers texts has seen it.
    """
    for task in ("sentiment", "language"):
        sets = [one for one in benchmark.data_sets if task in one.tasks]
        contender = taught.of(task, _language(sets[0], rows)) if sets else None
        if contender is None:
            continue
        if taught.learns:  # one language's model alone
            sets = [one for one in sets if _language(one, rows) == _language(sets[0], rows)]
        texts = [f". {row.text}" for row in _mixed([rows[one.name] for one in sets])][:SPEED_TEXTS]
        if len(texts) < FEWEST:
            continue
        predict = partial(taught.predict, contender, about="texts for speed")
        found = measure_speed(predict, texts, benchmark.memory_before or resident_memory())
        tell(f"speed: {found.comments_per_second:,.0f} comments/s, {found.megabytes:,.0f} MB")
        return found
    return None


def _language(data_set: DataSet, rows: Mapping[str, Sequence[Row]]) -> str:
    return rows[data_set.name][0].language if rows[data_set.name] else ""


def _mixed(sets: Sequence[Sequence[Row]]) -> list[Row]:
    """Rows of all sets with different texts, in an order that depends on the texts alone."""
    distinct = {row.text: row for rows in sets for row in rows}
    return sorted(distinct.values(), key=lambda row: hashlib.sha256(row.text.encode("utf-8", "replace")).digest())


# ---- circumstances --------------------------------------------------------------------------------------------------------------


def _checksums(benchmark: Benchmark) -> dict[str, str]:
    """Of each file that is read. Raises InputError where the registry names another one."""
    found: dict[str, str] = {}
    for data_set in benchmark.data_sets:
        if data_set.file not in found:
            found[data_set.file] = checksum(data_set.path(benchmark.data))
    for name, digest in found.items():
        expected = benchmark.registry.checksums.get(name, digest)
        if expected != digest:
            raise InputError(
                f"{name} is not the file that the registry describes (SHA-256 {digest}, not {expected}): results could not be compared "
                "with others; get the right file, or describe yours in a registry of your own (--registry) with its own checksum"
            )
    return found
