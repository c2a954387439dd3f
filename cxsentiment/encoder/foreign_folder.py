"""A Hugging Face model in a folder or on the hub, as files: settings, fast tokenizer, weights as safetensors. Nothing else is read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tokenizers import Tokenizer

from cxsentiment.encoder.foreign import SETTINGS_FILE, config_of, first_line, read_settings
from cxsentiment.encoder.tokenise import pieces_of, special_ids
from cxsentiment.errors import ModelError
from cxsentiment.weights import MANIFEST, TOKENIZER, checksum

WEIGHTS = ("model.safetensors", "model-*.safetensors")
HEADS = ("classifier", "pre_classifier", "score", "head")
HUB_FILES = (SETTINGS_FILE, TOKENIZER, *WEIGHTS, "model.safetensors.index.json")


@dataclass(frozen=True)
class ForeignFolder:
    """A Hugging Face model in a local folder; `name` is how it was asked for."""

    name: str
    folder: Path

    @classmethod
    def find(cls, name: str) -> Self:
        """The model in a folder or on the hub. Raises ModelError when there is none, or a file is missing that it must have."""
        return cls(name, Path(name) if Path(name).is_dir() else _from_hub(name)).checked()

    def checked(self) -> Self:
        """Itself. Raises ModelError when a file is missing that it must have."""
        if (self.folder / MANIFEST).is_file():
            raise ModelError(f"{self.name} is a finished model of cxsentiment, not an encoder: --start-from adapts it to your comments")
        if not (self.folder / SETTINGS_FILE).is_file():
            raise ModelError(f"{self.name} is not a Hugging Face model: it has no {SETTINGS_FILE}")
        if not (self.folder / TOKENIZER).is_file():
            raise ModelError(
                f"{self.name} has no fast tokenizer ({TOKENIZER}): load and save it with AutoTokenizer to make one, if it has any"
            )
        if not self._weights:
            raise ModelError(f"{self.name} has no weights as safetensors (model.safetensors): others are not read, they could hold code")
        return self

    @property
    def is_folder(self) -> bool:
        """Whether it was asked for as a folder, not by its id on the hub."""
        return Path(self.name).is_dir()

    @property
    def title(self) -> str:
        """The last part of its name."""
        return Path(self.name).resolve().name if self.is_folder else self.name.rsplit("/", 1)[-1]

    @property
    def label(self) -> str:
        """Its name for others to read: that on the hub, or the name of its folder."""
        return self.title if self.is_folder else self.name

    @property
    def kind(self) -> str:
        """Its architecture, as transformers calls it."""
        return str(read_settings(self.folder).get("model_type"))

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over settings, tokenizer and weights, in hex."""
        files = [self.folder / SETTINGS_FILE, self.folder / TOKENIZER, *self._weights]
        return hashlib.sha256("".join(checksum(path) for path in files).encode()).hexdigest()

    def tokenizer(self, embeddings: int) -> Tokenizer:
        """Its tokenizer, which cuts and pads nothing.

        Raises ModelError when it cannot be read, or has more pieces than there are embeddings.
        """
        path = self.folder / TOKENIZER
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"{path} cannot be read as a tokenizer: {error}") from None
        tokenizer.no_padding()
        tokenizer.no_truncation()
        special_ids(tokenizer)
        pieces = len(pieces_of(tokenizer))
        if pieces > embeddings:
            raise ModelError(f"{self.name}: its tokenizer has {pieces} pieces, but only {embeddings} have an embedding")
        return tokenizer

    def load(self, kind: Any, optional: str = "") -> Any:
        """Settings and weights as a network of transformers: `kind` is one of its Auto classes. In float32, in evaluation mode.

        Raises ModelError when it cannot be loaded, or weights are missing, but for those whose name begins with `optional`.
        """
        from transformers.utils import logging

        config = config_of(read_settings(self.folder))
        shows_progress = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            body, loaded = kind.from_pretrained(
                str(self.folder),
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:  # the architectures raise what they like
            raise ModelError(f"{self.name} cannot be loaded: {first_line(error)}") from None
        finally:
            if shows_progress:
                logging.enable_progress_bar()  # type: ignore[no-untyped-call]
        headless = [key for key in loaded["missing_keys"] if key.startswith(HEADS)]
        if headless and not optional:
            raise ModelError(f"{self.name} is an encoder without a classifier: give a fine-tuned one, or train on it with --base")
        missing = sorted(key for key in loaded["missing_keys"] if not (optional and key.startswith(optional)))
        if missing:
            raise ModelError(f"{self.name} is incomplete: {len(missing)} weights are missing, the first is {missing[0]}")
        return body.float().eval()

    @property
    def _weights(self) -> list[Path]:
        return sorted(path for pattern in WEIGHTS for path in self.folder.glob(pattern))


def _from_hub(name: str) -> Path:
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"there is no folder {name}: give a folder or a Hugging Face id")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except Exception as error:
        raise ModelError(
            f"{name!r} is no folder, and could not be had from the Hugging Face hub ({first_line(error)}): "
            "is it spelled right, and can the hub be reached?"
        ) from error
