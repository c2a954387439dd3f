"""`cxsentiment train`: all stages of a recipe in order. Killed and started again, it goes on where it stopped."""

from __future__ import annotations

import shutil
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import CxModel, EncoderConfig, TextEncoder
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import pieces_of
from cxsentiment.errors import CxError, InputError, MissingExtraError, OptionError
from cxsentiment.heads import BranchWeights, Calibration
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS
from cxsentiment.story import STORY
from cxsentiment.training.align import align
from cxsentiment.training.base import Base, claim
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.card import (
    LEARNT_ON,
    RELIABILITY,
    Tables,
    model_card,
    reliability_plot,
    score_table,
    story_table,
    touchpoint_table,
)
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.examples import training_documents
from cxsentiment.training.finetune import Lesson, Weights, copied, finetune, mean_weights, polish, without_dropout
from cxsentiment.training.measure import (
    cross_fitted,
    dev_documents,
    fitted_halves,
    judge,
    judge_halves,
    language_calibration,
    language_confidence,
    load_model,
    raw_scores,
    score_sets,
)
from cxsentiment.training.pretrain import Unlabelled, pretrain
from cxsentiment.training.ranges import write_ranges
from cxsentiment.training.refine import refine
from cxsentiment.training.touchpoint_scores import read_all
from cxsentiment.training.vocabulary import train_tokenizer
from cxsentiment.training.wide import train_wide
from cxsentiment.weights import CARD, TOKENIZER, read_manifest, save_arrays, write_manifest

RECIPE_KEYS = {"name", "version", "seed", "vocabulary", "polish_seeds", "seconds"}
STAGES = ("align", "finetune", "deepen", "pretrain", "immerse", "polish", "settle")
OPTIONAL_STAGES = ("pretrain", "immerse")
UNCALIBRATED = Calibration(
    sentiment=BranchWeights(1.0, 0.0, 0.0, (0.0,) * len(SENTIMENTS)),
    emotions=BranchWeights(1.0, 0.0, 0.0, (0.0,) * len(EMOTIONS)),
    emotion_thresholds=(0.5,) * len(EMOTIONS),
    polarity_scale=1.0,
    polarity_bias=(0.0,) * len(POLARITIES),
    outside_bias=0.0,
    phrase_share=0.5,
    story_thresholds=(0.5,) * len(STORY),
    story_unsure=(False,) * len(STORY),
)
MODEL, FULL = "model", "full"
REFINE_SECONDS = 1800.0
IMMERSED_OTHERS, IMMERSED_HEADS = 0.35, 1.5
"""In the strand with hidden words, the share of documents without touchpoints that take part, and how much faster its heads learn."""


@dataclass(frozen=True, slots=True)
class Strand:
    """One way on from the first stretch of fine-tuning: a long stretch, and a last one for each seed.

    An immersed one learns from hidden words and translations before and beside the long stretch.
    """

    long: Lesson
    last: tuple[Lesson, ...]
    immersed: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train: name and version of the model, seed, vocabulary size, how often the last stage is run, and seconds for each stage.

    `seconds` of "polish" are those of one seed of one strand, of "settle" those of one seed; without "pretrain" there is no strand
    that learns from hidden words.
    """

    name: str
    version: str
    seed: int
    vocabulary: int
    polish_seeds: int
    seconds: Mapping[str, float]

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Reads a recipe. Raises InputError that names what is missing or unknown."""
        try:
            plain = tomllib.loads(path.read_text(encoding="utf-8"))
            seconds = plain["seconds"]
            unknown = (set(plain) - RECIPE_KEYS) | (set(seconds) - set(STAGES))
            if unknown:
                raise InputError(f"recipe {path}: unknown keys {sorted(unknown)}; known are {sorted(RECIPE_KEYS)}, seconds of {STAGES}")
            return cls(
                str(plain["name"]),
                str(plain["version"]),
                int(plain["seed"]),
                int(plain["vocabulary"]),
                int(plain["polish_seeds"]),
                {stage: float(seconds[stage]) if stage in seconds or stage not in OPTIONAL_STAGES else 0.0 for stage in STAGES},
            )
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"recipe {path} cannot be read: {error}") from None
        except KeyError as error:
            raise InputError(f"recipe {path}: {error} is missing") from None

    def within(self, time_budget: float | None) -> Recipe:
        """The same recipe with its stages shortened (or lengthened) to take so many seconds together."""
        if time_budget is None:
            return self
        strands = 2 if self.seconds["pretrain"] else 1
        again = (strands * self.polish_seeds - 1) * self.seconds["polish"] + (self.polish_seeds - 1) * self.seconds["settle"]
        share = time_budget / (sum(self.seconds.values()) + again)
        return replace(self, seconds={stage: seconds * share for stage, seconds in self.seconds.items()})

    def fine_tuning(self, name: str) -> Recipe:
        """The same recipe under another name, and without the stages that make an encoder of our own."""
        return replace(self, name=name, seconds={**self.seconds, "align": 0.0, "pretrain": 0.0, "immerse": 0.0})

    def lessons(self) -> tuple[Lesson, tuple[Strand, ...]]:
        """The first stretch of fine-tuning, and the strands that go on from it."""
        first = Lesson("finetune", self.seconds["finetune"], (self.seed,))
        long = Lesson("deepen", self.seconds["deepen"], (self.seed + 1, self.seed + 2), floor=0.4)
        strands = [Strand(long, self._last("polish"))]
        if self.seconds["pretrain"]:
            seeds = (self.seed + 1, self.seed + 2)
            long = Lesson("immerse", self.seconds["immerse"], seeds, floor=0.2, others=IMMERSED_OTHERS, heads=IMMERSED_HEADS)
            strands.append(Strand(long, self._last("immersed"), immersed=True))
        return first, tuple(strands)

    def settling(self) -> tuple[Lesson, ...]:
        """For each seed the stretch after the strands have met, in which the heads learn to read the mean of the encoders."""
        return tuple(Lesson(f"settle-{seed}", self.seconds["settle"], (seed,), rate=0.4) for seed in self._polish_seeds)

    @property
    def polish_names(self) -> tuple[str, ...]:
        """Folder of each seed's model."""
        return tuple(f"seed-{seed}" for seed in self._polish_seeds)

    @property
    def _polish_seeds(self) -> range:
        return range(self.seed + 10, self.seed + 10 + self.polish_seeds)

    def _last(self, name: str) -> tuple[Lesson, ...]:
        return tuple(Lesson(f"{name}-{seed}", self.seconds["polish"], (seed,), rate=0.5) for seed in self._polish_seeds)


def train_command(
    recipe: Path | None,
    data: Path | None,
    out: Path | None,
    time_budget: float | None,
    base: str | None = None,
    start_from: str | None = None,
    keep: str | None = None,
    *,
    evaluate: bool,
) -> None:
    """Trains a model by the recipe (None: that of the default model) or, with `evaluate`, measures one on the dev sets.

    Stages and checkpoints go to `out` (None: `runs/<name>`), the finished model to its subfolder `model`, in full precision to `full`.
    With `base`, a folder or Hugging Face id, that encoder is fine-tuned, and the model has its name. With `start_from`, a model of ours
    learns on for `time_budget` seconds (None: `REFINE_SECONDS`) and keeps the touchpoints of the model `keep` (None: its own); the recipe
    then says only name, version and seed.
    """
    if keep is not None and start_from is None:
        raise OptionError("--keep: only for a model that learns on; name it with --start-from")
    if evaluate and (base is not None or start_from is not None):
        raise OptionError("--base, --start-from: only for training; --evaluate measures the model in the folder that --out names")
    if base is not None and start_from is not None:
        raise OptionError("--base and --start-from: a model begins with an encoder of others, or with a finished model, not with both")
    folder = DataFolder.find(data)
    if evaluate:
        print(evaluation(folder, out))
        return
    if find_spec("matplotlib") is None:
        raise MissingExtraError("training draws its card with matplotlib: pip install 'cxsentiment[train]'")
    chosen = Recipe.read(recipe or _default_recipe())
    found = None if base is None else Base.find(base)
    chosen = chosen.fine_tuning(found.title) if found else chosen
    if start_from is None:
        chosen = chosen.within(time_budget)
    work = out or Path("runs") / chosen.name
    work.mkdir(parents=True, exist_ok=True)
    claim(work, found)
    if start_from is None:
        train(chosen, folder, work, found)
        how = ""
    else:
        how = learn_on(chosen, start_from, keep or start_from, folder, REFINE_SECONDS if time_budget is None else time_budget, work)
    shutil.copy(recipe or _default_recipe(), work / MODEL / "recipe.toml")
    print(finish(chosen, folder, work, found, how))


def learn_on(recipe: Recipe, start_from: str, keep: str, data: DataFolder, seconds: float, work: Path) -> str:
    """A finished model learns on; leaves uncalibrated weights in `work`, and gives what the card says of it."""
    _say(f"refine: {start_from} learns on, all heads on all sets, for {seconds:.0f} seconds; touchpoints as of {keep}")
    start, kept = (f"{manifest.name} {manifest.version}" for manifest in map(read_manifest, (start_from, keep)))
    tokenizer, model = refine(start_from, keep, data, seconds, recipe.seed, work)
    write_model(recipe, model, tokenizer, work / MODEL)
    write_model(recipe, model, tokenizer, work / FULL, exact=True)
    return LEARNT_ON.format(start=start, seconds=seconds, keep=kept)


def train(recipe: Recipe, data: DataFolder, work: Path, base: Base | None = None) -> None:
    """Runs the learning stages, from the base where there is one; leaves uncalibrated weights in `work`."""
    tokenizer, model = base.start() if base else _aligned(recipe, data, work)
    documents = training_documents(data)
    _say(f"wide: hashed n-grams on {len(documents)} documents")
    train_wide(model, tokenizer, documents, recipe.seed, work)
    first, strands = recipe.lessons()
    _say(f"{first.name}: all heads on all sets")
    finetune(model, tokenizer, documents, first, work)
    start = copied(model)
    ends: list[list[Weights]] = []
    for strand in strands:
        model.load_state_dict(start)
        beside = _immersed(recipe, data, tokenizer, model.encoder, work) if strand.immersed else None
        _say(f"{strand.long.name}: all heads on all sets" + (", hidden words and translations beside" if beside else ""))
        finetune(model, tokenizer, documents, strand.long, work, beside)
        _say(f"{', '.join(lesson.name for lesson in strand.last)}: the last stretch, each from the same start")
        ends.append(polish(model, tokenizer, documents, strand.last, work))
    of_seeds = []
    for name, lesson, of_seed in zip(recipe.polish_names, recipe.settling(), zip(*ends, strict=True), strict=True):
        _say(f"{lesson.name}: all heads on all sets, from the mean of the strands")
        model.load_state_dict(mean_weights(of_seed))
        finetune(model, tokenizer, documents, lesson, work)
        of_seeds.append(copied(model))
        write_model(recipe, model, tokenizer, work / name, exact=True)
    model.load_state_dict(mean_weights(of_seeds))
    write_model(recipe, model, tokenizer, work / MODEL)
    write_model(recipe, model, tokenizer, work / FULL, exact=True)


def finish(recipe: Recipe, data: DataFolder, work: Path, base: Base | None = None, learnt_on: str = "") -> str:
    """Calibrates the stored weights (as they will be loaded), writes card and manifest, and gives the table of scores.

    The mean of strands and seeds is the model; each seed by itself (the mean of its strands) is measured beside it. Scores are
    cross-fitted: each half of the documents with the calibration of the other half; the calibration that is kept is fitted on all.
    """
    documents = dev_documents(data)
    seeds = []
    for name in recipe.polish_names if recipe.polish_seeds > 1 and (work / recipe.polish_names[0]).is_dir() else ():
        _say(f"measure: {name}")
        seeds.append(score_sets(cross_fitted(raw_scores(*load_model(work / name)[1:], documents), calibrate)))
    _say("measure and calibrate: the model")
    target = work / MODEL
    write_ranges(target, data)
    measured = raw_scores(*load_model(target)[1:], documents)
    fitted = fitted_halves(measured, calibrate)
    judged = judge_halves(measured, fitted)
    scores = score_sets(judged)
    reliability_plot(language_confidence(judged), target / RELIABILITY)
    table = score_table(scores, seeds)
    calibration = calibrate(measured)
    labels = story_table(read_all(fitted, unsure_labels=True), calibration)
    tables = Tables(table, touchpoint_table(read_all(fitted)), labels, language_calibration(judged))
    (target / CARD).write_text(model_card(recipe.name, recipe.version, data, tables, base, learnt_on), encoding="utf-8")
    for folder in (target, work / FULL):
        write_manifest(folder, recipe.name, recipe.version, read_manifest(folder).encoder, calibration)
    return table


def evaluation(data: DataFolder, model: Path | None) -> str:
    """Table of a finished model's scores on the dev sets (None: the default model)."""
    manifest, runtime, tokeniser = load_model(model / MODEL if model and (model / MODEL).is_dir() else model)
    return score_table(score_sets(judge(raw_scores(runtime, tokeniser, dev_documents(data)), manifest.calibration)))


def write_model(recipe: Recipe, model: CxModel, tokenizer: Tokenizer, folder: Path, *, exact: bool = False) -> None:
    """Writes a model that is not calibrated yet: int8 matrices, or everything in float32 (`exact`)."""
    folder.mkdir(exist_ok=True)
    arrays = {name: tensor.numpy().astype(np.float32) for name, tensor in model.state_dict().items()}
    encoder = {name: array for name, array in arrays.items() if name.startswith("encoder.")}
    heads = {name: array for name, array in arrays.items() if name not in encoder}
    save_arrays(folder / "encoder.safetensors", encoder, exact=exact)
    save_arrays(folder / "heads.safetensors", heads, exact=exact)
    tokenizer.save(str(folder / TOKENIZER), pretty=False)
    if isinstance(model.encoder, ForeignEncoder):
        model.encoder.write_settings(folder)
    write_manifest(folder, recipe.name, recipe.version, asdict(model.config), UNCALIBRATED)


def _aligned(recipe: Recipe, data: DataFolder, work: Path) -> tuple[Tokenizer, CxModel]:
    """A vocabulary of our own, and a network with our own encoder, aligned."""
    tokenizer = _tokenizer(recipe, data, work)
    config = EncoderConfig(tokenizer.get_vocab_size())
    _say("align: the student learns the teacher's sentence vectors")
    encoder = align(data, tokenizer, config, recipe.seconds["align"], recipe.seed, work)
    model = CxModel(config, Spelling.of(pieces_of(tokenizer)))
    model.encoder.load_state_dict(encoder.state_dict())
    without_dropout(model.encoder)
    return tokenizer, model


def _immersed(recipe: Recipe, data: DataFolder, tokenizer: Tokenizer, encoder: TextEncoder, work: Path) -> Unlabelled:
    """What is learnt without labels, after the encoder has learnt nothing else for a while."""
    _say("pretrain: hidden words of customers' texts, and translations")
    unlabelled = Unlabelled(data, tokenizer, encoder.embeddings.shape[1], recipe.seed, work)
    pretrain(encoder, unlabelled, recipe.seconds["pretrain"], recipe.seed, work)
    return unlabelled


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def _tokenizer(recipe: Recipe, data: DataFolder, work: Path) -> Tokenizer:
    path = work / TOKENIZER
    if not path.exists():
        _say(f"vocabulary: {recipe.vocabulary} pieces")
        train_tokenizer(data, recipe.vocabulary, recipe.seed).save(str(path))
    return Tokenizer.from_file(str(path))


def _default_recipe() -> Path:
    path = read_manifest().path / "recipe.toml"
    if not path.is_file():
        raise CxError("the default model has no recipe.toml: give one with --recipe")
    return path
