"""Hugging Face sequence classifiers on our core: the same logits as in transformers, in any batch, and what is made of them."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, processors

from cxsentiment import Analyzer, ModelError, OptionError
from cxsentiment.encoder import core
from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.budget import TRIALS
from cxsentiment.encoder.classifier import ClassifierOfRuns, ClassifierRuntime, PackedClassifier, load_classifier
from cxsentiment.encoder.core import OVERLAP
from cxsentiment.encoder.foreign_folder import ForeignFolder
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from tests.conftest import SENTENCES
from tests.tiny_bases import BASES, some_texts, write_classifier

LABELS = ("negative", "neutral", "positive")
PACKED = ("bert", "roberta", "xlm-roberta", "distilbert")
TOLERANCE = 2e-5
SHARES = {"float32": 1e-3, "bfloat16": 0.3, "float16": 0.05}
"""Largest error of a logit, as share of the logits' standard deviation; half precision rounds to 8 or 11 bits at each step."""


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=list(BASES))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classifier(tmp_path_factory.mktemp("classifiers") / request.param, request.param, LABELS)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_classifier(tmp_path_factory.mktemp("classifiers") / "bert", "bert", LABELS)


def loaded(folder: Path, dtype: str = "float32", budget: int | str = 400) -> tuple[ClassifierRuntime, TextTokeniser]:
    runtime, tokeniser, _ = load_classifier(ForeignFolder.find(str(folder)), "cpu", dtype, budget)
    return runtime, tokeniser


def tokens_of(folder: Path, longest: int = 10**6) -> list[TokenisedText]:
    tokeniser = loaded(folder)[1]
    return [text for text in tokeniser(some_texts(), [False] * len(some_texts())) if len(text.ids) <= longest]


@torch.inference_mode()
def in_transformers(folder: Path, texts: list[TokenisedText], special: tuple[int, int]) -> np.ndarray:
    """One by one, by transformers alone."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    rows = [torch.tensor([[special[0], *text.ids.tolist(), special[1]]]) for text in texts]
    return np.concatenate([model(input_ids=row, attention_mask=torch.ones_like(row)).logits.numpy() for row in rows])


# ---- the same as in transformers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_logits_are_those_of_transformers(folder: Path, dtype: str) -> None:
    runtime, _ = loaded(folder, dtype)
    assert isinstance(runtime.network, PackedClassifier if folder.name in PACKED else ClassifierOfRuns)
    body = runtime.network.encoder if isinstance(runtime.network, PackedClassifier) else runtime.network
    assert {str(weight.dtype) for weight in body.parameters()} == {f"torch.{dtype}"}
    texts = tokens_of(folder, longest=190)
    expected = in_transformers(folder, texts, runtime.special)
    found = runtime.score(texts)
    spread = expected.std(axis=0).max()
    assert spread > 0.02
    assert np.abs(found.logits - expected).max() < SHARES[dtype] * spread
    assert found.windows.tolist() == [1] * len(texts)


@pytest.mark.parametrize("budget", [1, 64, 10**9])
def test_no_budget_and_no_order_changes_an_answer(folder: Path, budget: int) -> None:
    texts = tokens_of(folder)
    alone = [loaded(folder)[0].score([text]) for text in texts]
    order = random.Random(1).sample(range(len(texts)), len(texts))
    together = loaded(folder, budget=budget)[0].score([texts[index] for index in order])
    for place, index in enumerate(order):
        assert np.abs(together.logits[place] - alone[index].logits[0]).max() < TOLERANCE
        assert together.windows[place] == alone[index].windows[0]
    assert together.windows.max() > 1


def test_a_budget_is_found_while_the_answers_stay(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "CPU_BUDGETS", (64, 32, 128))
    texts = tokens_of(bert)
    expected = loaded(bert)[0].score(texts).logits
    runtime, _ = loaded(bert, budget="auto")
    for _ in range(TRIALS):
        assert len(runtime.budget._rates) == 3
        assert np.abs(runtime.score(texts).logits - expected).max() < TOLERANCE
    assert runtime.budget._rates == {}
    assert runtime.stats().token_budget in (32, 64, 128)
    assert runtime.stats().tokens == TRIALS * loaded_tokens(bert, texts)


def loaded_tokens(folder: Path, texts: list[TokenisedText]) -> int:
    runtime, _ = loaded(folder)
    runtime.score(texts)
    return runtime.stats().tokens


def test_windows_count_by_the_tokens_that_they_answer_for(folder: Path) -> None:
    """A long text has the mean of what transformers says of its windows; a short one beside it stays as it is."""
    runtime, _ = loaded(folder)
    size = runtime._longest
    ids = np.random.default_rng(2).integers(6, 100, size + 50).astype(np.int32)
    long, short = TokenisedText(ids, None), TokenisedText(ids[:9], None)
    overlap = min(OVERLAP, size // 2)
    parts = [TokenisedText(ids[:size], None), TokenisedText(ids[size - overlap :], None)]
    logits = in_transformers(folder, [*parts, short], runtime.special)
    held = np.array([size - overlap // 2, 50 + overlap // 2])
    found = runtime.score([long, short])
    assert np.abs(found.logits[0] - (held[:, None] * logits[:2]).sum(axis=0) / held.sum()).max() < TOLERANCE
    assert np.abs(found.logits[1] - logits[2]).max() < TOLERANCE


def test_memory_that_runs_out_halves_a_batch(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = tokens_of(bert)
    expected = loaded(bert)[0].score(texts).logits
    forward = PackedClassifier.forward

    def scarce(self: PackedClassifier, ids: torch.Tensor, layout: Packed) -> torch.Tensor:
        if len(ids) > 300:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return forward(self, ids, layout)

    monkeypatch.setattr(PackedClassifier, "forward", scarce)
    runtime, _ = loaded(bert, budget=10**6)
    assert np.abs(runtime.score(texts).logits - expected).max() < TOLERANCE
    assert runtime.stats().token_budget < 10**6


def test_positions_end_where_the_model_says(folder: Path) -> None:
    """A text that just fits is read at once, one token more in two windows."""
    runtime, _ = loaded(folder)
    most = 200 - (2 if "roberta" in folder.name else 0) - 2
    ids = np.random.default_rng(1).integers(6, 100, most + 1).astype(np.int32)
    fits, longer = TokenisedText(ids[:-1], None), TokenisedText(ids, None)
    found = runtime.score([fits, longer])
    assert found.windows.tolist() == [1, 2]
    assert np.abs(found.logits[:1] - in_transformers(folder, [fits], runtime.special)).max() < TOLERANCE


# ---- what is made of it ----------------------------------------------------------------------------------------------------------------


def test_an_analyzer_says_what_the_pipeline_says(folder: Path) -> None:
    analyzer = Analyzer.from_pretrained(folder, device="cpu", dtype="float32")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    texts = [*SENTENCES, "ΠΑΡΑΔΟΣΗΗΗΗ &amp; https://x.gr/a?b", "den mou aresei to magazi", "  cafe\u0301\u200b  "]
    for text, analysis in zip(texts, analyzer(texts), strict=True):
        with torch.inference_mode():
            ids = torch.tensor([tokenizer.backend_tokenizer.encode(text).ids])
            (expected,) = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.softmax(-1).tolist()
        given = analysis.sentiment
        assert [given.negative, given.neutral, given.positive] == pytest.approx(expected, abs=1e-5)
        assert (given.mixed, analysis.emotions, analysis.emotion_probabilities) == (0.0, (), ())
        assert analysis.text == text


def test_phrases_have_the_feeling_of_the_text(bert: Path) -> None:
    analysis = Analyzer.from_pretrained(bert, device="cpu")("The courier was rude but the girl on the phone saved the day")
    assert {one.type for one in analysis.touchpoints} >= {"delivery"}
    sign = {"negative": "-", "neutral": "0", "positive": "+"}[analysis.sentiment.label]
    probability = analysis.sentiment.probabilities[analysis.sentiment.label]
    assert {(one.polarity, one.score) for one in analysis.touchpoints} == {(sign, probability)}
    assert all(analysis.text[one.start : one.end] == one.text for one in analysis.touchpoints)


def test_odd_texts_go_through_together(bert: Path) -> None:
    long = "great prices and a rude courier " * 17_000
    texts = [long, "", "😡😡", " \n", "broken \ud83d", "ok"]
    analyzer = Analyzer.from_pretrained(bert, device="cpu")
    found = analyzer(texts)
    assert analyzer.stats().tokens > 100_000
    assert found[0].windows > 500
    assert (found[1].windows, found[1].sentiment.label, found[3].windows) == (0, "neutral", 0)
    assert [one.text for one in found] == texts
    again = Analyzer.from_pretrained(bert, device="cpu", token_budget=100)(texts[::-1])[::-1]
    assert [one.sentiment.label for one in again] == [one.sentiment.label for one in found]
    for one, other in zip(again, found, strict=True):
        assert list(one.sentiment.probabilities.values()) == pytest.approx(list(other.sentiment.probabilities.values()), abs=2e-5)


def test_several_labels_at_once_are_independent(tmp_path: Path) -> None:
    labels = ("joy", "love", "anger", "neutral")
    write_classifier(tmp_path, "bert", labels, bias=(1.0, 3.0, 2.0, 0.0), problem_type="multi_label_classification")
    analyzer = Analyzer.from_pretrained(tmp_path, device="cpu", dtype="float32")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    runtime, tokeniser = loaded(tmp_path)
    several = []
    for text in some_texts():
        (tokens,) = tokeniser([text], [False])
        if len(tokens.ids) > 190:
            continue
        with torch.inference_mode():
            ids = torch.tensor([[runtime.special[0], *tokens.ids.tolist(), runtime.special[1]]])
            joy, love, anger, neutral = model(input_ids=ids).logits.sigmoid()[0].tolist()
        joy = max(joy, love)
        analysis = analyzer(text)
        found = {one.label: one.probability for one in analysis.emotion_probabilities}
        assert found == {"joy": pytest.approx(joy, abs=1e-5), "anger": pytest.approx(anger, abs=1e-5)}
        neutral = max(neutral, 1 - max(joy, anger))
        expected = [share / (joy + anger + neutral) for share in (anger, neutral, joy, 0.0)]
        assert list(analysis.sentiment.probabilities.values()) == pytest.approx(expected, abs=1e-5)
        order = [label for label in sorted(found, key=lambda label: -found[label]) if found[label] >= 0.5]
        assert [one.label for one in analysis.emotions] == order
        several.append(len(order))
    assert max(several) == 2
    assert analyzer("").emotion_probabilities[0].probability == 0.0


# ---- refusals ----------------------------------------------------------------------------------------------------------------------------


def test_labels_without_a_meaning_are_asked_for(tmp_path: Path) -> None:
    write_classifier(tmp_path, "distilbert", ("LABEL_0", "LABEL_1"))
    with pytest.raises(OptionError, match=r"LABEL_0.*label_map=\{'LABEL_0': 'negative', 'LABEL_1': \('positive', 'joy'\)\}"):
        Analyzer.from_pretrained(tmp_path, device="cpu")
    mapped = Analyzer.from_pretrained(tmp_path, device="cpu", label_map={"LABEL_0": "positive", "LABEL_1": ("negative", "anger")})
    analysis = mapped(SENTENCES[0])
    assert analysis.sentiment.positive + analysis.sentiment.negative == pytest.approx(1.0)
    (anger,) = analysis.emotion_probabilities
    assert (anger.label, anger.probability) == ("anger", pytest.approx(analysis.sentiment.negative))


def test_a_map_for_our_own_model_is_refused(tiny_model: Path) -> None:
    with pytest.raises(OptionError, match="label_map is for Hugging Face classifiers"):
        Analyzer.from_pretrained(tiny_model, label_map={"a": "negative"})


def test_an_encoder_without_labels_is_no_classifier(tmp_path: Path) -> None:
    write_classifier(tmp_path / "one", "bert", ("score",), num_labels=1)
    with pytest.raises(ModelError, match="rates texts"):
        Analyzer.from_pretrained(tmp_path / "one", device="cpu")
    transformers.BertModel(transformers.BertConfig(vocab_size=300, hidden_size=32, num_attention_heads=4)).save_pretrained(tmp_path / "two")
    (tmp_path / "two" / "tokenizer.json").write_bytes((tmp_path / "one" / "tokenizer.json").read_bytes())
    with pytest.raises(ModelError, match="an encoder without a classifier"):
        Analyzer.from_pretrained(tmp_path / "two", device="cpu")


def test_code_in_the_folder_is_not_run(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "evil", "bert", LABELS)
    settings = json.loads((folder / "config.json").read_text())
    settings["auto_map"] = {"AutoModelForSequenceClassification": "evil.Evil", "AutoConfig": "evil.Evil"}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w').close()\nclass Evil: pass\n")
    assert Analyzer.from_pretrained(folder, device="cpu")("ok").windows == 1
    assert not (tmp_path / "run").exists()


class Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


def test_weights_that_are_no_safetensors_are_not_read(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "pickled", "bert", LABELS)
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Trap(tmp_path / "run")}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no weights as safetensors"):
        Analyzer.from_pretrained(folder, device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_folder_without_a_fast_tokenizer_says_what_to_do(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "slow", "bert", LABELS)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="AutoTokenizer"):
        Analyzer.from_pretrained(folder, device="cpu")


def test_special_tokens_that_both_stand_behind_are_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "behind", "bert", LABELS)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    special = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="$A [SEP] [CLS]", special_tokens=special)
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(ModelError, match="special tokens around a text"):
        Analyzer.from_pretrained(folder, device="cpu")


def test_more_pieces_than_embeddings_are_refused(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "more", "bert", LABELS)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens(["brand-new"])
    tokenizer.save(str(folder / "tokenizer.json"))
    with pytest.raises(ModelError, match="have an embedding"):
        Analyzer.from_pretrained(folder, device="cpu")


def test_unsure_labels_are_ours(bert: Path) -> None:
    with pytest.raises(OptionError, match="unsure_labels"):
        Analyzer.from_pretrained(bert, device="cpu", unsure_labels=True)


@pytest.mark.parametrize(("kind", "settings"), [("bert", {"hidden_act": "relu"}), ("roberta", {"hidden_act": "silu"})])
def test_settings_that_our_encoder_does_not_have_run_in_transformers(tmp_path: Path, kind: str, settings: dict[str, str]) -> None:
    folder = write_classifier(tmp_path / kind, kind, LABELS, **settings)
    runtime, _ = loaded(folder)
    assert isinstance(runtime.network, ClassifierOfRuns)
    texts = tokens_of(folder)
    found = runtime.score(texts)
    most = 200 - (2 if kind == "roberta" else 0) - 2
    fitting = [index for index, text in enumerate(texts) if len(text.ids) <= most]
    expected = in_transformers(folder, [texts[index] for index in fitting], runtime.special)
    assert np.abs(found.logits[fitting] - expected).max() < TOLERANCE
    ids = np.random.default_rng(1).integers(6, 100, most + 1).astype(np.int32)
    assert runtime.score([TokenisedText(ids[:-1], None), TokenisedText(ids, None)]).windows.tolist() == [1, 2]
