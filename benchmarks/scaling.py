"""Cost and memory of archives of growing size, streamed by one analyzer: `MALLOC_ARENA_MAX=2 python -m benchmarks.scaling` (20 minutes)."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.comments import Comments
from benchmarks.results import save
from cxsentiment import Analyzer
from cxsentiment.benchmark.speed import MEGABYTE, resident_memory

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RUNS = {1_000: 9, 10_000: 3}
WARM_UP = 20_000
EVERY = 10_000
ARENAS = "MALLOC_ARENA_MAX"
"""How many heaps the C library (glibc) keeps for threads; with 2, as the command line has them, less freed memory stays in them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One archive: rates of its comments and tokens, the share of repeated texts, and how much memory grew at most (MB)."""

    comments: int
    comments_per_second: float
    tokens_per_second: float
    repeated: float
    grown: float


def main() -> None:
    """Prints and saves a row for each size: the median of several runs where they are short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    sizes = [size for size in SIZES if size <= parser.parse_args().most]
    texts = Comments().draw(WARM_UP + sum(size * RUNS.get(size, 1) for size in sizes), evenly=False)
    analyzer = Analyzer.from_pretrained()
    measure(analyzer, texts[:WARM_UP])
    first, found = WARM_UP, []
    for size in sizes:
        runs = []
        for _ in range(RUNS.get(size, 1)):
            runs.append(measure(analyzer, texts[first : first + size]))
            first += size
        run = sorted(runs, key=lambda one: one.comments_per_second)[len(runs) // 2]
        found.append(run)
        print(
            f"{size:>9,} comments: {run.comments_per_second:.0f} comments/s, {run.tokens_per_second:.0f} tokens/s, "
            f"{run.repeated:.1%} repeated, memory at most {run.grown:+.0f} MB",
            flush=True,
        )
    rates = [run.tokens_per_second for run in found]
    print(f"tokens/s, fastest to slowest: {max(rates) / min(rates):.3f}")
    budget = analyzer.stats().token_budget
    save("scaling", {"token_budget": budget, "malloc_arenas": os.environ.get(ARENAS), "runs": [asdict(run) for run in found]})


def measure(analyzer: Analyzer, texts: Sequence[str]) -> Run:
    """Streams the texts and forgets what is found."""
    before, resident = analyzer.stats(), resident_memory()
    most, start = resident, time.perf_counter()
    for number, _ in enumerate(analyzer.stream(iter(texts))):
        if number % EVERY == 0:
            most = max(most, resident_memory())
    seconds = time.perf_counter() - start
    stats = analyzer.stats()
    grown = (max(most, resident_memory()) - resident) / MEGABYTE
    repeated = (stats.repeats - before.repeats) / len(texts)
    return Run(len(texts), len(texts) / seconds, (stats.tokens - before.tokens) / seconds, repeated, grown)


if __name__ == "__main__":
    main()
