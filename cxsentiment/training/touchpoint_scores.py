"""How well touchpoints, their feeling, and the story of annotated comments are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cxsentiment.benchmark.metrics import SPAN_COUNTS, SPAN_MEASURES, span_outcomes
from cxsentiment.heads import Calibration, Floats
from cxsentiment.story import STORY, intents_of, qualities_of, relation_of, stage_of, story_probabilities
from cxsentiment.tags import mentions_of, polarity_logits
from cxsentiment.training.corpus import Document, Span, Story
from cxsentiment.training.measure import Measured


@dataclass(frozen=True, slots=True)
class Found:
    """A mention given to a text: characters [start, end), type, polarity."""

    start: int
    end: int
    type: str
    polarity: str


@dataclass(frozen=True, slots=True)
class Reading:
    """An annotated comment with the mentions and the story that were given to it."""

    document: Document
    found: Sequence[Found]
    story: Story


@dataclass(slots=True)
class Counts:
    """Items annotated, those of them found, items given, those of them right: `SPAN_COUNTS`."""

    annotated: int = 0
    found: int = 0
    given: int = 0
    right: int = 0

    def add(self, annotated: int, found: int, given: int, right: int) -> None:
        """Counts one text."""
        self.annotated += annotated
        self.found += found
        self.given += given
        self.right += right

    def add_sets(self, annotated: set[str], given: set[str]) -> None:
        """Counts the labels of one text."""
        both = len(annotated & given)
        self.add(len(annotated), both, len(given), both)

    @property
    def precision(self) -> float:
        """Share of what was given that is right."""
        return self.right / max(1, self.given)

    @property
    def recall(self) -> float:
        """Share of what is annotated that was found."""
        return self.found / max(1, self.annotated)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(slots=True)
class TouchpointScore:
    """All counts of some comments.

    `spans`, `complete`, `types`, `polarity`: the `SPAN_MEASURES` of touchpoints (see `span_outcomes`); `stage`, `relation`: comments;
    `qualities` (with polarity) and `intents`: labels.
    """

    spans: Counts = field(default_factory=Counts)
    complete: Counts = field(default_factory=Counts)
    types: Counts = field(default_factory=Counts)
    polarity: Counts = field(default_factory=Counts)
    stage: Counts = field(default_factory=Counts)
    relation: Counts = field(default_factory=Counts)
    qualities: Counts = field(default_factory=Counts)
    intents: Counts = field(default_factory=Counts)

    @property
    def rates(self) -> Mapping[str, float]:
        """The figures of a table's row, by the names of its columns."""
        return {
            "precision": self.spans.precision,
            "recall": self.spans.recall,
            "span + type F1": self.spans.f1,
            "types F1": self.types.f1,
            "polarity": self.polarity.precision,
            "all three F1": self.complete.f1,
            "stage": self.stage.precision,
            "relation": self.relation.precision,
            "qualities F1": self.qualities.f1,
            "intents F1": self.intents.f1,
        }

    def add_mentions(self, spans: Sequence[Span], mentions: Sequence[Found]) -> None:
        """Counts the mentions in one comment beside the annotated spans."""
        outcomes = span_outcomes(spans, mentions).reshape(len(SPAN_MEASURES), len(SPAN_COUNTS))
        for counts, outcome in zip((self.spans, self.complete, self.types, self.polarity), outcomes.tolist(), strict=True):
            counts.add(*outcome)

    def add_story(self, story: Story, told: Story) -> None:
        """Counts the story of one comment."""
        for counts, annotated, given in ((self.stage, story.stage, told.stage), (self.relation, story.relation, told.relation)):
            counts.add(1, annotated == given, 1, annotated == given)
        self.qualities.add_sets({f"{q}:{p}" for q, p in story.qualities}, {f"{q}:{p}" for q, p in told.qualities})
        self.intents.add_sets(set(story.intents), set(told.intents))


def touchpoint_scores(readings: Iterable[Reading]) -> Mapping[str, TouchpointScore]:
    """Scores of annotated comments, for each language."""
    scores: dict[str, TouchpointScore] = {}
    for reading in readings:
        score = scores.setdefault(reading.document.lang, TouchpointScore())
        score.add_mentions(reading.document.spans, reading.found)
        if reading.document.story is not None:
            score.add_story(reading.document.story, reading.story)
    return scores


def read_all(fitted: Iterable[tuple[Measured, Calibration]], *, unsure_labels: bool = False) -> list[Reading]:
    """What the model finds in the annotated comments of several parts, each with its calibration (see `measure.fitted_halves`)."""
    return [reading for part, calibration in fitted for reading in read_off(part, calibration, unsure_labels=unsure_labels)]


def read_off(measured: Measured, calibration: Calibration, *, unsure_labels: bool = False) -> Iterator[Reading]:
    """Each annotated comment with the mentions and the story that the model gives it."""
    thresholds = calibration.thresholds_of_story(unsure_labels=unsure_labels)
    stories = story_probabilities(measured.raw.story)
    for document, comment, row in zip(measured.documents, measured.comments, stories, strict=True):
        if comment is None:
            continue
        (found,) = mentions_of([comment.clean.text], [comment.tokens], comment.logits, [comment.phrases], calibration)
        judged = calibration.polarities(polarity_logits(comment.logits, [(one.first, one.last) for one in found]))
        mentions = [
            Found(*comment.clean.span(one.start, one.end), one.type, polarity) for one, (polarity, _) in zip(found, judged, strict=True)
        ]
        yield Reading(document, mentions, told(row, thresholds))


def told(probabilities: Floats, thresholds: Sequence[float]) -> Story:
    """The story of one text from its probabilities [len(STORY)]."""
    qualities = tuple((one.quality, one.polarity) for one in qualities_of(probabilities, thresholds))
    return Story(
        stage_of(probabilities, thresholds), qualities, relation_of(probabilities, thresholds), intents_of(probabilities, thresholds)
    )


def label_scores(readings: Iterable[Reading]) -> Mapping[str, Counts]:
    """How well each label of the story is told, over all languages."""
    scores = {label: Counts() for label in STORY}
    for reading in readings:
        if reading.document.story is not None:
            pairs = zip(story_labels(reading.document.story), story_labels(reading.story), strict=True)
            for label, (present, given) in zip(STORY, pairs, strict=True):
                scores[label].add(int(present), int(present and given), int(given), int(present and given))
    return scores


def story_labels(story: Story) -> np.ndarray:
    """Which of the labels `STORY` a story has [len(STORY)]."""
    judged = {f"{quality}:{sign}" for quality, sign in story.judgements}
    present = {story.stage, story.relation, *judged, *story.intents}
    return np.array([label in present for label in STORY])
