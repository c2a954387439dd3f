"""Other people's sequence classifiers on our core: architectures like BERT's as our encoder, packed; others by transformers, in runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.batch import Ints, pack, split
from cxsentiment.encoder.conversion import as_ours
from cxsentiment.encoder.core import OVERLAP, Core, Place, Tensors
from cxsentiment.encoder.devices import DTYPES, choose_devices, choose_precision
from cxsentiment.encoder.foreign_folder import ForeignFolder
from cxsentiment.encoder.model import Encoder
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import ModelError

LONGEST = 1024
"""Tokens of a window (special ones included) at most, if the model takes as many."""

Floats = npt.NDArray[np.float32]


class PackedClassifier(nn.Module):
    """Our encoder, and two layers on the state of a sequence's first token."""

    def __init__(self, encoder: Encoder, dense: nn.Linear, activation: Callable[[torch.Tensor], torch.Tensor], labels: nn.Linear) -> None:
        super().__init__()
        self.encoder = encoder
        self.dense = dense
        self.activation = activation
        self.labels = labels

    def forward(self, ids: torch.Tensor, layout: Packed) -> torch.Tensor:
        """Ids [tokens] of sequences one after the other -> logits [sequences, labels]."""
        first = self.encoder.packed(ids, layout)[layout.starts[:-1].long()].float()
        logits: torch.Tensor = self.labels(self.activation(self.dense(first)))
        return logits


class ClassifierOfRuns(nn.Module):
    """A classifier of transformers, which gets the sequences of each length together: so nothing has to be padded."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, ids: torch.Tensor, layout: Packed) -> torch.Tensor:
        """Ids [tokens] of sequences one after the other -> logits [sequences, labels]."""
        runs = [ids[first : first + count * length].view(count, length).long() for first, count, length in layout.runs]
        return torch.cat([self.body(input_ids=run, attention_mask=torch.ones_like(run)).logits for run in runs])


@dataclass(frozen=True, slots=True)
class Labels:
    """A classifier's labels in the order of its logits; whether a text has exactly one of them."""

    names: tuple[str, ...]
    exclusive: bool


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Logits [texts, labels] on the CPU in float32, and windows [texts]. Those of several windows are their mean, weighed by tokens."""

    logits: Floats
    windows: Ints


class ClassifierRuntime(Core[nn.Module]):
    """A sequence classifier on devices, in one precision."""

    def __init__(
        self, classifier: nn.Module, special: tuple[int, int], longest: int, device: str, dtype: str, token_budget: int | str
    ) -> None:
        devices = choose_devices(device)
        precision = choose_precision(dtype, devices[0], can_int8=False)
        body = classifier.encoder if isinstance(classifier, PackedClassifier) else classifier
        for weight in body.parameters():  # not buffers: angles of rotary positions need float32
            weight.data = weight.to(DTYPES[precision])
        self.special = special
        self._longest = min(longest, LONGEST) - 2
        super().__init__(classifier, devices, precision, token_budget)

    def score(self, texts: Sequence[TokenisedText]) -> LabelScores:
        """One forward pass over all windows of the texts, in batches under the token budget. Every text must have a token."""
        with self.place() as place, self.instruments.stage("forward"):
            flat = np.concatenate([text.ids for text in texts])
            windows = split([len(text.ids) for text in texts], self._longest, min(OVERLAP, self._longest // 2))
            found: list[tuple[Ints, torch.Tensor]] = []
            for batches in self.shares(place, windows.lengths + 2):
                for batch in batches:
                    (logits,) = self.run(place, pack(flat, windows, batch, self.special), _work(place))
                    found.append((batch, logits))
            order = np.concatenate([batch for batch, _ in found])
            of_windows = np.empty((len(windows), found[0][1].shape[1]), np.float32)
            of_windows[order] = torch.cat([logits for _, logits in found]).float().cpu().numpy()
        held = (windows.last - windows.first)[:, None]
        firsts = np.flatnonzero(np.diff(windows.text, prepend=-1))
        means = np.add.reduceat(of_windows * held, firsts, axis=0) / np.add.reduceat(held, firsts, axis=0)
        return LabelScores(means.astype(np.float32), np.bincount(windows.text, minlength=len(texts)))


def load_classifier(
    folder: ForeignFolder, device: str, dtype: str, token_budget: int | str
) -> tuple[ClassifierRuntime, TextTokeniser, Labels]:
    """Network, tokeniser and labels of a Hugging Face sequence classifier. Raises ModelError when it is none, or cannot be run."""
    from transformers import AutoModelForSequenceClassification

    body = folder.load(AutoModelForSequenceClassification)
    tokeniser = TextTokeniser(folder.tokenizer(len(body.get_input_embeddings().weight)))
    names = tuple(str(body.config.id2label[index]) for index in range(body.config.num_labels))
    if len(names) < 2 or body.config.problem_type == "regression":
        raise ModelError(f"{folder.name} rates texts, it does not classify them: a classifier with labels is needed")
    labels = Labels(names, body.config.problem_type != "multi_label_classification")
    network, special = _on_our_core(body), (tokeniser.cls_id, tokeniser.sep_id)
    return ClassifierRuntime(network, special, _longest(network, body), device, dtype, token_budget), tokeniser, labels


def _on_our_core(body: Any) -> nn.Module:
    inner = getattr(body, body.base_model_prefix)
    encoder = as_ours(inner)
    if encoder is None:
        return ClassifierOfRuns(body)
    if body.config.model_type == "bert":
        return PackedClassifier(encoder, inner.pooler.dense, torch.tanh, body.classifier)
    if body.config.model_type == "distilbert":
        return PackedClassifier(encoder, body.pre_classifier, torch.relu, body.classifier)
    return PackedClassifier(encoder, body.classifier.dense, torch.tanh, body.classifier.out_proj)


def _longest(network: nn.Module, body: Any) -> int:
    """Tokens that a sequence may have, special ones included."""
    if isinstance(network, PackedClassifier):
        return network.encoder.positions.num_embeddings
    positions = int(getattr(body.config, "max_position_embeddings", None) or LONGEST)
    padding = getattr(getattr(body.base_model, "embeddings", None), "padding_idx", None)  # as in RoBERTa: positions begin behind it
    return positions if padding is None else positions - padding - 1


def _work(place: Place[nn.Module]) -> Callable[[torch.Tensor, Packed], Tensors]:
    return lambda ids, layout: (place.network(ids, layout),)
