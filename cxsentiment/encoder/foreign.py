"""A Hugging Face encoder (BERT, RoBERTa, XLM-R, DistilBERT, ModernBERT, ...) in the place of our own.

Its architecture is code of the installed transformers, chosen and sized by a `config.json`; nothing that comes with a model is executed,
and nothing is downloaded. transformers is imported on use: our own models do without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from cxsentiment.encoder.model import TextEncoder, token_mask
from cxsentiment.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

SETTINGS_FILE = "config.json"
# What would lead to code or files outside the folder, and what is not the model's to say: precision, kernels, kind of answer.
LEFT_OUT = (
    "_name_or_path",
    "auto_map",
    "quantization_config",
    "attn_implementation",
    "experts_implementation",
    "_attn_implementation_internal",
    "_experts_implementation_internal",
    "dtype",
    "torch_dtype",
    "return_dict",
    "output_attentions",
    "output_hidden_states",
)

Settings = Mapping[str, Any]


class ForeignEncoder(TextEncoder):
    """An encoder of transformers with its settings. It is always in evaluation mode, so it learns without dropout."""

    def __init__(self, body: nn.Module, settings: Settings) -> None:
        super().__init__()
        self.body = body
        self.settings = settings
        if getattr(body, "pooler", None) is not None:
            body.pooler = None  # type: ignore[assignment]  # the heads pool for themselves
        self.eval()

    @classmethod
    def read(cls, folder: Path) -> ForeignEncoder:
        """The encoder that the folder's `config.json` describes, with random weights. Raises ModelError if there is no such encoder."""
        from transformers import AutoModel

        settings = read_settings(folder)
        try:
            body = AutoModel.from_config(config_of(settings), trust_remote_code=False)  # type: ignore[no-untyped-call]
            return cls(body, settings)
        except Exception as error:  # the architectures raise what they like
            raise ModelError(f"{folder / SETTINGS_FILE} does not describe an encoder: {first_line(error)}") from None

    @property
    def embeddings(self) -> torch.Tensor:
        """The pieces' embeddings [vocabulary, width]."""
        weight: torch.Tensor = self.body.get_input_embeddings().weight  # type: ignore[operator]
        return weight

    def train(self, mode: bool = True) -> ForeignEncoder:
        """Stays in evaluation mode, whatever is asked for."""
        return super().train(mode=False)

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Ids [batch, length] (padded at the end), lengths [batch] -> states [batch, length, hidden], zero where no token stands."""
        mask = token_mask(lengths, ids.shape[1])
        states = self.body(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        cleared: torch.Tensor = states.masked_fill(~mask[:, :, None], 0.0)
        return cleared

    def write_settings(self, folder: Path) -> None:
        """Writes `config.json`, as `read` wants it."""
        (folder / SETTINGS_FILE).write_text(json.dumps(dict(self.settings), indent=1) + "\n", encoding="utf-8")


def read_settings(folder: Path) -> Settings:
    """The folder's `config.json`, less `LEFT_OUT`. Raises ModelError when it cannot be read."""
    path = folder / SETTINGS_FILE
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {name: value for name, value in plain.items() if name not in LEFT_OUT}
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read as the settings of an encoder: {error}") from None


def config_of(settings: Settings) -> PretrainedConfig:
    """The settings as transformers understands them. Raises ModelError when it does not know the architecture."""
    from transformers import AutoConfig

    plain = dict(settings)
    kind = plain.pop("model_type", None)
    try:
        return AutoConfig.for_model(kind, **plain)
    except Exception as error:  # the architectures raise what they like
        raise ModelError(f"the installed transformers knows no architecture {kind!r} of these settings: {first_line(error)}") from None


def first_line(error: Exception) -> str:
    """What an error says, in short."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
