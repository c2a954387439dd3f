"""Scores of a model on labelled sets: accuracy, macro-F1 within each set's scheme, expected calibration error."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cxsentiment.benchmark.calibration import calibration_error as calibration_error
from cxsentiment.benchmark.calibration import reliability as reliability
from cxsentiment.encoder.runtime import RawScores, Runtime, load_runtime
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.heads import Calibration, sigmoid, softmax
from cxsentiment.language import LanguageDetector
from cxsentiment.reading import read
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS, Language
from cxsentiment.tags import polarity_logits
from cxsentiment.text import CleanText
from cxsentiment.touchpoints import Mention, TouchpointFinder
from cxsentiment.training.corpus import DataFolder, Document, Span, is_held_out
from cxsentiment.training.labels import SCHEMES, Scheme
from cxsentiment.training.loop import training_device
from cxsentiment.weights import Manifest, read_manifest, verify

CHUNK = 4096
EVALUATION_TOKENS = 8192
RAW_NAMES = tuple(field.name for field in fields(RawScores))

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Comment:
    """An annotated comment as the network read it: its cleaned text and tokens, their logits, and the phrases found."""

    clean: CleanText
    tokens: TokenisedText
    logits: Floats
    phrases: tuple[Mention, ...]


@dataclass(frozen=True)
class Measured:
    """Documents with the raw scores that a model gives them, all but those of tokens; `tokens` [documents] counts these.

    `polarity` [spans, 4] are the logits of all documents' spans; `comments` those of documents with all their touchpoints marked.
    """

    documents: list[Document]
    raw: RawScores
    tokens: npt.NDArray[np.int64]
    polarity: Floats
    comments: list[Comment | None]

    @property
    def spans(self) -> list[Span]:
        """The documents' spans, in the order of `polarity`."""
        return [span for document in self.documents for span in document.spans]


@dataclass(frozen=True)
class Judged:
    """Documents with calibrated probabilities, sentiments [documents, 4] and emotions [documents, 15], and the emotions found, likewise."""

    documents: list[Document]
    sentiments: Floats
    emotions: Floats
    present: Bools


@dataclass(frozen=True, slots=True)
class SetScore:
    """How well one set is done. `macro_f1` is over the set's labels; `calibration_error` is null for emotions."""

    task: str
    lang: str
    dataset: str
    size: int
    accuracy: float
    macro_f1: float
    calibration_error: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A document, the sentiment given to it within its set's labels, and the probability of that."""

    document: Document
    given: str
    probability: float

    @property
    def wrong(self) -> bool:
        """Whether the annotators said otherwise."""
        return self.given != self.document.sentiment


def load_model(name_or_path: str | Path | None) -> tuple[Manifest, Runtime, TextTokeniser]:
    """A verified model (None: the default one) on the best device there is, in float32 (users may get it rounded; measuring is exact).

    Raises ModelError when it is not there or damaged.
    """
    manifest = read_manifest(name_or_path)
    verify(manifest)
    return manifest, *load_runtime(manifest, str(training_device()), "float32", EVALUATION_TOKENS)


def dev_documents(data: DataFolder) -> list[Document]:
    """Dev rows of every set with a scheme, and the annotated comments that were held out of training."""
    documents = [document for document in data.documents("dev") if document.dataset in SCHEMES]
    return documents + [document for _, document in data.written() if is_held_out(document.text)]


def raw_scores(runtime: Runtime, tokeniser: TextTokeniser, documents: Sequence[Document]) -> Measured:
    """Runs the network over the documents; those without a single token are left out."""
    readings = read([document.text for document in documents], LanguageDetector())
    tokenised = tokeniser([text.text for text, _ in readings], [bool(document.spans) or document.marked for document in documents])
    kept = [index for index, text in enumerate(tokenised) if len(text.ids)]
    marked = [index for index in kept if documents[index].marked]
    phrases = dict(zip(marked, TouchpointFinder().find(*_texts_and_languages(readings, marked)), strict=True))
    parts: list[RawScores] = []
    polarity: list[Floats] = [np.zeros((0, len(POLARITIES)), np.float32)]
    comments: list[Comment | None] = []
    for start in range(0, len(kept), CHUNK):
        chunk = kept[start : start + CHUNK]
        raw = runtime.score([tokenised[index] for index in chunk])
        ends = np.cumsum([len(tokenised[index].ids) for index in chunk])
        for index, logits in zip(chunk, np.split(raw.tokens, ends[:-1]), strict=True):
            clean, text = readings[index][0], tokenised[index]
            polarity.append(
                polarity_logits(logits, [text.tokens_of(*clean.place(span.start, span.end)) for span in documents[index].spans])
            )
            comments.append(Comment(clean, text, logits.copy(), phrases[index]) if documents[index].marked else None)
        parts.append(replace(raw, tokens=raw.tokens[:0]))
    together = RawScores(*(np.concatenate([getattr(part, name) for part in parts]) for name in RAW_NAMES))
    tokens = np.array([len(tokenised[index].ids) for index in kept])
    return Measured([documents[index] for index in kept], together, tokens, np.concatenate(polarity), comments)


def _texts_and_languages(readings: Sequence[tuple[CleanText, Language]], chosen: Sequence[int]) -> tuple[list[str], list[Language]]:
    return [readings[index][0].text for index in chosen], [readings[index][1] for index in chosen]


def judge(measured: Measured, calibration: Calibration) -> Judged:
    """What a calibration makes of raw scores."""
    raw = measured.raw
    sentiments = softmax(calibration.sentiment.combine(raw.sentiment, raw.wide_sentiment, measured.tokens))
    emotions = sigmoid(calibration.emotions.combine(raw.emotions, raw.wide_emotions, measured.tokens))
    return Judged(measured.documents, sentiments, emotions, emotions >= np.array(calibration.emotion_thresholds))


def cross_fitted(measured: Measured, fit: Callable[[Measured], Calibration]) -> Judged:
    """As `judge`, each half of the documents with the calibration fitted on the other half."""
    return judge_halves(measured, fitted_halves(measured, fit))


def judge_halves(measured: Measured, fitted: Sequence[tuple[Measured, Calibration]]) -> Judged:
    """As `judge`, each of the `fitted_halves` with its calibration; in the order of the documents."""
    parts = [judge(own, calibration) for own, calibration in fitted]
    back = np.argsort(np.argsort([half_of(document) for document in measured.documents], kind="stable"))
    arrays = (np.concatenate([getattr(part, name) for part in parts])[back] for name in ("sentiments", "emotions", "present"))
    return Judged(measured.documents, *arrays)


def halves(measured: Measured) -> Iterator[tuple[Measured, Measured]]:
    """Each half of the documents, drawn by checksum of the text, and the other half."""
    drawn = np.array([half_of(document) for document in measured.documents])
    for half in (0, 1):
        yield _some(measured, drawn == half), _some(measured, drawn != half)


def fitted_halves(measured: Measured, fit: Callable[[Measured], Calibration]) -> list[tuple[Measured, Calibration]]:
    """Each half of the documents with the calibration fitted on the other half."""
    return [(own, fit(other)) for own, other in halves(measured)]


def half_of(document: Document, *, again: bool = False) -> int:
    """0 or 1, by checksum of the text; `again` parts each of these halves once more."""
    return zlib.crc32(document.text.encode()) >> (9 if again else 8) & 1


def _some(measured: Measured, chosen: Bools) -> Measured:
    """The chosen documents [documents] alone."""
    of_spans = np.repeat(chosen, [len(document.spans) for document in measured.documents])
    raw = replace(measured.raw, **{name: getattr(measured.raw, name)[chosen] for name in RAW_NAMES if name != "tokens"})
    documents = [document for document, wanted in zip(measured.documents, chosen, strict=True) if wanted]
    comments = [comment for comment, wanted in zip(measured.comments, chosen, strict=True) if wanted]
    return Measured(documents, raw, measured.tokens[chosen], measured.polarity[of_spans], comments)


def score_sets(judged: Judged) -> list[SetScore]:
    """One score for each (task, set, language), in the order of the schemes."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, document in enumerate(judged.documents):
        rows[document.dataset, document.lang].append(index)
    order = list(SCHEMES)
    scores = []
    for (name, lang), indices in sorted(rows.items(), key=lambda item: (order.index(item[0][0]), item[0][1])):
        documents = [judged.documents[index] for index in indices]
        scores += _sentiment_score(name, lang, documents, judged.sentiments[indices])
        scores += _emotion_score(name, lang, documents, judged.present[indices])
    return sorted(scores, key=lambda score: score.task, reverse=True)


def scheme_probabilities(scheme: Scheme, probabilities: Floats) -> Floats:
    """Probabilities [rows, 4] among the labels of a set: the others are ruled out, and three stars count mixed as neutral."""
    within = probabilities.copy()
    neutral, mixed = SENTIMENTS.index("neutral"), SENTIMENTS.index("mixed")
    if scheme.star_neutral:
        within[:, neutral] += within[:, mixed]
    within[:, [label not in scheme.sentiments for label in SENTIMENTS]] = 0.0
    normalised: Floats = within / np.maximum(within.sum(axis=1, keepdims=True), 1e-9)
    return normalised


def macro_f1(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> float:
    """Mean over the labels of 2 TP / (2 TP + FP + FN); a label that is neither in gold nor predicted counts 0."""
    gold_array, predicted_array = np.array(gold), np.array(predicted)
    return float(np.mean([f1(gold_array == label, predicted_array == label) for label in labels]))


def f1(gold: Bools, predicted: Bools) -> float:
    """F1 of one label."""
    both = float((gold & predicted).sum())
    either = float(gold.sum() + predicted.sum())
    return 2 * both / either if either else 0.0


def verdicts(judged: Judged) -> list[Verdict]:
    """The sentiment given to each document that has one, within its set's scheme."""
    found = []
    for document, row in zip(judged.documents, judged.sentiments, strict=True):
        scheme = SCHEMES[document.dataset]
        if document.sentiment is not None and scheme.sentiments:
            within = scheme_probabilities(scheme, row[None])[0]
            found.append(Verdict(document, SENTIMENTS[int(within.argmax())], float(within.max())))
    return found


def language_confidence(judged: Judged) -> Mapping[str, tuple[Floats, Bools]]:
    """For each language the probability of the chosen sentiment (within each set's scheme) and whether it is right, [texts] each."""
    found: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for verdict in verdicts(judged):
        found[verdict.document.lang].append((verdict.probability, not verdict.wrong))
    return {lang: (np.array([c for c, _ in rows], np.float32), np.array([r for _, r in rows])) for lang, rows in sorted(found.items())}


def language_calibration(judged: Judged) -> Mapping[str, float]:
    """Expected calibration error of sentiment for each language."""
    return {lang: calibration_error(*pairs) for lang, pairs in language_confidence(judged).items()}


def _sentiment_score(name: str, lang: str, documents: Sequence[Document], probabilities: Floats) -> list[SetScore]:
    scheme = SCHEMES[name]
    labelled = [index for index, document in enumerate(documents) if document.sentiment is not None]
    if not scheme.sentiments or not labelled:
        return []
    within = scheme_probabilities(scheme, probabilities[labelled])
    predicted = [SENTIMENTS[index] for index in within.argmax(axis=1)]
    gold = [str(documents[index].sentiment) for index in labelled]
    correct = np.array(gold) == np.array(predicted)
    labels = [label for label in scheme.sentiments if label in gold]
    error = calibration_error(within.max(axis=1), correct)
    return [SetScore("sentiment", lang, name, len(gold), float(correct.mean()), macro_f1(gold, predicted, labels), error)]


def _emotion_score(name: str, lang: str, documents: Sequence[Document], present: Bools) -> list[SetScore]:
    scheme = SCHEMES[name]
    targets = [scheme.emotion_targets(document) for document in documents]
    annotated = [index for index, target in enumerate(targets) if target]
    if not annotated:
        return []
    columns = [EMOTIONS.index(label) for label in scheme.emotions]
    gold = np.array([[targets[index][label] > 0 for label in scheme.emotions] for index in annotated])
    predicted = present[np.ix_(annotated, columns)]
    macro = float(np.mean([f1(gold[:, column], predicted[:, column]) for column in range(len(columns)) if gold[:, column].any()]))
    return [SetScore("emotions", lang, name, len(annotated), f1(gold, predicted), macro, None)]
