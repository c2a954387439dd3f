"""`cxsentiment train`: all stages of a recipe in order. Killed and started again, it goes on where it stopped."""

from __future__ import annotations

import shutil
import time
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from cxsentiment.encoder.model import CxModel, EncoderConfig
from cxsentiment.encoder.runtime import Runtime, load_runtime
from cxsentiment.encoder.tokenise import TextTokeniser
from cxsentiment.errors import CxError, InputError
from cxsentiment.heads import BranchWeights, Calibration
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS
from cxsentiment.training.align import align
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.card import model_card, score_table
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.examples import training_documents
from cxsentiment.training.finetune import finetune, train_wide
from cxsentiment.training.measure import dev_documents, language_calibration, raw_scores, score_sets
from cxsentiment.training.vocabulary import train_tokenizer
from cxsentiment.weights import CARD, TOKENIZER, read_manifest, save_arrays, verify, write_manifest

RECIPE_KEYS = {"name", "version", "seed", "vocabulary", "seconds"}
STAGES = ("align", "finetune")
UNCALIBRATED = Calibration(
    sentiment=BranchWeights(1.0, 0.0, 0.0, (0.0,) * len(SENTIMENTS)),
    emotions=BranchWeights(1.0, 0.0, 0.0, (0.0,) * len(EMOTIONS)),
    emotion_thresholds=(0.5,) * len(EMOTIONS),
    polarity_scale=1.0,
    polarity_bias=(0.0,) * len(POLARITIES),
)
EVALUATION_TOKENS = 8192
INT8_ROWS = ("encoder.words.weight", "wide.table.weight")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to train: name and version of the model, seed, vocabulary size, and seconds for each stage."""

    name: str
    version: str
    seed: int
    vocabulary: int
    align_seconds: float
    finetune_seconds: float

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
                *(float(seconds[stage]) for stage in STAGES),
            )
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"recipe {path} cannot be read: {error}") from None
        except KeyError as error:
            raise InputError(f"recipe {path}: {error} is missing") from None

    def within(self, time_budget: float | None) -> Recipe:
        """The same recipe with its stages shortened (or lengthened) to take so many seconds together."""
        if time_budget is None:
            return self
        share = time_budget / (self.align_seconds + self.finetune_seconds)
        return replace(self, align_seconds=self.align_seconds * share, finetune_seconds=self.finetune_seconds * share)


def train_command(recipe: Path | None, data: Path | None, out: Path | None, time_budget: float | None, *, evaluate: bool) -> None:
    """Trains a model by the recipe (None: that of the default model) or, with `evaluate`, measures one on the dev sets.

    Stages and checkpoints go to `out` (None: `runs/<name>`), the finished model to its subfolder `model`.
    """
    folder = DataFolder.find(data)
    if evaluate:
        print(evaluation(folder, out))
        return
    chosen = Recipe.read(recipe or _default_recipe()).within(time_budget)
    work = out or Path("runs") / chosen.name
    work.mkdir(parents=True, exist_ok=True)
    train(chosen, folder, work)
    shutil.copy(recipe or _default_recipe(), work / "model" / "recipe.toml")
    print(finish(chosen, folder, work))


def train(recipe: Recipe, data: DataFolder, work: Path) -> None:
    """Runs the learning stages; leaves uncalibrated weights in `work`."""
    tokenizer = _tokenizer(recipe, data, work)
    config = EncoderConfig(tokenizer.get_vocab_size())
    _say("align: the student learns the teacher's sentence vectors")
    encoder = align(data, tokenizer, config, recipe.align_seconds, recipe.seed, work)
    model = CxModel(config)
    model.encoder.load_state_dict(encoder.state_dict())
    for layer in model.encoder.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    documents = training_documents(data)
    _say("finetune: all heads on all sets")
    finetune(model, tokenizer, documents, recipe.finetune_seconds, recipe.seed, work)
    _say(f"wide: hashed n-grams on {len(documents)} documents")
    train_wide(model, tokenizer, documents, recipe.seed, work)
    target = work / "model"
    target.mkdir(exist_ok=True)
    arrays = {name: tensor.numpy().astype(np.float32) for name, tensor in model.state_dict().items()}
    encoder_arrays = {name: array for name, array in arrays.items() if name.startswith("encoder.")}
    head_arrays = {name: array for name, array in arrays.items() if name not in encoder_arrays}
    save_arrays(target / "encoder.safetensors", encoder_arrays, INT8_ROWS)
    save_arrays(target / "heads.safetensors", head_arrays, INT8_ROWS)
    tokenizer.save(str(target / TOKENIZER), pretty=False)


def finish(recipe: Recipe, data: DataFolder, work: Path) -> str:
    """Calibrates the stored weights (as they will be loaded), writes card and manifest, and gives the table of scores."""
    target = work / "model"
    config = asdict(EncoderConfig(Tokenizer.from_file(str(target / TOKENIZER)).get_vocab_size()))
    write_manifest(target, recipe.name, recipe.version, config, UNCALIBRATED)
    _say("calibrate: dev sets and held-out comments")
    measured = raw_scores(*_loaded(target), dev_documents(data))
    calibration = calibrate(measured)
    scores = score_sets(measured, calibration)
    (target / CARD).write_text(
        model_card(recipe.name, recipe.version, data, scores, language_calibration(measured, calibration)), encoding="utf-8"
    )
    write_manifest(target, recipe.name, recipe.version, config, calibration)
    return score_table(scores)


def evaluation(data: DataFolder, model: Path | None) -> str:
    """Table of a finished model's scores on the dev sets (None: the default model)."""
    manifest = read_manifest(model / "model" if model and (model / "model").is_dir() else model)
    measured = raw_scores(*_loaded(manifest.path), dev_documents(data))
    return score_table(score_sets(measured, manifest.calibration))


def _loaded(folder: Path) -> tuple[Runtime, TextTokeniser]:
    """Network and tokeniser of a model folder, on the best device there is."""
    manifest = read_manifest(folder)
    verify(manifest)
    return load_runtime(manifest, "auto", "auto", EVALUATION_TOKENS)


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
