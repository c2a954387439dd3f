"""What the labels of other people's classifiers say in ours: given, or guessed from their names. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from cxsentiment.errors import OptionError
from cxsentiment.heads import Floats
from cxsentiment.results import EMOTIONS, SENTIMENTS

LabelMap = Mapping[str, str | Sequence[str] | None]
"""A classifier's label -> a sentiment, an emotion, or one of each; None for a label that says nothing."""

GOEMOTIONS: Mapping[str, str] = MappingProxyType(
    {
        "admiration": "admiration",
        "amusement": "joy",
        "anger": "anger",
        "annoyance": "frustration",
        "confusion": "confusion",
        "desire": "anticipation",
        "disappointment": "disappointment",
        "disgust": "disgust",
        "excitement": "joy",
        "fear": "fear",
        "gratitude": "gratitude",
        "grief": "sadness",
        "joy": "joy",
        "love": "joy",
        "nervousness": "fear",
        "optimism": "anticipation",
        "relief": "satisfaction",
        "sadness": "sadness",
        "surprise": "surprise",
    }
)
"""Emotions of GoEmotions (Demszky et al. 2020), under our names."""

_NAMES = {
    "negative": "negative neg bad unfavorable unfavourable negatywny negatywna negativ negativa negativo αρνητικο αρνητικη",
    "neutral": "neutral neu neutralny neutralna neutru neutra neutro ουδετερο ουδετερη",
    "positive": "positive pos good favorable favourable pozytywny pozytywna pozitiv pozitiva positiv positivo θετικο θετικη",
    "mixed": "mixed mix ambiguous both conflict mieszany mixt μικτο",
}
_STARS = dict(zip("12345", ("negative", "negative", "neutral", "positive", "positive"), strict=True))
_OTHER_EMOTIONS = {"happiness": "joy", "happy": "joy", "sad": "sadness", "angry": "anger", "rage": "anger", "pessimism": "disappointment"}
_ONLY_SENTIMENTS = {
    "positive": ("approval", "caring", "pride"),
    "neutral": ("curiosity", "realization", "no emotion"),
    "negative": ("disapproval", "embarrassment", "remorse"),
}
_SENTIMENTS = {name: sentiment for sentiment, names in _NAMES.items() for name in names.split()}
_SENTIMENTS |= {name: sentiment for sentiment, names in _ONLY_SENTIMENTS.items() for name in names}
_FEELINGS = {
    "positive": ("joy", "satisfaction", "trust", "admiration", "gratitude", "anticipation"),
    "neutral": ("surprise", "confusion"),
    "negative": ("disappointment", "frustration", "anger", "hate", "disgust", "fear", "sadness"),
}


@dataclass(frozen=True, slots=True)
class LabelReading:
    """How a classifier's probabilities become ours: weights [labels, 4] and [labels, 15] of 0 and 1; `emotions` are those that it tells."""

    sentiments: Floats
    emotion_weights: Floats
    emotions: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, in hex."""
        return hashlib.sha256(self.sentiments.tobytes() + self.emotion_weights.tobytes()).hexdigest()

    def sentiment_probabilities(self, probabilities: Floats, *, exclusive: bool) -> Floats:
        """[texts, labels] -> [texts, 4], which sum to 1.

        Labels that exclude each other add up, and what falls to those without a sentiment is neutral. Of others the largest counts, and
        neutral is at least what the largest feeling leaves.
        """
        neutral = SENTIMENTS.index("neutral")
        if exclusive:
            shares = probabilities @ self.sentiments
            shares[:, neutral] += np.maximum(1.0 - shares.sum(axis=1), 0.0)
        else:
            shares = (probabilities[:, :, None] * self.sentiments).max(axis=1)
            shares[:, neutral] = np.maximum(shares[:, neutral], 1.0 - np.delete(shares, neutral, axis=1).max(axis=1))
        normalised: Floats = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        return normalised

    def emotion_probabilities(self, probabilities: Floats, *, exclusive: bool) -> Floats:
        """[texts, labels] -> [texts, 15]: of several labels for an emotion their sum if they exclude each other, else the largest."""
        if exclusive:
            summed: Floats = np.minimum(probabilities @ self.emotion_weights, 1.0).astype(np.float32)
            return summed
        largest: Floats = (probabilities[:, :, None] * self.emotion_weights).max(axis=1).astype(np.float32)
        return largest


def reading_of(labels: Sequence[str], given: LabelMap | None) -> LabelReading:
    """How to read a classifier with these labels, by a map or by their names.

    Raises OptionError when the map does not fit the labels or ours, when names cannot be guessed, or when no label has a sentiment.
    """
    meanings = _guessed(labels) if given is None else _given(labels, given)
    sentiments, emotions = np.zeros((len(labels), len(SENTIMENTS)), np.float32), np.zeros((len(labels), len(EMOTIONS)), np.float32)
    for row, label in enumerate(labels):
        for meaning in meanings.get(label, ()):
            array, names = (sentiments, SENTIMENTS) if meaning in SENTIMENTS else (emotions, EMOTIONS)
            array[row, names.index(meaning)] = 1.0
    if not sentiments.any():
        raise OptionError(
            f"label_map gives no label a sentiment ({', '.join(SENTIMENTS)}); an emotion can have one too: {_example(labels)}"
        )
    return LabelReading(sentiments, emotions, tuple(EMOTIONS[column] for column in np.flatnonzero(emotions.any(axis=0))))


def read_label_map(given: str | LabelMap) -> dict[str, tuple[str, ...]]:
    """A map as users write it: `LABEL_0=negative,LABEL_1=positive+joy,LABEL_2=none`, or a table of labels and what each means.

    Raises OptionError for text that is not of that form; whether the map fits a classifier is for `reading_of` to say.
    """
    pairs = given.items() if isinstance(given, Mapping) else [_pair(pair, given) for pair in given.split(",")]
    return {label: _written(ours) for label, ours in pairs}


def _pair(pair: str, given: str) -> tuple[str, str]:
    label, equals, ours = pair.rpartition("=")
    if not (equals and label.strip()):
        raise OptionError(f"label map {given!r}: give pairs such as LABEL_0=negative,LABEL_1=positive+joy,LABEL_2=none")
    return label.strip(), ours


def _written(ours: str | Sequence[str] | None) -> tuple[str, ...]:
    meanings = ours.split("+") if isinstance(ours, str) else ours or ()
    return tuple(one.strip() for one in meanings if one.strip() != "none")


def _given(labels: Sequence[str], given: LabelMap) -> dict[str, tuple[str, ...]]:
    unknown = [label for label in given if label not in labels]
    if unknown:
        raise OptionError(f"label_map has {unknown[0]!r}, which the model does not know; its labels are {', '.join(labels)}")
    meanings = {label: (ours,) if isinstance(ours, str) else tuple(ours or ()) for label, ours in given.items()}
    for label, ours in meanings.items():
        if len({*ours} & {*SENTIMENTS}) > 1:
            raise OptionError(f"label_map gives {label!r} several sentiments: give it one")
        for one in ours:
            if one not in (*SENTIMENTS, *EMOTIONS):
                raise OptionError(f"label_map says {one!r} for {label!r}; use {', '.join((*SENTIMENTS, *EMOTIONS))}, or None")
    missing = [label for label in labels if label not in meanings]
    if missing:
        raise OptionError(f"label_map does not say what {missing[0]!r} means; give None for a label that says nothing")
    return meanings


def _guessed(labels: Sequence[str]) -> dict[str, tuple[str, ...]]:
    stars = {label: re.fullmatch(r"(?:rating |stars? )([1-5])|([1-5]) ?stars?", _plain(label)) for label in labels}
    if len(labels) == 5 and all(stars.values()):
        return {label: (_STARS[found.group(1) or found.group(2)],) for label, found in stars.items() if found}
    meanings = {label: _meaning(_plain(label)) for label in labels}
    unclear = [label for label, meaning in meanings.items() if meaning is None]
    if unclear:
        raise OptionError(f"what does the model's label {unclear[0]!r} mean? Say it with {_example(labels)}")
    return {label: meaning for label, meaning in meanings.items() if meaning is not None}


def _meaning(name: str) -> tuple[str, ...] | None:
    """A sentiment, or an emotion with its sentiment; None where the name says neither."""
    name = re.sub(r"^(label|sentiment|very|strongly|extremely|somewhat|slightly) ", "", name)
    if name in _SENTIMENTS:
        return (_SENTIMENTS[name],)
    emotion = {**GOEMOTIONS, **_OTHER_EMOTIONS}.get(name, name)
    sentiment = next((sentiment for sentiment, emotions in _FEELINGS.items() if emotion in emotions), None)
    return (sentiment, emotion) if sentiment else None


def _plain(label: str) -> str:
    """Small letters without accents, words apart by single spaces."""
    letters = "".join(one for one in unicodedata.normalize("NFD", label.lower()) if not unicodedata.combining(one))
    return " ".join(re.split(r"[\s_\-.:]+", letters)).strip()


def _example(labels: Sequence[str]) -> str:
    pairs = zip(labels, ("negative", ("positive", "joy"), None), strict=False)
    dots = ", ..." if len(labels) > 3 else ""
    return "label_map={" + ", ".join(f"{label!r}: {ours!r}" for label, ours in pairs) + dots + "}"
