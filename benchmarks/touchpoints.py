"""How well the taxonomy's phrases alone find the touchpoint mentions of the annotated comments.

    CXSENTIMENT_DATA=../shared/data python -m benchmarks.touchpoints

A mention counts as found if it overlaps an annotated span of the same type. The language of each comment is the detected one. The
phrases were written with these comments in sight, so the figures flatter.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.results import save
from cxsentiment.language import LanguageDetector
from cxsentiment.text import clean
from cxsentiment.touchpoints import Mention, TouchpointFinder
from cxsentiment.training.corpus import DataFolder, Document, Span


@dataclass(slots=True)
class Counts:
    """Annotated spans, those of them found, mentions given, those of them right."""

    spans: int = 0
    found: int = 0
    mentions: int = 0
    right: int = 0

    def add(self, spans: Sequence[Span], mentions: Sequence[Mention]) -> None:
        """Counts one comment."""
        self.spans += len(spans)
        self.mentions += len(mentions)
        self.found += sum(any(_agree(span, mention) for mention in mentions) for span in spans)
        self.right += sum(any(_agree(span, mention) for span in spans) for mention in mentions)

    @property
    def precision(self) -> float:
        """Share of the mentions that are right."""
        return self.right / max(1, self.mentions)

    @property
    def recall(self) -> float:
        """Share of the spans that were found."""
        return self.found / max(1, self.spans)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def _agree(span: Span, mention: Mention) -> bool:
    return span.type == mention.type and span.start < mention.end and mention.start < span.end


def find_all(finder: TouchpointFinder, documents: Sequence[Document]) -> list[list[Mention]]:
    """Mentions in each document, with offsets in its own text."""
    cleaned = [clean(document.text) for document in documents]
    texts = [text.text for text in cleaned]
    found = finder.find(texts, LanguageDetector().detect_batch(texts))
    pairs = zip(cleaned, found, strict=True)
    return [[Mention(*text.span(one.start, one.end), one.type, one.group) for one in mentions] for text, mentions in pairs]


def main() -> None:
    """Prints the table."""
    authors, documents = zip(*DataFolder.find().written(), strict=True)
    finder = TouchpointFinder()
    find_all(finder, documents)  # loads what each language needs
    started = time.process_time()
    found = find_all(finder, documents)
    elapsed = time.process_time() - started
    table: defaultdict[str, Counts] = defaultdict(Counts)
    for author, document, mentions in zip(authors, documents, found, strict=True):
        for row in (author, f"{document.lang} (both)", "all"):
            table[row].add(document.spans, mentions)
    print(f"{'comments':12} {'spans':>6} {'mentions':>8} {'P':>6} {'R':>6} {'F1':>6}")
    for row, counts in sorted(table.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{row:12} {counts.spans:6} {counts.mentions:8} {counts.precision:6.3f} {counts.recall:6.3f} {counts.f1:6.3f}")
    rate = len(documents) / elapsed
    print(f"{rate:,.0f} comments per CPU second with cleaning and language detection, words seen before")
    rows = {
        row: asdict(counts) | {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1} for row, counts in table.items()
    }
    save("touchpoints", {"rows": rows, "comments_per_cpu_second": rate})


if __name__ == "__main__":
    main()
