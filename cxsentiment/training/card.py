"""The model card, written by the training itself, and the table of scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from cxsentiment.heads import Calibration
from cxsentiment.training.align import MAX_LENGTH as _ALIGNMENT_LENGTH
from cxsentiment.training.base import Base
from cxsentiment.training.corpus import UNUSED_PARALLEL_SOURCES, DataFolder, own_comments
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import Bools, Floats, SetScore, reliability
from cxsentiment.training.patterns import pattern_documents
from cxsentiment.training.touchpoint_scores import Reading, TouchpointScore, label_scores, touchpoint_scores

RELIABILITY = "reliability.svg"
LANGUAGE_NAMES = {"el": "Greek", "pl": "Polish", "ro": "Romanian", "en": "English"}

FRONT = """---
{origin}language: [el, pl, ro, en]
tags: [sentiment, emotion, customer-experience]
---

# {name} {version}

"""
OUR_ENCODER = """\
A compact encoder for what customers write in Greek, Polish, Romanian and English: sentiment (negative, neutral, positive, mixed), fifteen
emotions, the touchpoints mentioned (37 types) with the feeling towards each, and the story: stage, qualities, relation, intents.
6 layers x 384, its own 40,000-piece vocabulary that is blind to case and accents, and beside the encoder a wide branch, linear in hashed
character and word n-grams. It ships inside the package; no network is needed.

## How it was made

`cxsentiment train --recipe recipe.toml` (the recipe lies beside this card): the vocabulary's first embeddings are mixtures of the
teacher's, by translation probabilities; the encoder is aligned to the English sentence encoder all-MiniLM-L6-v2 (Apache-2.0) on parallel
text cut at {alignment_length} tokens. From the first stretch of fine-tuning two strands go on: one learns from labels alone, the other
first learns to guess hidden words of customers' texts and goes on doing so beside the labels, so that it does not learn them by heart.
The model is the mean of their weights.
"""
FINE_TUNED = """\
The encoder `{base}` ({kind}), fine-tuned for what customers write in Greek, Polish, Romanian and English: sentiment (negative, neutral,
positive, mixed), fifteen emotions, the touchpoints mentioned (37 types) with the feeling towards each, and the story: stage, qualities,
relation, intents; and beside it a wide branch, linear in hashed
character and word n-grams.

## How it was made

`cxsentiment train --base {base} --recipe recipe.toml` (the recipe lies beside this card): tokenizer and first weights are those of
`{base}`, whose licence and weaknesses count here too. SHA-256 of its settings, tokenizer and weights:
`{checksum}`.
"""
REST = """\
Encoder and heads learn all labelled sets together, each supervising only the labels that it annotates: a first stretch, the long stretches
of the strands, a short one for each strand, and one after the strands' weights have been averaged (each of the last two for every seed,
whose weights are averaged too). Some reviews without marks teach the touchpoint types of what the taxonomy's phrases find in them. The
wide branch learns apart; then weights of the branches, biases and thresholds are fitted on the dev splits and on a tenth of the annotated
comments that training never saw.
"""
LEARNT_ON = """\
Then it learnt on from finished weights ({start}) for {seconds:.0f} seconds (`cxsentiment train --start-from`), all heads on all
sets, and was calibrated again. In texts without marks the touchpoints that {keep} sees were the target, so that it does not forget
them. Of the recipe, name, version and seed are its own; the rest is how the first weights were trained.
"""
KNOWN = """
## What to know before you use it

- Scores below are cross-fitted: each half of the dev rows is scored with the calibration (some numbers for each label) that
  the other half gave.
- "written" and "own" are comments composed for training, by several authors a language; the tenth of "written" that is held out has
  the same authors as the rest.
- Emotions are judged less surely than sentiment; frustration, anger and disappointment run into each other.
- Neutral and mixed are rare in the Greek and Romanian reviews that it learnt from, and weaker there.
- Sarcasm is often taken at its word.
- It has not been tested for fairness between groups of writers; do not use it to judge single persons.
"""
TOUCHPOINTS = """\
## Touchpoints and story

On the held-out tenth of "written", by the same authors as the rest, cross-fitted: F1 of mentions that overlap an annotated one of the same
type, with precision and recall; F1 of the types named in a comment; share of right polarities among right mentions; F1 of mentions with
all three right; share of comments whose stage and relation are right; F1 of qualities with their polarity and of intents.
"""
STORY_LABELS = """\
Each label of the story, all languages together, cross-fitted. Labels whose precision stays under 0.6 are unsure: the library gives them
only with `unsure_labels=True`. Few comments carry the rare ones, so their figures are rough.
"""


def score_table(scores: Sequence[SetScore], seeds: Sequence[Sequence[SetScore]] = ()) -> str:
    """Markdown table with a row a set, and macro averages a language; beside the scores the mean and spread of the last stage's seeds."""
    columns = ["task", "lang", "set", "n", "accuracy / micro-F1", "macro-F1", "calibration error"]
    columns += [f"mean of {len(seeds)} seeds", "spread"] if seeds else []
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for place, score in enumerate(scores):
        error = "" if score.calibration_error is None else f"{score.calibration_error:.3f}"
        row = [score.task, score.lang, score.dataset, str(score.size), f"{score.accuracy:.4f}", f"{score.macro_f1:.4f}", error]
        of_seeds = [seed[place].macro_f1 for seed in seeds]
        row += [f"{sum(of_seeds) / len(of_seeds):.4f}", f"{max(of_seeds) - min(of_seeds):.4f}"] if seeds else []
        lines.append("| " + " | ".join(row) + " |")
    averages: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in scores:
        if score.dataset != "written":
            averages[score.task, score.lang].append(score.macro_f1)
    for (task, lang), values in averages.items():
        cells = [task, lang, f"average of {len(values)} sets (written apart)", "", "", f"{sum(values) / len(values):.4f}"]
        lines.append("| " + " | ".join([*cells, *[""] * (len(columns) - len(cells))]) + " |")
    return "\n".join(lines)


def touchpoint_table(readings: Sequence[Reading]) -> str:
    """Markdown table of how well touchpoints and story are told, a row a language."""
    columns = ("lang", "spans", *TouchpointScore().rates)
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for lang, score in sorted(touchpoint_scores(readings).items()):
        lines.append(f"| {lang} | {score.spans.annotated} | " + " | ".join(f"{rate:.3f}" for rate in score.rates.values()) + " |")
    return "\n".join(lines)


def story_table(readings: Sequence[Reading], calibration: Calibration) -> str:
    """Markdown table with a row for each label of the story; the readings hold unsure labels too."""
    lines = ["| label | annotated | precision | recall | F1 | |", "|---|---|---|---|---|---|"]
    for (label, score), unsure in zip(label_scores(readings).items(), calibration.story_unsure, strict=True):
        cells = f"{score.annotated} | {score.precision:.2f} | {score.recall:.2f} | {score.f1:.2f}"
        lines.append(f"| {label} | {cells} | {'unsure' if unsure else ''} |")
    return "\n".join(lines)


def reliability_plot(confidence: Mapping[str, tuple[Floats, Bools]], path: Path) -> None:
    """Draws for each language how often a sentiment is right against the probability given to it, as SVG; bin areas follow their counts."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "cxsentiment", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 2.9), layout="constrained")
        for place, (lang, (probability, right)) in enumerate(confidence.items(), 1):
            axes = figure.add_subplot(1, len(confidence), place)
            axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
            mean, right_share, share = reliability(probability, right)
            axes.scatter(mean, right_share, s=12 + 400 * share, alpha=0.7)
            axes.set(title=LANGUAGE_NAMES[lang], xlim=(0, 1), ylim=(0, 1), xlabel="probability", aspect="equal")
        figure.supylabel("share right", fontsize=10)
        figure.savefig(path, format="svg", metadata={"Date": None})


@dataclass(frozen=True, slots=True)
class Tables:
    """The figures of a card: of all sets, of touchpoints, and of the story's labels, as Markdown; calibration error of each language."""

    sets: str
    touchpoints: str
    story: str
    calibration_errors: Mapping[str, float]


def model_card(name: str, version: str, data: DataFolder, tables: Tables, base: Base | None = None, learnt_on: str = "") -> str:
    """The card as Markdown with YAML front matter; `base` is the encoder that was fine-tuned, None when it is our own.

    `learnt_on` (see `LEARNT_ON`) says how a finished model went on.
    """
    parts = [_story(name, version, base) + learnt_on + KNOWN]
    parts.append("## Scores\n\nSentiment is chosen among the labels that a set has; three stars count neutral and mixed alike.\n")
    parts.append(tables.sets)
    parts.append("\nExpected calibration error of sentiment (15 bins, cross-fitted) by language: ")
    parts[-1] += ", ".join(f"{LANGUAGE_NAMES[lang]} {error:.3f}" for lang, error in tables.calibration_errors.items()) + "."
    parts.append(f"\n![How often a sentiment is right, by its probability]({RELIABILITY})\n")
    parts.append(f"{TOUCHPOINTS}\n{tables.touchpoints}\n\n{STORY_LABELS}\n{tables.story}\n")
    parts.append("## Data\n\nLicences as the sources state them; sets that exclude commercial use are left out.\n")
    parts.append("\n".join([*_labelled_sets(data), *([] if base else _raw_sets(data))]))
    return "\n".join(parts) + "\n"


def _story(name: str, version: str, base: Base | None) -> str:
    """What it is, how it was made, and what to know of it."""
    if base is None:
        front = FRONT.format(origin="license: apache-2.0\n", name=name, version=version)
        return front + OUR_ENCODER.format(alignment_length=_ALIGNMENT_LENGTH) + REST
    front = FRONT.format(origin="" if base.is_folder else f"base_model: {base.name}\n", name=name, version=version)
    return front + FINE_TUNED.format(base=base.label, kind=base.kind, checksum=base.checksum) + REST


def _labelled_sets(data: DataFolder) -> list[str]:
    lines = ["| set | language | use | texts | licence |", "|---|---|---|---|---|"]
    columns = ["dataset", "lang", "licence", "split"]
    rows = pq.read_table(data.path / "documents.parquet", columns=columns).to_pylist()
    sets = Counter((row["dataset"], row["lang"], row["licence"]) for row in rows if row["split"] == "train" and row["dataset"] in SCHEMES)
    lines += [f"| {name} | {lang} | labels | {count} | {licence} |" for (name, lang, licence), count in sorted(sets.items())]
    comments = [document for _, document in [*data.written(), *own_comments()]]
    composed = Counter((document.dataset, document.lang) for document in [*comments, *pattern_documents()])
    lines += [f"| {name} | {lang} | labels | {count} | composed for this project |" for (name, lang), count in sorted(composed.items())]
    return lines


def _raw_sets(data: DataFolder) -> list[str]:
    rows = pq.read_table(data.path / "parallel.parquet", columns=["lang", "source", "licence"]).to_pylist()
    pairs = Counter((row["source"], row["licence"]) for row in rows if row["source"] not in UNUSED_PARALLEL_SOURCES)
    lines = [f"| {source} | el, pl, ro with en | alignment | {count} | {licence} |" for (source, licence), count in sorted(pairs.items())]
    return [*lines, "| raw text of the data folder | el, pl, ro, en | vocabulary, hidden words, word counts | | as the sources state |"]
