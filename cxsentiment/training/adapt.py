"""A user's own labelled comments adapt a finished model.

Encoder and heads learn the train rows; the wide branch stays. Of the mixtures of the weights before and after, the one with the lowest
loss on the tune rows is kept, so that little of what the start knew is lost (WiSE-FT, Wortsman et al. 2022). Then the scale and the biases
of sentiment are fitted again on the tune rows where these are enough; the test rows only measure.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from torch.nn import functional

from cxsentiment.encoder.model import CxModel, Encoder
from cxsentiment.encoder.quantised import STATES
from cxsentiment.encoder.runtime import load_runtime, network
from cxsentiment.encoder.tokenise import TextTokeniser
from cxsentiment.errors import InputError, OutputError
from cxsentiment.heads import Calibration, Floats
from cxsentiment.results import EMOTIONS, SENTIMENTS
from cxsentiment.training.corpus import YOURS
from cxsentiment.training.examples import Targets, examples
from cxsentiment.training.finetune import BATCH_TOKENS, deep_loss, parameter_groups, text_loss, without_dropout
from cxsentiment.training.labelled import LabelledFile, LabelledRows, read_labelled
from cxsentiment.training.labels import Scheme
from cxsentiment.training.loop import IndexBatch, Stage, StageSettings, restore_finished, shuffled_batches, training_device
from cxsentiment.training.measure import EVALUATION_TOKENS, Measured, f1, judge, macro_f1, raw_scores, scheme_probabilities
from cxsentiment.training.ranges import activation_ranges, widened
from cxsentiment.weights import (
    CARD,
    MANIFEST,
    RANGES,
    SCALE_SUFFIX,
    TOKENIZER,
    Manifest,
    checksum,
    load_arrays,
    load_ranges,
    read_manifest,
    save_arrays,
    verify,
    write_manifest,
)

VERSION = "1"
SEED = 1
LEAST_CALIBRATION_ROWS = 50
EPOCHS = 3
LEARNT = ("encoder.", "heads.")
DEFAULT_SECONDS = 600.0
RATE = 1 / 3
STEPS_AN_EPOCH = 20
LEAST_BATCH_TOKENS = 256
MIXTURES = (0.0, 0.25, 0.5, 0.75, 1.0)
USUAL_MIXTURE = 0.5
SHRINKAGE = 2.0

State = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Score:
    """Accuracy (of emotions: micro-F1) and macro-F1 over the labels that occur among the `size` rows."""

    task: str
    size: int
    accuracy: float
    macro_f1: float


def adapt_command(file: LabelledFile, start_from: str, out: Path | None, time_budget: float | None) -> None:
    """Adapts a model to the file's comments and prints how it does on the test rows.

    Checkpoints go to `out` (None: `runs/<file stem>`), where an unfinished run of the same rows goes on, and the model to its subfolder
    `model`. Learning takes at most `time_budget` seconds (None: `DEFAULT_SECONDS`).

    Raises:
        InputError: if the file cannot be read or does not hold enough labelled rows, or `out` holds another model.
        ModelError: if there is no model `start_from`, or it is damaged.
        OutputError: if `out` cannot be made.
    """
    rows = read_labelled(file)
    start = read_manifest(start_from)
    verify(start)
    work = out or Path("runs") / file.path.stem
    _make_target(work, start)
    print(rows.summary(), flush=True)
    print(adapt(rows, start, file.path.stem, work, DEFAULT_SECONDS if time_budget is None else time_budget))
    print(f"\nwritten to {work / 'model'}")


# ---- learning -------------------------------------------------------------------------------------------------------------------


def adapt(rows: LabelledRows, start: Manifest, name: str, work: Path, seconds: float) -> str:
    """Adapts the model `start` to the rows, writes it to `work/model`, and gives its scores on the test rows as a Markdown table."""
    runtime, tokeniser = load_runtime(start, str(training_device()), "float32", EVALUATION_TOKENS)
    before = {key: torch.from_numpy(array) for key, array in load_arrays(start).items()}
    tune, test = rows.split("tune"), rows.split("test")
    first = scores(raw_scores(runtime, tokeniser, test), start.calibration, rows.scheme) if test else []
    after = learn(rows, start, before, seconds, work)
    mixture, calibration = USUAL_MIXTURE, start.calibration
    if tune:
        mixture = best_mixture(rows, start, (before, after))
        runtime.model.load_state_dict(mixed(before, after, mixture))
        calibration = recalibrated(calibration, raw_scores(runtime, tokeniser, tune), rows.scheme)
    target = work / "model"
    weights = mixed(before, after, mixture)
    _write_weights(target, start, weights)
    runtime.model.load_state_dict(weights)
    _write_ranges(target, start, runtime.model, tokeniser, [document.text for document in rows.split("train")])
    write_manifest(target, name, VERSION, start.encoder, calibration)
    table = "There are no test rows: too few comments were given to measure on."
    if test:
        adapted, _ = load_runtime(read_manifest(target), str(training_device()), "float32", EVALUATION_TOKENS)
        table = score_table(first, scores(raw_scores(adapted, tokeniser, test), calibration, rows.scheme))
    text = card(rows, start, name, _story(rows, mixture, fitted=calibration != start.calibration), table)
    (target / CARD).write_text(text, encoding="utf-8")
    write_manifest(target, name, VERSION, start.encoder, calibration)
    return table


def learn(rows: LabelledRows, start: Manifest, before: State, seconds: float, work: Path) -> State:
    """The weights after encoder and heads have learnt the train rows, for `EPOCHS` or the time given; resumes, or gives what was learnt.

    A stage is named by a checksum of start and rows, so that a changed file is learnt anew.
    """
    tokenizer = Tokenizer.from_file(str(start.path / TOKENIZER))
    model = network(start, TextTokeniser(tokenizer))
    model.load_state_dict(before)
    without_dropout(model.encoder)
    module = torch.nn.ModuleDict({"encoder": model.encoder, "heads": model.heads})
    stage_name = _stage_name(rows, start)
    if restore_finished(stage_name, module, work):
        print(f"learnt before: {work / stage_name}.pt", flush=True)
        return model.state_dict()
    print(f"learning: at most {EPOCHS} epochs or {seconds:.0f} seconds; log in {work / stage_name}.jsonl", flush=True)
    torch.manual_seed(SEED)
    module.to(training_device())
    learnt = examples(rows.split("train"), tokenizer, {YOURS: rows.scheme})
    lengths = [len(example.ids) for example in learnt]
    budget = min(max(sum(lengths) // STEPS_AN_EPOCH, LEAST_BATCH_TOKENS), BATCH_TOKENS)
    settings = StageSettings(stage_name, EPOCHS * _batches_an_epoch(lengths, budget), max(seconds, 1e-3))

    def loss(batch: IndexBatch) -> torch.Tensor:
        return deep_loss(model, [learnt[index] for index in batch])

    Stage(settings, module, parameter_groups(model, RATE), work).run(shuffled_batches(lengths, budget, SEED), loss)
    module.cpu()
    return model.state_dict()


def mixed(before: State, after: State, share: float) -> State:
    """Weights of encoder and heads on the way from `before` (share 0) to `after` (share 1); all others as before."""
    return {key: torch.lerp(value, after[key], share) if key.startswith(LEARNT) else value for key, value in before.items()}


def best_mixture(rows: LabelledRows, start: Manifest, weights: tuple[State, State]) -> float:
    """The share of the learnt weights (of those before and after) with the lowest loss on the tune rows, calibrated as the start is."""
    runtime, tokeniser = load_runtime(start, str(training_device()), "float32", EVALUATION_TOKENS)
    tokenizer = Tokenizer.from_file(str(start.path / TOKENIZER))
    losses = {}
    for share in MIXTURES:
        runtime.model.load_state_dict(mixed(*weights, share))
        measured = raw_scores(runtime, tokeniser, rows.split("tune"))
        targets = Targets.of(examples(measured.documents, tokenizer, {YOURS: rows.scheme}))
        sentiment, emotions = calibrated_logits(measured, start.calibration)
        losses[share] = float(text_loss(torch.from_numpy(sentiment), torch.from_numpy(emotions), targets))
    print("loss on the tune rows by share of the learnt weights: " + ", ".join(f"{share:g}: {loss:.3f}" for share, loss in losses.items()))
    return min(losses, key=losses.__getitem__)


def recalibrated(calibration: Calibration, measured: Measured, scheme: Scheme) -> Calibration:
    """The calibration with scale and biases of sentiment fitted on the measured rows, drawn to what they were.

    Vector scaling with one scale (Guo et al. 2017), the most probable one under a normal prior of standard deviation 1/2 on biases and on
    the logarithm of the scale. With fewer than `LEAST_CALIBRATION_ROWS` rows the calibration stays as it is.
    """
    labelled = [index for index, document in enumerate(measured.documents) if document.sentiment is not None]
    if len(labelled) < LEAST_CALIBRATION_ROWS:
        return calibration
    logits = torch.from_numpy(calibrated_logits(measured, calibration)[0][labelled])
    gold = torch.tensor([SENTIMENTS.index(measured.documents[index].sentiment or "") for index in labelled])
    outside = torch.tensor([label not in scheme.sentiments for label in SENTIMENTS])
    log_scale, bias = torch.zeros(1, requires_grad=True), torch.zeros(len(SENTIMENTS), requires_grad=True)
    optimizer = torch.optim.LBFGS([log_scale, bias], max_iter=200, line_search_fn="strong_wolfe")

    def objective() -> float:
        optimizer.zero_grad()
        within = (log_scale.exp() * logits + bias).masked_fill(outside, -torch.inf)
        prior = SHRINKAGE * (log_scale.square().sum() + bias.square().sum())
        value = functional.cross_entropy(within, gold, reduction="sum") + prior
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    scale, old = log_scale.exp().item(), calibration.sentiment
    biases = tuple(scale * value + added for value, added in zip(old.bias, bias.tolist(), strict=True))
    weights = replace(old, deep=scale * old.deep, wide=scale * old.wide, wide_length=scale * old.wide_length, bias=biases)
    return replace(calibration, sentiment=weights)


def calibrated_logits(measured: Measured, calibration: Calibration) -> tuple[Floats, Floats]:
    """Sentiment [rows, 4] and emotion [rows, 15] logits of both branches together."""
    raw = measured.raw
    sentiment = calibration.sentiment.combine(raw.sentiment, raw.wide_sentiment, measured.tokens)
    return sentiment, calibration.emotions.combine(raw.emotions, raw.wide_emotions, measured.tokens)


def _stage_name(rows: LabelledRows, start: Manifest) -> str:
    learnt = [(document.text, document.sentiment, document.emotions) for document in rows.split("train")]
    content = json.dumps([checksum(start.path / MANIFEST), rows.scheme.sentiments, rows.scheme.emotions, learnt])
    return f"adapt-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _batches_an_epoch(lengths: Sequence[int], budget: int) -> int:
    seen = itertools.accumulate(len(batch) for batch in shuffled_batches(lengths, budget, SEED))
    return 1 + sum(1 for _ in itertools.takewhile(lambda count: count < len(lengths), seen))


# ---- measuring and writing ------------------------------------------------------------------------------------------------------


def scores(measured: Measured, calibration: Calibration, scheme: Scheme) -> list[Score]:
    """Scores on labelled rows: sentiment as the analyzer answers it, among the file's own labels where it lacks one, and emotions."""
    judged = judge(measured, calibration)
    labelled = [index for index, document in enumerate(judged.documents) if document.sentiment is not None]
    gold = [str(judged.documents[index].sentiment) for index in labelled]
    found = []
    for allowed in dict.fromkeys((SENTIMENTS, scheme.sentiments)) if labelled else ():
        within = scheme_probabilities(Scheme(allowed), judged.sentiments[labelled])
        predicted = [SENTIMENTS[index] for index in within.argmax(axis=1)]
        accuracy = float((np.array(gold) == np.array(predicted)).mean())
        task = "sentiment" if allowed == SENTIMENTS else f"sentiment among {', '.join(allowed)}"
        found.append(Score(task, len(gold), accuracy, macro_f1(gold, predicted, sorted(set(gold)))))
    annotated = [index for index, document in enumerate(judged.documents) if document.emotions is not None]
    if annotated and scheme.emotions:
        present = judged.present[np.ix_(annotated, [EMOTIONS.index(label) for label in scheme.emotions])]
        truth = np.array([[label in (judged.documents[index].emotions or ()) for label in scheme.emotions] for index in annotated])
        each = [f1(truth[:, column], present[:, column]) for column in np.flatnonzero(truth.any(axis=0))]
        found.append(Score("emotions", len(annotated), f1(truth, present), float(np.mean(each)) if each else 0.0))
    return found


def score_table(start: Sequence[Score], adapted: Sequence[Score]) -> str:
    """Markdown table with the start's scores beside the adapted model's."""
    lines = ["| test rows | n | accuracy / micro-F1: start | adapted | macro-F1: start | adapted |", "|---|---|---|---|---|---|"]
    for old, new in zip(start, adapted, strict=True):
        figures = (old.accuracy, new.accuracy, old.macro_f1, new.macro_f1)
        lines.append(f"| {old.task} | {old.size} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return "\n".join(lines)


def card(rows: LabelledRows, start: Manifest, name: str, story: str, table: str) -> str:
    """The model card (Markdown); it holds nothing of the comments themselves. `story` says how the weights were found."""
    languages = Counter(document.lang for document in rows.documents)
    mix = ", ".join(f"{code} {count}" for code, count in sorted(languages.items(), key=lambda item: (-item[1], item[0])))
    tested = len(rows.split("test"))
    return f"""---
tags: [sentiment, emotion, customer-experience]
---

# {name} {VERSION}

Started from the model {start.name} {start.version} and adapted by `cxsentiment train` to {len(rows.documents)} labelled comments. What is
said of {start.name} (what it learnt from, licences, weaknesses) holds for this model too.

## How it was made

{story}

Labels that occur: {", ".join((*rows.scheme.sentiments, *rows.scheme.emotions))}.

Comments by detected language: {mix}.

## Scores

On {tested} comments that nothing was learnt from, split off by a checksum of the text. One comment more or less is
{100 / max(tested, 1):.1f} points.

{table}
"""


def _story(rows: LabelledRows, mixture: float, *, fitted: bool) -> str:
    tuned = len(rows.split("tune"))
    grounds = f"the share of {', '.join(f'{share:g}' for share in MIXTURES)} with the lowest loss on {tuned} comments kept for that"
    return (
        f"Encoder and heads learnt {len(rows.split('train'))} comments; the wide branch is that of the start. The weights are the start's, "
        f"moved by {mixture:g} of the way to the learnt ones: {grounds if tuned else 'there was no comment to choose a share on'} "
        "(Wortsman et al. 2022). Scale and biases of sentiment "
        + (f"were fitted again on these {tuned} comments." if fitted else f"are the start's: {tuned} comments are too few to fit them.")
    )


def _write_weights(target: Path, start: Manifest, weights: State) -> None:
    """The files of the start with other weights, in full precision where they are so there; without its card and recipe."""
    for path in start.weight_files:
        stored = load_file(path)
        arrays = {key: weights[key].numpy() for key in stored if not key.endswith(SCALE_SUFFIX)}
        save_arrays(target / path.name, arrays, exact=any(array.dtype == np.float32 for array in stored.values()))
    for name in start.files:
        if name.endswith(".json"):
            shutil.copy(start.path / name, target / name)


def _write_ranges(target: Path, start: Manifest, model: CxModel, tokeniser: TextTokeniser, texts: Sequence[str]) -> None:
    """Where the start has ranges of its activations: what these and those on the texts need."""
    ranges = load_ranges(start)
    if ranges is not None and STATES in ranges and isinstance(model.encoder, Encoder):
        model.cpu()
        save_arrays(target / RANGES, widened(ranges, activation_ranges(model.encoder, tokeniser, texts)), exact=True)


def _make_target(work: Path, start: Manifest) -> None:
    target = work / "model"
    if target.resolve() == start.path.resolve():
        raise InputError(f"{target} is the model to start from; choose another folder with --out")
    if (target / MANIFEST).exists() and not any(work.glob("adapt-*.pt")):
        raise InputError(f"{target} holds a model that was made in another way; choose another folder with --out")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target} cannot be made: {error.strerror}; choose another folder with --out") from None
