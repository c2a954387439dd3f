"""Options that change what the model says, with a real (tiny) one."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
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
    assert sum(sentiment[name] for name in ("negative", "positive", "neutral")) == pytest.approx(1.0, abs=1e-6)  # type: ignore[index]
    assert min(sentiment["negative"], sentiment["neutral"]) > 0  # type: ignore[index]
    assert found["emotion_probabilities"] == {"joy": pytest.approx(sentiment["positive"], abs=1e-6)}  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("LABEL_0", "give pairs such as"),
        ("=negative", "give pairs such as"),
        ("LABEL_0=negative,,", "give pairs such as"),
        ("LABEL_0=awful,LABEL_1=none,LABEL_2=none", "says 'awful' for 'LABEL_0'"),
    ],
)
def test_a_label_map_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, message: str) -> None:
    folder = write_classifier(tmp_path, "distilbert", ("LABEL_0", "LABEL_1", "LABEL_2"))
    capsys.readouterr()
    assert cli.main(["analyze", "--model", str(folder), "--label-map", given, "ok"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_file_is_scored_with_a_classifier(tmp_path: Path) -> None:
    folder = write_classifier(tmp_path / "model", "distilbert", ("LABEL_0", "LABEL_1", "LABEL_2"))
    (tmp_path / "in.jsonl").write_text('{"text": "the courier was rude"}\n{"text": ""}\n{"text": 3}\n', encoding="utf-8")
    options = ["--model", folder, "--label-map", "LABEL_0=negative,LABEL_1=positive+joy,LABEL_2=neutral", "--quiet"]
    arguments = ["score", tmp_path / "in.jsonl", "-o", tmp_path / "out.parquet", "--text-column", "text", *options]
    assert cli.main([str(argument) for argument in arguments]) == 0
    spoken, silent, bad = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert 0 < spoken["cx_emotion_probs"]["joy"] < 1
    assert spoken["cx_emotion_probs"]["anger"] is None
    assert "delivery" in {one["type"] for one in spoken["cx_touchpoints"]}
    assert (silent["cx_sentiment"], silent["cx_windows"], silent["cx_emotion_probs"]["joy"]) == ("neutral", 0, 0.0)
    assert (bad["cx_sentiment"], bad["cx_error"] is None) == (None, False)
