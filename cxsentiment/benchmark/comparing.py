"""Two runs on the same texts: by how much one is better, how sure that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.standings import Comparison
from cxsentiment.benchmark.statistics import RESAMPLES, holm, interval, paired_bootstrap, paired_permutation
from cxsentiment.benchmark.tasks import Answers, answers_of, measured
from cxsentiment.errors import InputError

SUFFIX = ".predictions.parquet"
Key = tuple[str, str, str]


def read_run(path: Path) -> tuple[Run, list[Answers]]:
    """A run and its predictions, which lie beside it.

    Raises InputError when either is not there or cannot be read, or a data set has a text twice.
    """
    run = Run.read(path)
    kept = path.parent / (run.predictions or path.stem + SUFFIX)
    try:
        return run, answers_of(pq.read_table(kept))
    except FileNotFoundError:
        raise InputError(f"the predictions of {path} are not there: {kept}; they are needed to compare") from None
    except (OSError, pa.ArrowException, KeyError, InputError) as error:
        raise InputError(f"cannot read {kept}: {error}") from None


def compare(
    first: tuple[Run, Sequence[Answers]], second: tuple[Run, Sequence[Answers]], resamples: int = RESAMPLES, seed: int = 1
) -> list[Comparison]:
    """The difference of headline scores on each data set that both answered, on the texts that both had, with its 95 % interval.

    P-values of paired permutation tests, adjusted by Holm for the number of data sets of the task. Raises InputError without common texts.
    """
    (one, answers), (other, others) = first, second
    theirs = {_key(each): each for each in others}
    found: dict[str, list[Comparison]] = defaultdict(list)
    for mine in answers:
        if _key(mine) in theirs:
            pair = _common(mine, theirs[_key(mine)])
            if pair is not None:
                found[mine.task].append(_compared(one.contender, other.contender, *pair, resamples, seed))
    if not found:
        raise InputError(
            f"{one.contender} and {other.contender} have no texts in common: run both on the same data sets with the same --per-set"
        )
    return [adjusted for of_task in found.values() for adjusted in _adjusted(of_task)]


def _key(answers: Answers) -> Key:
    return answers.task, answers.dataset, answers.language


def _common(mine: Answers, theirs: Answers) -> tuple[Answers, Answers] | None:
    """Both on the texts that both had, in one order; None without any. Raises InputError when gold labels differ."""
    places = {name: place for place, name in enumerate(theirs.ids)}
    shared = [(here, places[name]) for here, name in enumerate(mine.ids) if name in places]
    if not shared:
        return None
    pair = _some(mine, [here for here, _ in shared]), _some(theirs, [there for _, there in shared])
    if list(pair[0].gold) != list(pair[1].gold) or mine.labels != theirs.labels:
        raise InputError(f"the runs have different labels on {mine.dataset}: they were made with different data or registries")
    return pair


def _some(answers: Answers, places: Sequence[int]) -> Answers:
    def chosen(values: Sequence[Any]) -> list[Any]:
        return [values[place] for place in places]

    probabilities = None if answers.probabilities is None else answers.probabilities[np.array(places)]
    return replace(answers, ids=chosen(answers.ids), gold=chosen(answers.gold), given=chosen(answers.given), probabilities=probabilities)


def _compared(first: str, second: str, mine: Answers, theirs: Answers, resamples: int, seed: int) -> Comparison:
    one, other = measured(mine), measured(theirs)
    statistic = next(iter(one.scores.values()))
    value = float(statistic(one.rows.sum(axis=0)) - statistic(other.rows.sum(axis=0)))
    draws = paired_bootstrap(one.rows, other.rows, one.strata, statistic, resamples, seed)
    chance = paired_permutation(one.rows, other.rows, statistic, resamples, seed)
    return Comparison(mine.task, mine.dataset, mine.language, first, second, interval(draws, value), chance)


def _adjusted(comparisons: Sequence[Comparison]) -> list[Comparison]:
    values = holm([one.p_value or 0.0 for one in comparisons])
    return [replace(one, p_value=value) for one, value in zip(comparisons, values, strict=True)]


def wins(comparisons: Sequence[Comparison], level: float = 0.05) -> Mapping[str, tuple[int, int, int]]:
    """For each task on how many data sets the first is better, neither is, the second is, at the level (adjusted p)."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in comparisons:
        sure = one.p_value is not None and one.p_value < level
        counts[one.task][1 if not sure else 0 if one.difference.value > 0 else 2] += 1
    return {task: (count[0], count[1], count[2]) for task, count in counts.items()}
