"""The same 500 texts at batch budgets 1, 512, 4096 and in shuffled order: labels and the largest probability difference.

`python -m benchmarks.invariance`
"""

from __future__ import annotations

import random
import sys

import numpy as np

from benchmarks.results import save
from cxsentiment import Analysis, Analyzer
from cxsentiment.training.corpus import DataFolder

TEXTS = 500
BUDGETS = (1, 512, 4096)


def main() -> None:
    """Prints both figures for each way of batching; exits with 1 when a label differs."""
    documents = DataFolder.find().documents("dev")
    texts = list(dict.fromkeys(document.text for document in random.Random(1).sample(documents, TEXTS + 100)))[:TEXTS]
    reference = Analyzer.from_pretrained(token_budget=4096, cache_size=0)(texts)
    figures = {}
    for budget in BUDGETS:
        analyzer = Analyzer.from_pretrained(token_budget=budget, cache_size=0)
        figures[f"budget {budget}"] = compare(reference, analyzer(texts))
        shuffled = random.Random(budget).sample(range(len(texts)), len(texts))
        found = dict(zip(shuffled, analyzer([texts[index] for index in shuffled]), strict=True))
        figures[f"budget {budget}, shuffled"] = compare(reference, [found[index] for index in range(len(texts))])
    for name, (different, largest) in figures.items():
        print(f"{name}: {different} of {len(texts)} texts with a different label, largest probability difference {largest:.2e}")
    save("invariance", {"texts": len(texts), "ways": {name: {"labels": d, "difference": p} for name, (d, p) in figures.items()}})
    sys.exit(any(different for different, _ in figures.values()))


def compare(expected: list[Analysis], found: list[Analysis]) -> tuple[int, float]:
    """Texts with any label that differs (sentiment, emotions, touchpoints and their polarity), and the largest probability difference."""
    different = sum(labels(a) != labels(b) for a, b in zip(expected, found, strict=True))
    gaps = [np.abs(np.subtract(probabilities(a), probabilities(b))).max() for a, b in zip(expected, found, strict=True)]
    return different, float(max(gaps))


def labels(analysis: Analysis) -> tuple[object, ...]:
    """Everything discrete in an analysis."""
    emotions = frozenset(emotion.label for emotion in analysis.emotions)
    return (
        analysis.language.code,
        analysis.sentiment.label,
        emotions,
        tuple((t.start, t.end, t.type, t.polarity) for t in analysis.touchpoints),
    )


def probabilities(analysis: Analysis) -> list[float]:
    """Sentiment, emotion and touchpoint probabilities."""
    values = [*analysis.sentiment.probabilities.values(), *(emotion.probability for emotion in analysis.emotion_probabilities)]
    return values + [touchpoint.score for touchpoint in analysis.touchpoints]


if __name__ == "__main__":
    main()
