"""The wide branch learns by itself, apart from the encoder, or it would learn the training set by heart for both."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from cxsentiment.encoder.model import CxModel, WideBranch, tf_idf, weighted_rows
from cxsentiment.results import SENTIMENTS
from cxsentiment.training.corpus import Document
from cxsentiment.training.examples import COMMENTS, GREEKLISH_SHARE, Example, Targets, examples, greeklish
from cxsentiment.training.finetune import text_loss
from cxsentiment.training.labels import SCHEMES

FILE = "ngrams.pt"
BATCH = 256
EPOCHS = 5
RATE = 0.15
FIRST_SQUARES = 1e-3
RAREST = 2
COUNTING_TEXTS = 2048
LONGEST_TEXT = 700
SMALL_SET_PASSES = 2.0


@dataclass(frozen=True, slots=True)
class Bags:
    """The n-grams of many texts, text after text: `buckets` int32 and `weights` float32 [n-grams], `firsts` int64 [texts + 1]."""

    buckets: torch.Tensor
    weights: torch.Tensor
    firsts: torch.Tensor

    def take(self, rows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Buckets, weights and how many each text has, of some texts."""
        stretches = [slice(int(self.firsts[row]), int(self.firsts[row + 1])) for row in rows]
        held = torch.tensor([stretch.stop - stretch.start for stretch in stretches])
        return torch.cat([self.buckets[one] for one in stretches]).long(), torch.cat([self.weights[one] for one in stretches]), held


def train_wide(model: CxModel, tokenizer: Tokenizer, documents: Sequence[Document], seed: int, folder: Path) -> None:
    """Trains the wide branch in place, by AdaGrad (Duchi et al. 2011): rare n-grams take longer steps than frequent ones."""
    path = folder / FILE
    if path.exists():
        model.wide.load_state_dict(torch.load(path, weights_only=True))
        return
    learnt = examples([*documents, *_again(documents), *_greeklish(documents, random.Random(seed))], tokenizer)
    bags = _bags(model.wide, learnt)
    with torch.no_grad():
        model.wide.table.zero_()
    squares = torch.full_like(model.wide.table, FIRST_SQUARES)
    generator = torch.Generator().manual_seed(seed)
    batches = [batch for _ in range(EPOCHS) for batch in torch.split(torch.randperm(len(learnt), generator=generator), BATCH)]
    for step, batch in enumerate(batches):
        _learn(model.wide, squares, bags, [(row, learnt[row]) for row in batch.tolist()], RATE * (1.0 - step / len(batches)))
    torch.save(model.wide.state_dict(), path)


def _learn(wide: WideBranch, squares: torch.Tensor, bags: Bags, batch: Sequence[tuple[int, Example]], rate: float) -> None:
    """One step; only the rows of the batch's n-grams are touched."""
    buckets, weights, held = bags.take([row for row, _ in batch])
    touched, places = torch.unique(buckets, return_inverse=True)
    rows = wide.table.detach()[touched].requires_grad_()
    bias = wide.bias.detach().requires_grad_()
    logits = weighted_rows(rows, places, weights, held) + bias
    targets = Targets.of([example for _, example in batch])
    loss = text_loss(logits[:, : len(SENTIMENTS)], logits[:, len(SENTIMENTS) :], targets) * len(batch)
    slope, bias_slope = torch.autograd.grad(loss, (rows, bias))
    with torch.no_grad():
        squares[touched] += slope.square()
        wide.table[touched] = rows - rate * slope / squares[touched].sqrt()
        wide.bias.sub_(0.01 * rate * bias_slope)


def _bags(wide: WideBranch, learnt: Sequence[Example]) -> Bags:
    """All texts' n-grams with their weights; sets the branch's `rarity` from them. N-grams of a single text weigh nothing."""
    parts = list(_counted(wide, learnt))
    buckets = torch.cat([part[0] for part in parts])
    counts = torch.cat([part[1] for part in parts])
    held = torch.cat([part[2] for part in parts])
    frequency = torch.bincount(buckets, minlength=len(wide.table))
    rarity = torch.log((1 + len(learnt)) / (1 + frequency)) + 1.0
    with torch.no_grad():
        wide.rarity.copy_(rarity.masked_fill(frequency < RAREST, 0.0))
    texts = torch.repeat_interleave(torch.arange(len(held)), held)
    weights = tf_idf(texts, counts, wide.rarity.detach()[buckets], len(held))
    return Bags(buckets, weights, torch.cat([held.new_zeros(1), torch.cumsum(held, 0)]))


def _counted(wide: WideBranch, learnt: Sequence[Example]) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Buckets, counts and how many n-grams each text has, chunk by chunk."""
    for start in range(0, len(learnt), COUNTING_TEXTS):
        some = [example.flat[:LONGEST_TEXT] for example in learnt[start : start + COUNTING_TEXTS]]
        flat, lengths = torch.tensor([token for ids in some for token in ids]), torch.tensor([len(ids) for ids in some])
        texts, buckets, counts = wide.ngrams(flat, lengths)
        yield buckets.int(), counts.short(), torch.bincount(texts, minlength=len(some))


def _again(documents: Sequence[Document]) -> list[Document]:
    """The documents of small sets a second time, or the large ones would outweigh what only they know."""
    return [one for one in documents if SCHEMES[one.dataset].passes >= SMALL_SET_PASSES and one.dataset not in COMMENTS]


def _greeklish(documents: Sequence[Document], rng: random.Random) -> list[Document]:
    """Half of the Greek documents once more, in Latin letters."""
    return [greeklish(document, rng) for document in documents if document.lang == "el" and rng.random() < GREEKLISH_SHARE]
