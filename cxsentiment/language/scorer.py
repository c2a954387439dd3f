"""The trained scorer: a linear model over hashed character n-grams of words, whose scores of words add up to those of a text.

A word's scores do not depend on its neighbours, so each distinct word is hashed once and remembered. Weights are int8 and sums are
whole numbers: a text has the same scores in any batch, on any machine.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

MODEL = Path(__file__).parent / "languages.safetensors"
OTHER = "other"
"""Class of the languages that the scorer has not learnt one by one."""

_LATIN = "bs ca cs da de en es et fi fr hr hu it lt lv nl no pl pt ro sk sl sq sr sv tr"
TRAINED: Mapping[str, Mapping[str, str]] = {
    "Latn": {**{code: code for code in _LATIN.split()}, "el": "el-Latn"},
    "Cyrl": {**{code: code for code in ("bg", "mk", "ru", "uk")}, "sr": "sr-Cyrl"},
}
"""For each script the languages that the scorer has learnt in it, with their classes."""

CLASSES = (*TRAINED["Latn"].values(), *TRAINED["Cyrl"].values(), OTHER)

FINE_CLASSES = ("el-Latn", "en", "pl", "ro")
"""Classes with a large table of their own beside the common one; all others share its last column."""

LONGEST_GRAM = 5
LENGTH_CLASSES = 3
REMEMBERED_WORDS = 80_000
WORDS_AT_ONCE = 4096
_START, _STOP = 1, 2
_FACTOR, _MIXER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_WHOLE_WORD = np.uint64(77)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the sums of the classes' (`CLASSES`) weights mean: logits are `sums / scale / temperature`.

    `temperatures` are those of texts of one, two and more words.
    """

    scale: float
    temperatures: tuple[float, ...]

    def temperature(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The temperature of texts of so many words."""
        return np.array(self.temperatures)[length_classes(counts)]


def length_classes(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the `temperatures` belongs to texts of so many words."""
    return np.clip(counts, 1, LENGTH_CLASSES) - 1


class Scorer:
    """Scores words; shared by all detectors, safe to use from several threads."""

    def __init__(self, table: NDArray[np.int8], fine: NDArray[np.int8], settings: Settings) -> None:
        self.settings = settings
        self._table = table
        self._fine = fine
        self._lock = threading.Lock()
        self._forget()

    @classmethod
    @cache
    def shared(cls) -> Scorer:
        """The scorer that ships with the package, loaded once."""
        with safe_open(MODEL, "np") as file:
            meta = file.metadata()
            settings = Settings(float(meta["scale"]), tuple(json.loads(meta["temperatures"])))
            return cls(file.get_tensor("table"), file.get_tensor("fine"), settings)

    def logits(self, texts: Sequence[Sequence[str]], classes: Sequence[str] = CLASSES) -> NDArray[np.float64]:
        """Logits [texts, classes] of texts given as words; all zero for a text without words."""
        counts = np.array([len(words) for words in texts])
        rows, vectors = self._rows([word for words in texts for word in words])
        sums = np.zeros((len(texts), vectors.shape[1]), np.int64)
        spoken = np.flatnonzero(counts)
        if len(spoken):
            starts = (np.cumsum(counts) - counts)[spoken]
            sums[spoken] = np.add.reduceat(vectors[rows], starts, axis=0, dtype=np.int64)
        columns = [CLASSES.index(name) for name in classes]
        logits: NDArray[np.float64] = sums[:, columns] / self.settings.scale / self.settings.temperature(counts)[:, None]
        return logits

    def _rows(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """For each word its row in an array of scores [rows, classes]."""
        with self._lock:
            if len(self._known) > REMEMBERED_WORDS:
                self._forget()
            new = list(dict.fromkeys(word for word in words if word not in self._known))
            if new:
                self._remember(new)
            known, vectors = self._known, self._vectors
            return np.fromiter((known[word] for word in words), np.int64, len(words)), vectors

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        self._vectors = np.zeros((1024, self._table.shape[1]), np.int32)

    def _remember(self, words: Sequence[str]) -> None:
        first = len(self._known)
        if first + len(words) > len(self._vectors):
            grown = np.zeros((max(2 * len(self._vectors), first + len(words)), self._table.shape[1]), np.int32)
            grown[:first] = self._vectors[:first]
            self._vectors = grown
        for start in range(0, len(words), WORDS_AT_ONCE):
            some = words[start : start + WORDS_AT_ONCE]
            self._vectors[first + start : first + start + len(some)] = self._scores(some)
        self._known.update(zip(words, range(first, first + len(words)), strict=True))

    def _scores(self, words: Sequence[str]) -> NDArray[np.int32]:
        """Sums of the rows of each word's n-grams [words, classes]."""
        hashes, counts = gram_hashes(words)
        starts = np.cumsum(counts) - counts
        common = np.add.reduceat(self._table[buckets(hashes, self._table)], starts, axis=0, dtype=np.int32)
        fine = np.add.reduceat(self._fine[buckets(hashes, self._fine)], starts, axis=0, dtype=np.int32)
        scores: NDArray[np.int32] = common + fine[:, FINE_COLUMN]
        return scores


FINE_COLUMN = np.array([FINE_CLASSES.index(name) if name in FINE_CLASSES else len(FINE_CLASSES) for name in CLASSES])
"""For each class its column in the fine table."""


def buckets(hashes: NDArray[np.uint64], table: Sized) -> NDArray[np.int64]:
    """The rows of a table (a power of two of them) that n-grams fall into."""
    bits = len(table).bit_length() - 1
    return (hashes >> np.uint64(64 - bits)).astype(np.int64)


def gram_hashes(words: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of all n-grams of words that are not empty, word after word, and how many each word has.

    The n-grams: 1 to 5 characters with a mark before and after the word, and the word as a whole.
    """
    joined = (chr(_STOP) + chr(_START)).join(words)
    points = np.frombuffer(f"{chr(_START)}{joined}{chr(_STOP)}".encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    word_of = np.cumsum(points == _START) - 1
    lengths = np.bincount(word_of)
    starts = np.cumsum(lengths) - lengths
    places = np.arange(len(points)) - starts[word_of]
    left = lengths[word_of] - places
    hashes, owners = [], []
    rolling = np.zeros(len(points), np.uint64)
    for length in range(1, LONGEST_GRAM + 1):
        rolling *= _FACTOR
        rolling[: max(len(points) - length + 1, 0)] += points[length - 1 :]
        whole = (left >= length) & ((points > _STOP) | (length > 1))
        hashes.append((rolling[whole] ^ np.uint64(length)) * _MIXER)
        owners.append(word_of[whole])
    powers = np.cumprod(np.concatenate([np.ones(1, np.uint64), np.full(int(lengths.max()), _FACTOR)]))
    hashes.append((np.add.reduceat(points * powers[places], starts) ^ _WHOLE_WORD) * _MIXER)
    owners.append(np.arange(len(lengths)))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return np.concatenate(hashes)[order], np.bincount(owner, minlength=len(words))


def save_scorer(path: Path, table: NDArray[np.int8], fine: NDArray[np.int8], settings: Settings) -> None:
    """Writes a scorer in the form that `Scorer.shared` reads."""
    from safetensors.numpy import save_file

    meta = {"scale": repr(settings.scale), "temperatures": json.dumps(settings.temperatures)}
    save_file({"table": table, "fine": fine}, path, metadata=meta)
