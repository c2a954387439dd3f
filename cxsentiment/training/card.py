"""The model card, written by the training itself, and the table of scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pyarrow.parquet as pq

from cxsentiment.training.align import MAX_LENGTH as _ALIGNMENT_LENGTH
from cxsentiment.training.corpus import UNUSED_PARALLEL_SOURCES, DataFolder
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import SetScore

LANGUAGE_NAMES = {"el": "Greek", "pl": "Polish", "ro": "Romanian", "en": "English"}

HEADER = """---
license: apache-2.0
language: [el, pl, ro, en]
tags: [sentiment, emotion, customer-experience]
---

# {name} {version}

A compact encoder for what customers write in Greek, Polish, Romanian and English: sentiment (negative, neutral, positive, mixed), fifteen
emotions, and the feeling towards each touchpoint mentioned. 6 layers x 384, its own 40,000-piece vocabulary that is blind to case and
accents, and a wide branch of hashed 1- to 3-grams beside the encoder. It ships inside the package and needs no network.

## How it was made

`cxsentiment train --recipe recipe.toml` (the recipe lies beside this card): the vocabulary's first embeddings are mixtures of the
teacher's, by translation probabilities; the encoder is aligned to the English sentence encoder all-MiniLM-L6-v2 (Apache-2.0) on parallel
text cut at {alignment_length} tokens; encoder and heads learn all labelled sets together, each supervising only the labels that it
annotates; the wide branch learns apart; then weights of the branches, biases and thresholds are fitted on the dev splits and on a tenth
of the annotated comments that training never saw.

## What to know before you use it

- Scores below are on the splits that calibration was fitted on (7 numbers for sentiment, 33 for emotions), so they flatter it slightly.
- "written" are comments composed for training, two authors a language; the tenth held out has the same authors as the rest.
- Emotions are judged less surely than sentiment; frustration, anger and disappointment run into each other.
- Neutral and mixed are rare in the Greek and Romanian reviews that it learnt from, and weaker there.
- Sarcasm is often taken at its word.
- It has not been tested for fairness between groups of writers; do not use it to judge single persons.
"""


def score_table(scores: Sequence[SetScore]) -> str:
    """Markdown table with a row a set, and macro averages a language."""
    lines = ["| task | lang | set | n | accuracy / micro-F1 | macro-F1 | calibration error |", "|---|---|---|---|---|---|---|"]
    for score in scores:
        error = "" if score.calibration_error is None else f"{score.calibration_error:.3f}"
        row = (score.task, score.lang, score.dataset, str(score.size), f"{score.accuracy:.4f}", f"{score.macro_f1:.4f}", error)
        lines.append("| " + " | ".join(row) + " |")
    averages: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in scores:
        if score.dataset != "written":
            averages[score.task, score.lang].append(score.macro_f1)
    for (task, lang), values in averages.items():
        lines.append(f"| {task} | {lang} | average of {len(values)} sets (written apart) | | | {sum(values) / len(values):.4f} | |")
    return "\n".join(lines)


def model_card(name: str, version: str, data: DataFolder, scores: Sequence[SetScore], calibration: Mapping[str, float]) -> str:
    """The card as Markdown with YAML front matter."""
    parts = [HEADER.format(name=name, version=version, alignment_length=_ALIGNMENT_LENGTH)]
    parts.append("## Scores\n\nSentiment is chosen among the labels that a set has; three stars count neutral and mixed alike.\n")
    parts.append(score_table(scores))
    parts.append("\nExpected calibration error of sentiment (15 bins, dev splits) by language: ")
    parts[-1] += ", ".join(f"{LANGUAGE_NAMES[lang]} {error:.3f}" for lang, error in calibration.items()) + ".\n"
    parts.append("## Data\n\nLicences as the sources state them; sets that exclude commercial use are left out.\n")
    parts.append("\n".join(_data_table(data)))
    return "\n".join(parts) + "\n"


def _data_table(data: DataFolder) -> list[str]:
    lines = ["| set | language | use | texts | licence |", "|---|---|---|---|---|"]
    columns = ["dataset", "lang", "licence", "split"]
    rows = pq.read_table(data.path / "documents.parquet", columns=columns).to_pylist()
    sets = Counter((row["dataset"], row["lang"], row["licence"]) for row in rows if row["split"] == "train" and row["dataset"] in SCHEMES)
    lines += [f"| {name} | {lang} | labels | {count} | {licence} |" for (name, lang, licence), count in sorted(sets.items())]
    written = Counter(document.lang for _, document in data.written())
    lines += [f"| written | {lang} | labels | {count} | composed for this project |" for lang, count in sorted(written.items())]
    rows = pq.read_table(data.path / "parallel.parquet", columns=["lang", "source", "licence"]).to_pylist()
    pairs = Counter((row["source"], row["licence"]) for row in rows if row["source"] not in UNUSED_PARALLEL_SOURCES)
    lines += [f"| {source} | el, pl, ro with en | alignment | {count} | {licence} |" for (source, licence), count in sorted(pairs.items())]
    return [*lines, "| raw text of the data folder | el, pl, ro, en | vocabulary | | as the sources state |"]
