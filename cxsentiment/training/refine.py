"""A finished model of ours learns on from where it is: all heads on all documents, for a while, at low rates.

For new comments, say, without the hours that a model takes from the beginning. The wide branch stays; calibration and card are made anew.
What it knows of touchpoints is kept (see `keeping`).
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
from cxsentiment.training.keeping import Keeper
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


def refine(start_from: str, keep: str, data: DataFolder, seconds: float, seed: int, work: Path) -> tuple[Tokenizer, CxModel]:
    """The model after so many seconds, with the touchpoints of the model `keep`; a stage that was stopped goes on.

    Raises InputError if the two models read texts in different pieces; else as `started`.
    """
    tokenizer, model = started(start_from)
    pieces, keeper = started(keep)
    if pieces.get_vocab() != tokenizer.get_vocab():
        raise InputError(
            f"--keep {keep}: it reads texts in other pieces than {start_from}; name a model that was trained on from the same one"
        )
    lesson = Lesson(STAGE, seconds, (seed, seed + 1), rate=RATE, floor=FLOOR, others=OTHERS)
    finetune(model, tokenizer, training_documents(data), lesson, work, keeper=Keeper(keeper))
    return tokenizer, model
