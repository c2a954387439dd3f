"""From hand-made predictions to answers and scores that were worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pytest

from cxsentiment.benchmark.contender import Mention, Prediction
from cxsentiment.benchmark.datasets import DataSet, Row
from cxsentiment.benchmark.tasks import SCHEMA, Answers, answer, answers_of, answers_table, measured, score
from cxsentiment.errors import InputError

BINARY = DataSet("binary", "", "a.csv", None, sentiment={"column": "s", "labels": {"negative": "bad", "positive": "good"}})
STARRED = DataSet(
    "starred",
    "",
    "a.csv",
    None,
    sentiment={"column": "s", "labels": {"negative": "negative", "neutral": "neutral", "mixed": "neutral", "positive": "positive"}},
    stars={"column": "stars"},
)
FEELINGS = DataSet("feelings", "", "a.csv", None, emotions={"column": "e", "labels": {"happy": "joy", "angry": "anger"}})
MARKED = DataSet("marked", "", "comments", None, format="marked", language="en")
TONGUES = DataSet("tongues", "", "a.csv", None, languages=True)


def sentiments(*labels: str | None) -> list[Row]:
    return [Row(str(number), f"text {number}", "en", label) for number, label in enumerate(labels)]


def probabilities(negative: float, neutral: float, mixed: float, positive: float) -> Prediction:
    told = {"negative": negative, "neutral": neutral, "mixed": mixed, "positive": positive}
    return Prediction(max(told, key=told.__getitem__), told)


def answered(data_set: DataSet, task: str, rows: Sequence[Row], predictions: Sequence[Prediction]) -> Answers:
    found = answer(data_set, task, rows, predictions, "en")
    assert found is not None
    return found


# ---- sentiment ------------------------------------------------------------------------------------------------------------------


def test_the_likeliest_label_that_the_set_has_counts() -> None:
    rows = sentiments("bad", "good", "good", "bad")
    said = [probabilities(*each) for each in ((0.3, 0.6, 0, 0.1), (0.1, 0.5, 0.2, 0.2), (0.3, 0.1, 0.5, 0.1), (0.6, 0, 0, 0.4))]
    found = answered(BINARY, "sentiment", rows, said)
    assert (found.labels, found.gold, found.given) == (("bad", "good"), ["bad", "good", "good", "bad"], ["bad", "good", "bad", "bad"])
    assert found.probabilities == pytest.approx(np.array([[0.75, 0.25], [1 / 3, 2 / 3], [0.75, 0.25], [0.6, 0.4]]))
    result = score(found, resamples=200)
    assert result.scores["accuracy"].value == 0.75
    assert result.headline.value == pytest.approx((4 / 5 + 2 / 3) / 2)  # bad: 2 right of 3 given and 2 gold; good: 1 of 1 and 2
    assert result.headline.low is not None
    assert result.headline.high is not None
    assert result.headline.low <= result.headline.value <= result.headline.high
    assert result.confusion == [[2, 0], [1, 1]]
    assert result.per_class["good"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2.0}
    assert (result.size, result.errors) == (4, 0)


def test_labels_of_ours_that_share_one_of_the_set_are_added_up() -> None:
    found = answered(STARRED, "sentiment", sentiments("neutral"), [probabilities(0.4, 0.3, 0.3, 0)])
    assert found.labels == ("negative", "neutral", "positive")
    assert found.given == ["neutral"]
    assert found.probabilities == pytest.approx(np.array([[0.4, 0.6, 0.0]]))


def test_a_contender_with_labels_alone_has_no_calibration() -> None:
    rows = sentiments("neutral", "negative", "positive", None)
    said = [Prediction("mixed"), Prediction("negative"), Prediction("neutral"), Prediction("positive")]
    found = answered(STARRED, "sentiment", rows, said)
    assert (found.ids, found.given, found.probabilities) == (["0", "1", "2"], ["neutral", "negative", "neutral"], None)
    result = score(found, resamples=100)
    assert result.calibration is None
    assert result.headline.value == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_calibration_is_of_the_texts_with_probabilities() -> None:
    rows = sentiments("bad", "good", "good")
    said = [probabilities(0.8, 0, 0, 0.2), probabilities(0.8, 0, 0, 0.2), Prediction(error="refused")]
    result = score(answered(BINARY, "sentiment", rows, said), resamples=100)
    assert result.calibration is not None
    assert result.calibration.ece == pytest.approx(0.3)  # 80 % sure, half of them right
    assert result.calibration.brier == pytest.approx((0.08 + 1.28) / 2)
    assert result.calibration.area == pytest.approx(0.5)


def test_a_text_without_an_answer_is_wrong() -> None:
    rows = sentiments("bad", "good", "good", "good")
    said = [Prediction("negative"), Prediction("positive"), Prediction(error="refused"), Prediction("neutral")]
    result = score(answered(BINARY, "sentiment", rows, said), resamples=100)
    assert result.errors == 2
    assert result.scores["accuracy"].value == 0.5
    assert result.confusion == [[1, 0, 0], [0, 1, 2]]


def test_who_answers_less_than_half_of_what_can_be_read_takes_no_part() -> None:
    rows = sentiments("bad", "good", "good", "good")
    silent, refused, said = Prediction(language="en"), Prediction(error="refused"), Prediction("positive")
    assert answer(BINARY, "sentiment", rows, [said, silent, silent, silent], "en") is None
    assert answer(BINARY, "sentiment", rows, [refused] * 4, "en") is None
    assert answer(BINARY, "sentiment", sentiments(None, None), [said, said], "en") is None
    assert answered(BINARY, "sentiment", rows, [said, said, silent, silent]).given == ["good", "good", None, None]
    assert answered(BINARY, "sentiment", rows, [said, refused, refused, refused]).given == ["good", None, None, None]


# ---- stars ----------------------------------------------------------------------------------------------------------------------


def test_stars_come_from_polarity_where_they_are_not_said() -> None:
    rows = [Row(str(stars), "a text", "en", stars=float(stars)) for stars in (1, 2, 3, 5)]
    said = [Prediction("negative"), probabilities(0.5, 0.5, 0, 0), Prediction("mixed"), Prediction(stars=7.5, sentiment="negative")]
    found = answered(STARRED, "stars", rows, said)
    assert found.given == [1.0, 2.0, 3.0, 5.0]
    assert found.labels == ()
    assert score(found, resamples=100).headline.value == 1.0


def test_stars_are_scored_by_their_distance() -> None:
    rows = [Row(str(number), "a text", "en", stars=float(stars)) for number, stars in enumerate((1, 1, 5, 4))]
    said = [Prediction(stars=1.0), Prediction(stars=3.0), Prediction("negative"), Prediction(error="refused")]
    result = score(answered(STARRED, "stars", rows, said), resamples=100)
    # One star: 1 - (0 + 2/4) / 2; five: 1 - 4/4; four without an answer: as wrong as can be, 1 - 3/4.
    assert dict(result.scores)["one_minus_wmae"].value == pytest.approx((0.75 + 0 + 0.25) / 3)
    assert (result.errors, result.confusion, result.per_class) == (1, None, {})


# ---- emotions, touchpoints, language --------------------------------------------------------------------------------------------


def test_emotions_are_those_that_the_set_annotates() -> None:
    gold = [("anger",), ("joy",), (), None]
    rows = [Row(str(number), "a text", "en", emotions=emotions) for number, emotions in enumerate(gold)]
    said = [Prediction(emotions=["joy", "fear", "anger"]), Prediction(emotions=[]), Prediction(emotions=["fear"]), Prediction(emotions=[])]
    found = answered(FEELINGS, "emotions", rows, said)
    assert found.labels == FEELINGS.emotion_scheme
    assert [set(one) for one in found.given] == [{"anger", "joy"}, set(), set()]
    result = score(found, resamples=100)
    assert list(result.scores) == ["macro_f1", "micro_f1", "hamming_loss"]
    assert result.headline.value == 0.5  # anger 1, joy 0
    assert result.scores["micro_f1"].value == pytest.approx(2 / 4)  # 1 right, 1 too many, 1 missed
    assert result.scores["hamming_loss"].value == pytest.approx(2 / 6)
    assert result.per_class["anger"]["f1"] == 1.0


def test_mentions_count_by_overlap_type_and_polarity() -> None:
    gold = (Mention(0, 4, "delivery", "-"), Mention(10, 13, "mobile_app", "+"))
    rows = [Row("0", "a text", "en", mentions=gold), Row("1", "a text", "en", mentions=())]
    given = [Mention(2, 6, "delivery", "-"), Mention(10, 13, "mobile_app", "-"), Mention(20, 22, "staff", "+")]
    result = score(answered(MARKED, "touchpoints", rows, [Prediction(touchpoints=given), Prediction(touchpoints=[])]), resamples=100)
    assert {name: one.value for name, one in result.scores.items()} == {
        "span_type_f1": pytest.approx(0.8),  # 2 of 3 given, 2 of 2 annotated
        "span_type_polarity_f1": pytest.approx(0.4),  # 1 of 3, 1 of 2
        "types_f1": pytest.approx(0.8),
        "polarity_accuracy": pytest.approx(0.5),
    }


def test_a_language_that_the_set_lacks_is_another_one() -> None:
    rows = [Row(str(number), "a text", language) for number, language in enumerate(("pl", "pl", "en", "en"))]
    said = [Prediction(language=language) for language in ("pl", "cs", None, "en")]
    found = answer(TONGUES, "language", rows, said, "all")
    assert found is not None
    assert (found.language, found.labels, found.given) == ("all", ("en", "pl"), ["pl", "other", None, "en"])
    result = score(found, resamples=100)
    assert result.errors == 1
    assert result.scores["accuracy"].value == 0.5
    assert result.headline.value == pytest.approx(2 / 3)


# ---- keeping --------------------------------------------------------------------------------------------------------------------


def every_kind() -> list[Answers]:
    mention = Mention(0, 4, "delivery", "±")
    language = answer(TONGUES, "language", sentiments(None, None), [Prediction(language="en"), Prediction(language="ελ")], "all")
    assert language is not None
    return [
        answered(BINARY, "sentiment", sentiments("bad", "good"), [probabilities(0.75, 0, 0, 0.25), Prediction(error="refused")]),
        answered(STARRED, "sentiment", sentiments("neutral"), [Prediction("mixed")]),
        answered(STARRED, "stars", [Row("ż", "a text", "en", stars=4.0)], [Prediction(stars=3.5)]),
        answered(FEELINGS, "emotions", [Row("0", "a text", "en", emotions=("joy",))], [Prediction(emotions=["joy"])]),
        answered(MARKED, "touchpoints", [Row("0", "a text", "en", mentions=(mention,))], [Prediction(touchpoints=[mention])]),
        language,
    ]


def test_kept_answers_come_back() -> None:
    kept = every_kind()
    table = answers_table(kept)
    assert table.schema == SCHEMA
    back = answers_of(table)
    for one, other in zip(back, kept, strict=True):
        assert replace(one, probabilities=None) == replace(other, probabilities=None)
        if other.probabilities is None:
            assert one.probabilities is None
        else:
            np.testing.assert_allclose(one.probabilities, other.probabilities)
        assert asdict(score(one, resamples=100)) == asdict(score(other, resamples=100))


def test_a_text_that_is_kept_twice_is_refused() -> None:
    (kept,) = [one for one in every_kind() if one.task == "sentiment" and one.dataset == "binary"]
    other = replace(kept, language="pl")
    assert len(answers_of(answers_table([kept, other]))) == 2  # ids may come again in another language
    with pytest.raises(InputError, match=r"sentiment of binary \(en\) has 1 ids of texts more than once, such as '1'"):
        answers_of(answers_table([replace(kept, ids=["1", "1"]), other]))


def test_nothing_kept_is_an_empty_table() -> None:
    table = answers_table([])
    assert table.schema == SCHEMA
    assert answers_of(table) == []


def test_kept_answers_hold_no_texts() -> None:
    table = answers_table(every_kind())
    assert "text 0" not in str(table.to_pydict())
    assert isinstance(table, pa.Table)


@pytest.mark.parametrize("kept", every_kind(), ids=lambda one: f"{one.task} {one.dataset}")
def test_sums_of_rows_give_the_scores(kept: Answers) -> None:
    measure = measured(kept)
    assert len(measure.rows) == len(measure.strata) == len(kept.ids)
    for name, one in score(kept, resamples=100).scores.items():
        assert float(measure.scores[name](measure.rows.sum(axis=0))) == one.value
