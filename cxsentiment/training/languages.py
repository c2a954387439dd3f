"""Make `cxsentiment/language/languages.safetensors`: the scorer that tells about thirty languages and Greeklish apart.

    CXSENTIMENT_DATA=../shared/data python -m cxsentiment.training.languages

Needs the extra `train`, and takes about twenty minutes of one core and 4 GB.
"""

from __future__ import annotations

import argparse
import random
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from cxsentiment.language.scorer import (
    CLASSES,
    FINE_CLASSES,
    FINE_COLUMN,
    LENGTH_CLASSES,
    MODEL,
    Scorer,
    Settings,
    buckets,
    gram_hashes,
    length_classes,
    save_scorer,
)
from cxsentiment.language.words import words_of
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.language_data import CYRILLIC, PLAIN, class_texts, without_diacritics, word_shares

SPREAD = 0.5
"""Words are drawn by frequency to this power, so that rare ones are met too."""

RAREST = 1e-11
"""Share of a word in languages whose lists do not have it."""

ONE_WORD, TWO_WORDS = 0.4, 0.15
ENGLISH_AMONG: Mapping[str, float] = {"el-Latn": 0.4, "pl": 0.1, "ro": 0.1}
"""How often a stretch of a language has English words in it: customers mix them in."""

LONGEST_SEGMENT = 12
HELD_OUT_WORDS = 50
"""One in so many listed words is held out."""

FITTED_PIECES = 1000
TEMPERATURES = tuple(round(0.6 + 0.02 * step, 2) for step in range(121))
HASHED_AT_ONCE = 50_000
COMMON_BITS, FINE_BITS = 17, 19
FINE_SHARE = 3.0
"""How much likelier a text of the four languages is drawn; its weight is as much smaller."""

BATCH, RATE, FIRST_SQUARES, SOFTENING = 1024, 0.15, 1e-3, 0.3

Ids = NDArray[np.int32]


class Vocabulary:
    """Numbers of words."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def ids(self, words: Sequence[str]) -> Ids:
        """Numbers of the words; new words get the next ones."""
        return np.array([self.numbers.setdefault(word, len(self.numbers)) for word in words], np.int32)


@dataclass(frozen=True)
class Language:
    """What there is of a class: texts as flat word numbers, `firsts` [texts + 1], and a word list with cumulative chances."""

    flat: Ids
    firsts: NDArray[np.int64]
    listed: Ids
    chances: NDArray[np.float64]

    def sample(self, rng: np.random.Generator) -> tuple[Ids, bool]:
        """One, two or some neighbouring words, and whether they were drawn from the list."""
        draw = rng.random()
        if draw < ONE_WORD + TWO_WORDS:
            return self.listed_words(1 if draw < ONE_WORD else 2, rng), True
        text = int(rng.integers(len(self.firsts) - 1))
        first, end = int(self.firsts[text]), int(self.firsts[text + 1])
        size = min(end - first, int(rng.integers(1, LONGEST_SEGMENT + 1)))
        start = first + int(rng.integers(end - first - size + 1))
        return self.flat[start : start + size], False

    def listed_words(self, count: int, rng: np.random.Generator) -> Ids:
        """Some words of the list, each drawn by its chance."""
        places = np.searchsorted(self.chances, rng.random(count))
        return self.listed[np.minimum(places, len(self.listed) - 1)]


@dataclass(frozen=True)
class Material:
    """All classes' texts and words.

    `hashes` of each word's n-grams, word after word, `counts` of them; `rates` [words, classes]: logarithm of a word's share in each
    class; `plain`: number of the same word without diacritics.
    """

    languages: Sequence[Language]
    hashes: NDArray[np.uint32]
    counts: NDArray[np.int64]
    rates: NDArray[np.float16]
    plain: Ids

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """Where each word's hashes begin."""
        return np.cumsum(self.counts) - self.counts

    def draw(self, label: int, rng: np.random.Generator) -> tuple[Ids, NDArray[np.float32]]:
        """A piece of the class and the probability of each class: for listed words by their shares, for others certain."""
        words, listed = self.languages[label].sample(rng)
        if listed:
            logs = self.rates[words].astype(np.float32).sum(0)
            shares = np.exp(logs - logs.max())
            return words, shares / shares.sum()
        typed = self.plain[words] if rng.random() < PLAIN.get(CLASSES[label], 0.0) else words
        if len(words) > 1 and rng.random() < ENGLISH_AMONG.get(CLASSES[label], 0.0):
            places = rng.choice(len(words), size=int(rng.integers(1, max(len(words) // 3, 1) + 1)), replace=False)
            typed = typed.copy()
            typed[places] = self.languages[CLASSES.index("en")].listed_words(len(places), rng)
        return typed, np.eye(len(CLASSES), dtype=np.float32)[label]


def main() -> None:
    """Read the data, train, fit the temperature on what was held out and write the scorer into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts, held_out = class_texts(DataFolder.find(), rng)
    material, pieces = prepared(texts, rng)
    for name, some in held_out.items():
        pieces[name] += cut(some, rng)
    print(f"{len(material.counts)} words of {len(CLASSES)} classes", flush=True)
    tables = train(material, options.samples, options.seed)
    scale = 127.0 / max(float(np.quantile(np.abs(table), 0.9999)) for table in tables)
    common, fine = (np.clip(np.rint(table * scale), -127, 127).astype(np.int8) for table in tables)
    settings = fitted(Scorer(common, fine, Settings(scale, (1.0,) * LENGTH_CLASSES)), pieces)
    save_scorer(MODEL, common, fine, settings)
    print(f"{MODEL}: {MODEL.stat().st_size} bytes, {settings}")


def prepared(texts: Mapping[str, Sequence[str]], rng: random.Random) -> tuple[Material, dict[str, list[list[str]]]]:
    """What to learn from, and words and pairs of words of each class that are kept out of it."""
    vocabulary, languages, held_out = Vocabulary(), [], {}
    shares_of = {}
    for name in CLASSES:
        shares = word_shares(name, texts.get(name, ()), rng)
        kept = {word: share for word, share in shares.items() if zlib.crc32(word.encode()) % HELD_OUT_WORDS}
        unseen = sorted(set(shares) - set(kept))
        chances = [shares[word] ** SPREAD for word in unseen]
        drawn = rng.choices(unseen, chances, k=3 * FITTED_PIECES) if unseen else []
        held_out[name] = [[word] for word in drawn[::3]] + [list(pair) for pair in zip(drawn[1::3], drawn[2::3], strict=True)]
        languages.append(_language(texts.get(name, ()), kept, vocabulary))
        shares_of[name] = np.array(list(kept.values()))
    plain = vocabulary.ids([without_diacritics(word) for word in list(vocabulary.numbers)])
    plain = np.concatenate([plain, np.arange(len(plain), len(vocabulary.numbers), dtype=np.int32)])
    rates = np.full((len(vocabulary.numbers), len(CLASSES)), np.log(RAREST), np.float16)
    for label, (name, language) in enumerate(zip(CLASSES, languages, strict=True)):
        rates[language.listed, label] = np.log(shares_of[name] + RAREST)
    return Material(languages, *_all_hashes(list(vocabulary.numbers)), rates, plain), held_out


def _language(texts: Sequence[str], shares: Mapping[str, float], vocabulary: Vocabulary) -> Language:
    words = [some for some in words_of(texts) if some] or [[word] for word in shares]
    chances = np.cumsum(np.array(list(shares.values())) ** SPREAD)
    flat = vocabulary.ids([word for some in words for word in some])
    return Language(flat, np.cumsum([0, *map(len, words)]), vocabulary.ids(list(shares)), chances / chances[-1])


def _all_hashes(words: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """As `gram_hashes`, piece by piece, the upper half of each hash (which is what chooses its bucket)."""
    halves, counts = [], []
    for start in range(0, len(words), HASHED_AT_ONCE):
        hashes, held = gram_hashes(words[start : start + HASHED_AT_ONCE])
        halves.append((hashes >> np.uint64(32)).astype(np.uint32))
        counts.append(held)
    return np.concatenate(halves), np.concatenate(counts)


def cut(texts: Sequence[str], rng: random.Random) -> list[list[str]]:
    """A stretch of some words of some of the texts: words, pairs, more, whole texts."""
    pieces = []
    for words in words_of(rng.sample(list(texts), min(len(texts), FITTED_PIECES))):
        size = rng.choice((2, 2, 3, 4, 6, 8, 12, 16, len(words)))
        start = rng.randrange(max(len(words) - size, 0) + 1)
        if words:
            pieces.append(words[start : start + size])
    return pieces


class Weights:
    """A table that learns by AdaGrad (Duchi et al. 2011), touching only the rows of a batch."""

    def __init__(self, rows: int, columns: int) -> None:
        self.values = torch.zeros(rows, columns)
        self.squares = torch.full((rows, columns), FIRST_SQUARES)

    def logits(self, grams: NDArray[np.uint32], offsets: torch.Tensor) -> torch.Tensor:
        """Sums of the rows of each text's n-grams [texts, columns]."""
        rows = torch.from_numpy(buckets(grams.astype(np.uint64) << np.uint64(32), self.values))
        self.touched, places = torch.unique(rows, return_inverse=True)
        self.taken = self.values[self.touched].requires_grad_()
        return functional.embedding_bag(places, self.taken, offsets, mode="sum")

    def learn(self, slope: torch.Tensor, rate: float) -> None:
        """One step on the rows last taken."""
        self.squares[self.touched] += slope.square()
        self.values[self.touched] = self.taken.detach() - rate * slope / self.squares[self.touched].sqrt()


def train(material: Material, samples: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights of the common table [buckets, classes] and of the fine one, by AdaGrad on the rows that a batch touches."""
    tables = Weights(1 << COMMON_BITS, len(CLASSES)), Weights(1 << FINE_BITS, len(FINE_CLASSES) + 1)
    chances = np.array([FINE_SHARE if name in FINE_CLASSES else 1.0 for name in CLASSES])
    rng = np.random.default_rng(seed)
    steps, losses, start = samples // BATCH, [], time.monotonic()
    for step in range(steps):
        labels = rng.choice(len(CLASSES), size=BATCH, p=chances / chances.sum())
        drawn = [material.draw(label, rng) for label in labels.tolist()]
        targets = torch.from_numpy(np.stack([target for _, target in drawn]))
        logits = _logits(material, tables, [words for words, _ in drawn])
        each = functional.cross_entropy(logits, targets, reduction="none")
        loss = (each / torch.from_numpy(chances[labels])).sum()
        for table, slope in zip(tables, torch.autograd.grad(loss, [table.taken for table in tables]), strict=True):
            table.learn(slope, RATE * (1.0 - step / steps))
        losses.append(float(each.detach().mean()))
        if step % 200 == 199:
            print(f"step {step + 1} of {steps}, loss {np.mean(losses[-200:]):.4f}, {time.monotonic() - start:.0f} s", flush=True)
    common, fine = ((table.values * SOFTENING).numpy() for table in tables)
    return common, fine


def _logits(material: Material, tables: tuple[Weights, Weights], words: Sequence[Ids]) -> torch.Tensor:
    """Logits [texts, classes] of some texts."""
    flat = np.concatenate(words)
    held = material.counts[flat]
    grams = material.hashes[np.arange(held.sum()) - np.repeat(np.cumsum(held) - held - material.firsts[flat], held)]
    sizes = np.array([len(some) for some in words])
    per_text = torch.from_numpy(np.add.reduceat(held, np.cumsum(sizes) - sizes))
    offsets = torch.cumsum(per_text, 0) - per_text
    common, fine = (table.logits(grams, offsets) for table in tables)
    return (common + fine[:, torch.from_numpy(FINE_COLUMN)]) * SOFTENING


def fitted(scorer: Scorer, held_out: Mapping[str, Sequence[Sequence[str]]]) -> Settings:
    """Settings whose temperatures make the probabilities of held-out pieces right, each script and each length by itself."""
    pieces = [words for some in held_out.values() for words in some]
    gold = torch.tensor([CLASSES.index(name) for name, some in held_out.items() for _ in some])
    cyrillic = torch.tensor([name in CYRILLIC for name in CLASSES])
    other_script = cyrillic[None, :] != cyrillic[gold][:, None]
    logits = torch.from_numpy(scorer.logits(pieces)).masked_fill(other_script, -torch.inf)
    lengths = length_classes(np.array([len(words) for words in pieces]))
    found = []
    for length in range(LENGTH_CLASSES):
        rows = torch.from_numpy(np.flatnonzero(lengths == length))
        losses = {one: float(functional.cross_entropy(logits[rows] / one, gold[rows])) for one in TEMPERATURES}
        found.append(min(losses, key=losses.__getitem__))
    return Settings(scorer.settings.scale, tuple(found))


if __name__ == "__main__":
    main()
