"""The stored model (int8 matrices) beside its full-precision weights on every dev set, with the same calibration.

`python -m benchmarks.quantisation [--work runs/default]`: reads `model` and `full` in a training folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.results import save
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.measure import SetScore, dev_documents, judge, load_model, raw_scores, score_sets

TARGET = 0.3


def main() -> None:
    """Prints the table and writes it to benchmarks/results/quantisation.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/default"))
    work = parser.parse_args().work
    stored, full = (scores(work / name) for name in ("model", "full"))
    rows, losses = [], []
    print("| task | lang | set | n | full precision | stored | points lost |\n" + "|---" * 7 + "|")
    for small, exact in zip(stored, full, strict=True):
        lost = 100 * (exact.macro_f1 - small.macro_f1)
        losses.append(lost)
        print(
            f"| {small.task} | {small.lang} | {small.dataset} | {small.size} | {exact.macro_f1:.4f} | {small.macro_f1:.4f} | {lost:+.2f} |"
        )
        rows.append({"task": small.task, "lang": small.lang, "set": small.dataset, "full": exact.macro_f1, "stored": small.macro_f1})
    within = sum(lost <= TARGET for lost in losses)
    print(f"{within} of {len(losses)} sets lose at most {TARGET} points; mean {sum(losses) / len(losses):+.3f}, most {max(losses):+.2f}")
    save("quantisation", {"rows": rows})


def scores(folder: Path) -> list[SetScore]:
    """Dev scores of a model folder with the calibration that it holds."""
    manifest, runtime, tokeniser = load_model(folder)
    measured = raw_scores(runtime, tokeniser, dev_documents(DataFolder.find()))
    return score_sets(judge(measured, manifest.calibration))


if __name__ == "__main__":
    main()
