"""How much sentiment suffers when texts are typed differently."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from cxsentiment.benchmark.changes import CHANGES, Change
from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.datasets import DataSet, Row
from cxsentiment.benchmark.record import RobustnessResult
from cxsentiment.benchmark.tasks import Answers, answer, measured
from cxsentiment.text import clean_string

Predict = Callable[[Sequence[str], str], Sequence[Prediction]]


def robustness_of(predict: Predict, sets: Sequence[tuple[DataSet, Sequence[Row]]], seed: int) -> list[RobustnessResult]:
    """For each change of spelling and language: mean macro-F1 over the language's sets before and after, and how many labels change."""
    members: dict[str, list[tuple[DataSet, list[Row]]]] = defaultdict(list)
    for data_set, rows in sets:
        labelled = [_cleaned(row) for row in rows if row.sentiment is not None]
        for language in dict.fromkeys(row.language for row in labelled):
            members[language].append((data_set, [row for row in labelled if row.language == language]))
    found = []
    for language, parts in members.items():
        before = _answers(predict, parts, language)
        for change in CHANGES:
            if language in change.languages and all(before):
                after = _answers(predict, [(one, _changed(rows, change, seed)) for one, rows in parts], language)
                if all(after):
                    found.append(_result(change, language, [one for one in before if one], [one for one in after if one]))
    return found


def _answers(predict: Predict, parts: Sequence[tuple[DataSet, Sequence[Row]]], language: str) -> list[Answers | None]:
    said = iter(predict([row.text for _, rows in parts for row in rows], language))
    return [answer(one, "sentiment", rows, [next(said) for _ in rows], language) for one, rows in parts]


def _cleaned(row: Row) -> Row:
    """Links and the like are taken out first, so that they are not typed otherwise."""
    return replace(row, text=clean_string(row.text))


def _changed(rows: Sequence[Row], change: Change, seed: int) -> list[Row]:
    """What is drawn for a text depends on it, the change and the seed alone."""
    return [replace(row, text=change.apply(row.text, random.Random(f"{seed} {change.name} {row.text}"))) for row in rows]


def _result(change: Change, language: str, before: Sequence[Answers], after: Sequence[Answers]) -> RobustnessResult:
    pairs = [(old, new) for one, other in zip(before, after, strict=True) for old, new in zip(one.given, other.given, strict=True)]
    different = fmean(old != new for old, new in pairs)
    return RobustnessResult(change.name, language, len(before), len(pairs), _macro_f1(before), _macro_f1(after), different)


def _macro_f1(answers: Sequence[Answers]) -> float:
    measures = [measured(one) for one in answers]
    return fmean(float(one.scores["macro_f1"](one.rows.sum(axis=0))) for one in measures)
