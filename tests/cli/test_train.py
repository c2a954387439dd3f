"""`cxsentiment train` only hands its options on; nothing is trained here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def test_options_reach_the_training(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setitem(sys.modules, "cxsentiment.training.run", SimpleNamespace(train_command=lambda **options: given.append(options)))
    assert run("train", "--data", "d", "--recipe", "r.toml", "--out", "o", "--time-budget", "60", "--evaluate").code == 0
    assert run("train", "--base", "b/c").code == 0
    assert run("train").code == 0
    folder = tmp_path / "data"
    folder.mkdir()
    assert run("train", "--data", folder, "--start-from", "default").code == 0
    usual = {
        "recipe": None,
        "data": None,
        "out": None,
        "time_budget": None,
        "base": None,
        "start_from": None,
        "keep": None,
        "evaluate": False,
    }
    assert given == [
        usual | {"recipe": Path("r.toml"), "data": Path("d"), "out": Path("o"), "time_budget": 60.0, "evaluate": True},
        usual | {"base": "b/c"},
        usual,
        usual | {"data": folder, "start_from": "default"},
    ]
