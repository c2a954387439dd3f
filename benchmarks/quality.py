"""Dev scores of a model beside the linear baseline, set by set.

`python -m benchmarks.quality [--model FOLDER] [--languages el,pl,ro,en] [--sentiment-only]`
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

from benchmarks.linear import emotion_score, sentiment_scores
from benchmarks.results import save
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.examples import training_documents
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import SetScore, dev_documents, language_calibration, raw_scores, score_sets
from cxsentiment.weights import read_manifest, verify

TOKENS = 8192
HEADER = "| task | lang | set | n | linear accuracy | linear macro-F1 | accuracy | macro-F1 | difference |\n" + "|---" * 9 + "|"


def main() -> None:
    """Prints the table and writes it to benchmarks/results/quality.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--languages", default="el,pl,ro,en")
    parser.add_argument("--sentiment-only", action="store_true", help="leave out emotions, whose baselines take long")
    options = parser.parse_args()
    languages = options.languages.split(",")
    data = DataFolder.find()
    manifest = read_manifest(options.model)
    verify(manifest)
    dev = [document for document in dev_documents(data) if document.lang in languages]
    if options.sentiment_only:
        dev = [replace(document, emotions=None) for document in dev if document.sentiment is not None]
    measured = raw_scores(*load_runtime(manifest, "auto", "auto", TOKENS), dev)
    ours = score_sets(measured, manifest.calibration)
    train = [document for document in training_documents(data) if document.lang in languages]
    linear = [score for lang in languages for score in sentiment_scores(lang, train, dev)]
    if not options.sentiment_only:
        linear += [emotion_score(score.dataset, score.lang, train, dev) for score in ours if score.task == "emotions"]
    baseline = {(score.task, score.lang, score.dataset): score for score in linear}
    rows = [_row(score, baseline.get((score.task, score.lang, score.dataset))) for score in ours]
    print(HEADER)
    for row in rows:
        print("| " + " | ".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()) + " |")
    _print_averages(ours, baseline)
    errors = language_calibration(measured, manifest.calibration)
    print("expected calibration error: " + ", ".join(f"{lang} {error:.4f}" for lang, error in errors.items()))
    save("quality", {"model": f"{manifest.name} {manifest.version}", "rows": rows, "calibration_error": dict(errors)})


def _row(score: SetScore, linear: SetScore | None) -> dict[str, str | int | float]:
    row: dict[str, str | int | float] = {"task": score.task, "lang": score.lang, "set": score.dataset, "n": score.size}
    row |= {"linear_accuracy": linear.accuracy if linear else "", "linear_macro_f1": linear.macro_f1 if linear else ""}
    row |= {"accuracy": score.accuracy, "macro_f1": score.macro_f1}
    return row | {"difference": score.macro_f1 - linear.macro_f1 if linear else ""}


def _print_averages(ours: list[SetScore], baseline: dict[tuple[str, str, str], SetScore]) -> None:
    """Macro-F1 averaged over the sets of a language; the annotated comments are a set of their own."""
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for score in ours:
        other = baseline.get((score.task, score.lang, score.dataset))
        if other and score.dataset != "written" and score.dataset in SCHEMES:
            pairs[score.task, score.lang].append((other.macro_f1, score.macro_f1))
    for (task, lang), values in pairs.items():
        linear, model = (sum(column) / len(values) for column in zip(*values, strict=True))
        average = f"linear {linear:.4f}, model {model:.4f}, difference {model - linear:+.4f}"
        print(f"average macro-F1 {task} {lang} over {len(values)} sets: {average}")


if __name__ == "__main__":
    main()
