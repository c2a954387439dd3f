"""`--base`: a Hugging Face encoder that somebody else trained, as the start of fine-tuning. It brings its tokenizer and its weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from tokenizers import Tokenizer

from cxsentiment.encoder.foreign import SETTINGS_FILE, ForeignEncoder, config_of, first_line, read_settings
from cxsentiment.encoder.model import CxModel, ForeignConfig
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import pieces_of, special_ids
from cxsentiment.errors import InputError, ModelError
from cxsentiment.training.examples import MAX_LENGTH
from cxsentiment.weights import MANIFEST, TOKENIZER, checksum

WEIGHTS = ("model.safetensors", "model-*.safetensors")
HUB_FILES = (SETTINGS_FILE, TOKENIZER, *WEIGHTS, "model.safetensors.index.json")
RECORD = "base.json"
SHORT = 9
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Base:
    """A Hugging Face encoder in a local folder; `name` is how it was asked for."""

    name: str
    folder: Path

    @classmethod
    def find(cls, name: str) -> Base:
        """The encoder in a folder or on the hub. Raises ModelError when there is none, or a file is missing that a base must have."""
        base = cls(name, Path(name) if Path(name).is_dir() else _from_hub(name))
        if (base.folder / MANIFEST).is_file():
            raise ModelError(f"{name} is a finished model of cxsentiment, not an encoder: --start-from adapts it to your comments")
        if not (base.folder / SETTINGS_FILE).is_file():
            raise ModelError(f"{name} is not a Hugging Face encoder: it has no {SETTINGS_FILE}")
        if not (base.folder / TOKENIZER).is_file():
            raise ModelError(f"{name} has no fast tokenizer ({TOKENIZER}): load and save it with AutoTokenizer to make one, if it has any")
        if not base._weights:
            raise ModelError(f"{name} has no weights as safetensors (model.safetensors): others are not read, they could hold code")
        return base

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

    def start(self) -> tuple[Tokenizer, CxModel]:
        """Its tokenizer, and a network around it with new heads. Raises ModelError when it cannot be used as an encoder."""
        tokenizer = self._tokenizer()
        pieces = pieces_of(tokenizer)
        encoder = self._encoder()
        if len(pieces) > len(encoder.embeddings):
            raise ModelError(f"{self.name}: its tokenizer has {len(pieces)} pieces, but only {len(encoder.embeddings)} have an embedding")
        hidden = self._check(encoder)
        return tokenizer, CxModel(ForeignConfig(hidden), Spelling.of(pieces), encoder)

    def _tokenizer(self) -> Tokenizer:
        path = self.folder / TOKENIZER
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"{path} cannot be read as a tokenizer: {error}") from None
        tokenizer.no_padding()
        tokenizer.no_truncation()
        special_ids(tokenizer)
        return tokenizer

    def _encoder(self) -> ForeignEncoder:
        from transformers import AutoModel

        settings = read_settings(self.folder)
        config = config_of(settings)
        try:
            body, loaded = AutoModel.from_pretrained(
                str(self.folder),
                config=config,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:  # the architectures raise what they like
            raise ModelError(f"{self.name} cannot be loaded as an encoder: {first_line(error)}") from None
        missing = sorted(key for key in loaded["missing_keys"] if not key.startswith("pooler."))
        if missing:
            raise ModelError(f"{self.name} is incomplete: {len(missing)} weights are missing, the first is {missing[0]}")
        return ForeignEncoder(body.float(), settings)

    @torch.inference_mode()
    def _check(self, encoder: ForeignEncoder) -> int:
        """The width of the encoder's states. Raises ModelError when a whole window is too long for it, or padding changes its answers."""
        ids = torch.randint(len(encoder.embeddings), (2, MAX_LENGTH), generator=torch.Generator().manual_seed(0))
        lengths = torch.tensor([MAX_LENGTH, SHORT])
        try:
            alone = encoder(ids[1:, :SHORT], lengths[1:])[0]
        except Exception as error:  # the architectures raise what they like
            raise ModelError(f"{self.name} cannot be run as an encoder: {first_line(error)}") from None
        try:
            together = encoder(ids, lengths)[1, :SHORT]
        except (IndexError, RuntimeError):
            raise ModelError(f"{self.name} takes no sequences of {MAX_LENGTH} tokens, which are needed to read long texts") from None
        if alone.shape != together.shape or not torch.allclose(alone, together, rtol=TOLERANCE, atol=TOLERANCE):
            raise ModelError(f"{self.name} ({self.kind}) cannot be used: what it says of a text depends on the padding beside it")
        return int(alone.shape[1])

    @property
    def _weights(self) -> list[Path]:
        return sorted(path for pattern in WEIGHTS for path in self.folder.glob(pattern))


def claim(work: Path, base: Base | None) -> None:
    """Marks the folder of a run as one of this base (None: of no base). Raises InputError when it was made from another."""
    path = work / RECORD
    recorded = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    begun = bool(recorded) or any(work.glob("*.pt"))
    if begun and recorded.get("sha256") != (base.checksum if base else None):
        was = recorded.get("base", "no base")
        raise InputError(f"{work} holds a run from {was}, not from {base.name if base else 'no base'}: choose another folder with --out")
    if base and not begun:
        path.write_text(json.dumps({"base": base.label, "sha256": base.checksum}) + "\n", encoding="utf-8")


def _from_hub(name: str) -> Path:
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ModelError(f"there is no folder {name}: --base takes a folder or a Hugging Face id")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(HUB_FILES)))
    except Exception as error:
        raise ModelError(
            f"{name!r} is no folder, and could not be had from the Hugging Face hub ({first_line(error)}): "
            "is it spelled right, and can the hub be reached?"
        ) from error
