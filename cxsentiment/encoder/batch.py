"""Which tokens go through the network together: windows of long texts, and batches of similar lengths under a token budget. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of texts, text after text: `start` and `end` are token positions in text number `text`; three arrays [windows]."""

    text: Ints
    start: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.text)

    @property
    def lengths(self) -> Ints:
        """Tokens in each window [windows]."""
        return self.end - self.start


def split(lengths: Sequence[int], size: int, overlap: int) -> Windows:
    """Windows of at most `size` tokens that cover texts of the given lengths; neighbours share `overlap` tokens.

    A text of no tokens gets no window. Raises ValueError unless 0 <= overlap < size.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap must be at least 0 and below the window size {size}, not {overlap}")
    text, start, end = [], [], []
    for index, length in enumerate(lengths):
        begin = 0
        while length:
            stop = min(begin + size, length)
            text.append(index)
            start.append(begin)
            end.append(stop)
            if stop == length:
                break
            begin = stop - overlap
    return Windows(np.array(text, np.int64), np.array(start, np.int64), np.array(end, np.int64))


def own_tokens(windows: Windows, batch: Ints) -> tuple[Ints, Ints, Ints]:
    """The tokens that a batch of windows answers for: row in the batch, column (after one special token), place among all tokens.

    Of the tokens that two windows of a text share, each answers for the half that is nearer to its middle. Three [tokens].
    """
    text, start, end = windows.text, windows.start, windows.end
    follows = np.concatenate([[False], text[1:] == text[:-1]])
    shared = np.where(follows, np.concatenate([[0], end[:-1]]) - start, 0)
    first = start + shared // 2
    last = np.where(np.concatenate([follows[1:], [False]]), np.concatenate([first[1:], [0]]), end)
    sizes = np.zeros(int(text.max()) + 1 if len(text) else 0, np.int64)
    np.maximum.at(sizes, text, end)
    offset = (np.cumsum(sizes) - sizes)[text]
    held = (last - first)[batch]
    rows = np.repeat(np.arange(len(batch)), held)
    tokens = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held) + np.repeat(first[batch], held)
    return rows, tokens - np.repeat(start[batch], held) + 1, tokens + np.repeat(offset[batch], held)


def plan(lengths: Ints, budget: int) -> list[Ints]:
    """Batches of indices into `lengths`, shortest sequences first, each of at most `budget` tokens counting padding.

    Every index is in exactly one batch; a sequence longer than the budget has a batch to itself.
    """
    order = np.argsort(lengths, kind="stable")
    batches, first = [], 0
    for position in range(1, len(order) + 1):
        if position == len(order) or lengths[order[position]] * (position + 1 - first) > budget:
            batches.append(order[first:position])
            first = position
    return batches
