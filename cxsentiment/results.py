"""What the library answers: frozen dataclasses, and their form as rows of an Arrow table.

Offsets are Python string indices into the text that the caller passed in. Probabilities are in [0, 1].
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

SENTIMENTS = ("negative", "neutral", "positive", "mixed")
EMOTIONS = (
    "joy",
    "satisfaction",
    "trust",
    "admiration",
    "gratitude",
    "anticipation",
    "surprise",
    "confusion",
    "disappointment",
    "frustration",
    "anger",
    "hate",
    "disgust",
    "fear",
    "sadness",
)
TOUCHPOINTS = (
    "store",
    "website",
    "mobile_app",
    "call_centre",
    "email",
    "chat",
    "social_media",
    "notifications",
    "self_service",
    "staff",
    "sales",
    "technical_support",
    "management",
    "complaints",
    "billing",
    "legal",
    "advertising",
    "information",
    "price",
    "promotion",
    "ordering",
    "payment",
    "booking",
    "waiting",
    "delivery",
    "packaging",
    "installation",
    "account",
    "contract",
    "returns",
    "repair",
    "cancellation",
    "loyalty",
    "product",
    "service",
    "facility",
    "food",
)
"""The touchpoint types that models learn: those of the packaged taxonomy."""

POLARITIES = ("-", "0", "+", "±")
STAGES = ("before", "during", "after")
QUALITIES = ("simplicity", "consistency", "personalisation", "value")
RELATIONS = ("new", "returning", "advocate")
INTENTS = ("complaint", "retaliation", "churn", "recommendation", "repurchase", "request")

_SURROGATE = re.compile("[\ud800-\udfff]")
_TOUCHPOINT_TYPE = pa.struct(
    [
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("text", pa.string()),
        ("type", pa.string()),
        ("group", pa.string()),
        ("polarity", pa.string()),
        ("score", pa.float32()),
    ]
)
_QUALITY_TYPE = pa.struct([("quality", pa.string()), ("polarity", pa.string()), ("score", pa.float32())])

ROW_SCHEMA = pa.schema(
    [
        ("cx_language", pa.string()),
        ("cx_language_score", pa.float32()),
        ("cx_script", pa.string()),
        ("cx_sentiment", pa.string()),
        ("cx_polarity", pa.float32()),
        ("cx_sentiment_probs", pa.struct([(label, pa.float32()) for label in SENTIMENTS])),
        ("cx_emotions", pa.list_(pa.string())),
        ("cx_emotion_probs", pa.struct([(label, pa.float32()) for label in EMOTIONS])),
        ("cx_touchpoints", pa.list_(_TOUCHPOINT_TYPE)),
        ("cx_stage", pa.string()),
        ("cx_qualities", pa.list_(_QUALITY_TYPE)),
        ("cx_relation", pa.string()),
        ("cx_intents", pa.list_(pa.string())),
        ("cx_windows", pa.int32()),
        ("cx_error", pa.string()),
    ]
)
"""Columns that a scored archive gains, in order."""


@dataclass(frozen=True, slots=True)
class Language:
    """Language of a text.

    `code` is ISO 639-1 or `und`; `script` is ISO 15924 (`Grek`, `Latn`, `Cyrl`, ..., `Zyyy` when the text has no letters);
    `score` is the probability of `code`, 0.0 for `und`.
    """

    code: str
    score: float
    script: str


@dataclass(frozen=True, slots=True)
class LanguageSpan:
    """A stretch of a text in one language: `text[start:end]`, in the caller's string."""

    start: int
    end: int
    language: Language


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Overall feeling of a text: the label, four probabilities that sum to 1, and `polarity` in [-1, 1].

    Probabilities of our models are calibrated; those of a Hugging Face classifier are its own.
    """

    label: str
    polarity: float
    negative: float
    neutral: float
    positive: float
    mixed: float

    @property
    def probabilities(self) -> dict[str, float]:
        """Label -> probability, in the order of `SENTIMENTS`."""
        return {label: getattr(self, label) for label in SENTIMENTS}


@dataclass(frozen=True, slots=True)
class Emotion:
    """One emotion and its probability (calibrated, if the model is one of ours)."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """A mention of a touchpoint: `text == original[start:end]`, one of the taxonomy's types, and the feeling towards it.

    `polarity` is `-`, `0`, `+` or `±`; `score` is the probability of that polarity.
    """

    start: int
    end: int
    text: str
    type: str
    group: str
    polarity: str
    score: float


@dataclass(frozen=True, slots=True)
class Quality:
    """A quality of the experience that the customer judges, with polarity and probability."""

    quality: str
    polarity: str
    score: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything found in one text.

    `emotions` are those judged present, strongest first; `emotion_probabilities` are all fifteen in the order of `EMOTIONS` (of a Hugging
    Face classifier, those that it tells).
    `windows` counts the stretches into which a long text was split (1 for an ordinary one, 0 for an empty one).
    """

    text: str
    language: Language
    sentiment: Sentiment
    emotions: tuple[Emotion, ...]
    emotion_probabilities: tuple[Emotion, ...]
    touchpoints: tuple[Touchpoint, ...] = ()
    stage: str | None = None
    qualities: tuple[Quality, ...] = ()
    relation: str | None = None
    intents: tuple[str, ...] = ()
    windows: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dict, ready for `json.dumps`."""
        return {
            "text": self.text,
            "language": _plain(self.language),
            "sentiment": _plain(self.sentiment),
            "emotions": tuple(map(_plain, self.emotions)),
            "emotion_probabilities": {emotion.label: emotion.probability for emotion in self.emotion_probabilities},
            "touchpoints": tuple(map(_plain, self.touchpoints)),
            "stage": self.stage,
            "qualities": tuple(map(_plain, self.qualities)),
            "relation": self.relation,
            "intents": self.intents,
            "windows": self.windows,
        }

    def to_row(self) -> dict[str, Any]:
        """Flat dict with the `cx_` columns of `ROW_SCHEMA`."""
        return {
            "cx_language": self.language.code,
            "cx_language_score": self.language.score,
            "cx_script": self.language.script,
            "cx_sentiment": self.sentiment.label,
            "cx_polarity": self.sentiment.polarity,
            "cx_sentiment_probs": self.sentiment.probabilities,
            "cx_emotions": [emotion.label for emotion in self.emotions],
            "cx_emotion_probs": {emotion.label: emotion.probability for emotion in self.emotion_probabilities},
            "cx_touchpoints": list(map(_plain, self.touchpoints)),
            "cx_stage": self.stage,
            "cx_qualities": list(map(_plain, self.qualities)),
            "cx_relation": self.relation,
            "cx_intents": list(self.intents),
            "cx_windows": self.windows,
            "cx_error": None,
        }


def _plain(result: Any) -> dict[str, Any]:
    """What `dataclasses.asdict` gives for a dataclass of plain values, without its deep copies."""
    return {name: getattr(result, name) for name in result.__slots__}


def error_row(message: str) -> dict[str, Any]:
    """Row for a text that could not be scored: every `cx_` column null but `cx_error`."""
    return {**dict.fromkeys(ROW_SCHEMA.names), "cx_error": message}


def to_arrow(rows: Iterable[Analysis | dict[str, Any]]) -> pa.Table:
    """Arrow table with the columns of `ROW_SCHEMA`, one row for each analysis (or ready-made row), in order.

    Half of a surrogate pair, which Arrow's strings cannot hold, becomes U+FFFD.
    """
    plain = [row.to_row() if isinstance(row, Analysis) else row for row in rows]
    return pa.Table.from_arrays([_array(_values(plain, field), field.type) for field in ROW_SCHEMA], schema=ROW_SCHEMA)


# ---- columns ----------------------------------------------------------------------------------------------------------------------
# Faster than `pa.Table.from_pylist`, which looks up every field of every item's dict by itself.


def _values(rows: Sequence[Mapping[str, Any]], field: pa.Field) -> list[Any]:
    name = field.name
    return [row.get(name) for row in rows]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """`pa.array(values, kind)`, where structs are mappings."""
    if pa.types.is_struct(kind):
        return _structs(values, kind)
    if pa.types.is_list(kind):
        return _lists(values, kind)
    return _strings(values) if pa.types.is_string(kind) else pa.array(values, kind)


def _structs(values: Sequence[Mapping[str, Any] | None], kind: pa.StructType) -> pa.StructArray:
    given = [value or {} for value in values]
    fields = list(kind)
    children = [_array(_values(given, field), field.type) for field in fields]
    return pa.StructArray.from_arrays(children, fields=fields, mask=_missing(values))


def _lists(values: Sequence[Sequence[Any] | None], kind: pa.ListType) -> pa.ListArray:
    given = [value or () for value in values]
    offsets = np.zeros(len(given) + 1, np.int32)
    np.cumsum(list(map(len, given)), out=offsets[1:])
    items = list(chain.from_iterable(given))
    return pa.ListArray.from_arrays(pa.array(offsets), _array(items, kind.value_type), type=kind, mask=_missing(values))


def _strings(values: Sequence[str | None]) -> pa.StringArray:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([value if value is None else _SURROGATE.sub("\ufffd", value) for value in values], pa.string())


def _missing(values: Sequence[Any]) -> pa.BooleanArray:
    return pa.array([value is None for value in values], pa.bool_())
