"""`Analyzer`: the library's front door. Texts in, analyses out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np

from cxsentiment.encoder.runtime import RawScores, Runtime, load_runtime
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import InputError
from cxsentiment.heads import Floats, sentiment_of, sigmoid, softmax
from cxsentiment.language import LanguageDetector
from cxsentiment.reading import read
from cxsentiment.results import EMOTIONS, Analysis, Emotion, Language, Sentiment, Touchpoint
from cxsentiment.story import intents_of, qualities_of, relation_of, stage_of, story_probabilities
from cxsentiment.tags import mentions_of, polarity_logits
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import CleanText
from cxsentiment.touchpoints import Mention, TouchpointFinder
from cxsentiment.weights import Manifest, read_manifest, verify

CHUNK = 1024
REMEMBERED = 16_384
LONGEST_REMEMBERED = 200
SILENCE = Sentiment("neutral", 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A text on its way: cleaned, with its language and the taxonomy's phrases in it."""

    clean: CleanText
    language: Language
    phrases: tuple[Mention, ...]


class Analyzer:
    """Finds language, sentiment, emotions, touchpoints, stage, qualities, relation and intents in customers' texts. Thread-safe.

    Make one with `from_pretrained`; then call it with a text or a sequence of texts, or `stream` any iterable.
    """

    def __init__(
        self, runtime: Runtime, tokeniser: TextTokeniser, manifest: Manifest, taxonomy: Taxonomy, *, unsure_labels: bool = False
    ) -> None:
        self.manifest = manifest
        self.unsure_labels = unsure_labels
        self.taxonomy = taxonomy
        self._runtime = runtime
        self._tokeniser = tokeniser
        self._detector = LanguageDetector()
        self._finder = TouchpointFinder(taxonomy)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path | None = None,
        device: str = "auto",
        dtype: str = "auto",
        *,
        taxonomy: Taxonomy | None = None,
        token_budget: int = 4096,
        unsure_labels: bool = False,
    ) -> Analyzer:
        """Loads a model: the default one (None), a folder, or a Hugging Face id.

        Args:
            name_or_path: the model; None is the one that ships with the package.
            device: `auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:N`.
            dtype: precision of the encoder: `auto` (bfloat16 on CUDA, float32 on the CPU), `float32`, `bfloat16`, `float16`.
            taxonomy: touchpoint types and phrases; None is the packaged taxonomy.
            token_budget: tokens in one forward pass, padding included. Labels do not depend on it.
            unsure_labels: give those stages, qualities, relations and intents too that were right less than six times in ten when the
                model was measured; the model card names them.

        Raises:
            ModelError: no such model, or a file of it is missing or changed.
            OptionError: a device or precision that is not there.
        """
        manifest = read_manifest(name_or_path)
        verify(manifest)
        runtime, tokeniser = load_runtime(manifest, device, dtype, token_budget)
        return cls(runtime, tokeniser, manifest, taxonomy or Taxonomy.default(), unsure_labels=unsure_labels)

    @overload
    def __call__(self, texts: str) -> Analysis: ...  # type: ignore[overload-overlap]  # str is a Sequence[str] too; the first one wins

    @overload
    def __call__(self, texts: Sequence[str]) -> list[Analysis]: ...

    def __call__(self, texts: str | Sequence[str]) -> Analysis | list[Analysis]:
        """Analyses one text, or each of a sequence in order. Raises InputError for anything that is not text."""
        if isinstance(texts, str):
            return next(self.stream([texts]))
        return list(self.stream(texts))

    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        """Analyses texts lazily, in order, in bounded memory; repeated ones are scored once.

        Raises InputError at the first item that is not a string; what came before it has been given out.
        """
        remembered: dict[str, Analysis] = {}
        source = _checked(texts)
        while chunk := list(islice(source, CHUNK)):
            fresh = [text for text in dict.fromkeys(chunk) if text not in remembered]
            found = dict(zip(fresh, self._analyse(fresh), strict=True))
            yield from (found[text] if text in found else remembered[text] for text in chunk)
            if len(remembered) < REMEMBERED:
                remembered |= {text: analysis for text, analysis in found.items() if len(text) <= LONGEST_REMEMBERED}

    def _analyse(self, texts: Sequence[str]) -> list[Analysis]:
        """Analyses distinct texts with one forward pass for each."""
        prepared = self._prepare(texts)
        tokenised = self._tokeniser([one.clean.text for one in prepared], [True] * len(prepared))
        spoken = [index for index, text in enumerate(tokenised) if len(text.ids)]
        if not spoken:
            return [_silent(one) for one in prepared]
        chosen = [tokenised[index] for index in spoken]
        analyses = iter(self._read_off([prepared[index] for index in spoken], chosen, self._runtime.score(chosen)))
        return [next(analyses) if len(text.ids) else _silent(one) for one, text in zip(prepared, tokenised, strict=True)]

    def _prepare(self, texts: Sequence[str]) -> list[_Prepared]:
        found = read(texts, self._detector)
        mentions = self._finder.find([one.text for one, _ in found], [language for _, language in found])
        return [_Prepared(one, language, marked) for (one, language), marked in zip(found, mentions, strict=True)]

    def _read_off(self, prepared: Sequence[_Prepared], tokenised: Sequence[TokenisedText], raw: RawScores) -> Iterator[Analysis]:
        calibration = self.manifest.calibration
        lengths = np.array([len(text.ids) for text in tokenised])
        sentiments = softmax(calibration.sentiment.combine(raw.sentiment, raw.wide_sentiment, lengths))
        emotions = sigmoid(calibration.emotions.combine(raw.emotions, raw.wide_emotions, lengths))
        stories, thresholds = story_probabilities(raw.story), calibration.thresholds_of_story(unsure_labels=self.unsure_labels)
        tokens = np.split(raw.tokens, np.cumsum(lengths)[:-1])
        for row, one in enumerate(prepared):
            yield Analysis(
                text=one.clean.original,
                language=one.language,
                sentiment=sentiment_of(sentiments[row]),
                emotions=calibration.emotions_present(emotions[row]),
                emotion_probabilities=_all_emotions(emotions[row]),
                touchpoints=self._touchpoints(one, tokenised[row], tokens[row]),
                stage=stage_of(stories[row], thresholds),
                qualities=qualities_of(stories[row], thresholds),
                relation=relation_of(stories[row], thresholds),
                intents=intents_of(stories[row], thresholds),
                windows=int(raw.windows[row]),
            )

    def _touchpoints(self, one: _Prepared, text: TokenisedText, logits: Floats) -> tuple[Touchpoint, ...]:
        found = mentions_of(one.clean.text, text, logits, one.phrases, self.manifest.calibration, self.taxonomy.learnt)
        judged = self.manifest.calibration.polarities(polarity_logits(logits, [(mention.first, mention.last) for mention in found]))
        places = [one.clean.span(mention.start, mention.end) for mention in found]
        groups = [self.taxonomy.group_of(mention.type) for mention in found]
        return tuple(
            Touchpoint(start, end, one.clean.original[start:end], mention.type, group, polarity, score)
            for (start, end), mention, group, (polarity, score) in zip(places, found, groups, judged, strict=True)
        )


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
    return tuple(Emotion(label, float(probability)) for label, probability in zip(EMOTIONS, probabilities, strict=True))
