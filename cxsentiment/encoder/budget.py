"""How many tokens go through the network together: as many as asked for, or what turns out to be fastest. No torch."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence

import numpy as np

from cxsentiment.encoder.batch import Ints, plan
from cxsentiment.errors import OptionError

AUTO = "auto"
TRIALS = 3
LEVEL = 0.97
"""A size that is as fast as this, beside the fastest, is as good."""

Share = tuple[int, list[Ints]]


class TokenBudget:
    """The tokens of a batch. With `auto` it begins with the first of the candidates, and tries all on the first texts that suffice.

    Each candidate gets every n-th sequence of those, sorted by length, so that all have the same work and nothing is done twice. The
    smallest one that is within 3 % of the fastest (medians of three trials) is kept. Thread-safe.
    """

    def __init__(self, tokens: int | str, candidates: Sequence[int]) -> None:
        if isinstance(tokens, str) and tokens != AUTO:
            raise OptionError(f"token_budget must be a number or {AUTO!r}, not {tokens!r}")
        if not isinstance(tokens, str) and tokens < 1:
            raise OptionError(f"token_budget must be at least 1, not {tokens}")
        self._tokens = candidates[0] if isinstance(tokens, str) else tokens
        self._rates: dict[int, list[float]] = {size: [] for size in candidates} if tokens == AUTO and len(candidates) > 1 else {}
        self._lock = threading.Lock()
        self._is_trying = False  # one trial at a time: another beside it would slow it down

    @property
    def tokens(self) -> int:
        """The budget in use."""
        return self._tokens

    def shares(self, lengths: Ints, *, try_sizes: bool = True) -> list[Share]:
        """What is to be run with which budget: batches of indices into `lengths`; every index is in one of them."""
        with self._lock:
            sizes = sorted(self._rates)
            tokens = self._tokens
            if not try_sizes or self._is_trying or not sizes or lengths.sum() < 2 * len(sizes) * sizes[-1]:
                return [(tokens, plan(lengths, tokens))]
            self._is_trying = True
        order = np.argsort(lengths, kind="stable")
        parts = [(size, order[place :: len(sizes)]) for place, size in enumerate(sizes)]
        return [(size, [part[batch] for batch in plan(lengths[part], size)]) for size, part in parts]

    def learn(self, budget: int, tokens: int, seconds: float) -> None:
        """How long a share of a trial took. After enough trials the choice is made."""
        with self._lock:
            if budget not in self._rates or not seconds:
                return
            self._rates[budget].append(tokens / seconds)
            if min(map(len, self._rates.values())) >= TRIALS:
                rates = {size: statistics.median(found) for size, found in self._rates.items()}
                self._tokens = min(size for size, rate in rates.items() if rate >= LEVEL * max(rates.values()))
                self._rates = {}

    def end_trial(self) -> None:
        """That all shares of a trial have been run, or will not be."""
        with self._lock:
            self._is_trying = False

    def settle(self) -> int:
        """No more is tried: the size in use stays, and is given back."""
        with self._lock:
            self._rates = {}
            return self._tokens

    def lower(self, most: int) -> None:
        """No more than this fits into memory."""
        with self._lock:
            self._tokens = min(self._tokens, most)
            self._rates = {size: rates for size, rates in self._rates.items() if size <= most}
            if len(self._rates) == 1:
                self._rates = {}
