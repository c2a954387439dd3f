"""The default model's encoder in the libraries that people run encoders with: the same weights and tokenizer, and one layer or vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast, TextClassificationPipeline

from cxsentiment.encoder.model import Encoder
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.text import clean_string
from cxsentiment.weights import Manifest

LONGEST = 160
PIPELINE_BATCH = 32
SORTED_BATCH = 32
LABELS = 4

Peer = Callable[[Sequence[str]], object]


def peers(manifest: Manifest, folder: Path) -> dict[str, Peer]:
    """Each peer by its name; all get cleaned texts and cut them at 160 tokens. Files that a peer needs are made in the folder."""
    tokenizer = _tokenizer(manifest)
    return {
        f"transformers pipeline, batch_size={PIPELINE_BATCH}": pipeline(manifest),
        "sentence-transformers encode": _sentence_transformers(manifest, tokenizer, folder),
        "ONNX Runtime int8, sorted batches": _onnx_runtime(manifest, tokenizer, folder),
    }


def pipeline(manifest: Manifest, device: str = "cpu", batch: int = PIPELINE_BATCH, dtype: torch.dtype = torch.float32) -> Peer:
    """The transformers pipeline with the model's encoder and a random classification layer."""
    model = BertForSequenceClassification(_config(manifest)).eval()
    model.bert.load_state_dict(to_bert(_encoder(manifest)), strict=False)
    run = TextClassificationPipeline(model=model.to(dtype), tokenizer=_tokenizer(manifest), device=device)
    return lambda texts: run([clean_string(text) for text in texts], batch_size=batch, truncation=True)


def _sentence_transformers(manifest: Manifest, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Peer:
    """Sorts by length itself; mean of the states, as the encoder was trained."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    path = folder / "bert"
    _bert(manifest).save_pretrained(path)
    tokenizer.save_pretrained(path)
    words = Transformer(str(path), max_seq_length=LONGEST)
    model = SentenceTransformer(modules=[words, Pooling(words.get_word_embedding_dimension(), "mean")], device="cpu")
    return lambda texts: model.encode([clean_string(text) for text in texts], batch_size=PIPELINE_BATCH)


def _onnx_runtime(manifest: Manifest, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Peer:
    """Attention, layer norms and GELU fused, matrices in int8 (one scale a column), batches of texts sorted by tokens."""
    session = _session(manifest, folder)
    backend = tokenizer.backend_tokenizer

    def run(texts: Sequence[str]) -> list[np.ndarray[Any, Any]]:
        backend.no_padding()
        backend.enable_truncation(LONGEST)
        encodings = backend.encode_batch_fast([clean_string(text) for text in texts])
        order = sorted(range(len(texts)), key=lambda index: len(encodings[index].ids))
        found: list[Any] = [None] * len(texts)
        for first in range(0, len(order), SORTED_BATCH):
            batch = order[first : first + SORTED_BATCH]
            ids = np.zeros((len(batch), len(encodings[batch[-1]].ids)), np.int64)
            mask = np.zeros_like(ids)
            for row, index in enumerate(batch):
                ids[row, : len(encodings[index].ids)] = encodings[index].ids
                mask[row, : len(encodings[index].ids)] = 1
            (logits,) = session.run(None, {"ids": ids, "mask": mask})
            for row, index in enumerate(batch):
                found[index] = logits[row]
        return found

    return run


class _Classifier(torch.nn.Module):
    """Mean of the encoder's states, and one layer of labels on it."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert
        self.labels = torch.nn.Linear(bert.config.hidden_size, LABELS)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Ids and mask [batch, length] -> logits [batch, 4]."""
        states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        mean: torch.Tensor = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return self.labels(mean)


def _session(manifest: Manifest, folder: Path) -> Any:
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    plain, fused, integer = (str(folder / f"{name}.onnx") for name in ("plain", "fused", "integer"))
    names = ["ids", "mask"]
    axes = {name: {0: "batch", 1: "length"} for name in names} | {"logits": {0: "batch"}}
    example = (torch.randint(5, 1000, (2, 16)), torch.ones(2, 16, dtype=torch.long))
    model = _Classifier(_bert(manifest, attention="eager")).eval()
    torch.onnx.export(model, example, plain, input_names=names, output_names=["logits"], dynamic_axes=axes, opset_version=17, dynamo=False)
    sizes = manifest.encoder
    optimizer.optimize_model(
        plain, model_type="bert", num_heads=sizes["heads"], hidden_size=sizes["hidden"], opt_level=1
    ).save_model_to_file(fused)
    quantize_dynamic(fused, integer, weight_type=QuantType.QInt8, per_channel=True, extra_options={"DefaultTensorType": 1})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(integer, options, providers=["CPUExecutionProvider"])


def _tokenizer(manifest: Manifest) -> PreTrainedTokenizerFast:
    path = str(manifest.path / "tokenizer.json")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=path, pad_token="[PAD]", model_max_length=LONGEST)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def _config(manifest: Manifest, **more: Any) -> BertConfig:
    sizes = manifest.encoder
    return BertConfig(
        vocab_size=sizes["vocabulary"],
        hidden_size=sizes["hidden"],
        num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"],
        intermediate_size=sizes["intermediate"],
        max_position_embeddings=sizes["positions"],
        num_labels=LABELS,
        **more,
    )


def _bert(manifest: Manifest, attention: str = "sdpa") -> BertModel:
    bert = BertModel(_config(manifest, attn_implementation=attention), add_pooling_layer=False).eval()
    bert.load_state_dict(to_bert(_encoder(manifest)), strict=False)
    return bert


def _encoder(manifest: Manifest) -> Encoder:
    runtime, _ = load_runtime(manifest, "cpu", "float32", LONGEST)
    assert isinstance(runtime.model.encoder, Encoder)
    return runtime.model.encoder


def to_bert(encoder: Encoder) -> dict[str, torch.Tensor]:
    """Our encoder's weights under the names of transformers' BertModel (the inverse of `encoder.conversion.from_bert`)."""
    state = encoder.state_dict()
    named = {
        "embeddings.word_embeddings.weight": state["words.weight"],
        "embeddings.position_embeddings.weight": state["positions.weight"],
        "embeddings.token_type_embeddings.weight": torch.zeros(2, state["words.weight"].shape[1]),
        "embeddings.LayerNorm.weight": state["norm.weight"],
        "embeddings.LayerNorm.bias": state["norm.bias"],
    }
    parts = {"attention.out": "attention.output.dense", "attention_norm": "attention.output.LayerNorm"}
    parts |= {"up": "intermediate.dense", "down": "output.dense", "output_norm": "output.LayerNorm"}
    for layer in range(len(encoder.layers)):
        for kind in ("weight", "bias"):
            fused = state[f"layers.{layer}.attention.qkv.{kind}"].chunk(3)
            for name, value in zip(("query", "key", "value"), fused, strict=True):
                named[f"encoder.layer.{layer}.attention.self.{name}.{kind}"] = value
            for ours, theirs in parts.items():
                named[f"encoder.layer.{layer}.{theirs}.{kind}"] = state[f"layers.{layer}.{ours}.{kind}"]
    return named
