"""The loop that every stage runs in: schedule by steps and time, gradient clipping, log, checkpoints, resuming after a kill."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cxsentiment.encoder.model import TextEncoder

CHECKPOINT_SECONDS = 240.0
LOG_STEPS = 20
AVERAGING_START = 0.5
WEIGHT_DECAY = 0.01

IndexBatch = Sequence[int]


@dataclass(frozen=True, slots=True)
class StageSettings:
    """How long and how fast a stage learns. It ends at `steps` or after `time_budget` seconds, whichever comes first.

    The learning rate rises over the share `warmup` and falls in a line to `floor` of its peak; `averaging` is the decay of the weights'
    exponential moving average over the second half (0: none).
    """

    name: str
    steps: int
    time_budget: float
    warmup: float = 0.04
    clip: float = 1.0
    averaging: float = 0.0
    floor: float = 0.02


class Stage:
    """One stage of training: `run` leaves the module trained (or restored, if the stage had ended before).

    Batches of indices must come in the same order at every call, so that a resumed stage goes on where it stopped.
    """

    def __init__(self, settings: StageSettings, module: nn.Module, groups: list[dict[str, Any]], folder: Path) -> None:
        self.settings = settings
        self.module = module
        self.optimizer = torch.optim.AdamW(groups, fused=True)
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.path = folder / f"{settings.name}.pt"
        self.log_path = folder / f"{settings.name}.jsonl"
        self.step = 0
        self.elapsed = 0.0
        self.average: dict[str, torch.Tensor] = {}

    def run(self, batches: Iterator[IndexBatch], loss: Callable[[IndexBatch], torch.Tensor]) -> None:
        """Runs or resumes the stage to its end."""
        if restore_finished(self.settings.name, self.module, self.path.parent):
            return
        self._restore()
        self.module.train()
        last_tick = last_save = time.monotonic()
        recent: list[float] = []
        for batch in itertools.islice(batches, self.step, None):
            if self.progress() >= 1.0:
                break
            recent.append(self._learn(loss(batch)))
            now = time.monotonic()
            self.elapsed, last_tick = self.elapsed + now - last_tick, now
            if self.step % LOG_STEPS == 0:
                self._log(recent)
                recent = []
            if now - last_save > CHECKPOINT_SECONDS:
                self._save()
                last_save = now
        self._use_average()
        self._save(finished=True)

    def progress(self) -> float:
        """Share of the stage that is done, by steps or by time."""
        return max(self.step / self.settings.steps, self.elapsed / self.settings.time_budget)

    def _learn(self, loss: torch.Tensor) -> float:
        done = self.progress()
        factor = min(done / self.settings.warmup, 1.0) * max(1.0 - done * (1.0 - self.settings.floor), self.settings.floor)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * max(factor, 1e-4)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.module.parameters(), self.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._update_average(done)
        return float(loss.detach())

    def _update_average(self, done: float) -> None:
        """Exponential moving average of the weights over the second half (Polyak averaging)."""
        if not self.settings.averaging or done < AVERAGING_START:
            return
        state = {name: value.detach() for name, value in self.module.state_dict().items() if value.dtype.is_floating_point}
        if not self.average:
            self.average = {name: value.clone() for name, value in state.items()}
            return
        for name, value in state.items():
            self.average[name].lerp_(value, 1.0 - self.settings.averaging)

    def _use_average(self) -> None:
        if self.average:
            self.module.load_state_dict(self.average, strict=False)

    def _log(self, losses: Sequence[float]) -> None:
        line = {"step": self.step, "seconds": round(self.elapsed), "loss": round(sum(losses) / len(losses), 4)}
        with self.log_path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _save(self, *, finished: bool = False) -> None:
        state = {"module": self.module.state_dict(), "step": self.step, "elapsed": self.elapsed, "finished": finished}
        if not finished:
            state |= {"optimizer": self.optimizer.state_dict(), "average": self.average}
        partial = self.path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.path)

    def _restore(self) -> None:
        if not self.path.exists():
            return
        state = torch.load(self.path, weights_only=True, map_location=training_device())
        self.module.load_state_dict(state["module"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]


def restore_finished(name: str, module: nn.Module, folder: Path) -> bool:
    """Loads what a stage left behind if it ran to its end, so that its data need not be prepared again; says whether it did."""
    path = folder / f"{name}.pt"
    if not path.exists():
        return False
    state = torch.load(path, weights_only=True, map_location="cpu")
    if state["finished"]:
        module.load_state_dict(state["module"])
    return bool(state["finished"])


def shuffled_batches(lengths: Sequence[int], budget: int, seed: int) -> Iterator[IndexBatch]:
    """Endless batches of indices, epoch after epoch: similar lengths together, at most `budget` padded tokens each."""
    for epoch in itertools.count():
        generator = torch.Generator().manual_seed(seed * 1_000 + epoch)
        jitter = torch.rand(len(lengths), generator=generator)
        order = torch.argsort(torch.tensor(lengths) * (0.9 + 0.2 * jitter)).tolist()
        batches = list(_cut(order, lengths, budget))
        for index in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[index]


def _cut(order: Sequence[int], lengths: Sequence[int], budget: int) -> Iterator[IndexBatch]:
    batch: list[int] = []
    longest = 0
    for index in order:
        longest = max(longest, lengths[index])
        if batch and longest * (len(batch) + 1) > budget:
            yield batch
            batch, longest = [], lengths[index]
        batch.append(index)
    if batch:
        yield batch


def encoder_groups(encoder: TextEncoder, embeddings: float, body: float) -> list[dict[str, Any]]:
    """An encoder's parameters for the optimizer, with the learning rates of its embeddings and of all else."""
    others = [parameter for parameter in encoder.parameters() if parameter is not encoder.embeddings]
    return [{"params": [encoder.embeddings], "lr": embeddings, "weight_decay": 0.0}, decayed_group(others, body)]


def decayed_group(parameters: Iterable[nn.Parameter], rate: float) -> dict[str, Any]:
    """Parameters with a learning rate and the usual decay."""
    return {"params": list(parameters), "lr": rate, "weight_decay": WEIGHT_DECAY}


def training_device() -> torch.device:
    """The first CUDA device, or the CPU."""
    return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def mixed_precision(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA; float32 on the CPU, where it is faster (see docs/decisions.md)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def pad(sequences: Sequence[Sequence[int]], device: torch.device | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Ragged ids -> ids [batch, longest] int64, padded with zeros, and lengths [batch] int64, on the device (None: the CPU)."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    ids = torch.zeros(len(sequences), int(lengths.max()), dtype=torch.int64)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.as_tensor(sequence)
    return ids.to(device), lengths.to(device)
