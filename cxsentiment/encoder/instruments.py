"""What the core did: texts, tokens, and the time that each stage took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

STAGES = ("read", "tokenise", "copy", "forward", "post")


@dataclass(frozen=True, slots=True)
class Stats:
    """What an analyzer has done since it was made.

    `texts` came in, of which `repeats` had been asked for before. `tokens` went through the network (special ones included), and `padding`
    beside them for nothing (packed sequences have none); `reread` texts went through it twice, since their sentiment was too close to
    call in int8. `seconds` of each stage: read (cleaning, language, phrases), tokenise, forward, of this copy (batches to the device),
    post (labels and results); they run side by side, and times of several threads add up. `precision` and `token_budget` are those in use.
    """

    texts: int
    repeats: int
    reread: int
    tokens: int
    padding: int
    batches: int
    seconds: dict[str, float]
    precision: str
    token_budget: int

    @property
    def padding_share(self) -> float:
        """Share of padding in all that went through the network."""
        return self.padding / max(self.tokens + self.padding, 1)


class Instruments:
    """Counters that several threads may turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(("texts", "repeats", "reread", "tokens", "padding", "batches"), 0)
        self._seconds = dict.fromkeys(STAGES, 0.0)

    def count(self, **more: int) -> None:
        """Adds to counters by their names."""
        with self._lock:
            for name, value in more.items():
                self._counts[name] += value

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time that its block takes to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[name] += time.perf_counter() - start

    def stats(self, precision: str, token_budget: int) -> Stats:
        """The counters as they stand."""
        with self._lock:
            return Stats(**self._counts, seconds=dict(self._seconds), precision=precision, token_budget=token_budget)
