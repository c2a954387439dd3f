"""How sure a score is, and a difference between two: bootstrap intervals, permutation tests, correction for many of them.

A statistic maps sums of rows [..., columns] to scores [...] (see `benchmark.metrics`), so it is computed for all resamples at once.
Equal rows are grouped, and how often each group is drawn comes from its own distribution: as drawing text by text, but a thousand texts
of a dozen kinds (gold label, what either contender says) cost a dozen draws. Equal seeds give equal results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from cxsentiment.benchmark.record import Interval

RESAMPLES = 10_000
CHUNK_ITEMS = 4_000_000
TIE = 1e-12
MULTINOMIAL_COST = 8
WORD = 64
ALL_BITS = 2**WORD - 1

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Statistic = Callable[[Floats], Floats]


def bootstrap(rows: npt.ArrayLike, strata: npt.ArrayLike, statistic: Statistic, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """The statistic of texts drawn with replacement within each stratum (Efron and Tibshirani 1993): draws [resamples].

    `rows` [texts, columns] are summed over the texts drawn; `strata` [texts] holds any labels, such as gold ones, whose numbers of texts
    are then those of the set in every resample. The order of the texts does not matter.
    """
    table, names = np.asarray(rows, np.float64), np.asarray(strata)
    groups = [_grouped(table[names == name]) for name in np.unique(names)]
    distinct = np.concatenate([table[:0], *(rows for rows, _ in groups)])
    generator = np.random.default_rng(seed)
    draws = [np.zeros(0)]
    for size in _chunks(resamples, max([*distinct.shape, *(_width(counts) for _, counts in groups)])):
        drawn = np.concatenate([np.zeros((size, 0)), *(_drawn(generator, counts, size) for _, counts in groups)], axis=1)
        draws.append(statistic(drawn @ distinct))
    return np.concatenate(draws)


def interval(draws: Floats, value: float, level: float = 0.95) -> Interval:
    """The percentile interval of bootstrap draws around the value of the whole set (Efron and Tibshirani 1993)."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def paired_bootstrap(
    rows_a: npt.ArrayLike, rows_b: npt.ArrayLike, strata: npt.ArrayLike, statistic: Statistic, resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """Draws [resamples] of the statistic of `rows_a` less that of `rows_b`, both of the same texts in every resample; see `bootstrap`."""
    first, second = np.asarray(rows_a, np.float64), np.asarray(rows_b, np.float64)
    columns = first.shape[1]

    def difference(sums: Floats) -> Floats:
        return statistic(sums[..., :columns]) - statistic(sums[..., columns:])

    return bootstrap(np.concatenate([first, second], axis=1), strata, difference, resamples, seed)


def paired_permutation(
    rows_a: npt.ArrayLike, rows_b: npt.ArrayLike, statistic: Statistic, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Two-sided p-value of a difference in the statistic, under the null hypothesis that the two are interchangeable on every text.

    Each resample swaps the two [texts, columns] on about half of the texts. The observed difference counts as one of the resamples, so p
    is never 0 and never too small (Phipson and Smyth 2010).
    """
    first, second = np.asarray(rows_a, np.float64), np.asarray(rows_b, np.float64)
    distinct, counts = _in_words(*_grouped((first - second)[(first != second).any(axis=1)]))
    totals = first.sum(axis=0), second.sum(axis=0)
    least = abs(statistic(totals[0]) - statistic(totals[1])) - TIE
    generator = np.random.default_rng(seed)
    extreme = 0
    for size in _chunks(resamples, max(len(counts), first.shape[1])):
        swapped = _heads(generator, counts, size) @ distinct
        extreme += int((np.abs(statistic(totals[0] - swapped) - statistic(totals[1] + swapped)) >= least).sum())
    return (1 + extreme) / (1 + resamples)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for there being several, in the order given (Holm 1979).

    Those at most alpha are significant, with a chance of at most alpha that any one of them is so by luck.
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def _grouped(rows: Floats) -> tuple[Floats, Integers]:
    """The distinct rows [groups, columns], in an order that depends on these alone, and how often each occurs [groups]."""
    if not rows.size:
        return np.zeros((0, rows.shape[1])), np.zeros(0, np.int64)
    # As single items of bytes they sort much faster than column by column; adding 0 makes -0 and 0 the same bytes.
    items = np.ascontiguousarray(rows + 0.0).view(np.dtype((np.void, rows.shape[1] * rows.itemsize))).ravel()
    _, first, counts = np.unique(items, return_index=True, return_counts=True)
    return rows[first], counts


def _drawn(generator: np.random.Generator, counts: Integers, size: int) -> Floats:
    """How often each group is drawn in as many draws as there are texts, [size, groups]: multinomial."""
    texts, groups = int(counts.sum()), len(counts)
    if not _is_text_by_text(counts):
        return generator.multinomial(texts, counts / texts, size).astype(np.float64)
    # Many small groups: text by text, each resample with numbers of groups of its own, so that one count serves all.
    drawn = np.repeat(np.arange(groups), counts)[generator.integers(texts, size=(size, texts), dtype=np.int32)]
    drawn += groups * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * groups).reshape(size, groups).astype(np.float64)


def _is_text_by_text(counts: Integers) -> bool:
    """Whether drawing each text costs less than drawing the number of each group."""
    return len(counts) * MULTINOMIAL_COST >= int(counts.sum())


def _width(counts: Integers) -> int:
    """Numbers that a resample takes while it is drawn."""
    return int(counts.sum()) if _is_text_by_text(counts) else len(counts)


def _in_words(rows: Floats, counts: Integers) -> tuple[Floats, Integers]:
    """The groups, those of more than 64 texts in parts of at most so many."""
    words = -(-counts // WORD)
    parts = np.full(int(words.sum()), WORD)
    parts[np.cumsum(words) - 1] = counts - WORD * (words - 1)
    return np.repeat(rows, words, axis=0), parts


def _heads(generator: np.random.Generator, counts: Integers, size: int) -> Floats:
    """How many of each group's texts (at most 64) show heads, [size, groups]: the ones among as many random bits."""
    bits = generator.integers(0, ALL_BITS, (size, len(counts)), np.uint64, endpoint=True)
    return np.bitwise_count(bits >> (WORD - counts).astype(np.uint64)).astype(np.float64)


def _chunks(resamples: int, width: int) -> Iterator[int]:
    """Sizes that add up to `resamples`, each so small that an array [size, width] has at most CHUNK_ITEMS items (32 MB)."""
    size = max(1, CHUNK_ITEMS // max(1, width))
    for start in range(0, resamples, size):
        yield min(size, resamples - start)
