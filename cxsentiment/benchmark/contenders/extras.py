"""Packages that not everyone has: imported when a contender is made that needs them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cxsentiment.errors import MissingExtraError

BENCHMARK, PEERS = "benchmark", "peers"


def imported(module: str, extra: str = BENCHMARK) -> Any:
    """A module of an optional package. Raises MissingExtraError, naming the extra that installs it, when the package is not there."""
    package = module.partition(".")[0]
    if find_spec(package) is None:
        raise MissingExtraError(f"this contender needs the package {package}: pip install 'cxsentiment[{extra}]'")
    return import_module(module)


def package_folder(package: str) -> Path | None:
    """Where an installed package has its files, without running it; None when it is not installed."""
    found = find_spec(package)
    return Path(next(iter(found.submodule_search_locations))) if found is not None and found.submodule_search_locations else None
