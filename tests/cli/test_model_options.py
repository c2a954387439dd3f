"""Options that change what the model says, with a real (tiny) one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxsentiment import cli

RENAMED = """
extends = "default"
remove = ["legal"]
[types.{name}]
merges = ["{merged}"]
"""


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    assert cli.main([str(argument) for argument in ("analyze", "--json", "--device", "cpu", *arguments, "the courier was rude")]) == 0
    analysis: dict[str, object] = json.loads(capsys.readouterr().out)
    return analysis


def test_unsure_labels_are_asked_for(eager_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--model", eager_model)["intents"] == []
    assert told(capsys, "--model", eager_model, "--unsure-labels")["intents"]


def test_a_taxonomy_renames_what_the_model_finds(eager_model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    merged = told(capsys, "--model", eager_model)["touchpoints"][0]["type"]  # type: ignore[index]
    file = tmp_path / "mine.toml"
    file.write_text(RENAMED.format(name="renamed", merged=merged).replace(f'remove = ["{merged}"]', ""), encoding="utf-8")
    found = told(capsys, "--model", eager_model, "--taxonomy", file)["touchpoints"]
    assert found[0]["type"] == "renamed"  # type: ignore[index]
