"""Self-attention over a batch of token sequences."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class SelfAttention(nn.Module):
    """Multi-head self-attention with one fused projection for query, key and value.

    No dropout on the attention weights: it would rule out the fused kernels.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """States [batch, length, hidden] -> the same shape.

        Mask: bool [batch, 1, 1, length], true where a token stands; None when no sequence is padded.
        """
        batch, length, hidden = states.shape
        projected = self.qkv(states).view(batch, length, 3, self.heads, hidden // self.heads)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        projected_back: torch.Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, hidden))
        return projected_back
