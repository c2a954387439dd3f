"""Reading the training data folder (`CXSENTIMENT_DATA`): labelled documents, parallel and raw text, annotated comments."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxsentiment.errors import InputError
from cxsentiment.text import clean_string
from cxsentiment.training.aspects import SOMEWHERE, touchpoint_of

DEFAULT_DATA = Path("../shared/data")
WRITTEN, OWN, CONTRAST, PATTERNS, YOURS = "written", "own", "contrast", "patterns", "yours"
OWN_FOLDER = Path(__file__).parent / "comments"
WRITTEN_LANGUAGES = ("el", "pl", "ro", "en")
HELD_OUT_WRITTEN = 10
UNUSED_PARALLEL_SOURCES = ("xed",)  # their "English" side is another language

STORY_COLUMNS = ("stage", "qualities", "relation", "intents")

_MARK = re.compile(r"\[([^\[\]{}]+)\]\{([a-z_]+):([+\-0±])\}")
_ASPECT_POLARITY = {"negative": "-", "neutral": "0", "positive": "+", "conflict": "±", "mixed": "±"}


@dataclass(frozen=True, slots=True)
class Span:
    """A marked stretch of a text: `text[start:end]` with its polarity (`-`, `0`, `+`, `±`) and its touchpoint type, None where unknown."""

    start: int
    end: int
    polarity: str | None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What a comment tells beside its touchpoints: journey stage, qualities judged as (quality, polarity), relation, intents."""

    stage: str | None
    qualities: tuple[tuple[str, str], ...]
    relation: str | None
    intents: tuple[str, ...]

    @property
    def judgements(self) -> set[tuple[str, str]]:
        """(quality, `-` or `+`); one that is `±` counts as both."""
        return {(quality, sign) for quality, polarity in self.qualities for sign in ("-+" if polarity == "±" else polarity)}


@dataclass(frozen=True, slots=True)
class Document:
    """One labelled text. A label that is None was not annotated; an empty tuple of emotions means that none was seen.

    `marked`: all mentions of touchpoints are among the spans, with their types. `somewhere`: groups of types, of each of which one is
    mentioned at a place that nobody marked.
    """

    text: str
    lang: str
    dataset: str
    sentiment: str | None
    stars: float | None
    emotions: tuple[str, ...] | None
    spans: tuple[Span, ...]
    quality: float
    marked: bool = False
    story: Story | None = None
    somewhere: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class DataFolder:
    """The folder with the training data; the file names are those of its README."""

    path: Path

    @classmethod
    def find(cls, path: Path | None = None) -> DataFolder:
        """The folder given, or `CXSENTIMENT_DATA`, or `../shared/data`. Raises InputError if `documents.parquet` is not there."""
        folder = path or Path(os.environ.get("CXSENTIMENT_DATA", DEFAULT_DATA))
        if not (folder / "documents.parquet").is_file():
            raise InputError(f"no documents.parquet in {folder}: give the data folder with --data or CXSENTIMENT_DATA")
        return cls(folder)

    def documents(self, split: str) -> list[Document]:
        """Rows of `documents.parquet` with the given split (`train` or `dev`), cleaned."""
        table = pq.read_table(self.path / "documents.parquet")
        rows = table.filter(pc.equal(table["split"], split)).to_pylist()
        return [_document(row) for row in rows]

    @cached_property
    def sentence_pairs(self) -> list[tuple[str, str, str]]:
        """(English, translation, language) triples; Greeklish pairs and sources whose English side is not English are left out."""
        rows = pq.read_table(self.path / "parallel.parquet").to_pylist()
        wanted = (row for row in rows if row["en"] and row["source"] not in UNUSED_PARALLEL_SOURCES)
        return [(clean_string(row["en"]), clean_string(row["text"]), row["lang"]) for row in wanted]

    @cached_property
    def greeklish_pairs(self) -> list[tuple[str, str]]:
        """(Greeklish, Greek) pairs."""
        rows = pq.read_table(self.path / "parallel.parquet").to_pylist()
        pairs = (row["text"].split("\t", 1) for row in rows if row["lang"] == "el-Latn>el")
        return [(clean_string(pair[0]), clean_string(pair[1])) for pair in pairs if len(pair) == 2]

    def raw_texts(self) -> Iterator[tuple[str, str, str]]:
        """(language, text, source) of `monolingual.parquet`."""
        for row in pq.read_table(self.path / "monolingual.parquet").to_pylist():
            yield row["lang"], clean_string(row["text"]), row["source"]

    def written(self) -> list[tuple[str, Document]]:
        """(author, document) of the annotated comments; the author is the file's stem, `el_train2` for example."""
        found = []
        for lang in WRITTEN_LANGUAGES:
            found += _comments(sorted((self.path / "written").glob(f"{lang}_*.tsv")), lang, WRITTEN)
        return found


def is_held_out(text: str) -> bool:
    """Whether an annotated comment is kept from training, to calibrate and to measure on (about one in ten, by checksum of its text)."""
    return zlib.crc32(text.encode()) % HELD_OUT_WRITTEN == 0


def own_comments() -> list[tuple[str, Document]]:
    """(author, document) of the comments that were written and annotated for this project, in the format of `written`.

    Those of the set "contrast" are about what models get wrong: negation, irony, marks, comparisons, change.
    """
    found = []
    for lang in WRITTEN_LANGUAGES:
        found += _comments(sorted(OWN_FOLDER.glob(f"{lang}_[0-9].tsv")), lang, OWN)
        found += _comments(sorted(OWN_FOLDER.glob(f"{lang}_contrast.tsv")), lang, CONTRAST)
    return found


def parse_comment(line: str, lang: str, dataset: str = WRITTEN) -> Document:
    """One line of an annotated-comment file: marks are taken out of the text and become spans."""
    marked, sentiment, emotions, stage, qualities, relation, intents, *_ = [*line.split("\t"), *("-",) * len(STORY_COLUMNS)]
    pieces: list[str] = []
    spans: list[Span] = []
    position = length = 0
    for mark in _MARK.finditer(marked):
        before = marked[position : mark.start()]
        start = length + len(before)
        end = start + len(mark[1])
        spans.append(Span(start, end, mark[3], mark[2]))
        pieces += [before, mark[1]]
        position, length = mark.end(), end
    text = "".join(pieces) + marked[position:]
    judged = tuple((quality, polarity) for quality, _, polarity in (one.partition(":") for one in _listed(qualities)))
    story = Story(next(iter(_listed(stage)), None), judged, next(iter(_listed(relation)), None), _listed(intents))
    return Document(text, lang, dataset, sentiment, None, _listed(emotions), tuple(spans), 1.0, marked=True, story=story)


def _listed(field: str) -> tuple[str, ...]:
    """The entries of a field of an annotated-comment file."""
    return () if field == "-" else tuple(field.split(","))


def _comments(paths: Sequence[Path], lang: str, dataset: str) -> list[tuple[str, Document]]:
    lines = [(path.stem, line) for path in paths for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [(author, parse_comment(line, lang, dataset)) for author, line in lines]


def _document(row: dict[str, object]) -> Document:
    text = str(row["text"])
    aspects: list[dict[str, object]] = row["aspects"] or []  # type: ignore[assignment]
    spans = tuple(
        Span(
            int(aspect["start"]),  # type: ignore[call-overload]
            int(aspect["end"]),  # type: ignore[call-overload]
            _ASPECT_POLARITY[str(aspect["polarity"])],
            touchpoint_of(aspect["term"], aspect["category"]),  # type: ignore[arg-type]
        )
        for aspect in aspects
        if aspect["start"] is not None and aspect["polarity"] in _ASPECT_POLARITY
    )
    emotions: list[str] | None = row["emotions"]  # type: ignore[assignment]
    about = {str(row.get("reason")), *(str(aspect["category"]) for aspect in aspects if aspect["start"] is None)}
    return Document(
        text=text if spans else clean_string(text),
        lang=str(row["lang"]),
        dataset=str(row["dataset"]),
        sentiment=row["sentiment"],  # type: ignore[arg-type]
        stars=row["stars"],  # type: ignore[arg-type]
        emotions=None if emotions is None else tuple(emotions),
        spans=spans,
        quality=float(row["quality"]),  # type: ignore[arg-type]
        somewhere=tuple(SOMEWHERE[name] for name in sorted(about) if name in SOMEWHERE),
    )
