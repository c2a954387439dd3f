"""Scored archives that were never scored: Parquet files with made-up answers, for tests of the measures."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cxsentiment.results import ROW_SCHEMA

Comment = Mapping[str, Any]


def comment(
    day: date | None, sentiment: str, mentions: Sequence[tuple[str, str]] = (), polarity: float | None = None, emotions: Sequence[str] = ()
) -> Comment:
    """A comment of a day, with its overall sentiment, and types of touchpoints with how each is spoken of."""
    usual = {"positive": 0.8, "negative": -0.8}.get(sentiment, 0.0)
    return {
        "date": day,
        "comment": "made up",
        "cx_language": "en",
        "cx_sentiment": sentiment,
        "cx_polarity": usual if polarity is None else polarity,
        "cx_emotions": list(emotions),
        "cx_touchpoints": [
            {"start": 0, "end": 4, "text": "made", "type": type_, "group": "service", "polarity": sign, "score": 0.9}
            for type_, sign in mentions
        ],
        "cx_qualities": [],
        "cx_intents": [],
        "cx_windows": 1,
    }


def written(path: Path, comments: Sequence[Comment]) -> Path:
    """The archive as a Parquet file."""
    schema = pa.schema([("date", pa.date32()), ("comment", pa.string()), *ROW_SCHEMA])
    pq.write_table(pa.Table.from_pylist(list(comments), schema=schema), path)
    return path
