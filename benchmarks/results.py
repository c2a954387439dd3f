"""How every benchmark keeps its figures: hardware, versions, figures, as JSON in benchmarks/results/."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from cxsentiment.benchmark.surroundings import hardware, versions

FOLDER = Path(__file__).parent / "results"


def save(name: str, figures: dict[str, Any]) -> Path:
    """Writes one run's figures with the machine and versions that gave them."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    result = {"benchmark": name, "date": time.strftime("%Y-%m-%d"), "hardware": hardware(), "versions": versions(), "figures": figures}
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
