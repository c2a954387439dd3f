"""Throughput against the length of texts, ours and the peers', and against our token budget; and the picture of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.comments import Comments
from benchmarks.results import FOLDER
from cxsentiment import Analyzer

LENGTHS = (8, 16, 32, 64, 128)
BUDGETS = (128, 256, 512, 1024, 2048, 4096, 8192)
TOKENS = 48_000
TRIES = 2

Contender = Callable[[Sequence[str]], object]
Curve = dict[int, float]


@dataclass(slots=True)
class Curves:
    """Tokens a second, end to end: by tokens of a text for each contender, by token budget for each of our precisions."""

    by_length: dict[str, Curve] = field(default_factory=dict)
    by_budget: dict[str, Curve] = field(default_factory=dict)

    def as_dict(self) -> dict[str, dict[str, Curve]]:
        """Plain, for JSON."""
        return asdict(self)


def curves(analyzer: Analyzer, exact: Analyzer, peers: Mapping[str, Contender]) -> Curves:
    """Measures both kinds of curve, each point at its best of two."""
    found = Curves()
    contenders: dict[str, Contender] = {f"cxsentiment, {analyzer.stats().precision}": analyzer, "cxsentiment, float32": exact, **peers}
    count = _counter(analyzer)
    for length in LENGTHS:
        texts = texts_of(length, count)
        for name, contender in contenders.items():
            found.by_length.setdefault(name, {})[length] = _rate(contender, texts, count)
    natural = list(dict.fromkeys(Comments(seed=1).draw(2000)))
    for budget in BUDGETS:
        for precision in (analyzer.stats().precision, "float32"):
            one = Analyzer.from_pretrained(dtype=precision, token_budget=budget, cache_size=0)
            found.by_budget.setdefault(f"cxsentiment, {precision}", {})[budget] = _rate(one, natural, count)
    return found


def texts_of(length: int, count: Callable[[str], int]) -> list[str]:
    """Distinct texts of about so many tokens, cut from real comments put one after the other."""
    words = " ".join(Comments(seed=2).draw(8000)).split()
    texts, first = [], 0
    for _ in range(TOKENS // length):
        last = first + max(1, length // 3)
        while count(" ".join(words[first : last + 1])) <= length:
            last += 1
        texts.append(" ".join(words[first:last]))
        first = last
    return texts


def draw(found: Curves) -> None:
    """The picture: `benchmarks/results/speed.svg`."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.6), sharey=True)
    for axes, lines, label in (
        (left, found.by_length, "tokens of a text"),
        (right, found.by_budget, "token budget of a batch, natural lengths"),
    ):
        for name, curve in lines.items():
            axes.plot(list(curve), [rate / 1000 for rate in curve.values()], marker="o", label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(next(iter(lines.values()))), labels=[str(size) for size in next(iter(lines.values()))])
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    left.set_ylabel("thousand tokens a second, end to end")
    left.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(FOLDER / "speed.svg", metadata={"Date": None})


def _counter(analyzer: Analyzer) -> Callable[[str], int]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(analyzer.manifest.path / "tokenizer.json"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _rate(contender: Contender, texts: Sequence[str], count: Callable[[str], int]) -> float:
    tokens = sum(map(count, texts))
    best = float("inf")
    for _ in range(TRIES):
        start = time.perf_counter()
        contender(texts)
        best = min(best, time.perf_counter() - start)
    return tokens / best
