"""A finished model of ours learns on from where it is: all heads on all documents, for a while, at low rates.

For new comments, say, without the hours that a model takes from the beginning. The wide branch stays; calibration and card are made anew.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer

from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import CxModel
from cxsentiment.encoder.runtime import network
from cxsentiment.encoder.tokenise import TextTokeniser
from cxsentiment.errors import InputError
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.examples import training_documents
from cxsentiment.training.finetune import Lesson, finetune, without_dropout
from cxsentiment.weights import TOKENIZER, load_arrays, read_manifest, verify

STAGE = "refine"
RATE, FLOOR, OTHERS = 0.4, 0.05, 0.2
"""Of the learning rates of the first training, where they end, and the share of documents without touchpoints that take part."""


def started(start_from: str) -> tuple[Tokenizer, CxModel]:
    """Tokenizer and network of a finished model. Raises ModelError if it is not there or damaged, InputError if its encoder is not ours."""
    manifest = read_manifest(start_from)
    verify(manifest)
    tokenizer = Tokenizer.from_file(str(manifest.path / TOKENIZER))
    model = network(manifest, TextTokeniser(tokenizer))
    if isinstance(model.encoder, ForeignEncoder):
        raise InputError(f"{start_from} has the encoder of another project: train it again with --base")
    model.load_state_dict({name: torch.from_numpy(array) for name, array in load_arrays(manifest).items()})
    without_dropout(model.encoder)
    return tokenizer, model


def refine(start_from: str, data: DataFolder, seconds: float, seed: int, work: Path) -> tuple[Tokenizer, CxModel]:
    """The model after so many seconds; a stage that was stopped goes on."""
    tokenizer, model = started(start_from)
    lesson = Lesson(STAGE, seconds, (seed, seed + 1), rate=RATE, floor=FLOOR, others=OTHERS)
    finetune(model, tokenizer, training_documents(data), lesson, work)
    return tokenizer, model
