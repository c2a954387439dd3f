"""Where the model errs: error rates of held-out annotated comments by the way they are written, and misjudged dev texts to read.

`python -m benchmarks.errors [--model FOLDER] [--languages el,pl,ro,en] [--count 20] [--seed 1]`. Texts are printed, never kept.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.results import save
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.corpus import DataFolder, parse_comment
from cxsentiment.training.measure import Verdict, cross_fitted, dev_documents, load_model, raw_scores, verdicts

LONGEST = 300
VARIANT = 7


@dataclass(frozen=True, slots=True)
class Rate:
    """Share of comments whose sentiment is misjudged, among those of a language written in one way."""

    lang: str
    variant: str
    size: int
    wrong: float


def main() -> None:
    """Prints both; error rates go to benchmarks/results/errors.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--languages", default="el,pl,ro,en")
    parser.add_argument("--count", type=int, default=20, help="misjudged texts of each language")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    data = DataFolder.find()
    _, runtime, tokeniser = load_model(options.model)
    found = verdicts(cross_fitted(raw_scores(runtime, tokeniser, dev_documents(data)), calibrate))
    rates = by_variant(found, data)
    print("| lang | variant | comments | wrong |\n|---|---|---|---|")
    for rate in rates:
        print(f"| {rate.lang} | {rate.variant} | {rate.size} | {rate.wrong:.2f} |")
    for language in options.languages.split(","):
        print_errors(found, language, options.count, options.seed)
    save("errors", {"rates": [asdict(rate) for rate in rates]})


def by_variant(judged: Sequence[Verdict], data: DataFolder) -> list[Rate]:
    """Error rates of annotated comments; a way of writing that is sarcasm and capitals counts as both."""
    variants: dict[tuple[str, str], str] = {}
    for path in (data.path / "written").glob("*_*.tsv"):
        lang = path.stem.split("_")[0]
        lines = filter(None, path.read_text(encoding="utf-8").splitlines())
        variants |= {(lang, parse_comment(line, lang).text): line.split("\t")[VARIANT] for line in lines}
    found: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for verdict in judged:
        key = (verdict.document.lang, verdict.document.text)
        for variant in variants[key].split(",") if verdict.document.dataset == "written" else ():
            found[verdict.document.lang, variant].append(verdict.wrong)
    return [Rate(lang, variant, len(wrong), sum(wrong) / len(wrong)) for (lang, variant), wrong in sorted(found.items())]


def print_errors(judged: Sequence[Verdict], language: str, count: int, seed: int) -> None:
    """Some of a language's misjudged texts, drawn alike from each set."""
    by_set: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in judged:
        if verdict.wrong and verdict.document.lang == language:
            by_set[verdict.document.dataset].append(verdict)
    rng = random.Random(seed)
    for name, wrong in sorted(by_set.items()):
        for verdict in rng.sample(wrong, min(len(wrong), max(count // len(by_set), 1))):
            text = " ".join(verdict.document.text.split())[:LONGEST]
            print(f"[{name}] {verdict.document.sentiment} -> {verdict.given} ({verdict.probability:.2f}): {text}")


if __name__ == "__main__":
    main()
