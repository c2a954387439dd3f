"""What labels of other classifiers mean: given or guessed."""

import numpy as np
import pytest

from cxsentiment import OptionError
from cxsentiment.label_map import GOEMOTIONS, read_label_map, reading_of
from cxsentiment.results import EMOTIONS, SENTIMENTS


def meaning(*labels: str) -> list[tuple[str | None, str | None]]:
    """Sentiment and emotion of each label, as guessed."""
    reading = reading_of(labels, None)
    assert max(reading.sentiments.sum(axis=1).max(), reading.emotion_weights.sum(axis=1).max()) <= 1
    pairs = zip(reading.sentiments, reading.emotion_weights, strict=True)
    return [(SENTIMENTS[one.argmax()] if one.any() else None, EMOTIONS[other.argmax()] if other.any() else None) for one, other in pairs]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("NEGATIVE", "POSITIVE"), ["negative", "positive"]),
        (("Very Negative", "neg", "Neutral", "POS", "very_positive"), ["negative", "negative", "neutral", "positive", "positive"]),
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), ["negative", "negative", "neutral", "positive", "positive"]),
        (("negatywny", "neutralny", "pozytywny", "mieszany"), list(SENTIMENTS)),
        (("αρνητικό", "ουδέτερο", "θετικό"), ["negative", "neutral", "positive"]),
        (("negativ", "neutru", "pozitiv"), ["negative", "neutral", "positive"]),
    ],
)
def test_names_of_sentiments_are_understood(labels: tuple[str, ...], expected: list[str]) -> None:
    assert meaning(*labels) == [(one, None) for one in expected]


def test_emotions_have_a_sentiment_too() -> None:
    assert meaning("anger", "joy", "surprise", "love", "neutral") == [
        ("negative", "anger"),
        ("positive", "joy"),
        ("neutral", "surprise"),
        ("positive", "joy"),
        ("neutral", None),
    ]
    others = ("approval", "caring", "curiosity", "disapproval", "embarrassment", "pride", "realization", "remorse", "neutral")
    found = dict(zip([*GOEMOTIONS, *others], meaning(*GOEMOTIONS, *others), strict=True))
    assert len(found) == 28
    assert {label: emotion for label, (_, emotion) in found.items() if emotion} == GOEMOTIONS
    assert {label for label, (sentiment, _) in found.items() if sentiment == "neutral"} == {
        *("surprise", "confusion", "curiosity", "realization", "neutral")
    }
    assert (found["annoyance"], found["relief"]) == (("negative", "frustration"), ("positive", "satisfaction"))


@pytest.mark.parametrize("labels", [("LABEL_0", "LABEL_1"), ("toxic", "fine"), ("1", "2", "3", "4", "5"), ("other", "hate")])
def test_other_names_are_asked_about(labels: tuple[str, ...]) -> None:
    with pytest.raises(OptionError, match="what does the model's label"):
        reading_of(labels, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": "negative"}, "does not say what 'b' means"),
        ({"a": "negative", "b": "positive", "c": None}, "has 'c', which the model does not know; its labels are a, b"),
        ({"a": "nasty", "b": None}, "says 'nasty' for 'a'; use negative"),
        ({"a": "joy", "b": None}, "gives no label a sentiment"),
        ({"a": ("negative", "positive"), "b": None}, "several sentiments"),
    ],
)
def test_maps_that_do_not_fit_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        reading_of(("a", "b"), given)


def test_what_falls_to_labels_that_say_nothing_is_neutral() -> None:
    reading = reading_of(("bad", "good", "spam"), {"bad": "negative", "good": ["positive", "joy"], "spam": None})
    probabilities = np.array([[0.1, 0.3, 0.6], [1e-6, 9e-6, 0.99999]], np.float32)
    found = reading.sentiment_probabilities(probabilities, exclusive=True)
    assert found == pytest.approx(np.array([[0.1, 0.6, 0.3, 0], [0, 1, 0, 0]]), abs=1e-4)
    assert reading.emotion_probabilities(probabilities, exclusive=True)[0, EMOTIONS.index("joy")] == pytest.approx(0.3)
    assert reading.emotions == ("joy",)


def test_many_faint_feelings_do_not_outvote_neutral() -> None:
    reading = reading_of([*GOEMOTIONS, "neutral"], None)
    faint = np.full((2, len(GOEMOTIONS) + 1), 0.01, np.float32)
    faint[1, [*GOEMOTIONS].index("anger")] = 0.9
    found = reading.sentiment_probabilities(faint, exclusive=False)
    assert [SENTIMENTS[row.argmax()] for row in found] == ["neutral", "negative"]
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0])


def test_labels_of_one_emotion_add_up_or_the_largest_counts() -> None:
    reading = reading_of(("joy", "love", "anger"), None)
    probabilities = np.array([[0.5, 0.4, 0.1]], np.float32)
    joy = EMOTIONS.index("joy")
    assert reading.emotion_probabilities(probabilities, exclusive=True)[0, joy] == pytest.approx(0.9)
    assert reading.emotion_probabilities(probabilities, exclusive=False)[0, joy] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "given",
    [
        "A = negative, B=positive + joy,C=none",
        {"A": "negative", "B": "positive+joy", "C": "none"},
        {"A": ["negative"], "B": ("positive", "joy"), "C": None},
    ],
)
def test_maps_are_read_as_users_write_them(given: str | dict[str, str | list[str] | None]) -> None:
    assert read_label_map(given) == {"A": ("negative",), "B": ("positive", "joy"), "C": ()}


def test_a_label_may_have_an_equals_sign() -> None:
    assert read_label_map("a=b=negative") == {"a=b": ("negative",)}


@pytest.mark.parametrize("given", ["", "A", "=negative", "A=negative,,"])
def test_text_that_is_no_map_is_refused(given: str) -> None:
    with pytest.raises(OptionError, match="give pairs such as"):
        read_label_map(given)
