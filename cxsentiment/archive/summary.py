"""What a scored archive holds, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cxsentiment.archive.source import Unreadable
from cxsentiment.results import Analysis


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
    `touchpoints` stand in descending order of mentions. `resumed` rows had been scored before; `seconds` is the time that the others took.
    """

    rows: int
    errors: Mapping[str, int]
    sentiments: Mapping[str, Mapping[str, int]]
    touchpoints: tuple[TouchpointSummary, ...]
    seconds: float
    resumed: int = 0

    @property
    def rows_per_second(self) -> float:
        """Rows scored in a second, 0.0 where none was."""
        return (self.rows - self.resumed) / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Tally:
    """Counts that can be added up over chunks."""

    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    sentiments: dict[str, Counter[str]] = field(default_factory=dict)
    mentions: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[str | Unreadable], analyses: Iterable[Analysis]) -> Tally:
        """What is in some rows, with the analyses of those that have texts."""
        tally = cls(len(texts), Counter(text.kind for text in texts if isinstance(text, Unreadable)))
        for analysis in analyses:
            tally.sentiments.setdefault(analysis.language.code, Counter())[analysis.sentiment.label] += 1
            for touchpoint in analysis.touchpoints:
                tally.mentions.setdefault((touchpoint.type, touchpoint.group), Counter())[touchpoint.polarity] += 1
        return tally

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Tally:
        """The inverse of `plain`."""
        return cls(
            plain["rows"],
            Counter(plain["errors"]),
            {code: Counter(found) for code, found in plain["sentiments"].items()},
            {(type_, group): Counter(found) for type_, group, found in plain["mentions"]},
        )

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "rows": self.rows,
            "errors": dict(self.errors),
            "sentiments": {code: dict(found) for code, found in self.sentiments.items()},
            "mentions": [[type_, group, dict(found)] for (type_, group), found in self.mentions.items()],
        }

    def add(self, other: Tally) -> None:
        """Adds another's counts."""
        self.rows += other.rows
        self.errors.update(other.errors)
        for code, found in other.sentiments.items():
            self.sentiments.setdefault(code, Counter()).update(found)
        for touchpoint, counts in other.mentions.items():
            self.mentions.setdefault(touchpoint, Counter()).update(counts)

    def summary(self, seconds: float, resumed: int = 0) -> Summary:
        """All counts in order."""
        touchpoints = [
            TouchpointSummary(type_, group, found.total(), found["+"], found["-"], found["0"], found["±"])
            for (type_, group), found in self.mentions.items()
        ]
        languages = sorted(self.sentiments.items(), key=lambda item: (-item[1].total(), item[0]))
        return Summary(
            rows=self.rows,
            errors=dict(sorted(self.errors.items(), key=lambda item: (-item[1], item[0]))),
            sentiments={code: dict(sorted(found.items())) for code, found in languages},
            touchpoints=tuple(sorted(touchpoints, key=lambda touchpoint: (-touchpoint.mentions, touchpoint.type))),
            seconds=seconds,
            resumed=resumed,
        )
