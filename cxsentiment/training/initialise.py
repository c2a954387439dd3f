"""First embeddings of a new vocabulary, from the teacher's.

Each new piece starts as the mixture of those teacher pieces that translate it, found by IBM Model 1 (Brown et al. 1993) on parallel
sentences (the idea of RAMEN, Tran 2020); English text tokenised both ways counts as parallel too. Greeklish pieces start from the
Greek ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ids = Sequence[int]
Floats = npt.NDArray[np.float32]

ITERATIONS = 4
SMALLEST_SHARE = 0.02
SHORTEST_PREFIX = 4


def translation_embeddings(pairs: Sequence[tuple[Ids, Ids]], pieces: int, known: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Embeddings [pieces, width] of new pieces and which of them have one.

    Pairs hold (new ids, known ids) of sentences that mean the same; `known` is [known pieces, width].
    """
    new, old, groups = _links(pairs)
    keys, link = np.unique(new.astype(np.int64) * len(known) + old, return_inverse=True)
    key_new, key_old = keys // len(known), keys % len(known)
    probability = np.ones(len(keys)) / np.bincount(key_new, minlength=pieces)[key_new]
    for _ in range(ITERATIONS):
        weight = probability[link]
        weight /= np.add.reduceat(weight, groups)[np.repeat(np.arange(len(groups)), np.diff(np.append(groups, len(link))))]
        counts = np.bincount(link, weights=weight, minlength=len(keys))
        probability = counts / np.bincount(key_new, weights=counts, minlength=pieces)[key_new]
    kept = probability >= SMALLEST_SHARE
    embeddings = np.zeros((pieces, known.shape[1]), np.float32)
    np.add.at(embeddings, key_new[kept], probability[kept, None].astype(np.float32) * known[key_old[kept]])
    found = np.zeros(pieces, np.bool_)
    found[key_new[kept]] = True
    return _rescaled(embeddings, known, found), found


def fill_by_prefix(tokens: Sequence[str], embeddings: Floats, found: npt.NDArray[np.bool_], seed: int) -> Floats:
    """Gives each piece not found the mean of the found ones that share its longest prefix, or noise when there is none."""
    sums: dict[str, tuple[Floats, int]] = {}
    for index in np.flatnonzero(found).tolist():
        for end in range(SHORTEST_PREFIX, len(tokens[index]) + 1):
            total, count = sums.get(tokens[index][:end], (np.zeros(embeddings.shape[1], np.float32), 0))
            sums[tokens[index][:end]] = (total + embeddings[index], count + 1)
    noise = np.random.default_rng(seed)
    spread = embeddings[found].std(axis=0)
    filled = embeddings.copy()
    for index in np.flatnonzero(~found).tolist():
        token = tokens[index]
        prefix = next((token[:end] for end in range(len(token), SHORTEST_PREFIX - 1, -1) if token[:end] in sums), None)
        filled[index] = sums[prefix][0] / sums[prefix][1] if prefix else noise.normal(0, spread)
    return filled


def _links(pairs: Sequence[tuple[Ids, Ids]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """All (new, known) id pairs of each sentence; a group begins at each known id of a sentence."""
    new_parts, old_parts, sizes = [], [], []
    for new_ids, old_ids in pairs:
        new, old = np.unique(np.asarray(new_ids, np.int32)), np.unique(np.asarray(old_ids, np.int32))
        if len(new) and len(old):
            new_parts.append(np.tile(new, len(old)))
            old_parts.append(np.repeat(old, len(new)))
            sizes.append(np.full(len(old), len(new)))
    size = np.concatenate(sizes)
    return np.concatenate(new_parts), np.concatenate(old_parts), np.cumsum(size) - size


def _rescaled(embeddings: Floats, known: Floats, found: npt.NDArray[np.bool_]) -> Floats:
    """Averaging shortens vectors; gives each the known ones' median length."""
    typical = np.median(np.linalg.norm(known, axis=1))
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    scaled: Floats = np.where(found[:, None], embeddings / np.maximum(lengths, 1e-6) * typical, embeddings).astype(np.float32)
    return scaled
