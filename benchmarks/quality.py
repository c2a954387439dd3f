"""Dev scores of a model (cross-fitted calibration) beside the linear baseline, the first model and published figures, set by set.

`python -m benchmarks.quality [--model FOLDER] [--languages el,pl,ro,en] [--sentiment-only]`
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from benchmarks.linear import emotion_score, sentiment_scores
from benchmarks.results import save
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.examples import training_documents
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import SetScore, cross_fitted, dev_documents, language_calibration, load_model, raw_scores, score_sets

HERE = Path(__file__).parent
FIRST = HERE / "results" / "quality-0.1.0.json"
HEADER = (
    "| task | lang | set | n | linear accuracy | linear macro-F1 | first model macro-F1 | accuracy | macro-F1 | difference | published |\n"
    + "|---" * 11
    + "|"
)


def main() -> None:
    """Prints the table and writes it to benchmarks/results/quality.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--languages", default="el,pl,ro,en")
    parser.add_argument("--sentiment-only", action="store_true", help="leave out emotions, whose baselines take long")
    options = parser.parse_args()
    languages = options.languages.split(",")
    data = DataFolder.find()
    manifest, runtime, tokeniser = load_model(options.model)
    dev = [document for document in dev_documents(data) if document.lang in languages]
    if options.sentiment_only:
        dev = [document for document in dev if document.sentiment is not None]
    measured = raw_scores(runtime, tokeniser, dev)
    judged = cross_fitted(measured, calibrate)
    ours = [score for score in score_sets(judged) if score.task == "sentiment" or not options.sentiment_only]
    train = [document for document in training_documents(data) if document.lang in languages]
    linear = [score for lang in languages for score in sentiment_scores(lang, train, dev)]
    if not options.sentiment_only:
        linear += [emotion_score(score.dataset, score.lang, train, dev) for score in ours if score.task == "emotions"]
    baseline = {(score.task, score.lang, score.dataset): score for score in linear}
    first, known = first_model(), published()
    rows = [_row(score, baseline.get((score.task, score.lang, score.dataset)), first, known) for score in ours]
    print(HEADER)
    for row in rows:
        print("| " + " | ".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()) + " |")
    _print_averages(ours, baseline)
    errors = language_calibration(judged)
    print("expected calibration error: " + ", ".join(f"{lang} {error:.4f}" for lang, error in errors.items()))
    save("quality", {"model": f"{manifest.name} {manifest.version}", "rows": rows, "calibration_error": dict(errors)})


def first_model() -> dict[tuple[str, str, str], float]:
    """Macro-F1 of the first model (0.1.0) by task, language and set."""
    rows = json.loads(FIRST.read_text(encoding="utf-8"))["figures"]["rows"]
    return {(row["task"], row["lang"], row["set"]): row["macro_f1"] for row in rows}


def published() -> dict[tuple[str, str], str]:
    """What `published.toml` says of a task and set: accuracy or macro-F1, and the model."""
    plain = tomllib.loads((HERE / "published.toml").read_text(encoding="utf-8"))
    names = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
    return {
        (task, name): "; ".join(f"{said} {entry[key]} ({entry['model']})" for key, said in names.items() if key in entry)
        for task, sets in plain.items()
        for name, entry in sets.items()
    }


def _row(
    score: SetScore, linear: SetScore | None, first: Mapping[tuple[str, str, str], float], known: Mapping[tuple[str, str], str]
) -> dict[str, str | int | float]:
    row: dict[str, str | int | float] = {"task": score.task, "lang": score.lang, "set": score.dataset, "n": score.size}
    row |= {"linear_accuracy": linear.accuracy if linear else "", "linear_macro_f1": linear.macro_f1 if linear else ""}
    row |= {"first_macro_f1": first.get((score.task, score.lang, score.dataset), "")}
    row |= {"accuracy": score.accuracy, "macro_f1": score.macro_f1, "difference": score.macro_f1 - linear.macro_f1 if linear else ""}
    return row | {"published": known.get((score.task, score.dataset), "")}


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
