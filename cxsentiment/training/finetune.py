"""Step 2: multi-task learning with partial labels; each set supervises only what it annotates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from cxsentiment.encoder.model import CxModel, pool
from cxsentiment.training.corpus import Document
from cxsentiment.training.examples import Example, Targets, examples, one_round
from cxsentiment.training.loop import (
    IndexBatch,
    Stage,
    StageSettings,
    mixed_precision,
    pad,
    restore_finished,
    shuffled_batches,
    training_device,
)

STAGE = "finetune"
WHOLE_SCHEME_WEIGHT = 0.2
POLARITY_WEIGHT = 0.4
BATCH_TOKENS = 4096
WIDE_BATCH = 256
WIDE_EPOCHS = 4


def finetune(model: CxModel, tokenizer: Tokenizer, documents: Sequence[Document], time_budget: float, seed: int, folder: Path) -> None:
    """Trains (or resumes) encoder and heads on the documents, in place."""
    module = torch.nn.ModuleDict({"encoder": model.encoder, "heads": model.heads})
    if restore_finished(STAGE, module, folder):
        return
    torch.manual_seed(seed)
    module.to(training_device())
    learnt = examples(one_round(documents, seed), tokenizer)
    embeddings = model.encoder.words.weight
    body = [parameter for parameter in model.encoder.parameters() if parameter is not embeddings]
    groups = [
        {"params": [embeddings], "lr": 4e-4, "weight_decay": 0.0},
        {"params": body, "lr": 1.2e-4, "weight_decay": 0.01},
        {"params": list(model.heads.parameters()), "lr": 6e-4, "weight_decay": 0.01},
    ]
    stage = Stage(StageSettings(STAGE, steps=40_000, time_budget=time_budget, averaging=0.995), module, groups, folder)

    def loss(batch: IndexBatch) -> torch.Tensor:
        return deep_loss(model, [learnt[index] for index in batch])

    stage.run(shuffled_batches([len(example.ids) for example in learnt], BATCH_TOKENS, seed), loss)
    module.cpu()


def train_wide(model: CxModel, tokenizer: Tokenizer, documents: Sequence[Document], seed: int, folder: Path) -> None:
    """Trains the wide branch by itself, in place; apart from the encoder, or it would learn the training set by heart for both."""
    path = folder / "wide.pt"
    if path.exists():
        model.wide.load_state_dict(torch.load(path, weights_only=True))
        return
    torch.manual_seed(seed)
    learnt = examples(documents, tokenizer)
    torch.nn.init.normal_(model.wide.table.weight, std=0.01)
    sparse = torch.optim.SparseAdam(list(model.wide.table.parameters()), lr=4e-3)
    dense = torch.optim.AdamW([*model.wide.sentiment.parameters(), *model.wide.emotions.parameters()], lr=4e-3)
    size = min(WIDE_BATCH, max(len(learnt) // 2, 1))
    batches = [batch for _ in range(WIDE_EPOCHS) for batch in torch.split(torch.randperm(len(learnt)), size)]
    for step, indices in enumerate(batches):
        batch = [learnt[index] for index in indices.tolist()]
        for group in [*sparse.param_groups, *dense.param_groups]:
            group["lr"] = 4e-3 * (1.0 - step / len(batches))
        sentiment, emotions = model.wide(*flat_ids(batch))
        wide_loss = text_loss(sentiment, emotions, Targets.of(batch))
        wide_loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in (sparse, dense):
            optimizer.step()  # type: ignore[no-untyped-call]
            optimizer.zero_grad(set_to_none=True)
    torch.save(model.wide.state_dict(), path)


def flat_ids(batch: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Flat ids of whole texts and their lengths, as the wide branch takes them."""
    return torch.tensor([token for example in batch for token in example.flat]), torch.tensor([len(example.flat) for example in batch])


def deep_loss(model: CxModel, batch: Sequence[Example]) -> torch.Tensor:
    """Loss of encoder and heads on a batch: sentiment, emotions and span polarity."""
    device = model.encoder.words.weight.device
    ids, lengths = pad([example.ids for example in batch], device)
    with mixed_precision(device):
        states = model.encoder(ids, lengths)
    total, largest = pool(states, lengths)
    mean = total / lengths[:, None]
    pooled = torch.cat([mean, largest], dim=1)
    loss = text_loss(model.heads.sentiment(pooled), model.heads.emotions(pooled), Targets.of(batch, device))
    spans = [(row, *span) for row, example in enumerate(batch) for span in example.spans]
    if not spans:
        return loss
    vectors = torch.stack([states[row, first:end].float().mean(0) for row, first, end, _ in spans])
    logits = model.polarity_logits(vectors, mean[[row for row, *_ in spans]])
    polarity = functional.cross_entropy(logits, torch.tensor([polarity for *_, polarity in spans], device=device), reduction="sum")
    return loss + POLARITY_WEIGHT * polarity / len(batch)


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


def _set_loss(logits: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """-log of the probability of the allowed labels together; logits and allowed [batch, 4] -> [batch]."""
    return torch.logsumexp(logits, 1) - torch.logsumexp(logits.masked_fill(~allowed, -torch.inf), 1)
