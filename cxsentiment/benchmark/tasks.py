"""What predictions are worth on one data set: gold labels beside answers, scores with intervals, calibration. Pure.

An `Answers` is all that scoring and comparing need; `answers_table` and `answers_of` keep it as Arrow, without the texts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cxsentiment.benchmark import metrics
from cxsentiment.benchmark.calibration import calibration
from cxsentiment.benchmark.contender import Mention, Prediction
from cxsentiment.benchmark.datasets import DataSet, Row
from cxsentiment.benchmark.record import Interval, TaskResult
from cxsentiment.benchmark.statistics import RESAMPLES, Statistic, bootstrap, interval
from cxsentiment.errors import InputError

Numbers = npt.NDArray[np.float64]
SCHEMA = pa.schema(
    {
        "task": pa.string(),
        "dataset": pa.string(),
        "language": pa.string(),
        "labels": pa.list_(pa.string()),
        "id": pa.string(),
        "gold": pa.string(),
        "given": pa.string(),
        "probabilities": pa.list_(pa.float32()),
    }
)
"""Of kept predictions; `gold` and `given` are JSON: a label, a list of labels, stars, or a list of mentions."""


@dataclass(frozen=True)
class Answers:
    """A task's gold labels and a contender's answers on one data set in one language, text by text.

    `gold` and `given` hold labels (`sentiment`, `language`), lists of labels (`emotions`), stars, or lists of mentions; a given None is no
    answer. `probabilities` [texts, labels] where the contender has them (NaN in rows without).
    """

    task: str
    dataset: str
    language: str
    labels: tuple[str, ...]
    ids: Sequence[str]
    gold: Sequence[Any]
    given: Sequence[Any]
    probabilities: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """A task's sufficient statistics: rows [texts, columns] whose sums give each score, the headline first; strata [texts]."""

    rows: Numbers
    strata: npt.NDArray[np.int64]
    scores: Mapping[str, Statistic]


# ---- from predictions to answers ------------------------------------------------------------------------------------------------


def answer(data_set: DataSet, task: str, rows: Sequence[Row], predictions: Sequence[Prediction], language: str) -> Answers | None:
    """The answers to a task of those rows that are annotated; None where there are none, or the contender takes no part.

    It takes part when it answers at least half of the texts that it can read (those without an error).
    """
    pairs = [(row, said) for row, said in zip(rows, predictions, strict=True) if _gold(task, row) is not None]
    labels = labels_of(data_set, task, [row for row, _ in pairs])
    readable = [said for _, said in pairs if said.error is None]
    if not readable or 2 * sum(_said(task, said) is not None for said in readable) < len(readable):
        return None
    given, probabilities = _given(data_set, task, labels, [said for _, said in pairs])
    ids, gold = [row.id for row, _ in pairs], [_listed(_gold(task, row)) for row, _ in pairs]
    return Answers(task, data_set.name, language, labels, ids, gold, given, probabilities)


def labels_of(data_set: DataSet, task: str, rows: Sequence[Row]) -> tuple[str, ...]:
    """The labels that a task has on a data set, in their usual order."""
    match task:
        case "sentiment":
            return tuple(dict.fromkeys(data_set.sentiment_labels.values()))
        case "emotions":
            return data_set.emotion_scheme
        case "language":
            return tuple(sorted({row.language for row in rows}))
    return ()


def _gold(task: str, row: Row) -> Any:
    return {
        "sentiment": row.sentiment,
        "stars": row.stars,
        "emotions": row.emotions,
        "touchpoints": row.mentions,
        "language": row.language,
    }[task]


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _said(task: str, said: Prediction) -> Any:
    """The field that answers a task, None where there is none."""
    if task in {"sentiment", "stars"}:
        stars = said.stars if task == "stars" else None
        return stars if stars is not None else said.sentiment or said.sentiment_probabilities
    return {"emotions": said.emotions, "touchpoints": said.touchpoints, "language": said.language}[task]


def _given(data_set: DataSet, task: str, labels: Sequence[str], said: Sequence[Prediction]) -> tuple[list[Any], Numbers | None]:
    match task:
        case "sentiment":
            return _sentiments(data_set.sentiment_labels, labels, said)
        case "stars":
            return [_stars(one) for one in said], None
        case "emotions":
            return [None if one.emotions is None else [label for label in labels if label in one.emotions] for one in said], None
        case "touchpoints":
            return [None if one.touchpoints is None else list(one.touchpoints) for one in said], None
    return [one.language if one.language in labels else one.language and "other" for one in said], None


def _sentiments(ours: Mapping[str, str], labels: Sequence[str], said: Sequence[Prediction]) -> tuple[list[str | None], Numbers | None]:
    """The likeliest label of the set, of those that it has; of a contender without probabilities its label, if the set has it."""
    table = np.full((len(said), len(labels)), np.nan)
    given: list[str | None] = []
    for place, one in enumerate(said):
        if one.sentiment_probabilities is None:
            given.append(ours.get(one.sentiment or ""))
            continue
        within = np.zeros(len(labels))
        for our, theirs in ours.items():
            within[labels.index(theirs)] += one.sentiment_probabilities.get(our, 0.0)
        table[place] = within / within.sum() if within.sum() else 1 / len(labels)
        given.append(labels[int(within.argmax())])
    return given, None if np.isnan(table).all() else table


def _stars(said: Prediction) -> float | None:
    """Stars as said, else by polarity: -1 is one star, 1 is five."""
    if said.stars is not None:
        return float(np.clip(said.stars, 1, metrics.STARS))
    return None if said.polarity is None else 3 + 2 * said.polarity


# ---- from answers to scores -----------------------------------------------------------------------------------------------------


def score(answers: Answers, resamples: int = RESAMPLES, seed: int = 0, overlap: float | None = None) -> TaskResult:
    """All scores of a task on a data set, each with its 95 % interval."""
    measure = measured(answers)
    totals = measure.rows.sum(axis=0)
    scores: dict[str, Interval] = {}
    for name, statistic in measure.scores.items():
        scores[name] = interval(bootstrap(measure.rows, measure.strata, statistic, resamples, seed), float(statistic(totals)))
    return TaskResult(
        answers.task,
        answers.dataset,
        answers.language,
        len(answers.ids),
        answers.labels,
        scores,
        metrics.per_label(totals, answers.labels) if answers.task in {"sentiment", "language", "emotions"} else {},
        _confusion(answers),
        _calibration(answers),
        overlap=overlap,
        errors=sum(one is None for one in answers.given),
    )


def measured(answers: Answers) -> Measure:
    """Rows whose sums give a task's scores."""
    match answers.task:
        case "sentiment" | "language":
            gold, given = _numbers(answers)
            rows = metrics.outcomes(*(metrics.one_hot(one, len(answers.labels)) for one in (gold, given))).astype(np.float64)
            return Measure(rows, gold, {"macro_f1": metrics.macro_f1, "accuracy": metrics.accuracy})
        case "stars":
            stars = np.array([np.nan if one is None else one for one in answers.given], np.float64)
            errors = metrics.star_errors(answers.gold, stars)
            return Measure(errors, np.array(answers.gold, np.int64), {"one_minus_wmae": metrics.one_minus_wmae})
        case "emotions":
            return _measured_emotions(answers)
    return _measured_mentions(answers)


def _measured_emotions(answers: Answers) -> Measure:
    gold, given = (_present(answers.labels, lists) for lists in (answers.gold, answers.given))
    rows = metrics.outcomes(gold, given).astype(np.float64)
    occurring = np.asarray(gold.any(axis=0))
    scores: dict[str, Callable[[Numbers], Numbers]] = {
        "macro_f1": partial(metrics.macro_f1, occurring=occurring),
        "micro_f1": metrics.micro_f1,
        "hamming_loss": metrics.hamming_loss,
    }
    return Measure(rows, np.asarray(gold.any(axis=1), np.int64), scores)


def _measured_mentions(answers: Answers) -> Measure:
    pairs = zip(answers.gold, answers.given, strict=True)
    rows = np.array([metrics.span_outcomes(gold, given or ()) for gold, given in pairs], np.float64)
    scores = {
        "span_type_f1": partial(metrics.span_f1, measure="span_type"),
        "span_type_polarity_f1": partial(metrics.span_f1, measure="span_type_polarity"),
        "types_f1": partial(metrics.span_f1, measure="types"),
        "polarity_accuracy": partial(metrics.span_precision, measure="polarity"),
    }
    return Measure(rows, np.zeros(len(rows), np.int64), scores)


def _present(labels: Sequence[str], lists: Sequence[Sequence[str] | None]) -> npt.NDArray[np.bool_]:
    return np.array([[label in (one or ()) for label in labels] for one in lists], np.bool_).reshape(len(lists), len(labels))


def _numbers(answers: Answers) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Gold and given labels [texts] by their places among the labels; one that is not among them is no answer."""
    place = {label: number for number, label in enumerate(answers.labels)}
    gold, given = [place[one] for one in answers.gold], [place.get(one, metrics.NO_ANSWER) for one in answers.given]
    return np.array(gold, np.int64), np.array(given, np.int64)


def _confusion(answers: Answers) -> list[list[int]] | None:
    if answers.task != "sentiment":
        return None
    matrix = metrics.confusion(*_numbers(answers), len(answers.labels))
    return [[int(count) for count in row] for row in (matrix if matrix[:, -1].any() else matrix[:, :-1])]


def _calibration(answers: Answers) -> Any:
    if answers.probabilities is None:
        return None
    told = ~np.isnan(answers.probabilities).any(axis=1)
    gold = np.array([answers.labels.index(one) for one in answers.gold])
    return calibration(answers.probabilities[told], gold[told])


# ---- keeping --------------------------------------------------------------------------------------------------------------------


def answers_table(kept: Sequence[Answers]) -> pa.Table:
    """All answers as one Arrow table of SCHEMA, without texts."""
    parts = [
        pa.table(
            {
                "task": [one.task] * len(one.ids),
                "dataset": [one.dataset] * len(one.ids),
                "language": [one.language] * len(one.ids),
                "labels": [list(one.labels)] * len(one.ids),
                "id": list(one.ids),
                "gold": [_json(value) for value in one.gold],
                "given": [_json(value) for value in one.given],
                "probabilities": [None] * len(one.ids) if one.probabilities is None else one.probabilities.astype(np.float32).tolist(),
            },
            schema=SCHEMA,
        )
        for one in kept
    ]
    return pa.concat_tables(parts) if parts else SCHEMA.empty_table()


def answers_of(table: pa.Table) -> list[Answers]:
    """What `answers_table` kept, one for each task, data set and language, in order.

    Raises InputError where one of these has a text twice: runs are paired by the ids of their texts.
    """
    found = []
    columns = table.to_pydict()
    places: dict[tuple[str, str, str], list[int]] = {}
    for place, key in enumerate(zip(columns["task"], columns["dataset"], columns["language"], strict=True)):
        places.setdefault(key, []).append(place)
    for key, rows in places.items():
        ids = [columns["id"][row] for row in rows]
        _check_ids(ids, *key)
        gold, given = ([_from_json(key[0], columns[name][row]) for row in rows] for name in ("gold", "given"))
        probabilities = [columns["probabilities"][row] for row in rows]
        has = any(one is not None for one in probabilities)
        table_of = np.array(probabilities, np.float64) if has else None
        found.append(Answers(*key, tuple(columns["labels"][rows[0]]), ids, gold, given, table_of))
    return found


def _check_ids(ids: Sequence[str], task: str, dataset: str, language: str) -> None:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise InputError(
            f"{task} of {dataset} ({language}) has {len(twice)} ids of texts more than once, such as {twice[0]!r}, so that texts cannot be "
            "paired: give each row an id of its own (or leave out the set's id, and they are numbered), and run the benchmark again"
        )


def _json(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        value = [list(asdict(one).values()) if isinstance(one, Mention) else one for one in value]
    return json.dumps(value, ensure_ascii=False)


def _from_json(task: str, text: str | None) -> Any:
    value = None if text is None else json.loads(text)
    return [Mention(*one) for one in value] if task == "touchpoints" and value is not None else value
