"""`Analyzer` as a contender: models of ours, and any Hugging Face classifier that it loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxsentiment.analyzer import Analyzer
from cxsentiment.benchmark.contender import Mention, Prediction
from cxsentiment.results import Analysis


class AnalyzerContender:
    """What an analyzer says: sentiment and emotions with probabilities, touchpoints, language.

    Of a Hugging Face classifier (an analyzer without a manifest) emotions count only if its labels tell them; its touchpoints are those of
    the taxonomy's phrases with the feeling of the whole text; its language is not asked for, since it would be that of our detector.
    `device` is what the analyzer was made for, to be kept with the results.
    """

    def __init__(self, analyzer: Analyzer, name: str = "cxsentiment", *, device: str = "") -> None:
        self.name = name
        self._analyzer = analyzer
        self._device = device

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction for each text, in order."""
        is_ours = self._analyzer.manifest is not None
        return [_prediction(analysis, is_ours=is_ours) for analysis in self._analyzer.stream(texts)]

    def details(self) -> Mapping[str, Any]:
        """Name, version and checksum of the model; taxonomy; precision, token budget and device.

        The token budget is settled by asking: do so after the texts.
        """
        manifest = self._analyzer.manifest
        known: dict[str, Any] = dict(self._analyzer.identity)
        if manifest is not None:
            known |= {"version": manifest.version, "files": {name: entry.sha256 for name, entry in manifest.files.items()}}
        return known | ({"device": self._device} if self._device else {})


def _prediction(analysis: Analysis, *, is_ours: bool) -> Prediction:
    tells_emotions = bool(analysis.emotion_probabilities)
    return Prediction(
        sentiment=analysis.sentiment.label,
        sentiment_probabilities=analysis.sentiment.probabilities,
        emotions=[emotion.label for emotion in analysis.emotions] if tells_emotions else None,
        emotion_probabilities={one.label: one.probability for one in analysis.emotion_probabilities} if tells_emotions else None,
        touchpoints=[Mention(one.start, one.end, one.type, one.polarity) for one in analysis.touchpoints],
        language=analysis.language.code if is_ours else None,
        language_probability=analysis.language.score if is_ours else None,
    )
