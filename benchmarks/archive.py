"""What scoring an archive costs beside the inference core alone, in time and memory, and what a cluster gives.

`python -m benchmarks.archive` (`make benchmark-archive`). Files of real comments with natural repetition are scored into datasets by
`archive.score`, and their texts by `Analyzer.stream`, each in a process of its own, slice by slice in turn: a slow moment of the machine
meets both. With `--tiny` both have a small model of random weights: what is left of the difference is what reading and writing cost a row,
which is to be seen beside the time that the network takes on a given machine. Then some rows are scored on a local Ray cluster of two
nodes with one core each, and on local Spark, and compared row by row with a run on one machine.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.comments import Comments
from benchmarks.results import save
from benchmarks.scaling import ARENAS
from cxsentiment import Analyzer
from cxsentiment.archive import Progress, ScoringOptions, open_output, open_source, score
from cxsentiment.benchmark.speed import MEGABYTE, resident_memory
from tests.conftest import write_tiny_model

WARM_UP = 5_000
SLICES = 10
MODEL = "tiny"
CLOSE = 1e-3
"""Probabilities on other engines may differ by so much: other threads make other batches, and int8 rounds otherwise."""


@dataclass(slots=True)
class Cost:
    """Seconds of each slice by the core alone and by the archive, and the resident memory of the latter as rows came (rows, MB)."""

    core: list[float] = field(default_factory=list)
    archive: list[float] = field(default_factory=list)
    curve: list[tuple[int, float]] = field(default_factory=list)
    idle: float = 0.0

    @property
    def ratio(self) -> float:
        """Time of the archive to that of the core, over all slices."""
        return sum(self.archive) / sum(self.core)


def main() -> None:
    """Prints and saves overhead, memory, and the clusters' rates and equality."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cluster-rows", type=int, default=60_000)
    parser.add_argument("--clusters-only", action="store_true")
    parser.add_argument("--tiny", action="store_true", help="a small model of random weights: the cost of reading and writing alone")
    parser.add_argument("--worker", choices=("core", "archive"))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.worker:
        work(options.worker, options.folder)
        return
    name = "archive_tiny" if options.tiny else "archive"
    with TemporaryDirectory() as place:
        folder = Path(place)
        write_slices(folder, options.rows)
        if options.tiny:
            write_tiny_model(folder / MODEL)
        if not options.clusters_only:
            cost = measure(folder)
            print_cost(cost, options.rows)
            save(name, {"rows": options.rows, "ratio": cost.ratio, "idle_megabytes": cost.idle, **asdict(cost)})
        if options.cluster_rows and not options.tiny:
            from benchmarks.clusters import measure_clusters

            save("clusters", measure_clusters(folder, options.cluster_rows))


def write_slices(folder: Path, rows: int) -> None:
    """The archive, as one file for each slice; the first, `warm.parquet`, does not count."""
    texts = Comments(seed=3).draw(WARM_UP + rows, evenly=False)
    write_parquet(folder / "warm.parquet", texts[:WARM_UP], 0)
    size = math.ceil(rows / SLICES)
    for number in range(SLICES):
        first = WARM_UP + number * size
        write_parquet(folder / f"slice-{number}.parquet", texts[first : first + size], first)


def write_parquet(path: Path, texts: Sequence[str], first: int) -> None:
    """Comments with an id, a date and a shop, as archives have."""
    ids = range(first, first + len(texts))
    table = pa.table(
        {"id": ids, "day": [f"2026-{1 + number % 12:02}-01" for number in ids], "shop": [number % 50 for number in ids], "comment": texts}
    )
    pq.write_table(table, path)


def measure(folder: Path) -> Cost:
    """Each slice by both workers, turn by turn."""
    cost = Cost()
    workers = {kind: Worker(kind, folder) for kind in ("core", "archive")}
    try:
        cost.idle = workers["archive"].ask("warm.parquet")["idle"]
        workers["core"].ask("warm.parquet")
        for number in range(SLICES):
            for kind in ("core", "archive") if number % 2 else ("archive", "core"):
                answer = workers[kind].ask(f"slice-{number}.parquet")
                getattr(cost, kind).append(answer["seconds"])
                cost.curve += [(rows, megabytes) for rows, megabytes in answer.get("curve", [])]
            print(f"slice {number + 1} of {SLICES}: core {cost.core[-1]:.1f} s, archive {cost.archive[-1]:.1f} s", flush=True)
    finally:
        for worker in workers.values():
            worker.close()
    return cost


class Worker:
    """A process that does what it is asked for, and waits in between."""

    def __init__(self, kind: str, folder: Path) -> None:
        command = [sys.executable, "-m", "benchmarks.archive", "--worker", kind, "--folder", str(folder)]
        settings = os.environ | {ARENAS: "2"}  # as the command line has it
        self._process = subprocess.Popen(command, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, name: str) -> dict[str, Any]:
        """Scores a slice, and says what that cost."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends it."""
        self._process.communicate()


def work(kind: str, folder: Path) -> None:
    """A worker: reads names of slices, answers with seconds (and, of the archive, with memory)."""
    tiny = folder / MODEL
    analyzer = Analyzer.from_pretrained(tiny if tiny.exists() else None)
    idle, rows = resident_memory() / MEGABYTE, 0
    for line in sys.stdin:
        path = folder / line.strip()
        curve: list[tuple[int, float]] = []
        start = time.perf_counter()
        if kind == "core":
            texts = pq.read_table(path, columns=["comment"])["comment"].to_pylist()
            start = time.perf_counter()
            rows += sum(1 for _ in analyzer.stream(texts))
        else:
            rows += score_slice(path, analyzer, rows, curve)
        sys.stdout.write(json.dumps({"seconds": time.perf_counter() - start, "curve": curve, "idle": idle}) + "\n")
        sys.stdout.flush()


def score_slice(path: Path, analyzer: Analyzer, before: int, curve: list[tuple[int, float]]) -> int:
    """From Parquet to a dataset, with a look at the memory after each chunk."""

    def tell(done: Progress) -> None:
        curve.append((before + done.rows, resident_memory() / MEGABYTE))

    return score(open_source(path), analyzer, open_output(path.with_suffix(""), str(path)), ScoringOptions(), tell).rows


def print_cost(cost: Cost, rows: int) -> None:
    """The table."""
    ratios = [one / other for one, other in zip(cost.archive, cost.core, strict=True)]
    spread = f"slices: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}"
    print(f"{rows:,} rows: core alone {sum(cost.core):.0f} s ({rows / sum(cost.core):.0f} rows/s), archive {sum(cost.archive):.0f} s")
    print(f"archive to core: {cost.ratio:.3f} ({spread}; target 1.10)")
    print(f"reading and writing: {1e6 * (sum(cost.archive) - sum(cost.core)) / rows:.0f} microseconds a row")
    for rows_done, megabytes in every(cost.curve, 10):
        print(f"  after {rows_done:>9,} rows: {megabytes:,.0f} MB")
    most = max(megabytes for _, megabytes in cost.curve)
    print(f"resident memory at most {most:,.0f} MB (target 1,500), {cost.idle:,.0f} MB before the first row")


def every(curve: Sequence[tuple[int, float]], points: int) -> Iterator[tuple[int, float]]:
    """The largest value of each stretch of a curve."""
    size = math.ceil(len(curve) / points)
    for first in range(0, len(curve), size):
        part = curve[first : first + size]
        yield part[-1][0], max(value for _, value in part)


if __name__ == "__main__":
    main()
