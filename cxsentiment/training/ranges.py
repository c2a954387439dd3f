"""In which ranges the activations of our encoder lie, as its integer kernels need to know (see `encoder.quantised`).

`python -m cxsentiment.training.ranges FOLDER` measures them again for a finished model; `cxsentiment train` does it by itself.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cxsentiment.encoder.model import Encoder, Layer
from cxsentiment.encoder.quantised import RANGED, STATES, Ranges
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.encoder.tokenise import TextTokeniser
from cxsentiment.language import LanguageDetector
from cxsentiment.reading import read
from cxsentiment.training.corpus import DataFolder
from cxsentiment.weights import RANGES, read_manifest, save_arrays, write_manifest

TEXTS = 600
TOKENS = 4096

Floats = npt.NDArray[np.float32]


def write_ranges(folder: Path, data: DataFolder) -> None:
    """Measures a model of our own architecture on train documents, and writes the ranges into its folder; others it leaves as they are."""
    manifest = read_manifest(folder)
    runtime, tokeniser = load_runtime(manifest, "cpu", "float32", TOKENS)
    if isinstance(runtime.model.encoder, Encoder):
        documents = [document.text for document in data.documents("train")] + [document.text for _, document in data.written()]
        texts = random.Random(0).sample(documents, min(TEXTS, len(documents)))
        save_arrays(folder / RANGES, activation_ranges(runtime.model.encoder, tokeniser, texts), exact=True)
        write_manifest(folder, manifest.name, manifest.version, manifest.encoder, manifest.calibration)


def activation_ranges(encoder: Encoder, tokeniser: TextTokeniser, texts: Sequence[str]) -> dict[str, Floats]:
    """The same as `encoder_ranges`, over texts."""
    cleaned = [text.text for text, _ in read(texts, LanguageDetector())]
    longest = encoder.positions.num_embeddings - 2
    tokenised = tokeniser(cleaned, [False] * len(cleaned))
    return encoder_ranges(encoder, [np.array([tokeniser.cls_id, *text.ids[:longest].tolist(), tokeniser.sep_id]) for text in tokenised])


def widened(some: Ranges, others: Ranges) -> dict[str, Floats]:
    """Ranges that hold all that either hold."""
    pairs = {name: (some[name], others[name]) for name in (*RANGED, STATES)}
    return {
        name: np.stack([np.minimum(one[:, 0], other[:, 0]), np.maximum(one[:, 1], other[:, 1])], axis=1)
        for name, (one, other) in pairs.items()
    }


@torch.inference_mode()
def encoder_ranges(encoder: Encoder, sequences: Iterable[npt.NDArray[Any]]) -> dict[str, Floats]:
    """Least and greatest value of each input of the linear layers `RANGED`, by their name: arrays [layers, 2, inputs]; and of `STATES`.

    Each sequence is of ids [tokens].
    """
    found: dict[tuple[str, int], torch.Tensor] = {}

    def note(name: str, number: int, states: torch.Tensor) -> None:
        states = states.flatten(0, -2)
        seen = torch.stack([states.amin(0), states.amax(0)])
        before = found.get((name, number), seen)
        found[name, number] = torch.stack([torch.minimum(before[0], seen[0]), torch.maximum(before[1], seen[1])])

    def watch(name: str, number: int, linear: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def look(_: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            note(name, number, inputs[0])

        return linear.register_forward_pre_hook(look)

    hooks = []
    for number, layer in enumerate(encoder.layers):
        assert isinstance(layer, Layer)
        linears = (layer.attention.qkv, layer.attention.out, layer.up)
        hooks += [watch(name, number, linear) for name, linear in zip(RANGED, linears, strict=True)]
    for ids in sequences:
        note(STATES, 0, encoder(torch.from_numpy(ids).long()[None], torch.tensor([len(ids)])))
    for hook in hooks:
        hook.remove()
    counts = dict.fromkeys(RANGED, len(encoder.layers)) | {STATES: 1}
    return {name: np.stack([found[name, number].numpy() for number in range(count)]) for name, count in counts.items()}


def main() -> None:
    """Measures the ranges of a model folder and writes them there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    write_ranges(parser.parse_args().folder, DataFolder.find())


if __name__ == "__main__":
    main()
