"""What every network runs on: devices, batches under a token budget, copies, memory that runs out. CUDA is met here and in `attention`."""

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

WINDOW = 158
OVERLAP = 32
CPU_BUDGETS = (1024, 512, 2048)
CUDA_BUDGETS = (32_768, 8_192, 16_384, 65_536)
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

    def copied(self, array: npt.NDArray[Any], kind: torch.dtype | None = None) -> torch.Tensor:
        """An array on the device. On CUDA it goes through pinned memory, which torch keeps for reuse, and nobody waits for it."""
        tensor = torch.from_numpy(array)
        if self.stream is None:
            return tensor.to(kind) if kind is not None else tensor
        return tensor.pin_memory().to(self.device, kind or tensor.dtype, non_blocking=True)

    def entered(self) -> AbstractContextManager[Any]:
        """Work goes to this place's device and stream."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def wait(self) -> None:
        """Until all work of this place is done."""
        if self.stream is not None:
            self.stream.synchronize()


class Core(Generic[Network]):
    """A network on one device or on several: each call gets the next place that is idle. Thread-safe."""

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
    def streams(self) -> int:
        """Windows of texts that should be on their way at once."""
        return AT_ONCE_ON_CUDA * len(self._devices) if self._devices[0].type == "cuda" else len(self._devices)

    def stats(self) -> Stats:
        """What was done since it was made."""
        return self.instruments.stats(self.precision, self.budget.tokens)

    @contextmanager
    def place(self) -> Iterator[Place[Network]]:
        """An idle place, in inference mode; waits for one."""
        place = self._idle.get()
        try:
            with torch.inference_mode(), place.entered():
                yield place
        finally:
            self._idle.put(place)

    def shares(self, place: Place[Network], lengths: Ints) -> Iterator[list[Ints]]:
        """Batches of sequences of these lengths [sequences]: a list for each token budget that is tried, or one."""
        shares = self.budget.shares(lengths)
        for budget, batches in shares:
            tokens = int(sum(lengths[batch].sum() for batch in batches))
            start = time.perf_counter()
            yield batches
            if len(shares) > 1:
                place.wait()
                self.budget.learn(budget, tokens, time.perf_counter() - start)
            self.instruments.count(batches=len(batches), tokens=tokens)

    def run(self, place: Place[Network], sequences: Sequences, work: Callable[[torch.Tensor, Packed], Tensors]) -> Tensors:
        """`work` on ids and layout of a batch. Where memory runs out, the budget becomes half the batch, and each half runs by itself."""
        try:
            with self.instruments.stage("copy"):
                starts = place.copied(sequences.starts.astype(np.int32))
                ids = place.copied(sequences.ids)
            return work(ids, Packed(sequences.runs, starts))
        except (torch.OutOfMemoryError, MemoryError):
            if len(sequences.starts) == 2:
                raise
            self.budget.lower(max(len(sequences.ids) // 2, WINDOW + 2))
        parts = [self.run(place, half, work) for half in halves(sequences)]
        return tuple(torch.cat(some) for some in zip(*parts, strict=True))

    def _places(self) -> Iterator[Place[Network]]:
        for number, device in enumerate(self._devices):
            network = self.network if number == 0 else copy.deepcopy(self.network)
            network.to(device)
            on_cuda = device.type == "cuda"
            for _ in range(AT_ONCE_ON_CUDA if on_cuda else torch.get_num_threads()):
                yield Place(network, device, torch.cuda.Stream(device) if on_cuda else None)  # type: ignore[no-untyped-call]
