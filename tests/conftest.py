"""What the tests share: hypothesis profiles, and a tiny model with random weights that behaves like a real one but for its answers."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from cxsentiment.analyzer import Analyzer
from cxsentiment.encoder.model import CxModel, EncoderConfig
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import pieces_of
from cxsentiment.heads import BranchWeights, Calibration
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS
from cxsentiment.story import STORY
from cxsentiment.training.vocabulary import SPECIAL_TOKENS, folding_normalizer
from cxsentiment.weights import save_arrays, write_manifest

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

SENTENCES = (
    "Το προσωπικό ήταν ευγενικό αλλά το app κολλάει συνέχεια",
    "η παράδοση άργησε δέκα μέρες και κανείς δεν σήκωνε το τηλέφωνο",
    "Obsługa klienta bardzo miła, polecam ten sklep",
    "paczka przyszła uszkodzona i nikt nie odpisuje na maile",
    "Livrarea a întârziat iar curierul a fost nepoliticos",
    "aplicația merge foarte bine, mulțumesc",
    "The courier was rude but the girl on the phone saved the day",
    "great prices, terrible waiting time, I will not come back 😡",
)

WALLET = """
extends = "default"
[types.wallet]
group = "channels"
description = "The wallet in the app."
labels.en = "Wallet"
phrases.en = ["e-wallet"]
"""
"""A taxonomy file that adds a type to the packaged one."""


def tiny_tokenizer() -> Tokenizer:
    """A tokenizer of some hundred pieces over `SENTENCES`, normalising as the real one does."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=True))
    tokenizer.normalizer = folding_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()])
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=list(SPECIAL_TOKENS), show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def write_tiny_model(
    folder: Path, hidden: int = 32, heads: int = 4, intermediate: int = 64, head_hidden: int = 16, **calibration: Any
) -> Path:
    """A complete model folder with random weights, and a calibration changed as given."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tiny_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = EncoderConfig(tokenizer.get_vocab_size(), hidden, 2, heads, intermediate, 256, head_hidden=head_hidden, wide_buckets=512)
    torch.manual_seed(7)
    model = CxModel(config, Spelling.of(pieces_of(tokenizer)))
    torch.nn.init.normal_(model.wide.table, std=0.5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("weight") and parameter.ndim == 2:
                parameter.mul_(3.0)
    arrays = {name: tensor.numpy().astype(np.float32) for name, tensor in model.state_dict().items()}
    save_arrays(folder / "weights.safetensors", arrays)
    (folder / "README.md").write_text("# tiny\n\nRandom weights, for tests.\n", encoding="utf-8")
    write_manifest(folder, "tiny", "0", asdict(config), some_calibration(0.3, **calibration))
    return folder


def some_calibration(wide: float = 0.0, **changes: Any) -> Calibration:
    """A calibration that changes little; all mentions are phrases, since random weights would find some everywhere."""
    plain = {
        "sentiment": BranchWeights(1.0, wide, 0.1, (0.0,) * len(SENTIMENTS)),
        "emotions": BranchWeights(1.0, wide, 0.0, (0.0,) * len(EMOTIONS)),
        "emotion_thresholds": (0.5,) * len(EMOTIONS),
        "polarity_scale": 1.0,
        "polarity_bias": (0.0,) * len(POLARITIES),
        "outside_bias": 100.0,
        "phrase_share": 0.0,
        "story_thresholds": (0.5,) * len(STORY),
        "story_unsure": (False,) * len(STORY),
    }
    return Calibration(**(plain | changes))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def eager_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that calls every word a touchpoint, and is unsure of every label of the story but gives it at once when asked."""
    labels = len(STORY)
    return write_tiny_model(
        tmp_path_factory.mktemp("models") / "eager",
        outside_bias=-100.0,
        story_thresholds=(1e-6,) * labels,
        story_unsure=(True,) * labels,
    )


@pytest.fixture(scope="session")
def tiny_analyzer(tiny_model: Path) -> Analyzer:
    return Analyzer.from_pretrained(tiny_model, device="cpu", cache_size=0)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads only wait for each other over matrices as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
