"""Comments a second, end to end, beside the libraries that people run encoders with: `python -m benchmarks.speed` (`make benchmark-speed`).

One run, one machine, the same weights. Comments are real, of natural length and with natural repetition (see `comments`). In each round
cxsentiment does all of them and each peer a part, turn by turn, so that a slow moment of the machine meets all. cxsentiment gives all that
it finds (language, sentiment, emotions, touchpoints, story); the peers one classification layer, or a vector, on the CPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.comments import Comments
from benchmarks.results import save
from benchmarks.speed_peers import LONGEST, peers
from benchmarks.speed_picture import Curves, curves, draw
from cxsentiment import Analysis, Analyzer
from cxsentiment.encoder.instruments import Stats
from cxsentiment.results import EMOTIONS

WARM_UP = 300
DISTINCT = 5000
AUTO, EXACT = "cxsentiment, everything", "cxsentiment, everything, float32"
TARGETS = {"transformers pipeline": 6.0, "sentence-transformers": 2.0, "ONNX Runtime": 1.5}
PEER_PACKAGES = ("transformers", "sentence-transformers", "onnxruntime")

Contender = Callable[[Sequence[str]], object]


def main() -> None:
    """Prints and saves rates, ratios, stages, agreement of int8 with float32, and the curves of the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--no-picture", action="store_true")
    options = parser.parse_args()
    texts = Comments().draw(options.comments)
    analyzer = Analyzer.from_pretrained(cache_size=0)
    exact = Analyzer.from_pretrained(dtype="float32", cache_size=0)
    with TemporaryDirectory() as folder:
        others = peers(analyzer.manifest, Path(folder))
        rates, stages = measure(analyzer, {EXACT: exact, **others}, texts, options.rounds)
        lines = report(rates, stages, analyzer.stats())
        agreement = agreements(*(one(list(dict.fromkeys(Comments(("dev",)).draw(DISTINCT)))) for one in (analyzer, exact)))
        lines += [f"{name}: {share:.4f} as in float32" for name, share in agreement.items()]
        print("\n".join(lines), flush=True)
        found = Curves() if options.no_picture else curves(analyzer, exact, others)
    if not options.no_picture:
        draw(found)
    stats = analyzer.stats()
    figures = {
        "comments": len(texts),
        "distinct": len(set(texts)),
        "comments_per_second": rates,
        "ratios": ratios(rates),
        "stages": stages,
        "threads": torch.get_num_threads(),
        "precision": stats.precision,
        "token_budget": stats.token_budget,
        "padding_share": stats.padding_share,
        "reread": stats.reread / (stats.texts - stats.repeats),
        "agreement": agreement,
        "curves": found.as_dict(),
        "peers": {package: version(package) for package in PEER_PACKAGES},
    }
    save("speed", figures)


def measure(
    analyzer: Analyzer, others: Mapping[str, Contender], texts: list[str], rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Comments a second of each contender, and how much of our wall time each stage was busy (all of them run side by side)."""
    for one in (analyzer, *others.values()):
        one(texts[:WARM_UP])
    ours: list[float] = []
    busy: dict[str, float] = {}
    theirs = dict.fromkeys(others, 0.0)
    for number in range(rounds):
        before = analyzer.stats().seconds
        ours.append(seconds(analyzer, texts))
        for stage, value in analyzer.stats().seconds.items():
            busy[stage] = busy.get(stage, 0.0) + value - before[stage]
        for name, other in others.items():
            theirs[name] += seconds(other, texts[number::rounds])
    rates = {AUTO: len(texts) / statistics.median(ours)} | {name: len(texts) / value for name, value in theirs.items()}
    return rates, {stage: value / sum(ours) for stage, value in busy.items()}


def seconds(contender: Contender, texts: Sequence[str]) -> float:
    """How long a contender takes."""
    start = time.perf_counter()
    contender(texts)
    return time.perf_counter() - start


def ratios(rates: Mapping[str, float]) -> dict[str, float]:
    """Our rate as a multiple of each other one."""
    return {name: rates[AUTO] / rate for name, rate in rates.items() if name != AUTO}


def report(rates: Mapping[str, float], stages: Mapping[str, float], stats: Stats) -> list[str]:
    """The table as lines of text."""
    times = ratios(rates)
    targets = {name: target for name in rates for start, target in TARGETS.items() if name.startswith(start)}
    lines = [f"{name}: {rate:.0f} comments/s" for name, rate in rates.items()]
    lines += [f"{times[name]:.2f} times {name}" + (f" (target {targets[name]})" if name in targets else "") for name in times]
    busy = ", ".join(f"{stage} {share:.0%}" for stage, share in stages.items())
    again = stats.reread / (stats.texts - stats.repeats)
    lines.append(f"the peers cut texts at {LONGEST} tokens, cxsentiment reads them whole")
    lines.append(f"{stats.precision}, token budget {stats.token_budget}, padding {stats.padding_share:.0%}, read again {again:.1%}")
    lines.append(f"busy, as share of the wall time: {busy}")
    return lines


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


if __name__ == "__main__":
    main()
