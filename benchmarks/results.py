"""How every benchmark keeps its figures: hardware, versions, figures, as JSON in benchmarks/results/."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("cxsentiment", "torch", "transformers", "tokenizers", "numpy", "spacy")


def save(name: str, figures: dict[str, Any]) -> Path:
    """Writes one run's figures with the machine and versions that gave them."""
    hardware = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
    versions = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    result = {"benchmark": name, "date": time.strftime("%Y-%m-%d"), "hardware": hardware, "versions": versions, "figures": figures}
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
