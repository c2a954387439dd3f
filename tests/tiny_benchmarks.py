"""Tiny data sets and contenders, for tests of whole benchmark runs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cxsentiment.benchmark.comparing import SUFFIX
from cxsentiment.benchmark.contender import Contender, Example, Prediction, Trainable
from cxsentiment.benchmark.datasets import Registry, read_registry
from cxsentiment.benchmark.runner import Benchmark, Plan, run_benchmark
from cxsentiment.errors import InputError

TOML = """
[sets.polish]
file = "reviews.csv"
language = "pl"
rows = { lang = "pl", split = "test" }
train = { lang = "pl", split = "train" }
sentiment = { column = "label", labels = { negative = "negative", positive = "positive" } }
stars = { column = "stars" }

[sets.both]
file = "reviews.csv"
language = { column = "lang" }
languages = true
rows = { split = "test" }
sentiment = { column = "label", labels = { negative = "negative", positive = "positive" } }
emotions = { column = "feelings" }
"""
TEXTS = {"pl": "Paczka numer {} przyszła wczoraj", "en": "Order {} came yesterday"}
QUICK = Plan(tasks=("sentiment",), resamples=200)


class Numbers:
    """Always right: even numbers are good, whatever stands around them."""

    name = "numbers"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self.of(int("".join(filter(str.isdigit, text)) or 0), text) for text in texts]

    def of(self, number: int, text: str) -> Prediction:
        good = number % 2 == 0
        shares = {"negative": 0.1 + 0.8 * (not good), "positive": 0.1 + 0.8 * good}
        language = "pl" if "aczka" in text else "en"
        return Prediction("positive" if good else "negative", shares, emotions=["joy"] if good else ["anger"], language=language)


class Dice:
    """Labels by chance, the same for the same text."""

    name = "dice"

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Prediction(random.Random(f"7 {text}").choice(["negative", "positive"])) for text in texts]


class Learner:
    """Learns to be right from any example, and counts how often it was asked."""

    name = "learner"

    def __init__(self) -> None:
        self.fits: list[tuple[str, int, int]] = []

    def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
        if not examples:
            raise InputError("nothing to learn from")
        self.fits.append((task, seed, len(examples)))
        return Numbers()


def write_sets(folder: Path) -> Registry:
    """A registry of two sets in one file of 120 reviews."""
    lines = ["text,lang,split,label,stars,feelings,none"]
    for lang, template in TEXTS.items():
        for number in range(60):
            good = number % 2 == 0
            cells = [lang, "test" if number < 40 else "train", "positive" if good else "negative", "5" if good else "1"]
            lines.append(",".join([template.format(number), *cells, "joy" if good else "anger", ""]))
    lines.append("PACZKA numer 3 przyszła wczoraj!!!,pl,train,negative,1,anger,")  # stands in the test, typed otherwise
    (folder / "reviews.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "sets.toml").write_text(TOML, encoding="utf-8")
    return read_registry([folder / "sets.toml"], packaged=False)


def benchmark(
    registry: Registry, contender: Contender | Trainable, plan: Plan = QUICK, sets: Sequence[str] = (), **other: Any
) -> Benchmark:
    return Benchmark(contender, "a test", registry, registry.choose(sets, ()), None, plan, **other)


def kept(registry: Registry, folder: Path, contender: Contender, **plan: Any) -> Path:
    run, table = run_benchmark(benchmark(registry, contender, replace(QUICK, **plan)))
    run.write(folder / f"{run.contender}.json")
    pq.write_table(table, folder / f"{run.contender}{SUFFIX}")
    return folder / f"{run.contender}.json"
