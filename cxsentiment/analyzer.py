"""`Analyzer`: the library's front door. Texts in, analyses out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from cxsentiment.encoder.instruments import Stats
from cxsentiment.encoder.runtime import RawScores, Runtime, load_runtime
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import InputError, OptionError
from cxsentiment.heads import Floats, sentiment_of, sigmoid, softmax
from cxsentiment.language import LanguageDetector
from cxsentiment.reading import read
from cxsentiment.results import EMOTIONS, Analysis, Emotion, Language, Quality, Sentiment, Touchpoint
from cxsentiment.story import intents_of, qualities_of, relation_of, stage_of, story_probabilities
from cxsentiment.streaming import Memory, Window, ahead, windows
from cxsentiment.tags import Tagged, may_mention, mentions_of, polarity_logits
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import CleanText
from cxsentiment.touchpoints import Mention, TouchpointFinder
from cxsentiment.weights import Manifest, read_manifest, verify

WINDOW_BATCHES = 64
"""Texts are sorted by length within windows that grow to about so many batches."""

DEPTH = 1
"""Windows that a stage may be ahead of the next."""

IN_FLIGHT = 2 * (DEPTH + 2)
"""At least as many windows as can be on their way through both stages at once."""

CACHE_SIZE = 16_384
LONGEST_REMEMBERED = 200
CLOSE = 0.2
"""Integers hardly ever change a difference of two sentiments' logits by as much (standard deviation .05; before calibration)."""

SILENCE = Sentiment("neutral", 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A text on its way: cleaned, with its language and the taxonomy's phrases in it."""

    clean: CleanText
    language: Language
    phrases: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A window with its fresh texts prepared and tokenised."""

    window: Window[Analysis]
    prepared: list[_Prepared]
    tokenised: list[TokenisedText]


@dataclass(frozen=True, slots=True)
class _Scored:
    """The same with the network's scores of those texts that have tokens; None where none has."""

    ready: _Ready
    raw: RawScores | None


class Analyzer:
    """Finds language, sentiment, emotions, touchpoints, stage, qualities, relation and intents in customers' texts. Thread-safe.

    Make one with `from_pretrained`; then call it with a text or a sequence of texts, or `stream` any iterable.
    """

    def __init__(
        self,
        runtime: Runtime,
        tokeniser: TextTokeniser,
        manifest: Manifest,
        taxonomy: Taxonomy,
        *,
        unsure_labels: bool = False,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self.manifest = manifest
        self.unsure_labels = unsure_labels
        self.taxonomy = taxonomy
        self._runtime = runtime
        self._tokeniser = tokeniser
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
        token_budget: int = 1024,
        unsure_labels: bool = False,
        cache_size: int = CACHE_SIZE,
    ) -> Analyzer:
        """Loads a model: the default one (None), a folder, or a Hugging Face id.

        Args:
            name_or_path: the model; None is the one that ships with the package.
            device: `auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:N`.
            dtype: precision of the encoder: `auto` (bfloat16 on CUDA, int8 on CPUs with AVX-512 VNNI, else float32), `int8`, `float32`,
                `bfloat16`, `float16`. In int8, texts whose sentiment is too close to call are read again in float32.
            taxonomy: touchpoint types and phrases; None is the packaged taxonomy.
            token_budget: tokens in one forward pass. Labels do not depend on it.
            unsure_labels: give those stages, qualities, relations and intents too that were right less than six times in ten when the
                model was measured; the model card names them.
            cache_size: how many short texts' analyses are kept, for when the same is said again.

        Raises:
            ModelError: no such model, or a file of it is missing or changed.
            OptionError: a device or precision that is not there, or a size out of range.
        """
        if cache_size < 0:
            raise OptionError(f"cache_size must not be negative, not {cache_size}")
        manifest = read_manifest(name_or_path)
        verify(manifest)
        runtime, tokeniser = load_runtime(manifest, device, dtype, token_budget)
        return cls(runtime, tokeniser, manifest, taxonomy or Taxonomy.default(), unsure_labels=unsure_labels, cache_size=cache_size)

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
        answering: set[str] = set()
        earlier: deque[dict[str, Analysis]] = deque(maxlen=IN_FLIGHT)
        budget = self._runtime.token_budget
        waiting = windows(_checked(texts), budget, WINDOW_BATCHES * budget, self._memory, answering)
        for scored in ahead(ahead(waiting, self._ready, DEPTH), self._scored, DEPTH):
            window = scored.ready.window
            with self._runtime.instruments.stage("post"):
                found = dict(zip(window.fresh, self._analyses(scored), strict=True))
            earlier.append(found)
            self._memory.learn(found)
            answering.difference_update(window.fresh)
            self._runtime.instruments.count(texts=len(window.texts), repeats=len(window.texts) - len(window.fresh))
            yield from (_first_of(text, window.at_hand, earlier) for text in window.texts)

    def stats(self) -> Stats:
        """What was done since the analyzer was made: texts, repeats, tokens, padding, and how long each stage took."""
        return self._runtime.stats()

    def _ready(self, window: Window[Analysis]) -> _Ready:
        """A window's fresh texts as the network takes them."""
        with self._runtime.instruments.stage("read"):
            prepared = self._prepare(window.fresh)
        with self._runtime.instruments.stage("tokenise"):
            return _Ready(window, prepared, self._tokeniser([one.clean.text for one in prepared], [True] * len(prepared)))

    def _scored(self, ready: _Ready) -> _Scored:
        """The network's scores of all texts in which something is said."""
        spoken = [text for text in ready.tokenised if len(text.ids)]
        return _Scored(ready, self._score(spoken) if spoken else None)

    def _analyses(self, scored: _Scored) -> list[Analysis]:
        ready = scored.ready
        if scored.raw is None:
            return [_silent(one) for one in ready.prepared]
        pairs = [(one, text) for one, text in zip(ready.prepared, ready.tokenised, strict=True) if len(text.ids)]
        analyses = self._read_off([one for one, _ in pairs], [text for _, text in pairs], scored.raw)
        return [next(analyses) if len(text.ids) else _silent(one) for one, text in zip(ready.prepared, ready.tokenised, strict=True)]

    def _prepare(self, texts: Sequence[str]) -> list[_Prepared]:
        found = read(texts, self._detector)
        mentions = self._finder.find([one.text for one, _ in found], [language for _, language in found])
        return [_Prepared(one, language, marked) for (one, language), marked in zip(found, mentions, strict=True)]

    def _score(self, texts: Sequence[TokenisedText]) -> RawScores:
        """The network's scores; where it works with integers, texts whose sentiment is too close to call are read again, exactly."""
        raw = self._runtime.score(texts)
        if not self._runtime.is_rounded:
            return raw
        lengths = np.array([len(text.ids) for text in texts])
        weights = self.manifest.calibration.sentiment
        sentiments = np.sort(weights.combine(raw.sentiment, raw.wide_sentiment, lengths), axis=1)
        close = np.flatnonzero(sentiments[:, -1] - sentiments[:, -2] < CLOSE * abs(weights.deep))
        if not len(close):
            return raw
        self._runtime.instruments.count(reread=len(close))
        return raw.replaced(close, lengths, self._runtime.score([texts[index] for index in close.tolist()], exactly=True))

    def _read_off(self, prepared: Sequence[_Prepared], tokenised: Sequence[TokenisedText], raw: RawScores) -> Iterator[Analysis]:
        calibration = self.manifest.calibration
        lengths = np.array([len(text.ids) for text in tokenised])
        sentiments = softmax(calibration.sentiment.combine(raw.sentiment, raw.wide_sentiment, lengths))
        emotions = sigmoid(calibration.emotions.combine(raw.emotions, raw.wide_emotions, lengths))
        stories, thresholds = story_probabilities(raw.story), calibration.thresholds_of_story(unsure_labels=self.unsure_labels)
        telling = np.any(stories >= np.array(thresholds), axis=1)
        seen = may_mention(raw.tokens, lengths, calibration.outside_bias, self.taxonomy.learnt)
        mentions = [
            mentions_of(one.clean.text, text, logits, one.phrases, calibration, self.taxonomy.learnt) if may or one.phrases else []
            for one, text, logits, may in zip(prepared, tokenised, np.split(raw.tokens, np.cumsum(lengths)[:-1]), seen, strict=True)
        ]
        firsts = np.cumsum(lengths) - lengths
        spans = [(int(first) + one.first, int(first) + one.last) for first, found in zip(firsts, mentions, strict=True) for one in found]
        judged = iter(calibration.polarities(polarity_logits(raw.tokens, spans)))
        for row, one in enumerate(prepared):
            everything = _all_emotions(emotions[row])
            told = _Story.of(stories[row], thresholds) if telling[row] else SILENT
            yield Analysis(
                text=one.clean.original,
                language=one.language,
                sentiment=sentiment_of(sentiments[row]),
                emotions=calibration.emotions_present(everything),
                emotion_probabilities=everything,
                touchpoints=tuple(self._touchpoint(one.clean, mention, *next(judged)) for mention in mentions[row]),
                stage=told.stage,
                qualities=told.qualities,
                relation=told.relation,
                intents=told.intents,
                windows=int(raw.windows[row]),
            )

    def _touchpoint(self, clean: CleanText, mention: Tagged, polarity: str, score: float) -> Touchpoint:
        start, end = clean.span(mention.start, mention.end)
        return Touchpoint(start, end, clean.original[start:end], mention.type, self.taxonomy.group_of(mention.type), polarity, score)


@dataclass(frozen=True, slots=True)
class _Story:
    """When, why, who and what next, of one text."""

    stage: str | None = None
    qualities: tuple[Quality, ...] = ()
    relation: str | None = None
    intents: tuple[str, ...] = ()

    @classmethod
    def of(cls, probabilities: Floats, thresholds: Sequence[float]) -> _Story:
        given = (probabilities, thresholds)
        return cls(stage_of(*given), qualities_of(*given), relation_of(*given), intents_of(*given))


SILENT = _Story()


def _first_of(text: str, at_hand: Mapping[str, Analysis], earlier: Sequence[Mapping[str, Analysis]]) -> Analysis:
    """The answer to a text, from memory or from the window that asked first, which is one of the last."""
    answer = at_hand.get(text)
    return answer if answer is not None else next(found[text] for found in reversed(earlier) if text in found)


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, bytes):
        raise InputError("the texts are bytes: decode them first, for example with .decode('utf-8')")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"item {position} is {type(text).__name__}, not a string: {text!r:.80}")
        yield text


def _silent(one: _Prepared) -> Analysis:
    """The analysis of a text in which nothing is said (empty, or only white space)."""
    return Analysis(one.clean.original, one.language, SILENCE, (), _all_emotions(np.zeros(len(EMOTIONS), np.float32)), windows=0)


def _all_emotions(probabilities: Floats) -> tuple[Emotion, ...]:
    return tuple(map(Emotion, EMOTIONS, probabilities.tolist()))
