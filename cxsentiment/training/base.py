"""`--base`: a Hugging Face encoder that somebody else trained, as the start of fine-tuning. It brings its tokenizer and its weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer

from cxsentiment.encoder.foreign import ForeignEncoder, first_line, read_settings
from cxsentiment.encoder.foreign_folder import ForeignFolder
from cxsentiment.encoder.model import CxModel, ForeignConfig
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import pieces_of
from cxsentiment.errors import InputError, ModelError
from cxsentiment.training.examples import MAX_LENGTH

RECORD = "base.json"
SHORT = 9
TOLERANCE = 1e-3


class Base(ForeignFolder):
    """A Hugging Face encoder to begin with."""

    def start(self) -> tuple[Tokenizer, CxModel]:
        """Its tokenizer, and a network around it with new heads. Raises ModelError when it cannot be used as an encoder."""
        encoder = self._encoder()
        tokenizer = self.tokenizer(len(encoder.embeddings))
        hidden = self._check(encoder)
        return tokenizer, CxModel(ForeignConfig(hidden), Spelling.of(pieces_of(tokenizer)), encoder)

    def _encoder(self) -> ForeignEncoder:
        from transformers import AutoModel

        return ForeignEncoder(self.load(AutoModel, optional="pooler."), read_settings(self.folder))

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
