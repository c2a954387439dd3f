"""Scores a source row by row into a writer, and sums up what was found."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from cxsentiment.archive.source import CHUNK_ROWS, Chunk, Source, Unreadable
from cxsentiment.archive.writing import Writer
from cxsentiment.results import Analysis, error_row, to_arrow


class StreamAnalyzer(Protocol):
    """What scoring needs of an `Analyzer`."""

    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        """One analysis for each text, lazily and in order."""


@dataclass(frozen=True, slots=True)
class TouchpointSummary:
    """How often a type of touchpoint is mentioned, and with which feeling."""

    type: str
    group: str
    mentions: int
    positive: int
    negative: int
    neutral: int
    mixed: int

    @property
    def net_sentiment(self) -> float:
        """Share of positive mentions minus share of negative ones, in [-1, 1]."""
        return (self.positive - self.negative) / self.mentions if self.mentions else 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a scored archive holds.

    `errors` counts rows by kind of error; `sentiments` counts texts by language and sentiment label, the most frequent language first;
    `touchpoints` stand in descending order of mentions. `seconds` is the time from the first row read to the last one handed to the writer.
    """

    rows: int
    errors: Mapping[str, int]
    sentiments: Mapping[str, Mapping[str, int]]
    touchpoints: tuple[TouchpointSummary, ...]
    seconds: float

    @property
    def rows_per_second(self) -> float:
        """Rows scored in a second, 0.0 for an empty archive."""
        return self.rows / self.seconds if self.seconds else 0.0


def score(
    source: Source,
    analyzer: StreamAnalyzer,
    writer: Writer,
    *,
    chunk_rows: int = CHUNK_ROWS,
    progress: Callable[[int], None] | None = None,
) -> Summary:
    """Writes every row of `source` with the columns of its analysis, in order; a row without a text gets `cx_error` instead.

    Args:
        source: The rows.
        analyzer: An `Analyzer`; it is given one stream of all texts, so that it may look ahead as far as it likes.
        writer: Takes the scored rows.
        chunk_rows: Rows written at a time.
        progress: Called after each chunk with the number of rows written so far.
    """
    tally = _Tally()
    started = time.monotonic()
    for chunk, analyses in _analysed_chunks(source.chunks(chunk_rows), analyzer):
        writer.write(_scored_table(chunk, analyses))
        tally.add(chunk, analyses)
        if progress is not None:
            progress(tally.rows)
    return tally.summary(time.monotonic() - started)


def _analysed_chunks(chunks: Iterator[Chunk], analyzer: StreamAnalyzer) -> Iterator[tuple[Chunk, list[Analysis]]]:
    """Gives each chunk with its analyses. Chunks wait while the analyzer reads ahead."""
    waiting: deque[tuple[Chunk, int]] = deque()

    def texts() -> Iterator[str]:
        for chunk in chunks:
            readable = [text for text in chunk.texts if isinstance(text, str)]
            waiting.append((chunk, len(readable)))
            yield from readable

    found: list[Analysis] = []
    for analysis in analyzer.stream(texts()):
        found.append(analysis)
        while waiting and len(found) >= waiting[0][1]:
            chunk, readable = waiting.popleft()
            yield chunk, found[:readable]
            found = found[readable:]
    if found or any(readable for _, readable in waiting):
        raise RuntimeError("the analyzer did not give one analysis for each text")
    for chunk, _ in waiting:
        yield chunk, []


def _scored_table(chunk: Chunk, analyses: list[Analysis]) -> pa.Table:
    remaining = iter(analyses)
    rows = [error_row(text.reason) if isinstance(text, Unreadable) else next(remaining) for text in chunk.texts]
    scored = to_arrow(rows)
    schema = pa.schema([*chunk.table.schema, *scored.schema])
    return pa.Table.from_arrays([*chunk.table.columns, *scored.columns], schema=schema)


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    sentiments: dict[str, Counter[str]] = field(default_factory=dict)
    mentions: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, chunk: Chunk, analyses: list[Analysis]) -> None:
        self.rows += len(chunk.texts)
        self.errors.update(text.kind for text in chunk.texts if isinstance(text, Unreadable))
        for analysis in analyses:
            self.sentiments.setdefault(analysis.language.code, Counter())[analysis.sentiment.label] += 1
            for touchpoint in analysis.touchpoints:
                self.mentions.setdefault((touchpoint.type, touchpoint.group), Counter())[touchpoint.polarity] += 1

    def summary(self, seconds: float) -> Summary:
        touchpoints = [
            TouchpointSummary(type_, group, found.total(), found["+"], found["-"], found["0"], found["±"])
            for (type_, group), found in self.mentions.items()
        ]
        languages = sorted(self.sentiments.items(), key=lambda item: (-item[1].total(), item[0]))
        return Summary(
            rows=self.rows,
            errors=dict(self.errors.most_common()),
            sentiments={code: dict(found) for code, found in languages},
            touchpoints=tuple(sorted(touchpoints, key=lambda touchpoint: (-touchpoint.mentions, touchpoint.type))),
            seconds=seconds,
        )
