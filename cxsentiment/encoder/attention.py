"""Self-attention over token sequences: padded ones while training, packed ones (one after the other, no padding) everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Padded:
    """Sequences [batch, length, hidden]. Mask: bool [batch, 1, 1, length], true where a token stands; None when none is padded."""

    mask: torch.Tensor | None


@dataclass(frozen=True, slots=True)
class Packed:
    """Sequences one after the other [tokens, hidden].

    `runs` are neighbours of equal length: (first token, how many sequences, their length). `starts` [sequences + 1] int32 on the device.
    """

    runs: tuple[tuple[int, int, int], ...]
    starts: torch.Tensor

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        return max(length for _, _, length in self.runs)


class SelfAttention(nn.Module):
    """Multi-head self-attention with one fused projection for query, key and value.

    No dropout on the attention weights: it would rule out the fused kernels.
    """

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, states: torch.Tensor, layout: Padded | Packed) -> torch.Tensor:
        """States as the layout says -> the same shape."""
        projected = self.qkv(states)
        if isinstance(layout, Padded):
            mixed = self._dense(projected, layout.mask)
        elif self._can_be_ragged(states):
            mixed = self._ragged(projected, layout)
        else:
            runs = [
                self._dense(projected[first : first + count * length].view(count, length, -1), None).flatten(0, 1)
                for first, count, length in layout.runs
            ]
            mixed = runs[0] if len(runs) == 1 else torch.cat(runs)
        projected_back: torch.Tensor = self.out(mixed)
        return projected_back

    def _can_be_ragged(self, states: torch.Tensor) -> bool:
        """Flash attention wants half precision, a device of 2020 or later, and heads of a multiple of 8 units."""
        if not states.is_cuda or states.dtype == torch.float32 or states.shape[-1] // self.heads % 8 or _varlen() is None:
            return False
        return torch.cuda.get_device_capability(states.device) >= (8, 0)

    def _dense(self, projected: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """[batch, length, 3 * hidden] -> [batch, length, hidden]."""
        query, key, value = projected.view(*projected.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)

    def _ragged(self, projected: torch.Tensor, layout: Packed) -> torch.Tensor:
        """[tokens, 3 * hidden] -> [tokens, hidden], with no padding anywhere."""
        query, key, value = projected.view(len(projected), 3, self.heads, -1).unbind(1)
        longest = layout.longest
        mixed: torch.Tensor = _varlen()(query, key, value, layout.starts, layout.starts, longest, longest)
        return mixed.flatten(1)


@cache
def _varlen() -> Any:
    """`torch.nn.attention.varlen.varlen_attn`, or None where this torch does not have it."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return varlen_attn
