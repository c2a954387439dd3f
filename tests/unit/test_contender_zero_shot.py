"""Zero-shot classification by natural language inference, with a tiny random model."""

from pathlib import Path

import pytest

from cxsentiment import ModelError, OptionError
from cxsentiment.benchmark.contender import Contender
from cxsentiment.benchmark.contenders.zero_shot import EMOTION_WORDS, LANGUAGES, ZeroShot, hypotheses
from cxsentiment.results import EMOTIONS, SENTIMENTS
from tests.conftest import SENTENCES
from tests.tiny_bases import write_classifier

NLI = ("ENTAILMENT", "neutral", "contradiction")


def test_the_table_is_complete() -> None:
    assert tuple(EMOTION_WORDS) == EMOTIONS
    for language in LANGUAGES:
        assert len(set(hypotheses("sentiment", language))) == len(SENTIMENTS)
        assert len(set(hypotheses("emotions", language))) == len(EMOTIONS)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_batches_do_not_change_answers(tmp_path: Path, kind: str) -> None:
    folder = write_classifier(tmp_path / "nli", kind, NLI)
    small, large = (ZeroShot(str(folder), device="cpu", batch_size=size) for size in (1, 16))
    assert isinstance(small, Contender)
    texts = [SENTENCES[0], SENTENCES[2], "ok", "", "word " * 400]
    for one, other in zip(small.predict(texts), large.predict(texts), strict=True):
        assert one.sentiment_probabilities == pytest.approx(other.sentiment_probabilities, abs=1e-4)
        assert one.emotion_probabilities == pytest.approx(other.emotion_probabilities, abs=1e-4)
        assert sum((one.sentiment_probabilities or {}).values()) == pytest.approx(1)
        assert set(one.emotions or ()) == {label for label, share in (one.emotion_probabilities or {}).items() if share >= 0.5}


def test_entailment_decides(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "yes", "bert", NLI, bias=(1000.0, 0.0, 0.0))
    (found,) = ZeroShot(str(folder), device="cpu", tasks=["emotions"], language="en").predict(["great"])
    assert set(found.emotions or ()) == set(EMOTIONS)
    assert found.sentiment is None
    folder = write_classifier(tmp_path / "no", "bert", ("not_entailment", "entailment"), bias=(1000.0, 0.0))
    (found,) = ZeroShot(str(folder), device="cpu").predict(["great"])
    assert found.emotions == []


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "labels", "bert", ("negative", "positive"))
    with pytest.raises(ModelError, match="natural language inference: its labels are negative, positive"):
        ZeroShot(str(folder), device="cpu")
    with pytest.raises(OptionError, match="unknown tasks joy"):
        ZeroShot(str(folder), tasks=["joy"])
    with pytest.raises(OptionError, match="no hypotheses in 'de'"):
        ZeroShot(str(folder), language="de")
    with pytest.raises(ModelError, match="no folder"):
        ZeroShot("./nowhere")
