"""Step 3: masked-token training on customers' own texts, while alignment goes on so that the languages stay together."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from cxsentiment.encoder.model import TextEncoder
from cxsentiment.encoder.tokenise import special_ids
from cxsentiment.language.greeklish import transliterate
from cxsentiment.text import clean_string
from cxsentiment.training.align import AlignmentData, alignment_examples, training_pairs
from cxsentiment.training.corpus import DataFolder, is_held_out, own_comments
from cxsentiment.training.loop import (
    IndexBatch,
    Stage,
    StageSettings,
    decayed_group,
    encoder_groups,
    mixed_precision,
    pad,
    restore_finished,
    shuffled_batches,
    training_device,
)
from cxsentiment.training.teacher import Teacher

STAGE = "pretrain"
WINDOW = 126
SHORTEST = 6
ENGLISH_SHARE = 0.25
GREEKLISH_SHARE = 0.35
RAW_CHARACTERS = 1_200_000
MASKED, MASK_SHARE, RANDOM_SHARE = 0.15, 0.8, 0.1
BATCH_TOKENS = 4096


class MaskedTokens(nn.Module):
    """Predicts masked pieces from their states; the output weights are the encoder's embeddings (Devlin et al. 2019)."""

    def __init__(self, width: int, pieces: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(pieces))

    def forward(self, states: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """States [masked, width] -> logits [masked, pieces]."""
        return functional.linear(self.norm(functional.gelu(self.dense(states))), embeddings, self.bias)


class Unlabelled:
    """What the encoder can learn from without labels: hidden pieces of texts, and the teacher's vectors of translations.

    Batches of indices below `len(pairs.student)` are pairs, the others texts.
    """

    def __init__(self, data: DataFolder, tokenizer: Tokenizer, width: int, seed: int, folder: Path) -> None:
        self.device = training_device()
        self.pieces = tokenizer.get_vocab_size()
        self.mask_id = tokenizer.get_vocab()["[MASK]"]
        self.special = special_ids(tokenizer)
        self.masked = MaskedTokens(width, self.pieces).to(self.device)
        self._source = (data, tokenizer, seed, folder)

    @cached_property
    def pairs(self) -> AlignmentData:
        """Translations and the teacher's vectors, read when first asked for."""
        data, tokenizer, seed, folder = self._source
        return alignment_examples(training_pairs(data, seed), tokenizer, Teacher.load(), folder, self.device)

    @cached_property
    def texts(self) -> list[list[int]]:
        """Ids of customers' own texts, read when first asked for."""
        data, tokenizer, seed, _ = self._source
        return windows(own_texts(data, seed), tokenizer)

    def loss(self, encoder: TextEncoder, batch: IndexBatch) -> torch.Tensor:
        """Mean loss of a batch of pairs or of texts."""
        if batch[0] < len(self.pairs.student):
            return self.pairs.loss(encoder, batch, self.device)
        ids, lengths = pad([self.texts[index - len(self.pairs.student)] for index in batch], self.device)
        hidden, chosen = hide(ids, lengths, self.mask_id, self.special, self.pieces)
        with mixed_precision(self.device):
            states = encoder(hidden, lengths)[chosen]
        return functional.cross_entropy(self.masked(states.float(), encoder.embeddings), ids[chosen])

    def batches(self, seed: int) -> Iterator[IndexBatch]:
        """Endless batches of pairs and of texts in turn."""
        pairs = shuffled_batches([len(ids) for ids in self.pairs.student], BATCH_TOKENS, seed)
        texts = shuffled_batches([len(ids) for ids in self.texts], BATCH_TOKENS, seed)
        for pair_batch, text_batch in zip(pairs, texts, strict=False):
            yield pair_batch
            yield [len(self.pairs.student) + index for index in text_batch]


def pretrain(encoder: TextEncoder, unlabelled: Unlabelled, time_budget: float, seed: int, folder: Path) -> None:
    """Trains (or resumes) the encoder and the prediction of hidden pieces, in place."""
    module = nn.ModuleDict({"encoder": encoder, "masked": unlabelled.masked})
    if restore_finished(STAGE, module, folder):
        return
    torch.manual_seed(seed)
    module.to(unlabelled.device)
    groups = [*encoder_groups(encoder, embeddings=8e-4, body=2e-4), decayed_group(unlabelled.masked.parameters(), 6e-4)]
    stage = Stage(StageSettings(STAGE, steps=60_000, time_budget=time_budget, floor=0.2), module, groups, folder)
    stage.run(unlabelled.batches(seed), lambda batch: unlabelled.loss(encoder, batch))
    module.cpu()


def own_texts(data: DataFolder, seed: int) -> list[str]:
    """What is masked: all training documents of el, pl, ro and some English ones, Greeklish copies, some of each raw source."""
    rng = random.Random(seed)
    documents = [document for document in data.documents("train") if document.lang != "en" or rng.random() < ENGLISH_SHARE]
    documents += [document for _, document in [*data.written(), *own_comments()] if not is_held_out(document.text)]
    found = [clean_string(document.text) for document in documents]
    greek = [document.text for document in documents if document.lang == "el"]
    found += [transliterate(clean_string(text), rng) for text in greek if rng.random() < GREEKLISH_SHARE]
    room: dict[str, int] = {}
    raw = list(data.raw_texts())
    rng.shuffle(raw)
    for _, text, source in raw:
        room[source] = room.get(source, RAW_CHARACTERS) - len(text)
        if room[source] > 0:
            found.append(text)
    return found


def windows(texts: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    """The texts' ids between special ones; long texts in stretches of `WINDOW` pieces."""
    first_id, last_id = special_ids(tokenizer)
    found = []
    for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False):
        ids = encoding.ids
        for start in range(0, len(ids), WINDOW):
            if len(ids) - start >= SHORTEST:
                found.append([first_id, *ids[start : start + WINDOW], last_id])
    return found


def hide(
    ids: torch.Tensor, lengths: torch.Tensor, mask_id: int, special: tuple[int, int], pieces: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hides one piece in seven, never a special one: ids with masks or random pieces in places, and where; all [batch, length]."""
    inside = torch.arange(ids.shape[1], device=ids.device)[None, :] < lengths[:, None]
    usual = inside & (ids != special[0]) & (ids != special[1])
    chosen = usual & (torch.rand(ids.shape, device=ids.device) < MASKED)
    chosen[:, 1] |= ~chosen.any(1)  # at least one in every text
    fate = torch.rand(ids.shape, device=ids.device)
    hidden = ids.masked_fill(chosen & (fate < MASK_SHARE), mask_id)
    changed = chosen & (fate >= MASK_SHARE) & (fate < MASK_SHARE + RANDOM_SHARE)
    return torch.where(changed, torch.randint_like(ids, 5, pieces), hidden), chosen
