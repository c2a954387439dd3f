"""Hugging Face encoders in the place of our own: the same states as in transformers, and the same answers in any batch."""

import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import ForeignConfig
from cxsentiment.encoder.ngrams import BOUNDARY, Spelling, characters
from cxsentiment.encoder.runtime import Runtime, load_runtime
from cxsentiment.encoder.tokenise import pieces_of, special_ids
from cxsentiment.text import fold
from cxsentiment.training import base
from cxsentiment.training.base import Base
from cxsentiment.training.finetune import RATES
from cxsentiment.training.run import Recipe, write_model
from cxsentiment.weights import read_manifest
from tests.conftest import SENTENCES
from tests.tiny_bases import BASES, ROBERTA_SPECIAL, some_texts, write_base

STATE_TOLERANCE = 1e-5
LOGIT_TOLERANCE = 2e-5
INT8_TOLERANCE = 0.2


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", params=list(BASES))
def any_base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("bases") / request.param, request.param)


def ragged(encoder: ForeignEncoder, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(5, len(encoder.embeddings), (len(lengths), max(lengths)), generator=generator)
    for row, length in enumerate(lengths):
        ids[row, length:] = 0
    return ids, torch.tensor(lengths)


# ---- states -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [[9], [3, 40, 1, 17], [160, 2, 97]])
def test_states_are_those_of_transformers_however_they_are_batched(any_base: Path, lengths: list[int]) -> None:
    theirs = transformers.AutoModel.from_pretrained(any_base).eval()
    encoder = Base.find(str(any_base)).start()[1].encoder
    ids, sizes = ragged(encoder, lengths)
    with torch.inference_mode():
        together = encoder(ids, sizes)
        for row, length in enumerate(lengths):
            expected = theirs(ids[row : row + 1, :length]).last_hidden_state[0]
            alone = encoder(ids[row : row + 1, :length], sizes[row : row + 1])[0]
            assert torch.allclose(alone, expected, atol=STATE_TOLERANCE)
            assert torch.allclose(together[row, :length], expected, atol=STATE_TOLERANCE)
            assert not together[row, length:].any()
    assert together[0, : lengths[0]].std() > 0.1


def test_it_learns_without_dropout_and_in_every_weight(any_base: Path) -> None:
    model = Base.find(str(any_base)).start()[1].train()
    ids, lengths = ragged(model.encoder, [30, 12])
    assert torch.equal(model.encoder(ids, lengths), model.encoder(ids, lengths))
    model.encoder(ids, lengths).square().sum().backward()  # type: ignore[no-untyped-call]
    assert [name for name, weight in model.encoder.named_parameters() if weight.grad is None] == []
    assert any(weight is model.encoder.embeddings for weight in model.encoder.parameters())
    assert RATES[type(model.config)].body < 1e-4


def test_angles_of_rotary_positions_stay_exact_in_low_precision(tmp_path: Path) -> None:
    model = Base.find(str(write_base(tmp_path, "modernbert"))).start()[1]
    Runtime(model, (2, 3), "cpu", "bfloat16", 100)
    assert model.encoder.embeddings.dtype == torch.bfloat16
    assert {buffer.dtype for buffer in model.encoder.buffers() if buffer.is_floating_point()} == {torch.float32}


# ---- vocabularies -----------------------------------------------------------------------------------------------------------------


def test_special_tokens_are_the_tokenizers_own_and_its_cutting_and_padding_are_off(any_base: Path) -> None:
    tokenizer, _ = Base.find(str(any_base)).start()
    assert [tokenizer.id_to_token(index) for index in special_ids(tokenizer)] in (["[CLS]", "[SEP]"], ["<s>", "</s>"])
    assert len(tokenizer.encode(" ".join(SENTENCES)).ids) > 50
    assert len(tokenizer.encode("a").ids) < 5


def spelled(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words that the wide branch sees, without the signs that vocabularies split off."""
    flat = torch.tensor(tokenizer.encode(f" {text}", add_special_tokens=False).ids)
    codes, _ = characters(Spelling.of(pieces_of(tokenizer)), flat, torch.tensor([len(flat)]))
    written = "".join(" " if code == BOUNDARY else chr(code) for code in codes.tolist())
    return without_signs(fold(written.encode("utf-8", "surrogateescape").decode("utf-8")))


def without_signs(text: str) -> list[str]:
    return text.translate({ord(sign): None for sign in ",#"}).split()


@pytest.mark.parametrize("text", [*SENTENCES[:7], "x## Ġ"])
def test_words_are_spelled_alike_in_every_vocabulary(any_base: Path, text: str) -> None:
    tokenizer, _ = Base.find(str(any_base)).start()
    assert spelled(tokenizer, text) == without_signs(fold(text))


def test_words_are_spelled_by_a_vocabulary_that_marks_their_ends() -> None:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=ROBERTA_SPECIAL, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    assert spelled(tokenizer, SENTENCES[2]) == without_signs(fold(SENTENCES[2]))


def test_letters_of_bytes_are_folded_like_others() -> None:
    spelling = Spelling.of(["ĠPÅĤyn", "Ġ", "ĠÎ", "¬", "Î¬Ïģ"])
    codes = [spelling.codes[start : start + count].tolist() for start, count in zip(spelling.starts, spelling.counts, strict=True)]
    assert codes == [[BOUNDARY, *map(ord, "plyn")], [BOUNDARY], [BOUNDARY, 0xDCCE], [0xDCAC], [*map(ord, "αρ")]]


# ---- whole models ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [True, False])
def test_a_model_around_any_base_loads_and_scores_alike_in_any_batch(
    any_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact: bool
) -> None:
    monkeypatch.setattr(base, "ForeignConfig", partial(ForeignConfig, wide_buckets=4096))
    tokenizer, model = Base.find(str(any_base)).start()
    torch.nn.init.normal_(model.wide.table)
    recipe = Recipe("around", "1", 1, 100, 1, {})
    write_model(recipe, model, tokenizer, tmp_path, exact=exact)
    manifest = read_manifest(tmp_path)
    assert "config.json" in manifest.files
    runtime, tokeniser = load_runtime(manifest, "cpu", "float32", 4096)
    ids, lengths = ragged(model.encoder, [50, 7])
    with torch.inference_mode():
        difference = (runtime.model.encoder(ids, lengths) - model.encoder(ids, lengths)).abs().max()
    assert difference < (1e-6 if exact else INT8_TOLERANCE)
    texts = tokeniser(some_texts(), [True] * len(some_texts()))
    order = random.Random(1).sample(range(len(texts)), len(texts))
    together = runtime.score([texts[index] for index in order])
    firsts = np.cumsum([0, *(len(texts[index].ids) for index in order)])
    assert together.windows.max() > 3
    for place, index in enumerate(order):
        alone = runtime.score([texts[index]])
        for name in ("sentiment", "emotions", "wide_sentiment", "wide_emotions", "story"):
            assert np.abs(getattr(alone, name)[0] - getattr(together, name)[place]).max() < LOGIT_TOLERANCE
        assert np.abs(alone.tokens - together.tokens[firsts[place] : firsts[place + 1]]).max() < LOGIT_TOLERANCE
    assert np.ptp(together.sentiment, axis=0).max() > 100 * LOGIT_TOLERANCE
    assert np.ptp(together.wide_sentiment, axis=0).max() > 100 * LOGIT_TOLERANCE


def test_our_own_models_do_without_transformers() -> None:
    code = "import sys, cxsentiment.analyzer, cxsentiment.encoder.foreign; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
