"""What takes part in a benchmark: anything with a name that says something of texts, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Mention:
    """A touchpoint in a text: characters [start, end), one of the taxonomy's types, polarity `-`, `0`, `+` or `±`."""

    start: int
    end: int
    type: str
    polarity: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a contender says of one text. A field that is None is not answered: the contender takes no part in that task.

    `sentiment` is `negative`, `neutral`, `positive` or `mixed`; `sentiment_probabilities` has those that the contender can tell and sums
    to 1: within a data set that lacks some of the labels, the likeliest of the others counts. `emotions` are those present, of our 15;
    `emotion_probabilities` names all that the contender can tell. `language` is an ISO 639-1 code or `und`. `error` says why there is no
    answer to this text (a chat endpoint may refuse); such a text counts as wrong.
    """

    sentiment: str | None = None
    sentiment_probabilities: Mapping[str, float] | None = None
    stars: float | None = None
    emotions: Sequence[str] | None = None
    emotion_probabilities: Mapping[str, float] | None = None
    touchpoints: Sequence[Mention] | None = None
    language: str | None = None
    language_probability: float | None = None
    error: str | None = None

    @property
    def polarity(self) -> float | None:
        """Probability of positive less that of negative, in [-1, 1]; of a label alone -1, 0 or 1; None without a sentiment."""
        if self.sentiment_probabilities is not None:
            return self.sentiment_probabilities.get("positive", 0.0) - self.sentiment_probabilities.get("negative", 0.0)
        if self.sentiment is None:
            return None
        return {"negative": -1.0, "positive": 1.0}.get(self.sentiment, 0.0)


@runtime_checkable
class Contender(Protocol):
    """Anything with a name that predicts. Where it has `details` (a mapping for JSON), these are kept with its results."""

    name: str

    def predict(self, texts: Sequence[str]) -> Sequence[Prediction]:
        """One prediction for each text, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled text to learn from, in our labels.

    `sentiment` is None where unknown; `sentiments` are the labels that its set has (a set of two labels says nothing about neutral).
    `emotions` is None where unknown; `emotion_scheme` are the emotions that its set annotates.
    """

    text: str
    language: str
    dataset: str
    sentiment: str | None = None
    sentiments: tuple[str, ...] = ()
    emotions: tuple[str, ...] | None = None
    emotion_scheme: tuple[str, ...] = ()


@runtime_checkable
class Trainable(Protocol):
    """A contender that has to learn first: once for each language and task (for emotions: each set) and each seed."""

    name: str

    def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
        """A contender that has learnt `task` (`sentiment` or `emotions`) from the examples; equal seeds give equal contenders."""
        ...


def details_of(contender: Contender | Trainable) -> Mapping[str, Any]:
    """What a contender tells about itself (model, checksum, parameters, cost); empty where it tells nothing."""
    details = getattr(contender, "details", None)
    return dict(details() if callable(details) else details) if details else {}
