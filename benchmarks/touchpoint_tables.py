"""Tables of what was found in annotated comments: by finder and language, by type, and which types are taken for which."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cxsentiment.heads import Calibration, sentiment_of
from cxsentiment.results import POLARITIES, SENTIMENTS
from cxsentiment.training.corpus import Document, Story
from cxsentiment.training.measure import Measured, judge
from cxsentiment.training.touchpoint_scores import Found, Reading, TouchpointScore, read_all, touchpoint_scores

NETWORK, PHRASES, SENTENCES = "network and phrases", "phrases alone", "phrases, feeling of the sentence"
FEELINGS = dict(zip(SENTIMENTS, POLARITIES, strict=True))
NOTHING = Story(None, (), None, ())
MISSED, EXTRA = "(missed)", "(nothing there)"
CONFUSIONS = 25
LANGUAGES, ALL = ("el", "pl", "ro", "en"), "all"
SENTENCE_END = re.compile(r"(?<=[.!?;…])\s+")

Readings = Mapping[str, Sequence[Reading]]
Score = Callable[[Sequence[Document]], Measured]


def all_readings(score: Score, fitted: Sequence[tuple[Measured, Calibration]]) -> Readings:
    """For each finder the annotated comments with what it finds; each part of them comes with a calibration that has not seen it."""
    return {
        NETWORK: read_all(fitted),
        SENTENCES: [reading for own, calibration in fitted for reading in by_phrases(score, own, calibration)],
        PHRASES: [Reading(document, unfelt(found), NOTHING) for own, _ in fitted for document, found in phrases_of(own)],
    }


def phrases_of(measured: Measured) -> Iterator[tuple[Document, list[Found]]]:
    """What phrases find in each annotated comment, without a polarity yet."""
    for document, comment in zip(measured.documents, measured.comments, strict=True):
        if comment is not None:
            yield document, [Found(*comment.clean.span(one.start, one.end), one.type, "") for one in comment.phrases]


def unfelt(found: Sequence[Found]) -> list[Found]:
    """Mentions of which all are called neutral."""
    return [Found(one.start, one.end, one.type, "0") for one in found]


def by_phrases(score: Score, measured: Measured, calibration: Calibration) -> Iterator[Reading]:
    """What phrases find, each with the feeling of its sentence, which is judged as if it were a text."""
    comments = list(phrases_of(measured))
    ends = [[*(end.start() for end in SENTENCE_END.finditer(document.text)), len(document.text)] for document, _ in comments]
    whole = [document for document, _ in comments]
    sentences = [
        Document(document.text[start:end], document.lang, document.dataset, None, None, None, (), 1.0)
        for document, stops in zip(whole, ends, strict=True)
        for start, end in zip([0, *stops], stops, strict=False)
    ]
    judged = judge(score(sentences), calibration)
    feelings = {
        (document.text, document.lang): FEELINGS[sentiment_of(row).label]
        for document, row in zip(judged.documents, judged.sentiments, strict=True)
    }
    for (document, found), stops in zip(comments, ends, strict=True):
        told = []
        for one in found:
            end = next(stop for stop in stops if stop >= one.end or stop == stops[-1])
            start = max([0, *(stop for stop in stops if stop <= one.start)])
            told.append(Found(one.start, one.end, one.type, feelings.get((document.text[start:end], document.lang), "0")))
        yield Reading(document, told, NOTHING)


def print_all(readings: Readings) -> dict[str, Any]:
    """Prints the tables; the same figures as plain data."""
    columns = ("finder", "lang", "spans", *TouchpointScore().rates)
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    comments = {}
    for name, chosen in readings.items():
        scores = touchpoint_scores(chosen)
        comments[name] = {lang: {**score.rates, "counts": asdict(score)} for lang, score in sorted(scores.items())}
        for lang, score in sorted(scores.items()):
            print(f"| {name} | {lang} | {score.spans.annotated} | " + " | ".join(f"{value:.3f}" for value in score.rates.values()) + " |")
    types, confused = by_type(readings[NETWORK]), confusions(readings[NETWORK])
    print("\n| type | " + " | ".join(LANGUAGES) + " | all: spans | precision | recall | F1 |\n" + "|---" * 9 + "|")
    for row in types:
        print(row)
    print("\n| annotated | given | times |\n|---|---|---|")
    for one in confused:
        print(f"| {one.annotated} | {one.given} | {one.times} |")
    return {"comments": comments, "types": [asdict(row) for row in types], "confusions": [asdict(one) for one in confused]}


@dataclass(frozen=True, slots=True)
class TypeRow:
    """How well one type is found: F1 in each language, and over all of them."""

    type: str
    languages: Mapping[str, float]
    spans: int
    precision: float
    recall: float
    f1: float

    def __str__(self) -> str:
        cells = [f"{self.languages[lang]:.2f}" if lang in self.languages else "" for lang in LANGUAGES]
        return f"| {self.type} | " + " | ".join(cells) + f" | {self.spans} | {self.precision:.2f} | {self.recall:.2f} | {self.f1:.2f} |"


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a type was given where another is annotated, or none, or where there is nothing."""

    annotated: str
    given: str
    times: int


def by_type(readings: Sequence[Reading]) -> list[TypeRow]:
    """A row for each type, the commonest first."""
    scores: dict[str, dict[str, TouchpointScore]] = defaultdict(lambda: defaultdict(TouchpointScore))
    for reading in readings:
        spans, found = reading.document.spans, reading.found
        for name in {str(span.type) for span in spans} | {one.type for one in found}:
            chosen = [span for span in spans if span.type == name], [one for one in found if one.type == name]
            for lang in (reading.document.lang, ALL):
                scores[name][lang].add_mentions(*chosen)
    rows = []
    for name, of_lang in scores.items():
        spans = of_lang.pop(ALL).spans
        languages = {lang: score.spans.f1 for lang, score in of_lang.items()}
        rows.append(TypeRow(name, languages, spans.annotated, spans.precision, spans.recall, spans.f1))
    return sorted(rows, key=lambda row: -row.spans)


def confusions(readings: Sequence[Reading]) -> list[Confusion]:
    """The commonest pairs of an annotated type and another that was given to the same words, and of what was missed or made up."""
    counts: Counter[tuple[str, str]] = Counter()
    for reading in readings:
        spans, found = reading.document.spans, reading.found
        for span in spans:
            given = {one.type for one in found if one.start < span.end and span.start < one.end}
            if span.type not in given:
                counts.update((str(span.type), other) for other in given or {MISSED})
        for one in found:
            if not any(one.start < span.end and span.start < one.end for span in spans):
                counts[EXTRA, one.type] += 1
    return [Confusion(annotated, given, times) for (annotated, given), times in counts.most_common(CONFUSIONS)]


def print_errors(readings: Sequence[Reading]) -> None:
    """Comments as they are annotated and as they were read, to find out why."""
    for reading in readings:
        text = reading.document.text
        gold = [(span.start, str(span.type), str(span.polarity), text[span.start : span.end]) for span in reading.document.spans]
        given = [(one.start, one.type, one.polarity, text[one.start : one.end]) for one in reading.found]
        print(f"\n[{reading.document.lang}] {text}")
        print("  annotated:", *(f"[{words}]{{{name}:{polarity}}}" for _, name, polarity, words in sorted(gold)), reading.document.story)
        print("  given:    ", *(f"[{words}]{{{name}:{polarity}}}" for _, name, polarity, words in sorted(given)), reading.story)
