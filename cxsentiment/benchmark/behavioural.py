"""Behavioural tests of sentiment: what a contender must be able to do, and how often it fails.

A case passes by these rules (`judge_case`); a text without an answer fails whatever is expected:

- minimum functionality: the label is one of those expected;
- invariance: all texts have the same label, right or wrong;
- directional, on `Prediction.polarity` (probability of positive less that of negative; of a contender with labels alone -1, 0 or 1):
    - `up`, `down`: it moves that way, however little. Where the first text is at that end already (beyond 0.9 on that side), it may stay,
      and fall back by 0.05 at most;
    - `not up`, `not down`: it moves the wrong way by 0.1 at most, CheckList's tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from cxsentiment.benchmark.behavioural_cases import Case, cases
from cxsentiment.benchmark.behavioural_table import DIRECTIONAL, INVARIANCE, MINIMUM_FUNCTIONALITY
from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.record import BehaviourResult, Failure
from cxsentiment.errors import InputError

AT_THE_END = 0.9
FALL_BACK = 0.05
TOLERANCE = 0.1
ROUNDING = 1e-9
KEPT_FAILURES = 5

Predict = Callable[[Sequence[str], str], Sequence[Prediction]]
"""Predictions for texts in one language, in order."""


def judge_case(case: Case, predictions: Sequence[Prediction]) -> bool:
    """Whether a case passes, by the rules above, given a prediction for each of its texts, in order."""
    labels = [prediction.sentiment for prediction in predictions]
    if len(labels) != len(case.texts):
        raise InputError(f"a case of {case.test!r} has {len(case.texts)} texts, but there are {len(labels)} predictions")
    if None in labels:
        return False
    if case.kind == MINIMUM_FUNCTIONALITY:
        return labels[0] in case.expect
    if case.kind == INVARIANCE:
        return len(set(labels)) == 1
    before, after = (prediction.polarity or 0.0 for prediction in predictions)
    return _moves(before, after, str(case.expect))


def _moves(before: float, after: float, direction: str) -> bool:
    towards = 1 if direction in ("up", "not down") else -1
    gained = towards * (after - before)
    if direction.startswith("not"):
        return gained >= -TOLERANCE - ROUNDING
    return gained > 0 or (towards * before > AT_THE_END and gained >= -FALL_BACK - ROUNDING)


def run_behaviour(predict: Predict, languages: Iterable[str], per_test: int = 40, seed: int = 1) -> list[BehaviourResult]:
    """Our tests in these languages. Raises OptionError for a language without tests, InputError as `run_cases` does."""
    return run_cases(predict, [case for language in languages for case in cases(language, per_test, seed)])


def run_cases(predict: Predict, cases: Sequence[Case]) -> list[BehaviourResult]:
    """One result for each test and language, in order, each with its first failures.

    `predict` is called once for each language, with all its texts, each once. Raises InputError when it gives too few or too many
    predictions.
    """
    results = []
    for language, members in _grouped(cases, lambda case: case.language).items():
        texts = list(dict.fromkeys(text for case in members for text in case.texts))
        predictions = predict(texts, language)
        if len(predictions) != len(texts):
            raise InputError(
                f"the contender gave {len(predictions)} predictions for {len(texts)} texts in {language!r}; it must give one each"
            )
        said = dict(zip(texts, predictions, strict=True))
        by_test = _grouped(members, lambda case: f"{case.capability}: {case.test}")
        results += [_result(of_test, said) for of_test in by_test.values()]
    return results


def _grouped(cases: Sequence[Case], key: Callable[[Case], str]) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return groups


def _result(cases: Sequence[Case], said: Mapping[str, Prediction]) -> BehaviourResult:
    answered = [(case, [said[text] for text in case.texts]) for case in cases]
    failed = [(case, predictions) for case, predictions in answered if not judge_case(case, predictions)]
    examples = [_failure(case, predictions) for case, predictions in failed[:KEPT_FAILURES]]
    first = cases[0]
    return BehaviourResult(first.capability, first.test, first.kind, first.language, len(cases), len(failed), examples)


def _failure(case: Case, predictions: Sequence[Prediction]) -> Failure:
    expected = case.expect if isinstance(case.expect, str) else " or ".join(case.expect)
    return Failure(case.texts, expected, [_said(prediction, case.kind) for prediction in predictions])


def _said(prediction: Prediction, kind: str) -> str:
    if prediction.sentiment is None:
        return f"no answer: {prediction.error}" if prediction.error else "no answer"
    if kind == DIRECTIONAL:
        return f"{prediction.sentiment} ({prediction.polarity:+.3f})"
    return prediction.sentiment
