"""How fast a contender is, and how much memory it takes."""

from __future__ import annotations

import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.record import SpeedResult

MEGABYTE = 2**20
EVERY_SECONDS = 0.05
WARM_UP, SINGLES = 200, 40
FEWEST = 4
_STATUS = Path("/proc/self/statm")


def resident_memory() -> int:
    """Bytes that this process holds in memory; where the system does not tell (not Linux), the most that it has held."""
    if _STATUS.exists():
        return int(_STATUS.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """A list with the largest resident memory (bytes) while the block runs, looked at twenty times a second."""
    peak, ended = [resident_memory()], threading.Event()

    def look() -> None:
        while not ended.wait(EVERY_SECONDS):
            peak[0] = max(peak[0], resident_memory())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()
        peak[0] = max(peak[0], resident_memory())


def measure_speed(predict: Callable[[Sequence[str]], Sequence[Prediction]], texts: Sequence[str], before: int) -> SpeedResult:
    """Comments a second over distinct texts after a warm-up, seconds of single ones, and memory beside `before` (bytes).

    `texts` are all different, FEWEST at least: the first 200 warm up, the last 40 are given one by one (of few texts a quarter each),
    those between are given together.
    """
    warm_up, singles = min(WARM_UP, len(texts) // 4), min(SINGLES, len(texts) // 4)
    together = texts[warm_up : len(texts) - singles]
    with peak_memory() as peak:
        predict(texts[:warm_up])
        start = time.perf_counter()
        predict(together)
        seconds = time.perf_counter() - start
        alone = []
        for text in texts[len(texts) - singles :]:
            start = time.perf_counter()
            predict([text])
            alone.append(time.perf_counter() - start)
    alone.sort()
    latency = (statistics.median(alone), alone[int(0.95 * (len(alone) - 1))])
    return SpeedResult(len(together), seconds, len(together) / seconds, (peak[0] - before) / MEGABYTE, latency)
