"""How well touchpoints, the feeling towards each, and the rest of a comment's story are found, beside the taxonomy's phrases alone.

`python -m benchmarks.touchpoints [--model FOLDER] [--errors 30]`

On the annotated comments that were held out (cross-fitted), and on the terms of English aspect sets. A mention is right if it overlaps
an annotated span of the same type. The phrases were written with the comments in sight, so the figures of phrases alone flatter.
Comments of authors that a model has never seen are measured by `benchmarks.authors`.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from benchmarks.results import save
from benchmarks.timing import median_seconds
from benchmarks.touchpoint_tables import NETWORK, all_readings, print_all, print_errors
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.encoder.tokenise import TokenisedText
from cxsentiment.heads import Calibration
from cxsentiment.results import EMOTIONS, POLARITIES
from cxsentiment.story import STORY_LOGITS
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.measure import EVALUATION_TOKENS, Measured, dev_documents, fitted_halves, load_model, macro_f1, raw_scores
from cxsentiment.training.touchpoint_scores import Reading, TouchpointScore
from cxsentiment.weights import Manifest

TERM_SETS = ("semeval2014_absa", "semeval2016_absa", "mams", "oats", "memd_absa", "mabsa_en")
TIMED, ROUNDS = 600, 7


@dataclass(frozen=True, slots=True)
class TermScore:
    """How often marked terms of one set get the right polarity."""

    dataset: str
    terms: int
    accuracy: float
    macro_f1: float


def main() -> None:
    """Prints the tables and writes them to benchmarks/results/touchpoints.json; errors are printed only."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--errors", type=int, default=0, help="comments with a mistake to print")
    options = parser.parse_args()
    manifest, runtime, tokeniser = load_model(options.model)
    documents = dev_documents(DataFolder.find())
    measured = raw_scores(runtime, tokeniser, documents)
    fitted = fitted_halves(measured, calibrate)
    readings = all_readings(lambda documents: raw_scores(runtime, tokeniser, documents), fitted)
    tables = print_all(readings)
    terms = list(term_scores(fitted))
    print("\n| terms of | terms | accuracy | macro-F1 |\n|---|---|---|---|")
    for score in terms:
        print(f"| {score.dataset} | {score.terms} | {score.accuracy:.3f} | {score.macro_f1:.3f} |")
    timed = [document.text for document in documents[:: len(documents) // TIMED + 1]]
    cost = cost_of_heads(manifest, tokeniser(timed, [False] * len(timed)))
    print(f"\nall heads: {cost:.3f} times the forward pass of sentiment alone (median of {ROUNDS} turns)")
    wrong = [reading for reading in readings[NETWORK] if has_mistake(reading)]
    print_errors(random.Random(1).sample(wrong, min(options.errors, len(wrong))))
    save("touchpoints", {**tables, "terms": [asdict(score) for score in terms], "cost_of_heads": cost})


def term_scores(fitted: Sequence[tuple[Measured, Calibration]]) -> Iterator[TermScore]:
    """For each set of English texts how often a marked term gets the right polarity of three."""
    for name in TERM_SETS:
        gold: list[str] = []
        given: list[str] = []
        for measured, calibration in fitted:
            owners = [document.dataset for document in measured.documents for _ in document.spans]
            chosen = [place for place, span in enumerate(measured.spans) if owners[place] == name and span.polarity != "±"]
            gold += [str(measured.spans[place].polarity) for place in chosen]
            probabilities = calibration.polarity_probabilities(measured.polarity[chosen])
            given += [POLARITIES[place] for place in probabilities[:, :3].argmax(axis=1)] if chosen else []
        if gold:
            right = float(np.mean([one == other for one, other in zip(gold, given, strict=True)]))
            yield TermScore(name, len(gold), right, macro_f1(gold, given, POLARITIES[:3]))


def cost_of_heads(manifest: Manifest, texts: Sequence[TokenisedText]) -> float:
    """Time of a forward pass with all heads by that of one with the sentiment head alone."""
    whole, _ = load_runtime(manifest, "auto", "auto", EVALUATION_TOKENS)
    alone, _ = load_runtime(manifest, "auto", "auto", EVALUATION_TOKENS)
    heads = alone.model.heads
    heads.emotions, heads.story, heads.tokens = (Silent(size) for size in (len(EMOTIONS), STORY_LOGITS, TOKEN_LOGITS))
    spoken = [text for text in texts if len(text.ids)]
    seconds = median_seconds({"all": lambda: whole.score(spoken), "sentiment": lambda: alone.score(spoken)}, ROUNDS)
    return seconds["all"] / seconds["sentiment"]


class Silent(nn.Sequential):
    """A head that computes nothing."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.labels = labels

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Zeros [..., labels]."""
        return states.new_zeros(1).expand(*states.shape[:-1], self.labels)


def has_mistake(reading: Reading) -> bool:
    """Whether a mention is missed, made up, or has another polarity."""
    score = TouchpointScore()
    score.add_mentions(reading.document.spans, reading.found)
    return score.complete.right < score.complete.given or score.complete.found < score.complete.annotated


if __name__ == "__main__":
    main()
