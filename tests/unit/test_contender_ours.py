"""Analyzers as contenders."""

from pathlib import Path

import pytest

from cxsentiment import Analyzer
from cxsentiment.benchmark.contender import Contender, details_of
from cxsentiment.benchmark.contenders.ours import AnalyzerContender
from cxsentiment.results import EMOTIONS, SENTIMENTS
from tests.conftest import SENTENCES
from tests.tiny_bases import write_classifier


def test_our_model_answers_everything_and_in_order(tiny_analyzer: Analyzer) -> None:
    contender = AnalyzerContender(tiny_analyzer, device="cpu")
    assert isinstance(contender, Contender)
    predictions = contender.predict(SENTENCES)
    for prediction, analysis in zip(predictions, tiny_analyzer(SENTENCES), strict=True):
        assert prediction.sentiment == analysis.sentiment.label
        assert prediction.sentiment_probabilities == analysis.sentiment.probabilities
        assert prediction.polarity == pytest.approx(analysis.sentiment.polarity, abs=1e-6)
        assert tuple(prediction.emotion_probabilities or ()) == EMOTIONS
        assert [(one.start, one.end, one.type, one.polarity) for one in prediction.touchpoints or ()] == [
            (one.start, one.end, one.type, one.polarity) for one in analysis.touchpoints
        ]
        assert (prediction.language, prediction.language_probability) == (analysis.language.code, analysis.language.score)


def test_details_say_which_model_it_was(tiny_analyzer: Analyzer) -> None:
    details = details_of(AnalyzerContender(tiny_analyzer, device="cpu"))
    assert details["model"] == "tiny 0"
    assert details["version"] == "0"
    assert details["model files"] == tiny_analyzer.identity["model files"]
    assert details["device"] == "cpu"
    assert details["precision"] == tiny_analyzer.identity["precision"]


def test_a_foreign_classifier_answers_what_its_labels_tell(tmp_path: Path) -> None:
    plain = write_classifier(tmp_path / "plain", "bert", ("negative", "positive"))
    feeling = write_classifier(tmp_path / "feeling", "bert", ("joy", "anger", "neutral"))
    (of_plain,) = AnalyzerContender(Analyzer.from_pretrained(plain, device="cpu")).predict(["great prices"])
    (of_feeling,) = AnalyzerContender(Analyzer.from_pretrained(feeling, device="cpu")).predict(["great prices"])
    assert of_plain.emotions is None
    assert of_plain.emotion_probabilities is None
    assert of_plain.language is None
    assert of_plain.sentiment in SENTIMENTS
    assert [one.type for one in of_plain.touchpoints or ()] == ["price"]
    assert set(of_feeling.emotion_probabilities or ()) == {"joy", "anger"}
    assert set(of_feeling.emotions or ()) <= {"joy", "anger"}
