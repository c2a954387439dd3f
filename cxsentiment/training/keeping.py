"""What a finished model knows of touchpoints is kept while other things are learnt: its own answers are the target, where none are marked.

Annotated comments that a model has seen for hours it knows by heart, and what it still learns on them tells nothing of others. Texts
without annotations it has not learnt by heart: there its answers are what it knows (learning without forgetting: Li and Hoiem, 2016, ECCV).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from cxsentiment.encoder.model import CxModel
from cxsentiment.tags import BEGINS, FIRST_POLARITY, TAGS
from cxsentiment.training.examples import Example
from cxsentiment.training.finetune import POLARITY_WEIGHT, TAG_WEIGHT
from cxsentiment.training.loop import mixed_precision


class Keeper:
    """A model whose mentions of touchpoints are kept; it does not learn."""

    def __init__(self, model: CxModel) -> None:
        self._model = model.eval().requires_grad_(False)

    def loss(self, logits: torch.Tensor, ids: torch.Tensor, lengths: torch.Tensor, batch: Sequence[Example]) -> torch.Tensor:
        """How far token logits [batch, length, TOKEN_LOGITS] are from the kept ones: a sum over the tokens of texts that are not marked.

        `ids` are [batch, length], `lengths` [batch]. Beginnings and feelings count as far as the kept model sees a mention.
        """
        device = ids.device
        with torch.no_grad(), mixed_precision(device):
            kept = self._model.to(device).heads.tokens(self._model.encoder(ids, lengths).float())
        places = torch.arange(ids.shape[1], device=device)
        inside = (places > 0) & (places < lengths[:, None] - 1)
        inside = inside & ~torch.tensor([example.marked for example in batch], device=device)[:, None]
        logits, kept = logits[inside].float(), kept[inside].float()
        mention = 1.0 - kept[:, :TAGS].softmax(1)[:, 0]
        begins = functional.binary_cross_entropy_with_logits(logits[:, BEGINS], kept[:, BEGINS].sigmoid(), reduction="none")
        tags = _divergence(logits[:, :TAGS], kept[:, :TAGS]) + mention * begins
        polarities = mention * _divergence(logits[:, FIRST_POLARITY:], kept[:, FIRST_POLARITY:])
        total: torch.Tensor = TAG_WEIGHT * tags.sum() + POLARITY_WEIGHT * polarities.sum()
        return total


def _divergence(logits: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Of Kullback and Leibler, of each row."""
    return functional.kl_div(logits.log_softmax(1), kept.log_softmax(1), reduction="none", log_target=True).sum(1)
