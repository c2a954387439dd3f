"""Which tokens go through the network together: windows of long texts, and batches of similar lengths under a token budget. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of texts, text after text: token positions [start, end) in text number `text`, of which a window answers for [first, last).

    Of the tokens that two windows of a text share, each answers for the half that is nearer to its middle. `offset` counts the tokens of
    the texts before. Six arrays [windows].
    """

    text: Ints
    start: Ints
    end: Ints
    first: Ints
    last: Ints
    offset: Ints

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
    sizes = np.asarray(lengths, np.int64)
    counts = np.where(sizes > size, 1 + -(-(sizes - size) // (size - overlap)), np.minimum(sizes, 1))
    text = np.repeat(np.arange(len(sizes)), counts)
    number = np.arange(len(text)) - np.repeat(np.cumsum(counts) - counts, counts)
    start = number * (size - overlap)
    end = np.minimum(start + size, sizes[text])
    first = start + np.where(number > 0, overlap // 2, 0)
    last = np.where(number + 1 < counts[text], start + size - overlap + overlap // 2, end)
    return Windows(text, start, end, first, last, (np.cumsum(sizes) - sizes)[text])


def own_tokens(windows: Windows, batch: Ints) -> tuple[Ints, Ints, Ints]:
    """The tokens that a batch of windows answers for: row in the batch, column (after one special token), place among all tokens.

    Three [tokens].
    """
    first, held = windows.first[batch], (windows.last - windows.first)[batch]
    rows = np.repeat(np.arange(len(batch)), held)
    tokens = np.arange(held.sum()) - np.repeat(np.cumsum(held) - held, held) + np.repeat(first, held)
    return rows, tokens - np.repeat(windows.start[batch], held) + 1, tokens + np.repeat(windows.offset[batch], held)


def plan(lengths: Ints, budget: int) -> list[Ints]:
    """Batches of indices into `lengths`, shortest sequences first, each of at most `budget` tokens.

    Every index is in exactly one batch; a sequence longer than the budget has a batch to itself.
    """
    order = np.argsort(lengths, kind="stable")
    return np.split(order, cut(lengths[order], budget)[1:-1]) if len(order) else []


def cut(lengths: Ints, budget: int) -> Ints:
    """Where to cut sequences that lie one after the other into batches of at most `budget` tokens: [batches + 1], from 0 to their number.

    A sequence longer than the budget has a batch to itself.
    """
    ends = np.cumsum(lengths)
    cuts = [0]
    while cuts[-1] < len(lengths):
        done = int(ends[cuts[-1] - 1]) if cuts[-1] else 0
        cuts.append(max(int(np.searchsorted(ends, done + budget, "right")), cuts[-1] + 1))
    return np.array(cuts)


@dataclass(frozen=True, slots=True)
class Sequences:
    """Token sequences one after the other: `ids` [tokens], and number n holds [starts[n], starts[n + 1]); starts [sequences + 1]."""

    ids: Ids
    starts: Ints

    @property
    def runs(self) -> tuple[tuple[int, int, int], ...]:
        """Neighbours of equal length: (first token, how many sequences, their length)."""
        lengths = np.diff(self.starts)
        firsts = np.flatnonzero(np.concatenate([[True], lengths[1:] != lengths[:-1]])) if len(lengths) else np.zeros(0, np.int64)
        counts = np.diff(np.append(firsts, len(lengths)))
        return tuple(zip(self.starts[firsts].tolist(), counts.tolist(), lengths[firsts].tolist(), strict=True))


def halves(sequences: Sequences) -> tuple[Sequences, Sequences]:
    """The first and the second half of two or more sequences."""
    middle = (len(sequences.starts) - 1) // 2
    place = sequences.starts[middle]
    first = Sequences(sequences.ids[:place], sequences.starts[: middle + 1])
    return first, Sequences(sequences.ids[place:], sequences.starts[middle:] - place)


def pack(flat: Ids, windows: Windows, batch: Ints, special: tuple[int, int]) -> Sequences:
    """A batch of windows, each between two special tokens, from the ids of all texts [tokens], text after text."""
    lengths = windows.lengths[batch]
    starts = np.concatenate([[0], np.cumsum(lengths + 2)])
    ids = np.empty(starts[-1], np.int32)
    ids[starts[:-1]], ids[starts[1:] - 1] = special
    inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = windows.offset[batch] + windows.start[batch]
    ids[np.repeat(starts[:-1] + 1, lengths) + inside] = flat[np.repeat(first, lengths) + inside]
    return Sequences(ids, starts)
