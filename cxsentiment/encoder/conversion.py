"""Weights of BERT, RoBERTa, XLM-R, CamemBERT and DistilBERT under the names of our `Encoder`, which computes the same without padding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from cxsentiment.encoder.model import Encoder, EncoderConfig

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Names:
    """Where an architecture keeps what a layer of ours has."""

    layer: str
    projections: tuple[str, str, str]
    parts: Mapping[str, str]


_BERT = _Names(
    "encoder.layer.{}.",
    ("attention.self.query", "attention.self.key", "attention.self.value"),
    {
        "attention.out": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "up": "intermediate.dense",
        "down": "output.dense",
        "output_norm": "output.LayerNorm",
    },
)
_DISTILBERT = _Names(
    "transformer.layer.{}.",
    ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    {
        "attention.out": "attention.out_lin",
        "attention_norm": "sa_layer_norm",
        "up": "ffn.lin1",
        "down": "ffn.lin2",
        "output_norm": "output_layer_norm",
    },
)


def from_bert(weights: Weights, layers: int) -> dict[str, torch.Tensor]:
    """Weights of transformers' BertModel as ours; the (single) segment embedding is folded into the positions."""
    return _renamed(weights, layers, _BERT)


def as_ours(body: Any) -> Encoder | None:
    """An encoder of ours that gives the states of a transformers model; None where the architecture or its settings are others."""
    config = body.config
    kind = config.model_type
    plain = not getattr(config, "is_decoder", False) and getattr(config, "position_embedding_type", "absolute") in ("absolute", None)
    if kind in ("bert", "roberta", "xlm-roberta", "camembert") and plain and config.hidden_act == "gelu":
        first = 0 if kind == "bert" else config.pad_token_id + 1
        sizes = (config.hidden_size, config.num_hidden_layers, config.num_attention_heads, config.intermediate_size)
        names, epsilon = _BERT, config.layer_norm_eps
    elif kind == "distilbert" and config.activation == "gelu":
        first, sizes = 0, (config.dim, config.n_layers, config.n_heads, config.hidden_dim)
        names, epsilon = _DISTILBERT, 1e-12
    else:
        return None
    weights = _renamed(body.state_dict(), sizes[1], names, first)
    encoder = Encoder(EncoderConfig(len(weights["words.weight"]), *sizes, len(weights["positions.weight"]), norm_epsilon=epsilon))
    encoder.load_state_dict(weights)
    return encoder


def _renamed(weights: Weights, layers: int, names: _Names, first_position: int = 0) -> dict[str, torch.Tensor]:
    positions = weights["embeddings.position_embeddings.weight"][first_position:]
    if "embeddings.token_type_embeddings.weight" in weights:
        positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
    renamed = {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "positions.weight": positions,
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    for layer in range(layers):
        source = names.layer.format(layer)
        for kind in ("weight", "bias"):
            renamed[f"layers.{layer}.attention.qkv.{kind}"] = torch.cat([weights[f"{source}{name}.{kind}"] for name in names.projections])
            for ours, theirs in names.parts.items():
                renamed[f"layers.{layer}.{ours}.{kind}"] = weights[f"{source}{theirs}.{kind}"]
    return renamed
