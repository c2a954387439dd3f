"""The linear baseline."""

import numpy as np
import pytest

from cxsentiment import InputError, OptionError
from cxsentiment.benchmark.contender import Example, Trainable
from cxsentiment.benchmark.contenders import linear
from cxsentiment.benchmark.contenders.learning import columns_of_all, fit_temperature, held_out, softmax
from cxsentiment.benchmark.contenders.linear import Linear

THREE = ("negative", "neutral", "positive")


def comments(count: int = 60) -> list[Example]:
    """Half of them from a set that has no neutral."""
    words = {"negative": "terrible rude slow", "neutral": "it came by post", "positive": "great friendly fast"}
    found = []
    for index in range(count):
        sentiment = THREE[index % 3]
        joy = ("joy",) if sentiment == "positive" else ()
        labels = THREE if sentiment == "neutral" or index % 2 else ("negative", "positive")
        text = f"{words[sentiment]} delivery {index % 7}"
        found.append(Example(text, "en", "some", sentiment, labels, joy, ("joy", "fear")))
    return found


def test_it_learns_sentiment_and_gives_probabilities() -> None:
    learner = Linear()
    assert isinstance(learner, Trainable)
    contender = learner.fit(comments(), "sentiment", 0)
    predictions = contender.predict(["so rude and slow", "friendly and fast", "by post it came", ""])
    assert [one.sentiment for one in predictions[:3]] == ["negative", "positive", "neutral"]
    for one in predictions:
        assert set(one.sentiment_probabilities or ()) == set(THREE)
        assert sum((one.sentiment_probabilities or {}).values()) == pytest.approx(1)
        assert one.emotions is None
    assert contender.predict([]) == []


def test_it_learns_emotions_that_are_sometimes_there() -> None:
    contender = Linear().fit(comments(), "emotions", 0)
    good, bad = contender.predict(["friendly and fast", "rude"])
    assert good.emotions == ["joy"]
    assert bad.emotions == []
    assert set(good.emotion_probabilities or ()) == {"joy"}  # nobody is afraid in these comments
    assert good.sentiment is None


def test_two_labels_are_enough() -> None:
    rows = [one for one in comments() if one.sentiment != "neutral"]
    (prediction,) = Linear().fit(rows, "sentiment", 1).predict(["rude and slow"])
    assert prediction.sentiment == "negative"
    assert set(prediction.sentiment_probabilities or ()) == {"negative", "positive"}


def test_equal_seeds_give_equal_contenders_and_features_are_fitted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = linear.features
    monkeypatch.setattr(linear, "features", lambda: made.append(1) or original())
    learner, rows, texts = Linear(), comments(), ["rude", "friendly", "post"]
    first, other, again = (learner.fit(rows if seed else list(rows), "sentiment", seed).predict(texts) for seed in (0, 1, 0))
    assert first == again
    assert first != other  # another tenth, another temperature
    assert len(made) == 1
    learner.fit(rows[:40], "sentiment", 0)
    assert len(made) == 2


def test_what_cannot_be_learnt_is_said() -> None:
    with pytest.raises(InputError, match="two are needed"):
        Linear().fit([one for one in comments() if one.sentiment == "neutral"], "sentiment", 0)
    with pytest.raises(InputError, match="none is present"):
        Linear().fit([Example("a", "en", "x", emotions=(), emotion_scheme=("joy",))], "emotions", 0)
    with pytest.raises(InputError, match="cannot learn from 2 texts"):
        Linear().fit([Example("a", "en", "x", "negative"), Example("b", "en", "x", "positive")], "sentiment", 0)
    with pytest.raises(OptionError, match="sentiment and emotions"):
        Linear().fit(comments(), "touchpoints", 0)


def test_the_held_out_tenth() -> None:
    assert held_out(100, 3).sum() == 10
    assert (held_out(100, 3) == held_out(100, 3)).all()
    assert (held_out(100, 3) != held_out(100, 4)).any()
    assert held_out(2, 0).sum() == 1


def test_the_temperature_is_the_one_that_scores_were_made_with() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    targets = np.array([rng.choice(3, p=row) for row in softmax(logits)])
    everything = np.ones_like(logits, bool)
    assert fit_temperature(5 * logits, targets, everything) == pytest.approx(5, rel=0.1)


def test_columns_of_labels_that_were_not_seen() -> None:
    found = columns_of_all(np.array([2.0]), [0, 2], 3)
    assert found.tolist() == [[-2.0, -np.inf, 2.0]]
    assert softmax(found)[0, 1] == 0
