"""How much sentiment macro-F1 is lost when texts are typed differently: no diacritics, capitals, typos, Greek in Latin letters.

`python -m benchmarks.robustness [--model FOLDER] [--per-set N] [--seed 1]`

Dev texts of each set (and held-out annotated comments) are scored as they are and changed, with the same calibration. The changes
(`cxsentiment.benchmark.changes`) share no code with the training's own typos and Greeklish, save the one style named as seen in training.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from benchmarks.results import save
from cxsentiment.benchmark.changes import CHANGES, GREEKLISH, LANGUAGES, Change
from cxsentiment.heads import Calibration
from cxsentiment.text import clean_string
from cxsentiment.training.corpus import DataFolder, Document
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import Measured, dev_documents, judge, load_model, raw_scores, score_sets, verdicts

HEADER = "| change | lang | sets | n | before | after | difference in points | labels changed | target | reached |\n" + "|---" * 10 + "|"


@dataclass(frozen=True, slots=True)
class Row:
    """Macro-F1 (averaged over a language's sets) before and after a change; `changed` is the share of texts with another label."""

    change: str
    target: float
    lang: str
    sets: int
    size: int
    before: float
    after: float
    changed: float

    @property
    def difference(self) -> float:
        """Points of macro-F1 won (above 0) or lost (below 0)."""
        return 100 * (self.after - self.before)

    @property
    def reached(self) -> bool:
        """Whether no more is lost than the target allows."""
        return self.difference >= -self.target - 1e-9


def main() -> None:
    """Prints the table and writes it to benchmarks/results/robustness.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--per-set", type=int, default=300, help="texts of each set, drawn with the seed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    manifest, runtime, tokeniser = load_model(options.model)
    drawn = draw(dev_documents(DataFolder.find()), options.per_set, options.seed)
    before = {lang: raw_scores(runtime, tokeniser, [document for document in drawn if document.lang == lang]) for lang in LANGUAGES}
    rows = []
    for change in CHANGES:
        for lang in change.languages:
            after = raw_scores(runtime, tokeniser, changed(before[lang].documents, change, options.seed))
            rows.append(compare(change, lang, before[lang], after, manifest.calibration))
    styles = {change.name for change in GREEKLISH}
    rows.append(average("Greeklish, average of the styles", [row for row in rows if row.change in styles]))
    print(HEADER)
    for row in rows:
        print(line(row))
    kept = [asdict(row) | {"difference": row.difference, "reached": row.reached} for row in rows]
    save("robustness", {"model": f"{manifest.name} {manifest.version}", "per_set": options.per_set, "seed": options.seed, "rows": kept})


def draw(documents: Sequence[Document], per_set: int, seed: int) -> list[Document]:
    """Up to `per_set` texts of each set and language that has sentiment labels, cleaned, without spans and emotions."""
    sets: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for document in documents:
        if document.sentiment is not None and SCHEMES[document.dataset].sentiments:
            sets[document.dataset, document.lang].append(document)
    drawn = []
    for (name, lang), members in sorted(sets.items()):
        drawn += random.Random(f"{seed} {name} {lang}").sample(members, min(per_set, len(members)))
    return [replace(document, text=clean_string(document.text), spans=(), emotions=None) for document in drawn]


def changed(documents: Sequence[Document], change: Change, seed: int) -> list[Document]:
    """The documents with their texts changed; what is drawn for a text depends on it, the change and the seed alone."""
    texts = [change.apply(document.text, random.Random(f"{seed} {change.name} {document.text}")) for document in documents]
    return [replace(document, text=text) for document, text in zip(documents, texts, strict=True)]


def compare(change: Change, lang: str, before: Measured, after: Measured, calibration: Calibration) -> Row:
    """The figures of one change in one language."""
    both = [judge(measured, calibration) for measured in (before, after)]
    scores = [[score.macro_f1 for score in score_sets(judged)] for judged in both]
    first, second = (verdicts(judged) for judged in both)
    different = float(np.mean([old.given != new.given for old, new in zip(first, second, strict=True)]))
    f1_before, f1_after = (float(np.mean(values)) for values in scores)
    return Row(change.name, change.target, lang, len(scores[0]), len(first), f1_before, f1_after, different)


def average(name: str, rows: Sequence[Row]) -> Row:
    """The mean of rows of one language and target, which share what was before."""
    return replace(
        rows[0],
        change=name,
        after=float(np.mean([row.after for row in rows])),
        changed=float(np.mean([row.changed for row in rows])),
    )


def line(row: Row) -> str:
    """A row of the markdown table."""
    figures = f"{row.before:.4f} | {row.after:.4f} | {row.difference:+.2f} | {row.changed:.1%}"
    verdict = "yes" if row.reached else "no"
    return f"| {row.change} | {row.lang} | {row.sets} | {row.size} | {figures} | at most {row.target:g} lost | {verdict} |"


if __name__ == "__main__":
    main()
