import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, hamming_loss, precision_recall_fscore_support

from cxsentiment.benchmark import metrics
from cxsentiment.benchmark.contender import Mention
from cxsentiment.errors import InputError
from cxsentiment.training.corpus import Span
from cxsentiment.training.touchpoint_scores import Found, TouchpointScore

EXACT = 1e-9
LABELS = ("negative", "neutral", "positive", "mixed")
TYPES = ("staff", "delivery", "price")

mentions = st.lists(
    st.builds(
        lambda start, length, kind, polarity: Mention(start, start + length, kind, polarity),
        st.integers(0, 12),
        st.integers(1, 6),
        st.sampled_from(TYPES),
        st.sampled_from(("-", "0", "+", "±")),
    ),
    max_size=5,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def sums_of(gold: npt.ArrayLike, predicted: npt.ArrayLike, labels: int) -> npt.NDArray[np.int64]:
    """Of texts with one label each."""
    return metrics.outcomes(metrics.one_hot(gold, labels), metrics.one_hot(predicted, labels)).sum(axis=0)


def test_single_label_scores_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    gold, predicted = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    sums = sums_of(gold, predicted, 4)
    assert np.array_equal(metrics.confusion(gold, predicted, 4)[:, :4], confusion_matrix(gold, predicted))
    assert metrics.accuracy(sums) == pytest.approx(accuracy_score(gold, predicted), abs=EXACT)
    assert metrics.macro_f1(sums) == pytest.approx(f1_score(gold, predicted, average="macro"), abs=EXACT)
    figures = [list(one.values()) for one in metrics.per_label(sums, LABELS).values()]
    assert np.allclose(figures, np.transpose(precision_recall_fscore_support(gold, predicted)), rtol=0, atol=EXACT)


def test_a_text_without_answer_is_wrong_and_no_label_is_blamed(rng: np.random.Generator) -> None:
    gold = rng.integers(0, 4, 500)
    predicted = np.where(rng.random(500) < 0.2, metrics.NO_ANSWER, rng.integers(0, 4, 500))
    sums = sums_of(gold, predicted, 4)
    assert metrics.confusion(gold, predicted, 4)[:, 4].sum() == (predicted == metrics.NO_ANSWER).sum()
    assert metrics.accuracy(sums) == pytest.approx((gold == predicted).mean(), abs=EXACT)
    expected = f1_score(gold, predicted, average="macro", labels=[0, 1, 2, 3])
    assert metrics.macro_f1(sums) == pytest.approx(expected, abs=EXACT)


def test_macro_f1_is_over_the_labels_that_occur_in_gold_or_those_asked_for() -> None:
    sums = sums_of([0, 0, 1, 1], [0, 2, 1, 1], 4)
    assert metrics.macro_f1(sums) == pytest.approx((2 / 3 + 1) / 2, abs=EXACT)
    assert metrics.macro_f1(sums, np.array([True, True, True, False])) == pytest.approx((2 / 3 + 1 + 0) / 3, abs=EXACT)


def test_one_label_alone() -> None:
    sums = sums_of([0, 0, 0], [0, 0, 0], 1)
    assert metrics.accuracy(sums) == metrics.macro_f1(sums) == 1


def test_nothing_scores_nothing() -> None:
    none = sums_of([], [], 3)
    assert metrics.accuracy(none) == metrics.macro_f1(none) == metrics.micro_f1(none) == metrics.hamming_loss(none) == 0
    assert metrics.per_label(none, LABELS[:3])["neutral"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}
    assert not metrics.confusion([], [], 3).any()
    assert metrics.one_minus_wmae(metrics.star_errors([], []).sum(axis=0)) == 0
    assert metrics.span_f1(metrics.span_outcomes([], []), "span_type") == 0


@pytest.mark.parametrize("number", [3, -2])
def test_labels_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(InputError, match="0 to 2"):
        metrics.one_hot([0, number], 3)


def test_multilabel_scores_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    gold, predicted = rng.random((300, 5)) < 0.3, rng.random((300, 5)) < 0.4
    gold[:, 2] = False
    sums, names = metrics.outcomes(gold, predicted).sum(axis=0), tuple("abcde")
    occurring = [0, 1, 3, 4]
    assert metrics.micro_f1(sums) == pytest.approx(f1_score(gold, predicted, average="micro"), abs=EXACT)
    assert metrics.hamming_loss(sums) == pytest.approx(hamming_loss(gold, predicted), abs=EXACT)
    expected = f1_score(gold[:, occurring], predicted[:, occurring], average="macro")
    assert metrics.macro_f1(sums) == pytest.approx(expected, abs=EXACT)
    assert metrics.macro_f1(sums, np.full(5, True)) == pytest.approx(expected * 4 / 5, abs=EXACT)
    figures = [list(one.values()) for one in metrics.per_label(sums, names).values()]
    reference = np.transpose(precision_recall_fscore_support(gold, predicted, zero_division=0.0))
    assert np.allclose(figures, reference, rtol=0, atol=EXACT)


def test_star_errors_are_averaged_within_each_number_of_stars_first() -> None:
    gold, predicted = np.array([1, 1, 1, 5, 3]), np.array([1.0, 2.0, 3.0, 4.5, 3.0])
    sums = metrics.star_errors(gold, predicted).sum(axis=0)
    by_stars = [np.abs(gold - predicted)[gold == stars].mean() / 4 for stars in (1, 3, 5)]
    assert metrics.one_minus_wmae(sums) == pytest.approx(1 - np.mean(by_stars), abs=EXACT)


def test_stars_without_answer_are_as_wrong_as_they_can_be() -> None:
    missing = metrics.star_errors([1, 2, 3, 5], np.full(4, np.nan))
    assert np.array_equal(missing, metrics.star_errors([1, 2, 3, 5], [5, 5, 1, 1]))


def test_half_stars_are_no_gold_ratings() -> None:
    with pytest.raises(InputError, match="whole number"):
        metrics.star_errors([2.5], [2])


def test_span_outcomes_by_hand() -> None:
    gold = [Mention(0, 4, "delivery", "-"), Mention(2, 6, "delivery", "+"), Mention(10, 13, "price", "-")]
    given = [Mention(3, 5, "delivery", "+"), Mention(10, 13, "staff", "-"), Mention(13, 15, "price", "-"), Mention(0, 1, "delivery", "0")]
    assert dict(zip(metrics.SPAN_MEASURES, metrics.span_outcomes(gold, given).reshape(4, 4).tolist(), strict=True)) == {
        "span_type": [3, 2, 4, 2],  # the first meets both deliveries, the last one of them; those of other types and places meet nothing
        "span_type_polarity": [3, 1, 4, 1],
        "types": [2, 2, 3, 2],
        "polarity": [2, 1, 2, 1],
    }


@given(st.lists(st.tuples(mentions, mentions), max_size=4))
def test_sums_of_span_outcomes_score_as_counts_in_training_do(texts: list[tuple[list[Mention], list[Mention]]]) -> None:
    score = TouchpointScore()
    for annotated, found in texts:
        spans = [Span(one.start, one.end, one.polarity, one.type) for one in annotated]
        score.add_mentions(spans, [Found(one.start, one.end, one.type, one.polarity) for one in found])
    sums = np.sum([np.zeros(16, np.int64), *(metrics.span_outcomes(annotated, found) for annotated, found in texts)], axis=0)
    counts = {"span_type": score.spans, "span_type_polarity": score.complete, "types": score.types, "polarity": score.polarity}
    for measure in metrics.SPAN_MEASURES:
        assert metrics.span_precision(sums, measure) == counts[measure].precision
        assert metrics.span_recall(sums, measure) == counts[measure].recall
        assert metrics.span_f1(sums, measure) == pytest.approx(counts[measure].f1, abs=EXACT)


def test_many_samples_score_as_each_does_alone(rng: np.random.Generator) -> None:
    sums = rng.integers(0, 9, (2, 3, 16))
    for score in (metrics.accuracy, metrics.micro_f1, metrics.macro_f1, metrics.hamming_loss):
        assert np.array_equal(score(sums), [[score(one) for one in row] for row in sums])
    for measure in metrics.SPAN_MEASURES:
        assert np.array_equal(metrics.span_f1(sums, measure), [[metrics.span_f1(one, measure) for one in row] for row in sums])
