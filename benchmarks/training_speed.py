"""Training tokens a second of the encoder in float32 and bfloat16, with and without dropout. `python -m benchmarks.training_speed`."""

from __future__ import annotations

import statistics
import time
from itertools import product

import torch

from benchmarks.results import save
from cxsentiment.encoder.model import Encoder, EncoderConfig, pool
from cxsentiment.training.loop import training_device

TEXTS, LENGTH, VOCABULARY, ROUNDS = 128, 32, 40_000, 3


def main() -> None:
    """Prints the median of a few steps for each way."""
    device = training_device()
    rates = {}
    for dropout, dtype in product((0.0, 0.1), (torch.float32, torch.bfloat16)):
        encoder = Encoder(EncoderConfig(VOCABULARY, dropout=dropout)).to(device)
        optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-4, fused=True)
        seconds = [step(encoder, optimizer, device, dtype) for _ in range(ROUNDS + 1)][1:]
        name = f"{str(dtype).removeprefix('torch.')}, dropout {dropout}"
        rates[name] = TEXTS * LENGTH / statistics.median(seconds)
        print(f"{name}: {rates[name]:,.0f} tokens/s")
    save("training_speed", {"batch": [TEXTS, LENGTH], "tokens_per_second": rates})


def step(encoder: Encoder, optimizer: torch.optim.Optimizer, device: torch.device, dtype: torch.dtype) -> float:
    """Seconds of one step on random ids."""
    ids = torch.randint(1, VOCABULARY, (TEXTS, LENGTH), device=device)
    lengths = torch.full((TEXTS,), LENGTH, device=device)
    start = time.perf_counter()
    with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        states = encoder(ids, lengths)
    total, _ = pool(states, lengths)
    loss = total.square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    loss.item()  # waits for the device
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
