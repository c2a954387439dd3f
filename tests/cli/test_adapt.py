"""`cxsentiment train --start-from`: a labelled file becomes a model; what cannot be done is said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxsentiment import Analyzer

Fails = Callable[..., str]


def write_rows(path: Path, count: int = 40, encoding: str = "utf-8") -> Path:
    lines = [f"{number} {'καλό' if number % 2 else 'κακό'};{'Positive' if number % 2 else 'negative'}" for number in range(count)]
    path.write_text("\n".join(["κείμενο;feeling", *lines]), encoding=encoding)
    return path


def test_a_labelled_file_becomes_a_model(run: Callable[..., Any], tiny_model: Path, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "shop.csv", encoding="cp1253")
    options = ("--sentiment-column", "feeling", "--encoding", "cp1253", "--time-budget", "0.5", "--out", tmp_path / "run")
    outcome = run("train", "--data", file, "--start-from", tiny_model, *options)
    assert outcome.code == 0
    assert outcome.out.startswith("40 labelled rows: ")
    assert "| sentiment among negative, positive |" in outcome.out
    assert str(tmp_path / "run" / "model") in outcome.out
    assert Analyzer.from_pretrained(tmp_path / "run" / "model", device="cpu").manifest.name == "shop"


def test_a_file_and_a_model_to_start_from_need_each_other(fails: Fails, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "shop.csv")
    assert "name the model with --start-from" in fails("train", "--data", file)
    assert "no documents.parquet" in fails("train", "--data", tmp_path, "--start-from", "default")
    assert "name with --data a file" in fails("train", "--start-from", "default")
    assert "shop.xyz does not exist" in fails("train", "--data", tmp_path / "shop.xyz", "--start-from", "default")


@pytest.mark.parametrize("option", ["--text-column", "--sentiment-column", "--emotions-column", "--encoding"])
def test_options_of_a_file_are_refused_for_a_folder(fails: Fails, tmp_path: Path, option: str) -> None:
    assert fails("train", "--data", tmp_path, option, "cp1253").startswith(f"error: {option}: only for a file")


def test_options_of_a_recipe_are_refused_for_a_file(fails: Fails, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "shop.csv")
    said = fails("train", "--data", file, "--start-from", "default", "--recipe", "r.toml", "--evaluate")
    assert said.startswith("error: --recipe, --evaluate: only for training from a data folder")


def test_what_is_wrong_with_file_or_model_is_one_line(fails: Fails, tiny_model: Path, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "shop.csv")
    assert "no column 'sentiment'; its columns are: κείμενο, feeling" in fails("train", "--data", file, "--start-from", tiny_model)
    column = ("--sentiment-column", "feeling")
    assert "no model 'nothing'" in fails("train", "--data", file, *column, "--start-from", "nothing")
    short = write_rows(tmp_path / "short.csv", 7)
    assert "7 labelled rows; at least 20" in fails("train", "--data", short, *column, "--start-from", tiny_model)
