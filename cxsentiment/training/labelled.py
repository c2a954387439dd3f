"""Reading a user's own labelled comments, and dealing them into rows to learn, to tune and to test on."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cxsentiment.archive.reading import open_source
from cxsentiment.archive.source import Unreadable
from cxsentiment.errors import InputError
from cxsentiment.language import LanguageDetector
from cxsentiment.results import EMOTIONS, SENTIMENTS
from cxsentiment.text import clean_string, fold
from cxsentiment.training.corpus import YOURS, Document
from cxsentiment.training.labels import Scheme

SENTIMENT_COLUMN = "sentiment"
EMOTIONS_COLUMN = "emotions"
LEAST_ROWS = 20
SPLITS = ("train", "tune", "test")

_SHOWN = 40
_SEPARATORS = re.compile(r"[,;|\s]+")


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file of labelled comments: CSV, TSV, JSON Lines, Parquet, ...

    `text_column` None is the only one with a usual name (see `archive.source`), `sentiment_column` None is "sentiment", and
    `emotions_column` None is "emotions" if there is one, both in whatever case. `encoding` None is found out.
    """

    path: Path
    text_column: str | None = None
    sentiment_column: str | None = None
    emotions_column: str | None = None
    encoding: str | None = None


class _Row(NamedTuple):
    text: str
    sentiment: str | None
    emotions: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """The labelled comments of a file, how many rows have no label, and how many for each reason no usable text."""

    documents: list[Document]
    unlabelled: int
    unusable: Mapping[str, int]

    @property
    def scheme(self) -> Scheme:
        """The sentiments and emotions that occur; others are unknown to the file, not absent."""
        sentiments = {document.sentiment for document in self.documents}
        emotions = {emotion for document in self.documents for emotion in document.emotions or ()}
        return Scheme(tuple(filter(sentiments.__contains__, SENTIMENTS)), emotions=tuple(filter(emotions.__contains__, EMOTIONS)))

    def split(self, name: str) -> list[Document]:
        """The rows of "train", "tune" or "test"."""
        return [document for document in self.documents if split_of(document.text) == name]

    def summary(self) -> str:
        """How many rows there are of each kind, in one line."""
        sizes = ", ".join(f"{len(self.split(name))} {name}" for name in SPLITS)
        reasons = "".join(f"; {count} without usable text: {reason}" for reason, count in sorted(self.unusable.items()))
        return f"{len(self.documents)} labelled rows: {sizes}; {self.unlabelled} without a label{reasons}"


def read_labelled(file: LabelledFile) -> LabelledRows:
    """Reads the labelled rows of a file, cleaned, with their detected language.

    Raises:
        InputError: if the file cannot be read, a column is missing, a label is unknown (rows are counted from 1, the header left out),
            or there is too little to learn from.
    """
    found: list[_Row] = []
    unusable: Counter[str] = Counter()
    unlabelled = 0
    for number, (text, sentiment_cell, emotions_cell) in enumerate(_cells(file), start=1):
        cleaned = "" if isinstance(text, Unreadable) else clean_string(text)
        if not cleaned.strip():
            unusable[text.kind if isinstance(text, Unreadable) else "empty text"] += 1
            continue
        try:
            sentiment, emotions = parse_sentiment(sentiment_cell), parse_emotions(emotions_cell)
        except InputError as error:
            raise InputError(f"{file.path}, row {number}: {error}") from None
        if sentiment is None and emotions is None:
            unlabelled += 1
        else:
            found.append(_Row(cleaned, sentiment, emotions))
    if not any(row.emotions for row in found):  # that none was seen teaches only beside rows where one was
        labelled = [row._replace(emotions=None) for row in found if row.sentiment is not None]
        unlabelled += len(found) - len(labelled)
        found = labelled
    rows = LabelledRows(_documents(found), unlabelled, unusable)
    _check_enough(file.path, rows)
    return rows


def parse_sentiment(cell: Any) -> str | None:
    """The sentiment that a cell names, whatever its case and outer white space; None for an empty one. Raises InputError."""
    label = "" if cell is None else str(cell).strip()
    return _known(label, SENTIMENTS, "sentiment") if label else None


def parse_emotions(cell: Any) -> tuple[str, ...] | None:
    """The emotions that a cell names, in the order of the taxonomy; None for an empty cell, none of them for "-" or an empty list.

    Labels stand between commas, semicolons, bars or white space, or in a list (JSON text, or of the file's own type). Raises InputError.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    labels = cell if isinstance(cell, list) else _listed_labels(str(cell).strip())
    found = {_known(str(label).strip(), EMOTIONS, "emotion") for label in labels}
    return tuple(label for label in EMOTIONS if label in found)


def split_of(text: str) -> str:
    """The split of a cleaned text by its checksum, the same for equal texts: "train" (80 %), "tune" or "test" (10 % each)."""
    part = zlib.crc32(text.encode("utf-8", "replace")) % 10
    return "test" if part == 0 else "tune" if part == 1 else "train"


def _cells(file: LabelledFile) -> Iterator[tuple[str | Unreadable, Any, Any]]:
    """Text, sentiment and emotions of each row."""
    source = open_source(file.path, text_column=file.text_column, encoding=file.encoding)
    names = source.schema.names
    folded = {fold(name.strip()): name for name in names}
    sentiment = file.sentiment_column or folded.get(SENTIMENT_COLUMN, SENTIMENT_COLUMN)
    emotions = file.emotions_column or folded.get(EMOTIONS_COLUMN)
    for wanted, option in ((sentiment, "--sentiment-column"), (emotions, "--emotions-column")):
        if wanted and wanted not in names:
            raise InputError(
                f"{file.path} has no column {wanted!r}; its columns are: {', '.join(names)}; say with {option} which one it is"
            )
    for chunk in source.chunks():
        annotated = chunk.table[emotions].to_pylist() if emotions else [None] * chunk.table.num_rows
        yield from zip(chunk.texts, chunk.table[sentiment].to_pylist(), annotated, strict=True)


def _documents(rows: Sequence[_Row]) -> list[Document]:
    languages = LanguageDetector().detect_batch([row.text for row in rows])
    return [
        Document(row.text, language.code, YOURS, row.sentiment, None, row.emotions, (), 1.0)
        for row, language in zip(rows, languages, strict=True)
    ]


def _listed_labels(text: str) -> list[Any]:
    if text == "-":
        return []
    if not text.startswith("["):
        return [label for label in _SEPARATORS.split(text) if label]
    try:
        labels: list[Any] = json.loads(text)
    except ValueError:
        raise InputError(f'the emotions {text[:_SHOWN]!r} are not a JSON list, as in ["joy", "trust"]') from None
    return labels


def _known(label: str, labels: Sequence[str], kind: str) -> str:
    if label.lower() not in labels:
        shown = label if len(label) <= _SHOWN else label[:_SHOWN] + "…"
        raise InputError(f"unknown {kind} {shown!r}; allowed are {', '.join(labels)}")
    return label.lower()


def _check_enough(path: Path, rows: LabelledRows) -> None:
    count, sentiments = len(rows.documents), rows.scheme.sentiments
    if not count:
        unusable = sum(rows.unusable.values())
        raise InputError(f"{path} has no labelled rows: {rows.unlabelled} have no label, {unusable} no usable text")
    if count < LEAST_ROWS:
        raise InputError(
            f"{path} has {count} labelled rows; at least {LEAST_ROWS} are needed to adapt a model, and some hundred do it well"
        )
    if len(sentiments) == 1:
        raise InputError(f"{path}: every sentiment is {sentiments[0]}; a model learns from the difference: add rows with another one")
