"""Step 2: multi-task learning with partial labels; each set supervises only what it annotates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from cxsentiment.encoder.model import PAD_ID, CxModel, EncoderConfig, ForeignConfig, pool
from cxsentiment.story import FIRST_FLAG, FIRST_RELATION
from cxsentiment.tags import BEGINS, FIRST_POLARITY, TAGS
from cxsentiment.training.corpus import Document
from cxsentiment.training.examples import UNKNOWN, Example, Targets, examples, one_round
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
from cxsentiment.training.pretrain import Unlabelled

if TYPE_CHECKING:
    from cxsentiment.training.keeping import Keeper

WHOLE_SCHEME_WEIGHT = 0.2
POLARITY_WEIGHT, TAG_WEIGHT, SOMEWHERE_WEIGHT, STORY_WEIGHT, FLAG_WEIGHT = 0.5, 0.4, 0.1, 0.8, 0.6
BATCH_TOKENS = 4096
MAX_STEPS = 40_000
UNLABELLED_EVERY = 4
UNLABELLED_WEIGHT = 0.5
DROPPED, DROPPED_TEXTS = 0.12, 0.5


Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Rates:
    """Highest learning rates of the pieces' embeddings, of the encoder's body and of the heads."""

    embeddings: float
    body: float
    heads: float


# An encoder of others has learnt its language on far more text than is here, and would forget it at our rates.
RATES = {EncoderConfig: Rates(4e-4, 1.2e-4, 6e-4), ForeignConfig: Rates(3e-5, 3e-5, 6e-4)}


@dataclass(frozen=True, slots=True)
class Lesson:
    """One stretch of multi-task learning.

    `seeds` draws one round of documents each (see `one_round`) and orders them; `rate` scales the learning rates, which end at
    `floor` of their peak, and `heads` that of the heads once more. Of the documents that name no touchpoints the share `others` takes
    part. It ends after `seconds` or `steps`, whichever comes first.
    """

    name: str
    seconds: float
    seeds: tuple[int, ...]
    rate: float = 1.0
    floor: float = 0.02
    others: float = 1.0
    heads: float = 1.0
    steps: int = MAX_STEPS


def finetune(
    model: CxModel,
    tokenizer: Tokenizer,
    documents: Sequence[Document],
    lesson: Lesson,
    folder: Path,
    beside: Unlabelled | None = None,
    keeper: Keeper | None = None,
) -> None:
    """Trains (or resumes) encoder and heads on the documents, in place; every fourth batch without labels where `beside` is given.

    What is learnt beside keeps the encoder from learning the labelled sets by heart. The touchpoints of a `keeper` are kept.
    """
    module = torch.nn.ModuleDict({"encoder": model.encoder, "heads": model.heads})
    if beside:
        module["masked"] = beside.masked
    if restore_finished(lesson.name, module, folder):
        return
    torch.manual_seed(lesson.seeds[0])
    module.to(training_device())
    learnt = examples([document for seed in lesson.seeds for document in one_round(documents, seed, lesson.others)], tokenizer)
    settings = StageSettings(lesson.name, lesson.steps, lesson.seconds, averaging=0.995, floor=lesson.floor)
    groups = parameter_groups(model, lesson.rate, lesson.heads)
    if beside:
        groups.append(decayed_group(beside.masked.parameters(), groups[-1]["lr"]))
    stage = Stage(settings, module, groups, folder)

    def loss(batch: IndexBatch) -> torch.Tensor:
        if beside and batch[0] < 0:
            return UNLABELLED_WEIGHT * beside.loss(model.encoder, [-1 - index for index in batch])
        return deep_loss(model, [learnt[index] for index in batch], beside.mask_id if beside else None, keeper)

    batches = shuffled_batches([len(example.ids) for example in learnt], BATCH_TOKENS, lesson.seeds[0])
    stage.run(_with_unlabelled(batches, beside.batches(lesson.seeds[0])) if beside else batches, loss)
    module.cpu()


def polish(model: CxModel, tokenizer: Tokenizer, documents: Sequence[Document], lessons: Sequence[Lesson], folder: Path) -> list[Weights]:
    """The last lesson once for each seed from the same start: the weights that each leads to."""
    start = copied(model)
    ends = []
    for lesson in lessons:
        model.load_state_dict(start)
        finetune(model, tokenizer, documents, lesson, folder)
        ends.append(copied(model))
    return ends


def copied(module: torch.nn.Module) -> Weights:
    """A copy of a module's weights."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def mean_weights(several: Sequence[Weights]) -> Weights:
    """The mean of the weights of models that went different ways from one start (Wortsman et al. 2022)."""
    return {name: torch.stack([weights[name] for weights in several]).mean(0) for name in several[0]}


def deep_loss(model: CxModel, batch: Sequence[Example], mask_id: int | None = None, keeper: Keeper | None = None) -> torch.Tensor:
    """Loss of encoder and heads on a batch: sentiment, emotions, story, touchpoint tags and polarity.

    With a `mask_id`, some pieces are hidden in every second text, so that no text is known by one of its words. With a `keeper`, texts
    without marks are to be answered as it does.
    """
    device = model.encoder.embeddings.device
    ids, lengths = pad([example.ids for example in batch], device)
    if mask_id is not None:
        dropped = (torch.rand(ids.shape, device=device) < DROPPED) & (torch.rand(len(ids), 1, device=device) < DROPPED_TEXTS)
        ids = ids.masked_fill(dropped & (ids != PAD_ID), mask_id)
    with mixed_precision(device):
        states = model.encoder(ids, lengths)
    total, largest = pool(states, lengths)
    mean = total / lengths[:, None]
    pooled = torch.cat([mean, largest], dim=1)
    targets = Targets.of(batch, device)
    loss = text_loss(model.heads.sentiment(pooled), model.heads.emotions(pooled), targets)
    loss = loss + STORY_WEIGHT * story_loss(model.heads.story(pooled), targets)
    if keeper or any(example.marked or example.spans or example.somewhere for example in batch):
        tokens = model.heads.tokens(states.float())
        loss = loss + token_loss(tokens, batch) / len(batch)
        if keeper:
            loss = loss + keeper.loss(tokens, ids, lengths, batch) / len(batch)
    return loss


def story_loss(logits: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Loss of stage, relation, judgements and intents (see `story`) of the texts that tell them; a mean over the batch."""
    if not targets.told.any():
        return logits.new_zeros(())
    flags = functional.binary_cross_entropy_with_logits(logits[targets.told, FIRST_FLAG:], targets.flags[targets.told], reduction="sum")
    stages = functional.cross_entropy(logits[:, :FIRST_RELATION], targets.stage, reduction="sum")
    relations = functional.cross_entropy(logits[:, FIRST_RELATION:FIRST_FLAG], targets.relation, reduction="sum")
    return (stages + relations + FLAG_WEIGHT * flags) / len(logits)


def token_loss(logits: torch.Tensor, batch: Sequence[Example]) -> torch.Tensor:
    """Loss of touchpoint tags and polarity, a sum over the batch; token logits [batch, length, TOKEN_LOGITS] (see `tags`).

    Where not all touchpoints are marked, only the tokens of those whose type is known count.
    """
    kinds = torch.full(logits.shape[:2], UNKNOWN)
    begins = torch.zeros(logits.shape[:2])
    spans = []
    for row, example in enumerate(batch):
        if example.marked:
            kinds[row, 1 : len(example.ids) - 1] = 0
        for first, end, polarity, kind in example.spans:
            kinds[row, first:end] = kind + 1 if kind >= 0 else UNKNOWN
            begins[row, first] = 1.0
            spans.append((row, first, end, polarity))
    kinds, begins = kinds.to(logits.device), begins.to(logits.device)
    inside = kinds > 0
    loss = functional.cross_entropy(logits[..., :TAGS].flatten(0, 1), kinds.flatten(), ignore_index=UNKNOWN, reduction="sum")
    loss = loss + functional.binary_cross_entropy_with_logits(logits[..., BEGINS][inside], begins[inside], reduction="sum")
    loss = TAG_WEIGHT * loss
    for row, example in enumerate(batch):
        if example.somewhere:
            loss = loss + SOMEWHERE_WEIGHT * somewhere_loss(logits[row, 1 : len(example.ids) - 1, :TAGS], example.somewhere)
    spans = [span for span in spans if span[3] != UNKNOWN]
    if spans:
        means = torch.stack([logits[row, first:end, FIRST_POLARITY:].mean(0) for row, first, end, _ in spans])
        gold = torch.tensor([polarity for *_, polarity in spans], device=logits.device)
        loss = loss + POLARITY_WEIGHT * functional.cross_entropy(means, gold, reduction="sum")
    return loss


def somewhere_loss(tags: torch.Tensor, groups: Sequence[Sequence[int]]) -> torch.Tensor:
    """Loss of a text in which each group of types has a mention at an unknown place; its tokens' tag logits [tokens, TAGS]."""
    probabilities = tags.softmax(1)
    loss = tags.new_zeros(())
    for group in groups:
        here = probabilities[:, [kind + 1 for kind in group]].sum(1)
        nowhere = torch.log1p(-here.clamp(max=1 - 1e-4)).sum()
        loss = loss - torch.log(-torch.expm1(nowhere - 1e-6))
    return loss


def text_loss(sentiment: torch.Tensor, emotions: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Sentiment loss within each set's scheme plus a little over all four labels, and emotion loss over the known labels.

    Sentiment [batch, 4], emotions [batch, 15]; a mean over the batch.
    """
    labelled = targets.scheme.any(1)
    loss = sentiment.new_zeros(())
    if labelled.any():
        logits, allowed = sentiment[labelled], targets.allowed[labelled]
        within = _set_loss(logits.masked_fill(~targets.scheme[labelled], -torch.inf), allowed)
        sentiment_loss = (1 - WHOLE_SCHEME_WEIGHT) * within + WHOLE_SCHEME_WEIGHT * _set_loss(logits, allowed)
        loss = loss + (sentiment_loss * targets.weight[labelled]).sum() / len(sentiment)
    annotated = targets.known.any(1)
    if annotated.any():
        known = targets.known[annotated].float()
        each = functional.binary_cross_entropy_with_logits(emotions[annotated], targets.emotions[annotated], reduction="none")
        of_text = (each * known).sum(1) / known.sum(1).sqrt()
        loss = loss + (of_text * targets.weight[annotated]).sum() / len(sentiment)
    return loss


def without_dropout(encoder: torch.nn.Module) -> None:
    """Sets the encoder's dropout to zero: it costs time, and one pass over the data leaves nothing to guard against."""
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0


def parameter_groups(model: CxModel, rate: float, heads: float = 1.0) -> list[dict[str, Any]]:
    """What the optimizer learns, at `rate` times the network's `RATES`, the heads at `heads` times as much again."""
    rates = RATES[type(model.config)]
    groups = encoder_groups(model.encoder, rates.embeddings * rate, rates.body * rate)
    return [*groups, decayed_group(model.heads.parameters(), rates.heads * rate * heads)]


def _with_unlabelled(labelled: Iterator[IndexBatch], unlabelled: Iterator[IndexBatch]) -> Iterator[IndexBatch]:
    """Three labelled batches, then one without labels, whose indices are negative: -1 is the first."""
    while True:
        yield from itertools.islice(labelled, UNLABELLED_EVERY - 1)
        yield [-1 - index for index in next(unlabelled)]


def _set_loss(logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """-log of the probability of the allowed labels together; logits and allowed [batch, 4] -> [batch]."""
    return torch.logsumexp(logits, 1) - torch.logsumexp(logits.masked_fill(~allowed, -torch.inf), 1)
