"""Scores of predictions. Each is a function of sums of one row a text, so that it is computed for many resamples of the texts at once.

Rows are [texts, columns]; sums of them are [columns], or [..., columns] for many samples, and give scores [...]. A share of nothing is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cxsentiment.errors import InputError

NO_ANSWER = -1
STARS = 5
SPAN_MEASURES = ("span_type", "span_type_polarity", "types", "polarity")
SPAN_COUNTS = ("annotated", "found", "given", "right")

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.number[Any]]


class Marked(Protocol):
    """A touchpoint in a text, annotated or given."""

    @property
    def start(self) -> int:
        """Its first character."""

    @property
    def end(self) -> int:
        """The character after its last."""

    @property
    def type(self) -> str | None:
        """One of the taxonomy's types."""

    @property
    def polarity(self) -> str | None:
        """`-`, `0`, `+` or `±`."""


def one_hot(numbers: npt.ArrayLike, labels: int) -> Bools:
    """Whether a text has a label [texts, labels], from the number of its only one [texts]; NO_ANSWER (-1) is none of them.

    Raises InputError when a number is out of range.
    """
    given = np.asarray(numbers, np.int64)
    if ((given < NO_ANSWER) | (given >= labels)).any():
        raise InputError(f"labels are numbered 0 to {labels - 1}, and {NO_ANSWER} is a prediction that is missing; another one was given")
    found: Bools = given[:, None] == np.arange(labels)
    return found


def confusion(gold: npt.ArrayLike, predicted: npt.ArrayLike, labels: int) -> Integers:
    """How many texts of each gold label are given each label [gold, predicted], the last column for those without an answer.

    `gold` and `predicted` [texts] are numbers of labels, of which `predicted` may be NO_ANSWER.
    """
    rows, columns = np.asarray(gold, np.int64), np.asarray(predicted, np.int64)
    columns = np.where(columns == NO_ANSWER, labels, columns)
    return np.bincount(rows * (labels + 1) + columns, minlength=labels * (labels + 1)).reshape(labels, labels + 1)


def outcomes(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> Integers:
    """True positives, false positives, false negatives of each label, then a 1 for the text: [texts, 3 * labels + 1].

    `gold` and `predicted` [texts, labels] tell whether a text has a label, of several or of one (see `one_hot`): what a confusion matrix
    says beyond that counts in no score, and of 30 languages it would have 930 columns.
    """
    present, given = np.asarray(gold, np.bool_), np.asarray(predicted, np.bool_)
    texts = np.ones((len(present), 1), np.bool_)
    return np.concatenate([present & given, given & ~present, present & ~given, texts], axis=1).astype(np.int64)


def accuracy(sums: Numbers) -> Floats:
    """Share of texts whose only label is right, from sums of `outcomes` of texts that have one label each."""
    return _share(_parts(sums)[0].sum(axis=-1), sums[..., -1])


def micro_f1(sums: Numbers) -> Floats:
    """F1 of all labels' decisions taken together, from sums of `outcomes`."""
    right, false, missed = (one.sum(axis=-1) for one in _parts(sums))
    return _f1(right, 2 * right + false + missed)


def macro_f1(sums: Numbers, occurring: Bools | None = None) -> Floats:
    """Mean of 2 TP / (2 TP + FP + FN) over the labels `occurring` [labels], from sums of `outcomes`.

    None: those that occur in gold in each sample. Where resamples are not stratified by gold label, give those of the whole set, or a
    resample without a rare label is scored on fewer labels.
    """
    right, false, missed = _parts(sums)
    scores = _f1(right, 2 * right + false + missed)
    return _mean(scores, right + missed > 0 if occurring is None else occurring)


def hamming_loss(sums: Numbers) -> Floats:
    """Share of the decisions, one for each text and label, that are wrong, from sums of `outcomes`."""
    right, false, missed = _parts(sums)
    return _share((false + missed).sum(axis=-1), sums[..., -1] * right.shape[-1])


def per_label(sums: Numbers, labels: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Precision, recall, f1 and support (texts) of each label, from sums of `outcomes` of one sample."""
    right, false, missed = _parts(sums)
    columns = {
        "precision": _share(right, right + false),
        "recall": _share(right, right + missed),
        "f1": _f1(right, 2 * right + false + missed),
        "support": right + missed,
    }
    return {label: {name: float(column[index]) for name, column in columns.items()} for index, label in enumerate(labels)}


def star_errors(gold: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Absolute error / 4 and a 1, each in the column of the text's stars: [texts, 2 * 5].

    `gold` [texts] are stars 1 to 5; `predicted` [texts] may lie between stars, and NaN is no answer: the largest error there can be with
    these stars. Raises InputError when a gold rating is no whole number of stars.
    """
    stars, given = np.asarray(gold, np.float64), np.asarray(predicted, np.float64)
    if not np.isin(stars, np.arange(1, STARS + 1)).all():
        raise InputError(f"a rating to compare with is no whole number of stars from 1 to {STARS}: leave such texts out")
    errors = np.where(np.isnan(given), np.maximum(stars - 1, STARS - stars), np.abs(given - stars)) / (STARS - 1)
    members = stars[:, None] == np.arange(1, STARS + 1)
    return np.concatenate([members * errors[:, None], members], axis=1)


def one_minus_wmae(sums: Numbers) -> Floats:
    """1 - the mean absolute error of each number of stars, averaged over those in gold, from sums of `star_errors`.

    As the task of Allegro reviews in KLEJ (Rybak et al. 2020). 0 where there are no texts.
    """
    errors, texts = sums[..., :STARS], sums[..., STARS:]
    return _mean(1 - _share(errors, texts), texts > 0)


def span_outcomes(gold: Sequence[Marked], predicted: Sequence[Marked]) -> Integers:
    """Counts of one text's touchpoints [4 * 4]: SPAN_COUNTS (annotated, those found, given, those right) of each of SPAN_MEASURES.

    `span_type`: overlap and equal type; `span_type_polarity`: equal polarity too; `types`: the types named in the text; `polarity`: whether
    it is right, of given mentions whose span and type are.
    """
    hits = [[one for one in gold if _meet(one, given)] for given in predicted]
    told = [[one for one in hit if one.polarity == given.polarity] for given, hit in zip(predicted, hits, strict=True)]
    types, given_types = {one.type for one in gold}, {one.type for one in predicted}
    hit, right, both = sum(map(bool, hits)), sum(map(bool, told)), len(types & given_types)
    spans = (len(gold), _found(gold, hits), len(predicted), hit)
    complete = (len(gold), _found(gold, told), len(predicted), right)
    return np.array([*spans, *complete, len(types), both, len(given_types), both, hit, right, hit, right], np.int64)


def span_precision(sums: Numbers, measure: str) -> Floats:
    """Share of what was given that is right, from sums of `span_outcomes`; `measure` is one of SPAN_MEASURES."""
    return _share(_count(sums, measure, "right"), _count(sums, measure, "given"))


def span_recall(sums: Numbers, measure: str) -> Floats:
    """Share of what is annotated that was found, from sums of `span_outcomes`; `measure` is one of SPAN_MEASURES."""
    return _share(_count(sums, measure, "found"), _count(sums, measure, "annotated"))


def span_f1(sums: Numbers, measure: str) -> Floats:
    """Harmonic mean of precision and recall, from sums of `span_outcomes`; `measure` is one of SPAN_MEASURES."""
    precision, recall = span_precision(sums, measure), span_recall(sums, measure)
    return _share(2 * precision * recall, precision + recall)


def _meet(one: Marked, other: Marked) -> bool:
    return one.type == other.type and one.start < other.end and other.start < one.end


def _found(gold: Sequence[Marked], hits: Sequence[Sequence[Marked]]) -> int:
    return sum(any(one in hit for hit in hits) for one in gold)


def _count(sums: Numbers, measure: str, count: str) -> Numbers:
    return sums[..., SPAN_MEASURES.index(measure) * len(SPAN_COUNTS) + SPAN_COUNTS.index(count)]


def _parts(sums: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    labels = sums.shape[-1] // 3
    return sums[..., :labels], sums[..., labels : 2 * labels], sums[..., 2 * labels : 3 * labels]


def _f1(right: Numbers, given_and_gold: Numbers) -> Floats:
    return _share(2 * right, given_and_gold)


def _mean(scores: Floats, chosen: Bools) -> Floats:
    """Mean of the scores [..., labels] of the chosen labels; 0 where none is."""
    return _share(np.where(chosen, scores, 0.0).sum(axis=-1), np.asarray(chosen.sum(axis=-1)))


def _share(part: Numbers, whole: Numbers) -> Floats:
    parts, wholes = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    shares: Floats = np.divide(parts, wholes, out=np.zeros(wholes.shape), where=wholes > 0)
    return shares
