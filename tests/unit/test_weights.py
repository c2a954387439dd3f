import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from cxsentiment import Analyzer, ModelError, OptionError
from cxsentiment.weights import load_arrays, read_manifest, save_arrays, verify


@pytest.fixture
def copied(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def edit_manifest(folder: Path, **changes: object) -> None:
    plain = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (folder / "manifest.json").write_text(json.dumps(plain | changes), encoding="utf-8")


def test_an_unchanged_model_verifies_and_shows_its_card(tiny_model: Path) -> None:
    manifest = read_manifest(tiny_model)
    verify(manifest)
    assert manifest.name == "tiny"
    assert "Random weights" in manifest.card


@pytest.mark.parametrize("name", ["weights.safetensors", "tokenizer.json", "README.md"])
def test_a_changed_file_is_named(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(bytes(data))
    with pytest.raises(ModelError, match=name):
        Analyzer.from_pretrained(copied)


def test_a_missing_file_is_named(copied: Path) -> None:
    (copied / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors is missing"):
        Analyzer.from_pretrained(copied)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no manifest\.json"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', "\udcff"])
def test_a_broken_manifest_is_refused(copied: Path, text: str) -> None:
    (copied / "manifest.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ModelError, match="manifest"):
        read_manifest(copied)


def test_a_later_format_is_refused(copied: Path) -> None:
    edit_manifest(copied, format=99)
    with pytest.raises(ModelError, match="format 99"):
        read_manifest(copied)


def test_other_labels_are_refused(copied: Path) -> None:
    edit_manifest(copied, labels={"sentiment": ["bad", "good"]})
    with pytest.raises(ModelError, match="labels"):
        read_manifest(copied)


def test_a_file_name_that_leads_out_of_the_folder_is_refused(copied: Path) -> None:
    edit_manifest(copied, files={"../../secret": {"sha256": "0", "size": 1}})
    with pytest.raises(ModelError, match="leads out"):
        read_manifest(copied)


def test_weights_that_do_not_fit_are_refused(copied: Path) -> None:
    encoder = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))["encoder"]
    edit_manifest(copied, encoder=encoder | {"layers": 3})
    with pytest.raises(ModelError, match="does not fit"):
        Analyzer.from_pretrained(copied)


@pytest.mark.parametrize("name", ["no-such-model", "./nowhere", "../up/there", ""])
def test_an_unknown_name_says_what_to_give(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="give a folder"):
        read_manifest(name or "nothing")


def test_an_owner_slash_name_comes_from_the_hub(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    hub = types.ModuleType("huggingface_hub")
    hub.snapshot_download = lambda name, allow_patterns: asked.append((name, tuple(allow_patterns))) or str(tiny_model)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    assert read_manifest("owner/model").name == "tiny"
    assert asked == [("owner/model", ("*.json", "*.safetensors", "README.md"))]


def test_an_unreachable_hub_is_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, allow_patterns: list[str]) -> str:
        raise ConnectionError("no network")

    hub = types.ModuleType("huggingface_hub")
    hub.snapshot_download = refuse  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(ModelError, match="no network"):
        read_manifest("owner/model")


def test_stored_weights_come_back_as_near_as_their_precision_allows(tmp_path: Path, tiny_model: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"matrix": rng.normal(size=(100, 64)).astype(np.float32), "vector": rng.normal(size=5000).astype(np.float32)}
    shutil.copy(tiny_model / "manifest.json", tmp_path)
    manifest = read_manifest(tmp_path)
    object.__setattr__(manifest, "files", {"a.safetensors": None})
    save_arrays(tmp_path / "a.safetensors", arrays)
    found = load_arrays(manifest)
    assert set(found) == {"matrix", "vector"}
    assert (np.abs(found["matrix"] - arrays["matrix"]) <= np.abs(arrays["matrix"]).max(axis=1, keepdims=True) / 127 * 0.52).all()
    assert 0 < np.abs(found["vector"] - arrays["vector"]).max() < 2e-3
    assert (tmp_path / "a.safetensors").stat().st_size < 100 * 64 + 2 * 5000 + 2000
    save_arrays(tmp_path / "a.safetensors", arrays, exact=True)
    assert all(np.array_equal(load_arrays(manifest)[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize(("device", "dtype"), [("tpu", "auto"), ("cuda:99", "auto"), ("nonsense", "auto"), ("cpu", "int3")])
def test_unknown_devices_and_precisions_list_the_known(tiny_model: Path, device: str, dtype: str) -> None:
    with pytest.raises(OptionError, match=r"auto|CUDA"):
        Analyzer.from_pretrained(tiny_model, device=device, dtype=dtype)


def test_bfloat16_gives_nearly_the_same(tiny_model: Path, tiny_analyzer: Analyzer) -> None:
    half = Analyzer.from_pretrained(tiny_model, device="cpu", dtype="bfloat16")("great prices, terrible waiting time")
    full = tiny_analyzer("great prices, terrible waiting time")
    assert half.sentiment.positive == pytest.approx(full.sentiment.positive, abs=0.05)
