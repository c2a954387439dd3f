"""A contender as it is asked: one that has to learn is trained for each task, language (or data set) and seed, once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cxsentiment.benchmark.contender import Contender, Example, Prediction, Trainable
from cxsentiment.benchmark.datasets import DataSet, Registry, examples_of, read_rows, sample
from cxsentiment.errors import CxError, InputError
from cxsentiment.text import fold
from cxsentiment.training.corpus import own_comments
from cxsentiment.training.patterns import pattern_documents

LEARNT = ("sentiment", "emotions")
_WORD = re.compile(r"\w+")

Unit = tuple[str, str]
"""A task with what it is learnt for: sentiment and a language, emotions and a data set."""


class Taught:
    """A contender that is ready for each task; untrained ones are so at once."""

    def __init__(
        self, contender: Contender | Trainable, registry: Registry, data: Path | None, seeds: Sequence[int], per_set: int = 0
    ) -> None:
        self.contender = contender
        self.seeds: Sequence[int] = seeds if isinstance(contender, Trainable) else ()
        self._registry = registry
        self._data = data
        self._per_set = per_set
        self._examples: dict[Unit, list[Example]] = {}
        self._training: dict[Unit, frozenset[str]] = {}
        self._ready: dict[tuple[Unit, int], Contender | None] = {}
        self.notes: list[str] = []

    @property
    def learns(self) -> bool:
        """Whether it has to be trained."""
        return isinstance(self.contender, Trainable)

    def of(self, task: str, language: str, data_set: DataSet | None = None, seed: int | None = None) -> Contender | None:
        """What answers a task; None where nothing can be learnt for it. Stars are told by whoever tells sentiment."""
        if not isinstance(self.contender, Trainable):
            return self.contender
        unit = _unit(task, language, data_set)
        if unit is None:
            return None
        key = unit, self.seeds[0] if seed is None else seed
        if key not in self._ready:
            self._ready[key] = self._fit(self.contender, unit, key[1])
        return self._ready[key]

    def training(self, task: str, language: str, data_set: DataSet | None = None) -> frozenset[str]:
        """The texts that it learnt a task from, normalised; none for a contender that is not trained here."""
        unit = _unit(task, language, data_set)
        if not self.learns or unit is None:
            return frozenset()
        if unit not in self._training:
            self._training[unit] = frozenset(normalised(one.text) for one in self._unit_examples(unit))
        return self._training[unit]

    def predict(self, contender: Contender, texts: Sequence[str], about: str) -> Sequence[Prediction]:
        """Its predictions. Raises InputError when there are too few or too many, or it fails."""
        try:
            found = contender.predict(texts)
        except CxError:
            raise
        except Exception as error:
            raise InputError(f"contender {self.contender.name} failed on {about}: {type(error).__name__}: {error}") from error
        if len(found) != len(texts):
            raise InputError(f"contender {self.contender.name} gave {len(found)} predictions for {len(texts)} texts of {about}")
        return found

    def _fit(self, contender: Trainable, unit: Unit, seed: int) -> Contender | None:
        examples = self._unit_examples(unit)
        try:
            return contender.fit(examples, unit[0], seed)
        except InputError as error:
            self.notes.append(f"not trained on {' '.join(unit)}: {error}")
            return None
        except CxError:
            raise
        except Exception as error:
            raise InputError(f"contender {contender.name} could not learn {' '.join(unit)}: {type(error).__name__}: {error}") from error

    def _unit_examples(self, unit: Unit) -> list[Example]:
        if unit not in self._examples:
            task, of = unit
            sets = [one for one in self._registry.sets.values() if (task in one.tasks and task != "emotions") or one.name == of]
            self._examples[unit] = [one for data_set in sets for one in self._labelled(data_set, task, of)]
        return self._examples[unit]

    def _labelled(self, data_set: DataSet, task: str, of: str) -> Iterable[Example]:
        if task == "sentiment" and isinstance(data_set.language, str) and data_set.language != of:
            return ()
        if not data_set.is_there(self._data):
            self.notes.append(f"nothing learnt from {data_set.name} for {task} {of}: its file is not there")
            return ()
        rows = sample(read_rows(data_set, self._data, train=True), self._per_set, self.seeds[0])
        examples = examples_of(data_set, rows)
        return (one for one in examples if task == "emotions" or (one.language == of and one.sentiment is not None))


def _unit(task: str, language: str, data_set: DataSet | None) -> Unit | None:
    if task in {"sentiment", "stars"}:
        return "sentiment", language
    return ("emotions", data_set.name) if task == "emotions" and data_set is not None else None


def normalised(text: str) -> str:
    """A text as it is compared with training texts: words alone, whatever their case, marks and punctuation."""
    return " ".join(_WORD.findall(fold(text)))


def overlap(texts: Sequence[str], training: frozenset[str]) -> float:
    """The share of the texts that stand, normalised, among the normalised training texts."""
    return sum(normalised(text) in training for text in texts) / max(1, len(texts))


def training_of(registry: Registry, data: Path | None) -> frozenset[str]:
    """What default models learn from, normalised: the training rows of the registry's sets that are there, own comments and patterns."""
    texts = [document.text for document in [*(document for _, document in own_comments()), *pattern_documents()]]
    for data_set in registry.sets.values():
        try:
            texts += [row.text for row in read_rows(data_set, data, train=True)]
        except InputError:
            continue
    return frozenset(map(normalised, texts))
