"""Where to compute, and how exactly."""

from __future__ import annotations

import torch

from cxsentiment.errors import OptionError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
INT8 = "int8"


def choose_devices(name: str) -> list[torch.device]:
    """`auto` is all CUDA devices, or the CPU; `cuda` is all CUDA devices too. Raises OptionError for a device that is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"unknown device {name!r}: use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise OptionError(f"device {name!r} is not supported: use auto, cpu, cuda or cuda:N")
    if device.type == "cpu":
        return [device]
    if not torch.cuda.is_available():
        raise OptionError(f"device {name!r} asked for, but torch sees no CUDA device: use cpu or auto")
    count = torch.cuda.device_count()
    if device.index is None:
        return [torch.device("cuda", index) for index in range(count)]
    if device.index >= count:
        raise OptionError(f"device {name!r} asked for, but there are only {count} CUDA devices")
    return [device]


def choose_precision(name: str, device: torch.device, *, can_int8: bool) -> str:
    """`auto` is bfloat16 on CUDA; on the CPU int8 where it can be had, and else float32.

    Raises OptionError for a precision that is unknown or cannot be had.
    """
    if name == "auto":
        return "bfloat16" if device.type == "cuda" else INT8 if can_int8 else "float32"
    if name not in (*DTYPES, INT8):
        raise OptionError(f"unknown dtype {name!r}: use auto, {INT8}, {', '.join(DTYPES)}")
    if name == INT8 and (device.type == "cuda" or not can_int8):
        raise OptionError(
            "dtype int8 is for the CPU, needs a processor with AVX-512 VNNI, the compiled kernels, "
            "and a model of our own architecture with ranges.safetensors: use auto or float32"
        )
    return name
