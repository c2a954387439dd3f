"""Tiny random Hugging Face encoders with tokenizers of all kinds, as bases to fine-tune."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tests.conftest import SENTENCES

TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 200}
TINY_DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 200}
TINY_MODERNBERT = TINY | {"local_attention": 8, "global_attn_every_n_layers": 2}
ROBERTA_IDS = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
MODERNBERT_IDS = {"cls_token_id": 2, "bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3, "pad_token_id": 0}
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return trained(tokenizer, trainers.WordPieceTrainer(vocab_size=300, special_tokens=BERT_SPECIAL, show_progress=False), "[CLS]", "[SEP]")


def byte_level(special: list[str], first: str, last: str) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    return trained(tokenizer, trainer, first, last)


def sentence_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=ROBERTA_SPECIAL, unk_token="<unk>", show_progress=False)
    return trained(tokenizer, trainer, "<s>", "</s>")


def trained(tokenizer: Tokenizer, trainer: Any, first: str, last: str) -> Tokenizer:
    """Trained on `SENTENCES`; cuts and pads of itself, as the tokenizers of some models do."""
    tokenizer.train_from_iterator([*SENTENCES, "## Ġ x##"], trainer)
    special = [(token, tokenizer.token_to_id(token)) for token in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=special)
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8)
    return tokenizer


BASES: dict[str, tuple[Callable[[int], Any], Callable[[], Tokenizer]]] = {
    "bert": (lambda size: transformers.BertModel(transformers.BertConfig(vocab_size=size, **TINY)), word_piece),
    "roberta": (
        lambda size: transformers.RobertaModel(transformers.RobertaConfig(vocab_size=size, **TINY, **ROBERTA_IDS)),
        partial(byte_level, ROBERTA_SPECIAL, "<s>", "</s>"),
    ),
    "xlm-roberta": (
        lambda size: transformers.XLMRobertaModel(transformers.XLMRobertaConfig(vocab_size=size, **TINY, **ROBERTA_IDS)),
        sentence_piece,
    ),
    "distilbert": (
        lambda size: transformers.DistilBertModel(transformers.DistilBertConfig(vocab_size=size, **TINY_DISTILBERT)),
        word_piece,
    ),
    "modernbert": (
        lambda size: transformers.ModernBertModel(transformers.ModernBertConfig(vocab_size=size, **TINY_MODERNBERT, **MODERNBERT_IDS)),
        partial(byte_level, BERT_SPECIAL, "[CLS]", "[SEP]"),
    ),
}


def write_base(folder: Path, kind: str) -> Path:
    make, tokenizer = BASES[kind]
    made = tokenizer()
    torch.manual_seed(3)
    model = make(max(made.get_vocab().values()) + 1).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(4.0)
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder


def write_classifier(folder: Path, kind: str, labels: Sequence[str], bias: Sequence[float] = (), **settings: Any) -> Path:
    """A sequence classifier with random weights, large enough for its answers to differ."""
    make, tokenizer = BASES[kind]
    made = tokenizer()
    config = make(max(made.get_vocab().values()) + 1).config
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    for name, value in settings.items():
        setattr(config, name, value)
    torch.manual_seed(4)
    model = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(10.0)
        if bias:
            model.classifier.bias.copy_(torch.tensor(bias))
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder


def some_texts() -> list[str]:
    rng = random.Random(3)
    words = " ".join(SENTENCES).split()
    return [*dict.fromkeys(" ".join(rng.choices(words, k=rng.choice([1, 2, 5, 12, 40, 300]))) for _ in range(20)), "great 😡"]
