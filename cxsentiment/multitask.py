"""The default model's kind: one network for sentiment, emotions, touchpoints and story, and what it says of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cxsentiment.encoder.runtime import RawScores, Runtime
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.heads import Calibration, Floats, all_emotions, sentiment_of, sigmoid, softmax
from cxsentiment.reading import Prepared
from cxsentiment.results import EMOTIONS, Analysis, Quality, Touchpoint
from cxsentiment.story import intents_of, qualities_of, relation_of, stage_of, story_probabilities
from cxsentiment.tags import Tagged, mentions_of, polarity_logits
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import CleanText

CLOSE = 0.15
"""Integers hardly ever change a difference of two sentiments' logits by as much (standard deviation .05; before calibration)."""


class MultitaskModel:
    """A network of ours with its calibration and a taxonomy. Thread-safe."""

    emotions: tuple[str, ...] = EMOTIONS

    def __init__(
        self, core: Runtime, tokeniser: TextTokeniser, calibration: Calibration, taxonomy: Taxonomy, *, unsure_labels: bool
    ) -> None:
        self.core = core
        self._tokeniser = tokeniser
        self._calibration = calibration
        self._taxonomy = taxonomy
        self._story_thresholds = calibration.thresholds_of_story(unsure_labels=unsure_labels)

    def tokenise(self, texts: Sequence[Prepared]) -> list[TokenisedText]:
        """The tokens of each text."""
        return self._tokeniser([one.clean.text for one in texts], [True] * len(texts))

    def score(self, texts: Sequence[TokenisedText]) -> RawScores:
        """The network's scores of texts with tokens. Where it works with integers, texts too close to call are read again, exactly."""
        raw = self.core.score(texts)
        if not self.core.is_rounded:
            return raw
        lengths = np.array([len(text.ids) for text in texts])
        weights = self._calibration.sentiment
        sentiments = np.sort(weights.combine(raw.sentiment, raw.wide_sentiment, lengths), axis=1)
        close = np.flatnonzero(sentiments[:, -1] - sentiments[:, -2] < CLOSE * abs(weights.deep))
        if not len(close):
            return raw
        self.core.instruments.count(reread=len(close))
        return raw.replaced(close, lengths, self.core.score([texts[index] for index in close.tolist()], exactly=True))

    def analyses(self, prepared: Sequence[Prepared], tokenised: Sequence[TokenisedText], raw: RawScores) -> Iterator[Analysis]:
        """What those scores say of the texts."""
        calibration, thresholds = self._calibration, self._story_thresholds
        lengths = np.array([len(text.ids) for text in tokenised])
        sentiments = softmax(calibration.sentiment.combine(raw.sentiment, raw.wide_sentiment, lengths))
        emotions = sigmoid(calibration.emotions.combine(raw.emotions, raw.wide_emotions, lengths))
        stories = story_probabilities(raw.story)
        telling = np.any(stories >= np.array(thresholds), axis=1)
        texts, phrases = [one.clean.text for one in prepared], [one.phrases for one in prepared]
        mentions = mentions_of(texts, tokenised, raw.tokens, phrases, calibration, self._taxonomy.learnt)
        firsts = np.cumsum(lengths) - lengths
        spans = [(int(first) + one.first, int(first) + one.last) for first, found in zip(firsts, mentions, strict=True) for one in found]
        judged = iter(calibration.polarities(polarity_logits(raw.tokens, spans)))
        for row, one in enumerate(prepared):
            everything = all_emotions(emotions[row])
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
        return Touchpoint(start, end, clean.original[start:end], mention.type, self._taxonomy.group_of(mention.type), polarity, score)


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
