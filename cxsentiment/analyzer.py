"""`Analyzer`: the library's front door. Texts in, analyses out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np

from cxsentiment.classifier import ClassifierModel
from cxsentiment.encoder.budget import AUTO
from cxsentiment.encoder.classifier import load_classifier
from cxsentiment.encoder.core import Core
from cxsentiment.encoder.foreign import SETTINGS_FILE
from cxsentiment.encoder.foreign_folder import ForeignFolder
from cxsentiment.encoder.instruments import Stats
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.encoder.tokenise import TokenisedText
from cxsentiment.errors import InputError, OptionError
from cxsentiment.heads import all_emotions
from cxsentiment.label_map import LabelMap, reading_of
from cxsentiment.language import LanguageDetector
from cxsentiment.multitask import MultitaskModel
from cxsentiment.reading import Prepared, read
from cxsentiment.results import EMOTIONS, Analysis, Sentiment
from cxsentiment.streaming import Memory, OnTheWay, Window, ahead, cut_by_size, give_back_memory, windows
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.touchpoints import TouchpointFinder
from cxsentiment.weights import MANIFEST, Manifest, find_model, read_manifest, verify

WINDOW_BATCHES = 64
"""Texts are sorted by length within windows that grow to about so many batches."""

DEPTH = 1
"""Windows that a stage may be ahead of the next."""

TEXTS_WORTH_TRIMMING = 1000
"""After windows of more texts, freed memory is given back to the system."""

CACHE_SIZE = 16_384
LONGEST_REMEMBERED = 200
SILENCE = Sentiment("neutral", 0.0, 0.0, 1.0, 0.0, 0.0)


class TextModel(Protocol):
    """What an analyzer asks of a model, in this order. `emotions` are those that it tells."""

    emotions: tuple[str, ...]

    @property
    def core(self) -> Core[Any]:
        """What the network runs on."""

    def tokenise(self, texts: Sequence[Prepared]) -> list[TokenisedText]:
        """The tokens of each text; a text without tokens goes no further."""

    def score(self, texts: Sequence[TokenisedText]) -> Any:
        """Scores of texts with tokens, in any thread."""

    def analyses(self, prepared: Sequence[Prepared], tokenised: Sequence[TokenisedText], raw: Any) -> Iterator[Analysis]:
        """What those scores say of the texts."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A window with its fresh texts prepared and tokenised."""

    window: Window[Analysis]
    prepared: list[Prepared]
    tokenised: list[TokenisedText]


@dataclass(frozen=True, slots=True)
class _Scored:
    """The same with the network's scores of those texts that have tokens; None where none has."""

    ready: _Ready
    raw: Any


class Analyzer:
    """Finds language, sentiment, emotions, touchpoints, stage, qualities, relation and intents in customers' texts. Thread-safe.

    Make one with `from_pretrained`; then call it with a text or a sequence of texts, or `stream` any iterable. `manifest` is None for a
    Hugging Face classifier.
    """

    def __init__(
        self,
        model: TextModel,
        taxonomy: Taxonomy,
        manifest: Manifest | None,
        *,
        cache_size: int = CACHE_SIZE,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self.manifest = manifest
        self.taxonomy = taxonomy
        self._model = model
        self._identity = identity or {}
        self._instruments = model.core.instruments
        self._detector = LanguageDetector()
        self._finder = TouchpointFinder(taxonomy)
        self._memory: Memory[Analysis] = Memory(cache_size, LONGEST_REMEMBERED)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        *,
        taxonomy: Taxonomy | None = None,
        token_budget: int | str = AUTO,
        unsure_labels: bool = False,
        cache_size: int = CACHE_SIZE,
        label_map: LabelMap | None = None,
    ) -> Analyzer:
        """Loads a model: the default one (None), one of ours, or any Hugging Face sequence classifier; a folder or a Hugging Face id.

        A classifier says sentiment, and emotions if its labels do; touchpoints are then those of the taxonomy's phrases, with the feeling
        of the whole text.

        Args:
            name_or_path: the model; None is the one that ships with the package.
            device: `auto` (all CUDA devices, or the CPU), `cpu`, `cuda` or `cuda:N`.
            dtype: precision of the encoder: `int8`, `float32`, `bfloat16`, `float16`, or `auto`: bfloat16 on CUDA; int8 for models of ours
                on CPUs with AVX-512 VNNI, unless a short measurement finds it clearly slower; else float32. In int8, texts whose sentiment
                is too close to call are read again in float32.
            taxonomy: touchpoint types and phrases; None is the packaged taxonomy.
            token_budget: tokens in one forward pass; `auto` tries some sizes on the first texts. Labels do not depend on it.
            unsure_labels: give those stages, qualities, relations and intents too that were right less than six times in ten when the
                model was measured; the model card names them.
            cache_size: how many short texts' analyses are kept, for when the same is said again.
            label_map: what a classifier's labels mean: each to a sentiment, an emotion, a pair of both, or None; guessed from their
                names if not given.

        Raises:
            ModelError: no such model, or a file of it is missing or changed, or it is no classifier.
            OptionError: a device or precision that is not there, a size out of range, or labels whose meaning is not clear.
        """
        if cache_size < 0:
            raise OptionError(f"cache_size must not be negative, not {cache_size}")
        folder = find_model(name_or_path)
        taxonomy = taxonomy or Taxonomy.default()
        if (folder / SETTINGS_FILE).is_file() and not (folder / MANIFEST).is_file():
            if unsure_labels:
                raise OptionError("unsure_labels is for models of ours: a Hugging Face classifier has no such labels")
            foreign = ForeignFolder(str(name_or_path), folder).checked()
            return cls._of_classifier(foreign, device, dtype, taxonomy, token_budget, cache_size, label_map)
        if label_map is not None:
            raise OptionError("label_map is for Hugging Face classifiers: this model has our labels")
        manifest = read_manifest(folder)
        verify(manifest)
        runtime, tokeniser = load_runtime(manifest, device, dtype, token_budget)
        model = MultitaskModel(runtime, tokeniser, manifest.calibration, taxonomy, unsure_labels=unsure_labels)
        identity = {
            "model": f"{manifest.name} {manifest.version}",
            "model files": manifest.checksum,
            "taxonomy": taxonomy.fingerprint,
            "unsure labels": "yes" if unsure_labels else "no",
        }
        return cls(model, taxonomy, manifest, cache_size=cache_size, identity=identity)

    @classmethod
    def _of_classifier(
        cls,
        foreign: ForeignFolder,
        device: str,
        dtype: str,
        taxonomy: Taxonomy,
        token_budget: int | str,
        cache_size: int,
        label_map: LabelMap | None,
    ) -> Analyzer:
        core, tokeniser, labels = load_classifier(foreign, device, dtype, token_budget)
        reading = reading_of(labels.names, label_map)
        identity = {
            "model": foreign.label,
            "model files": foreign.checksum,
            "taxonomy": taxonomy.fingerprint,
            "label map": reading.fingerprint,
        }
        return cls(ClassifierModel(core, tokeniser, labels, reading, taxonomy), taxonomy, None, cache_size=cache_size, identity=identity)

    @overload
    def __call__(self, texts: str) -> Analysis: ...  # type: ignore[overload-overlap]  # str is a Sequence[str] too; the first one wins

    @overload
    def __call__(self, texts: Sequence[str]) -> list[Analysis]: ...

    def __call__(self, texts: str | Sequence[str]) -> Analysis | list[Analysis]:
        """Analyses one text, or each of a sequence in order. Raises InputError for anything that is not text."""
        if isinstance(texts, str):
            (analysis,) = self.stream([texts])
            return analysis
        return list(self.stream(texts))

    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        """Analyses texts lazily, in order, in bounded memory; repeated ones are scored once.

        Texts are read some windows ahead (the first ones are small): one is prepared while the network works on another.

        Raises InputError at the first item that is not a string; what came before it has been given out.
        """
        on_the_way: OnTheWay[Analysis] = OnTheWay()
        waiting = windows(_checked(texts), self._model.core.budget.tokens, self._window, self._memory, on_the_way)
        for window, found in self._answered(waiting):
            self._memory.learn(found)
            yield from on_the_way.answers(window, found)

    def stream_chunks(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Analysis]]:
        """Analyses chunks of texts lazily, in order, in bounded memory: each by itself, so that its analyses are the same to the last bit.

        Whatever was analysed before or is beside it: within a chunk repeated texts are scored once, nothing is remembered from one to the
        next, and no token budgets are tried. (Another token budget, precision, processor or, in float32, number of threads may change the
        last bits, never labels.)

        Raises InputError for anything that is not text.
        """
        size = WINDOW_BATCHES * self._model.core.budget.settle()
        waiting: deque[tuple[Sequence[str], int]] = deque()

        def windows_of_chunks() -> Iterator[Window[Analysis]]:
            for chunk in chunks:
                fresh = list(dict.fromkeys(_checked(chunk)))
                parts = cut_by_size(fresh, size)
                waiting.append((chunk, len(parts)))
                for part in parts:
                    yield Window(part, part, {}, set())

        found: dict[str, Analysis] = {}
        parts = 0
        for _, answers in self._answered(windows_of_chunks()):
            found |= answers
            parts += 1
            if parts == waiting[0][1]:
                chunk, _ = waiting.popleft()
                self._instruments.count(texts=len(chunk) - len(found), repeats=len(chunk) - len(found))
                yield [found[text] for text in chunk]
                found, parts = {}, 0

    @property
    def identity(self) -> Mapping[str, str]:
        """What the answers depend on: model, taxonomy and options, precision and token budget in use."""
        core = self._model.core
        return {**self._identity, "precision": core.precision, "token budget": str(core.budget.settle())}

    def _answered(self, waiting: Iterable[Window[Analysis]]) -> Iterator[tuple[Window[Analysis], dict[str, Analysis]]]:
        """Each window with the analyses of its fresh texts; one is prepared while the network works on another."""
        at_once = self._model.core.windows_at_once
        for scored in ahead(ahead(waiting, self._ready, DEPTH), self._scored, at_once, at_once):
            window = scored.ready.window
            with self._instruments.stage("post"):
                found = dict(zip(window.fresh, self._analyses(scored), strict=True))
            self._instruments.count(texts=len(window.texts), repeats=len(window.texts) - len(window.fresh))
            yield window, found
            if len(window.fresh) > TEXTS_WORTH_TRIMMING:
                give_back_memory()

    def stats(self) -> Stats:
        """What was done since the analyzer was made: texts, repeats, tokens, padding, and how long each stage took."""
        return self._model.core.stats()

    def _window(self) -> int:
        """Tokens of a window that sorting pays for, at the budget in use."""
        return WINDOW_BATCHES * self._model.core.budget.tokens

    def _ready(self, window: Window[Analysis]) -> _Ready:
        """A window's fresh texts as the network takes them."""
        with self._instruments.stage("read"):
            prepared = self._prepare(window.fresh)
        with self._instruments.stage("tokenise"):
            return _Ready(window, prepared, self._model.tokenise(prepared))

    def _scored(self, ready: _Ready) -> _Scored:
        """The network's scores of all texts in which something is said."""
        spoken = [text for text in ready.tokenised if len(text.ids)]
        return _Scored(ready, self._model.score(spoken) if spoken else None)

    def _analyses(self, scored: _Scored) -> list[Analysis]:
        prepared, tokenised = scored.ready.prepared, scored.ready.tokenised
        spoken = [(one, text) for one, text in zip(prepared, tokenised, strict=True) if len(text.ids)]
        told = self._model.analyses([one for one, _ in spoken], [text for _, text in spoken], scored.raw) if spoken else iter(())
        return [next(told) if len(text.ids) else self._silent(one) for one, text in zip(prepared, tokenised, strict=True)]

    def _prepare(self, texts: Sequence[str]) -> list[Prepared]:
        found = read(texts, self._detector)
        mentions = self._finder.find([one.text for one, _ in found], [language for _, language in found])
        return [Prepared(one, language, marked) for (one, language), marked in zip(found, mentions, strict=True)]

    def _silent(self, one: Prepared) -> Analysis:
        """The analysis of a text in which nothing is said (empty, or only white space)."""
        emotions = tuple(emotion for emotion in all_emotions(np.zeros(len(EMOTIONS), np.float32)) if emotion.label in self._model.emotions)
        return Analysis(one.clean.original, one.language, SILENCE, (), emotions, windows=0)


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, bytes):
        raise InputError("the texts are bytes: decode them first, for example with .decode('utf-8')")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"item {position} is {type(text).__name__}, not a string: {text!r:.80}")
        yield text
