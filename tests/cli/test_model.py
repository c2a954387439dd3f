"""`cxsentiment model`, on a folder with a small model of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cxsentiment import weights
from cxsentiment.errors import ModelError
from cxsentiment.weights import FileEntry

Run = Callable[..., Any]
Fails = Callable[..., str]


@dataclass
class FakeManifest:
    name: str = "tiny"
    version: str = "3"
    path: Path = Path("/models/tiny")
    card: str = "# Tiny\n\nA [small] model."
    files: dict[str, FileEntry] = field(default_factory=lambda: {"model.safetensors": FileEntry("ab" * 32, 12345)})


@pytest.fixture
def manifest(monkeypatch: pytest.MonkeyPatch) -> FakeManifest:
    fake = FakeManifest()
    monkeypatch.setattr(weights, "read_manifest", lambda _: fake)
    monkeypatch.setattr(weights, "verify", lambda _: None)
    return fake


def test_it_names_the_model_and_its_files(run: Run, manifest: FakeManifest) -> None:
    out = run("model").out
    for expected in ("tiny", "/models/tiny", "model.safetensors", "12,345", "ab" * 32):
        assert expected in out


def test_the_card_is_rendered(run: Run, manifest: FakeManifest) -> None:
    out = run("model", "--card").out
    assert "A [small] model." in out
    assert "# Tiny" not in out


def test_no_card(fails: Fails, manifest: FakeManifest) -> None:
    manifest.card = ""
    assert "has no card" in fails("model", "--card")


def test_verify(run: Run, manifest: FakeManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "all 1 files match" in run("model", "--verify").out

    def changed(_: object) -> None:
        raise ModelError("model.safetensors is not the file that was listed")

    monkeypatch.setattr(weights, "verify", changed)
    outcome = run("model", "--verify")
    assert outcome.code == 2
    assert outcome.err == "error: model.safetensors is not the file that was listed\n"


def test_a_folder_that_is_no_model(fails: Fails, tmp_path: Path) -> None:
    assert str(tmp_path) in fails("model", "--model", tmp_path)
