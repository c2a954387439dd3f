"""Where models come from and whether they are what they say: packaged, in a local folder, or on the Hugging Face hub.

A model folder holds `manifest.json` (name, version, sizes, labels, calibration, checksum of every other file), `tokenizer.json`, the
weights as safetensors, and the model card `README.md`. Nothing else is read and nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from cxsentiment.errors import ModelError
from cxsentiment.heads import Calibration
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS, TOUCHPOINTS
from cxsentiment.story import STORY

FORMAT = 2
DEFAULT_MODEL = "default"
MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"
CARD = "README.md"
RANGES = "ranges.safetensors"
SCALE_SUFFIX = ".row_scale"
SMALLEST_INT8 = 4096
HUB_FILES = ("*.json", "*.safetensors", CARD)
LABELS = {
    "sentiment": list(SENTIMENTS),
    "emotions": list(EMOTIONS),
    "touchpoints": list(TOUCHPOINTS),
    "polarity": list(POLARITIES),
    "story": list(STORY),
}

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """SHA-256 (hex) and size in bytes that a file of the model must have."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder says about itself. `encoder` holds the sizes of the network (see `EncoderConfig`)."""

    name: str
    version: str
    path: Path
    encoder: Mapping[str, Any]
    calibration: Calibration
    files: Mapping[str, FileEntry]

    @property
    def card(self) -> str:
        """The model card (Markdown), or an empty string."""
        path = self.path / CARD
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def checksum(self) -> str:
        """SHA-256 of the manifest, which holds those of all other files, in hex."""
        return checksum(self.path / MANIFEST)

    @property
    def weight_files(self) -> list[Path]:
        """The safetensors files of the network, in order of name."""
        return [self.path / name for name in sorted(self.files) if name.endswith(".safetensors") and name != RANGES]


def read_manifest(name_or_path: str | Path | None = None) -> Manifest:
    """Finds a model and reads its manifest; None is the default model.

    Raises ModelError when there is no such model or the folder does not hold one of ours.
    """
    folder = find_model(name_or_path)
    path = folder / MANIFEST
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["format"] != FORMAT:
            raise ModelError(f"{path}: format {plain['format']} is not supported by this version, which reads format {FORMAT}")
        if plain["labels"] != LABELS:
            raise ModelError(f"{path}: the model's labels are not this version's; install the version that made it")
        return Manifest(
            name=str(plain["name"]),
            version=str(plain["version"]),
            path=folder,
            encoder=dict(plain["encoder"]),
            calibration=Calibration.from_dict(plain["calibration"]),
            files={_plain_name(name): FileEntry(**entry) for name, entry in plain["files"].items()},
        )
    except FileNotFoundError:
        raise ModelError(f"{folder} is not a cxsentiment model: it has no {MANIFEST}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read as the manifest of a cxsentiment model: {error!r}") from None


def verify(manifest: Manifest) -> None:
    """Compares every file with its checksum. Raises ModelError naming the first that is missing or changed."""
    for name, entry in manifest.files.items():
        path = manifest.path / name
        if not path.is_file():
            raise ModelError(f"{path} is missing: get the model again")
        if path.stat().st_size != entry.size or checksum(path) != entry.sha256:
            raise ModelError(f"{path} is not the file that {MANIFEST} lists (checksum differs): get the model again")


def load_arrays(manifest: Manifest) -> Arrays:
    """All weights in float32, by name; rows that are stored as int8 are scaled back."""
    stored: Arrays = {}
    for path in manifest.weight_files:
        try:
            stored |= load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} is not a readable safetensors file: {error}") from None
    return {
        name: array.astype(np.float32) * (stored[name + SCALE_SUFFIX].astype(np.float32)[:, None] if array.dtype == np.int8 else 1.0)
        for name, array in stored.items()
        if not name.endswith(SCALE_SUFFIX)
    }


def load_ranges(manifest: Manifest) -> Arrays | None:
    """Ranges of the encoder's activations (see `encoder.quantised`), if the model has them. Raises ModelError if they cannot be read."""
    if RANGES not in manifest.files:
        return None
    try:
        return load_file(manifest.path / RANGES)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{manifest.path / RANGES} is not a readable safetensors file: {error}") from None


def save_arrays(path: Path, arrays: Arrays, *, exact: bool = False) -> None:
    """Writes weights: large matrices as int8 with one float16 scale a row, the rest as float16; all as they are with `exact`."""
    stored: Arrays = {}
    for name, array in arrays.items():
        if exact:
            stored[name] = array
            continue
        if array.ndim != 2 or array.size < SMALLEST_INT8:
            stored[name] = array.astype(np.float16)
            continue
        scale = (np.abs(array).max(axis=1) / 127).clip(1e-6).astype(np.float16)
        stored[name] = np.rint(array / scale.astype(np.float32)[:, None]).clip(-127, 127).astype(np.int8)
        stored[name + SCALE_SUFFIX] = scale
    save_file(stored, path)
    path.chmod(0o644)


def write_manifest(folder: Path, name: str, version: str, encoder: Mapping[str, Any], calibration: Calibration) -> None:
    """Writes `manifest.json` for the files that are in the folder."""
    files = {
        path.name: asdict(FileEntry(checksum(path), path.stat().st_size)) for path in sorted(folder.iterdir()) if path.name != MANIFEST
    }
    plain = {"format": FORMAT, "name": name, "version": version, "labels": LABELS, "encoder": dict(encoder)}
    plain |= {"calibration": asdict(calibration), "files": files}
    (folder / MANIFEST).write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def find_model(name_or_path: str | Path | None) -> Path:
    """The folder of a model: a folder, a packaged one (None: the default), or one of the hub. Raises ModelError when there is none."""
    name = str(name_or_path or DEFAULT_MODEL)
    if Path(name).is_dir():
        return Path(name)
    packaged = _packaged(name)
    if packaged is not None:
        return packaged
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _from_hub(name)
    raise ModelError(f"no model {name!r}: give a folder, a Hugging Face id (owner/name), or leave it out for the default model")


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packaged(name: str) -> Path | None:
    """A model inside the installed package, or beside it in a source tree."""
    if not name.replace("-", "").replace("_", "").isalnum():
        return None
    package = Path(str(resources.files("cxsentiment")))
    folders = (package / "models" / name, package.parent / "models" / name)
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), None)


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except Exception as error:
        raise ModelError(
            f"model {name!r} could not be had from the Hugging Face hub ({error}); is the id right and the hub reachable?"
        ) from error


def _plain_name(name: str) -> str:
    if Path(name).name != name:
        raise ValueError(f"file name {name!r} leads out of the folder")
    return name
