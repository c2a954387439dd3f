"""What every network runs on: devices, batches under a token budget, copies, memory that runs out.

CUDA is met here, in `devices` and in `attention`.
"""

from __future__ import annotations

import copy
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.batch import Ints, Sequences, halves
from cxsentiment.encoder.budget import TokenBudget
from cxsentiment.encoder.instruments import Instruments, Stats
from cxsentiment.errors import OptionError

WINDOW = 158
OVERLAP = 32
CPU_BUDGETS = (1024, 512, 256)
CUDA_BUDGETS = (32_768, 16_384, 65_536)
"""Token budgets to try, the first one to begin with."""

AT_ONCE_ON_CUDA = 2
"""Calls that share a CUDA device, each in a stream of its own: one copies and reads off while the other computes."""

Network = TypeVar("Network", bound=nn.Module)
Tensors = tuple[torch.Tensor, ...]


@dataclass(frozen=True, slots=True)
class Place(Generic[Network]):
    """A network on a device, for one call at a time."""

    network: Network
    device: torch.device
    stream: torch.cuda.Stream | None

    def copied(self, array: npt.NDArray[Any], dtype: torch.dtype | None = None) -> torch.Tensor:
        """An array on the device. On CUDA it goes through pinned memory, which torch keeps for reuse, and nobody waits for it."""
        tensor = torch.from_numpy(array).to(dtype)
        return tensor if self.stream is None else tensor.pin_memory().to(self.device, non_blocking=True)

    def entered(self) -> AbstractContextManager[Any]:
        """Work goes to this place's device and stream."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def wait(self) -> None:
        """Until all work of this place is done."""
        if self.stream is not None:
            self.stream.synchronize()


class Core(Generic[Network]):
    """A network on one device or on several: each call gets the next place that is idle. Thread-safe.

    A CUDA device has places for two calls, the CPU for as many as torch has threads.
    """

    def __init__(self, network: Network, devices: list[torch.device], precision: str, token_budget: int | str) -> None:
        self.precision = precision
        self.budget = TokenBudget(token_budget, CPU_BUDGETS if devices[0].type == "cpu" else CUDA_BUDGETS)
        self.instruments = Instruments()
        self.network = network.eval().requires_grad_(requires_grad=False)
        self._devices = devices
        self._idle: queue.SimpleQueue[Place[Network]] = queue.SimpleQueue()
        for place in self._places():
            self._idle.put(place)

    @property
    def windows_at_once(self) -> int:
        """Windows of texts that should be on their way at once."""
        return AT_ONCE_ON_CUDA * len(self._devices) if self._devices[0].type == "cuda" else len(self._devices)

    def stats(self) -> Stats:
        """What was done since it was made."""
        return self.instruments.stats(self.precision, self.budget.tokens)

    @contextmanager
    def place(self) -> Iterator[Place[Network]]:
        """An idle place, in inference mode; waits for one. Raises OptionError where memory runs out all the same."""
        place = self._idle.get()
        try:
            with torch.inference_mode(), place.entered():
                yield place
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OptionError(f"texts do not fit into memory: a smaller token_budget than {self.budget.tokens} may help") from error
        finally:
            self._idle.put(place)

    def shares(self, place: Place[Network], lengths: Ints, *, try_sizes: bool = True) -> Iterator[list[Ints]]:
        """Batches of sequences of these lengths [sequences]: a list for each token budget that is tried, or one."""
        shares = self.budget.shares(lengths, try_sizes=try_sizes)
        try:
            for budget, batches in shares:
                tokens = int(sum(lengths[batch].sum() for batch in batches))
                start = time.perf_counter()
                yield batches
                if len(shares) > 1:
                    place.wait()
                    self.budget.learn(budget, tokens, time.perf_counter() - start)
                self.instruments.count(batches=len(batches), tokens=tokens)
        finally:
            if len(shares) > 1:
                self.budget.end_trial()

    def run(self, place: Place[Network], sequences: Sequences, work: Callable[[torch.Tensor, Packed], Tensors]) -> Tensors:
        """`work` on ids and layout of a batch. Where memory runs out, the budget becomes half the batch, and each half runs by itself."""
        try:
            with self.instruments.stage("copy"):
                starts = place.copied(sequences.starts.astype(np.int32))
                ids = place.copied(sequences.ids)
            return work(ids, Packed(sequences.runs, starts))
        except (RuntimeError, MemoryError) as error:
            if len(sequences.starts) == 2 or not is_out_of_memory(error):
                raise
            self.budget.lower(max(len(sequences.ids) // 2, WINDOW + 2))
        parts = [self.run(place, half, work) for half in halves(sequences)]
        return tuple(torch.cat(some) for some in zip(*parts, strict=True))

    def _places(self) -> Iterator[Place[Network]]:
        """As many for each device as it may have calls at once, the devices in turn."""
        copies = [self.network, *(copy.deepcopy(self.network) for _ in self._devices[1:])]  # before any of them leaves the CPU
        networks = [network.to(device) for network, device in zip(copies, self._devices, strict=True)]
        on_cuda = self._devices[0].type == "cuda"
        for _ in range(AT_ONCE_ON_CUDA if on_cuda else torch.get_num_threads()):
            for network, device in zip(networks, self._devices, strict=True):
                yield Place(network, device, torch.cuda.Stream(device) if on_cuda else None)  # type: ignore[no-untyped-call]


def is_out_of_memory(error: Exception) -> bool:
    """Whether it says that memory ran out; on the CPU torch has no class of its own for that."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)
