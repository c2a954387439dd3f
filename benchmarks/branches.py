"""What each branch of the model does alone: encoder, wide branch, both; each calibrated for itself, cross-fitted.

`python -m benchmarks.branches [--model FOLDER]`
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace

import numpy as np

from benchmarks.results import save
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.measure import Measured, cross_fitted, dev_documents, load_model, raw_scores, score_sets


def main() -> None:
    """Prints the table and writes it to benchmarks/results/branches.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    _, runtime, tokeniser = load_model(parser.parse_args().model)
    both = raw_scores(runtime, tokeniser, dev_documents(DataFolder.find()))
    ways = {"encoder": without(both, "wide_"), "wide branch": without(both, ""), "both": both}
    scores = {name: score_sets(cross_fitted(measured, calibrate)) for name, measured in ways.items()}
    print("| task | lang | set | n | encoder | wide branch | both |\n" + "|---" * 7 + "|")
    for row in zip(*scores.values(), strict=True):
        figures = " | ".join(f"{score.macro_f1:.4f}" for score in row)
        print(f"| {row[0].task} | {row[0].lang} | {row[0].dataset} | {row[0].size} | {figures} |")
    save("branches", {name: [asdict(score) for score in of_way] for name, of_way in scores.items()})


def without(measured: Measured, branch: str) -> Measured:
    """The same scores with one branch's set to zero: `wide_` or the encoder's (empty)."""
    names = (f"{branch}sentiment", f"{branch}emotions")
    silenced = {name: np.zeros_like(getattr(measured.raw, name)) for name in names}
    return replace(measured, raw=replace(measured.raw, **silenced))


if __name__ == "__main__":
    main()
