"""Comments a second against the transformers pipeline on the same encoder, in one run. `python -m benchmarks.speed [--comments N]`."""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, TextClassificationPipeline

from benchmarks.results import save
from benchmarks.timing import median_seconds
from cxsentiment import Analysis, Analyzer
from cxsentiment.encoder.model import Encoder
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.results import EMOTIONS
from cxsentiment.text import clean_string
from cxsentiment.training.corpus import DataFolder
from cxsentiment.weights import Manifest

LONGEST = 160


def main() -> None:
    """Times both on the same comments, turn by turn; prints medians, their ratio, the stages, and how far int8 agrees with float32."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    texts = [document.text for document in DataFolder.find().documents("dev") if document.sentiment is not None]
    texts = random.Random(0).sample(texts, min(options.comments, len(texts)))
    analyzer = Analyzer.from_pretrained(cache_size=0)
    exact = Analyzer.from_pretrained(dtype="float32", cache_size=0)
    pipeline = same_encoder_pipeline(analyzer.manifest)
    contenders: dict[str, Callable[[], object]] = {
        f"cxsentiment, everything, auto ({analyzer.stats().precision})": lambda: analyzer(texts),
        "cxsentiment, everything, float32": lambda: exact(texts),
        "transformers pipeline, batch_size=32, one head": lambda: pipeline(
            [clean_string(text) for text in texts], batch_size=32, truncation=True
        ),
    }
    analyzer(texts[:500])
    seconds = median_seconds(contenders, options.rounds)
    rates = {name: len(texts) / value for name, value in seconds.items()}
    for name, rate in rates.items():
        print(f"{name}: {rate:.0f} comments/s (median of {options.rounds})")
    ours, _, theirs = rates.values()
    print(f"ratio: {ours / theirs:.2f}; the pipeline cuts texts at {LONGEST} tokens, cxsentiment reads them whole")
    stats = analyzer.stats()
    shares = {stage: value / ((options.rounds + 500 / len(texts)) * len(texts) / ours) for stage, value in stats.seconds.items()}
    print("busy, as share of the wall time: " + ", ".join(f"{stage} {share:.0%}" for stage, share in shares.items()))
    agreement = agreements(analyzer(texts), exact(texts))
    for name, share in agreement.items():
        print(f"{name}: {share:.4f} as in float32; {stats.reread / stats.texts:.1%} of the texts were read again")
    save(
        "speed",
        {
            "comments": len(texts),
            "comments_per_second": rates,
            "ratio": ours / theirs,
            "threads": torch.get_num_threads(),
            "stages": shares,
            "agreement": agreement,
            "reread": stats.reread / stats.texts,
        },
    )


def agreements(some: list[Analysis], others: list[Analysis]) -> dict[str, float]:
    """Share of the same sentiments, decisions on an emotion, and touchpoints with span, type and polarity (F1)."""
    pairs = list(zip(some, others, strict=True))
    unlike = sum(len({emotion.label for emotion in one.emotions} ^ {emotion.label for emotion in other.emotions}) for one, other in pairs)
    found = [[{(one.start, one.end, one.type, one.polarity) for one in analysis.touchpoints} for analysis in pair] for pair in pairs]
    return {
        "sentiment": sum(one.sentiment.label == other.sentiment.label for one, other in pairs) / len(pairs),
        "emotions": 1 - unlike / (len(pairs) * len(EMOTIONS)),
        "touchpoints": 2 * sum(len(one & other) for one, other in found) / max(sum(len(one) + len(other) for one, other in found), 1),
    }


def same_encoder_pipeline(manifest: Manifest) -> TextClassificationPipeline:
    """A transformers pipeline with the model's encoder weights and tokenizer, and one (random) classification layer."""
    config = manifest.encoder
    runtime, _ = load_runtime(manifest, "cpu", "float32", LONGEST)
    bert = BertConfig(
        vocab_size=config["vocabulary"],
        hidden_size=config["hidden"],
        num_hidden_layers=config["layers"],
        num_attention_heads=config["heads"],
        intermediate_size=config["intermediate"],
        max_position_embeddings=config["positions"],
        num_labels=4,
    )
    model = BertForSequenceClassification(bert).eval()
    model.bert.load_state_dict(to_bert(runtime.model.encoder, config["layers"]), strict=False)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_bytes((manifest.path / "tokenizer.json").read_bytes())
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(path), pad_token="[PAD]", model_max_length=LONGEST)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return TextClassificationPipeline(model=model, tokenizer=tokenizer, device="cpu")


def to_bert(encoder: Encoder, layers: int) -> dict[str, torch.Tensor]:
    """Our encoder's weights under the names of transformers' BertModel (the inverse of `training.teacher.from_bert`)."""
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
    for layer in range(layers):
        for kind in ("weight", "bias"):
            fused = state[f"layers.{layer}.attention.qkv.{kind}"].chunk(3)
            for name, value in zip(("query", "key", "value"), fused, strict=True):
                named[f"encoder.layer.{layer}.attention.self.{name}.{kind}"] = value
            for ours, theirs in parts.items():
                named[f"encoder.layer.{layer}.{theirs}.{kind}"] = state[f"layers.{layer}.{ours}.{kind}"]
    return named


if __name__ == "__main__":
    main()
