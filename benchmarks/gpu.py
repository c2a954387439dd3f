"""What a CUDA device gets out of the default model: `python -m benchmarks.gpu`; without one, try `--device cpu --texts 500`.

From strings to results; the forward pass alone, as tokens a second and as share of what one large product of matrices reaches on the same
device; how much of the time the device is busy; and the transformers pipeline with the same encoder at its best batch size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.comments import Comments
from benchmarks.results import save
from benchmarks.speed_peers import pipeline
from cxsentiment import Analyzer
from cxsentiment.encoder.model import EncoderConfig
from cxsentiment.encoder.tokenise import TokenisedText

WINDOW = 16_384
PIPELINE_BATCHES = (32, 128, 512)
SIDE = 8192


def main() -> None:
    """Prints and saves all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--texts", type=int, default=400_000)
    options = parser.parse_args()
    texts = Comments().draw(options.texts, evenly=False)
    analyzer = Analyzer.from_pretrained(device=options.device, cache_size=0)
    half = len(texts) // 2
    consume(analyzer, texts[:half])
    before = analyzer.stats()
    seconds = timed(options.device, lambda: consume(analyzer, texts[half:]))
    stats = analyzer.stats()
    tokens = stats.tokens - before.tokens
    figures: dict[str, object] = {
        "precision": stats.precision,
        "token_budget": stats.token_budget,
        "comments_per_second": half / seconds,
        "tokens_per_second": tokens / seconds,
        "stages": {stage: (value - before.seconds[stage]) / seconds for stage, value in stats.seconds.items()},
        **forward(analyzer, texts, options.device),
        "pipeline_comments_per_second": pipelines(analyzer, texts[: min(half, 20_000)], options.device),
    }
    if options.device != "cpu":
        figures["busy"] = busy(analyzer, texts[:half])
    for name, value in figures.items():
        print(f"{name}: {value}")
    save("gpu", {"device": options.device, "texts": len(texts)} | figures)


def consume(analyzer: Analyzer, texts: Sequence[str]) -> None:
    """Streams texts and forgets what is found."""
    for _ in analyzer.stream(texts):
        pass


def timed(device: str, work: Callable[[], object]) -> float:
    """Seconds until the device has done it."""
    start = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def forward(analyzer: Analyzer, texts: Sequence[str], device: str) -> dict[str, float]:
    """The forward pass alone on tokens that are at hand: tokens a second, and operations beside those of a product of matrices."""
    model = analyzer._model
    tokenised = [text for text in model.tokenise(analyzer._prepare(list(dict.fromkeys(texts))[:WINDOW])) if len(text.ids)]
    model.core.score(tokenised)
    seconds = min(timed(device, lambda: model.core.score(tokenised)) for _ in range(5))
    tokens = sum(len(text.ids) + 2 for text in tokenised)
    found = {"forward_tokens_per_second": tokens / seconds}
    config = model.core.network.config
    if isinstance(config, EncoderConfig) and model.core.precision != "int8":
        reached = operations(config, tokenised) / seconds
        found |= {"forward_tflops": reached / 1e12, "share_of_matrix_product": reached / matrix_product(device, model.core.precision)}
    return found


def operations(config: EncoderConfig, tokenised: Sequence[TokenisedText]) -> float:
    """Floating-point operations of the encoder: two for each weight and token, and those of attention."""
    weights = config.layers * config.hidden * (4 * config.hidden + 2 * config.intermediate)
    lengths = [len(text.ids) + 2 for text in tokenised]
    return 2.0 * weights * sum(lengths) + 4.0 * config.layers * config.hidden * sum(length**2 for length in lengths)


def matrix_product(device: str, precision: str) -> float:
    """Operations a second of one large product of matrices: what the device can reach in this precision."""
    side = SIDE if device != "cpu" else SIDE // 8
    one = torch.randn(side, side, device=device, dtype=getattr(torch, precision))
    _ = one @ one
    return 2.0 * side**3 / min(timed(device, lambda: one @ one) for _ in range(10))


def pipelines(analyzer: Analyzer, texts: Sequence[str], device: str) -> dict[int, float]:
    """Comments a second of the transformers pipeline at each batch size."""
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    found = {}
    for size in PIPELINE_BATCHES:
        peer = pipeline(analyzer.manifest, device, size, dtype)
        peer(texts[:200])
        found[size] = len(texts) / timed(device, lambda peer=peer: peer(texts))
    return found


def busy(analyzer: Analyzer, texts: Sequence[str]) -> float:
    """Share of the time in which at least one kernel runs on the device."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        start = time.perf_counter()
        consume(analyzer, texts)
        torch.cuda.synchronize()
        seconds = time.perf_counter() - start
    spans = sorted((event.time_range.start, event.time_range.end) for event in profiler.events())
    covered, reached = 0.0, 0.0
    for first, last in spans:
        covered += max(0.0, last - max(first, reached))
        reached = max(reached, last)
    return covered / 1e6 / seconds


if __name__ == "__main__":
    main()
