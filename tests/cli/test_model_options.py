"""Options that change what the model says, with a real (tiny) one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cxsentiment import cli
from tests.tiny_bases import write_classifier

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


def test_a_classifier_is_used_with_a_label_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_classifier(tmp_path, "distilbert", ("LABEL_0", "LABEL_1", "LABEL_2"))
    found = told(capsys, "--model", folder, "--label-map", "LABEL_0=negative, LABEL_1=positive+joy,LABEL_2=none")
    sentiment = found["sentiment"]
    assert sentiment["negative"] + sentiment["positive"] == pytest.approx(1.0, abs=1e-6)  # type: ignore[index]
    assert found["emotion_probabilities"] == {"joy": pytest.approx(sentiment["positive"], rel=1.0)}  # type: ignore[index]


@pytest.mark.parametrize("given", ["LABEL_0", "=negative", "LABEL_0=negative,,", "LABEL_0=awful,LABEL_1=none,LABEL_2=none"])
def test_a_label_map_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str) -> None:
    folder = write_classifier(tmp_path, "distilbert", ("LABEL_0", "LABEL_1", "LABEL_2"))
    assert cli.main(["analyze", "--model", str(folder), "--label-map", given, "ok"]) == 2
    assert "label" in capsys.readouterr().err.splitlines()[-1]
