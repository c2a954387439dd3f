"""`cxsentiment train --base`: what becomes of a tiny encoder, and which ones are refused."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import Tokenizer, processors

from cxsentiment import Analyzer, InputError, ModelError, OptionError
from cxsentiment.cli import main
from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import ForeignConfig
from cxsentiment.training import base as base_module
from cxsentiment.training.base import Base, claim
from cxsentiment.training.card import Tables, model_card
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.run import Recipe, train_command
from tests.tiny_bases import TINY, some_texts, word_piece, write_base
from tests.unit.test_training_run import RECIPE, few_own_texts, write_data

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("bases") / "some-bert", "bert")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more only wait for each other over matrices as small as these
    monkeypatch.setattr(base_module, "ForeignConfig", partial(ForeignConfig, head_hidden=16, wide_buckets=4096))
    monkeypatch.setattr("cxsentiment.training.examples.JOINED_PER_LANGUAGE", 20)
    monkeypatch.setattr("cxsentiment.training.wide.EPOCHS", 1)
    few_own_texts(monkeypatch, tmp_path)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    for path in (folder / "written").iterdir():
        path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:100]), encoding="utf-8")
    (folder / "parallel.parquet").unlink()
    (folder / "monolingual.parquet").unlink()
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return folder


def train(base: Path, data: Path, out: Path) -> int:
    options = ["--recipe", str(data / "recipe.toml"), "--time-budget", "1"]
    return main(["train", "--base", str(base), "--data", str(data), "--out", str(out), *options])


@pytest.mark.usefixtures("small")
def test_a_base_becomes_a_model_with_a_true_card_and_no_stage_is_run_twice(
    bert: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(bert, data, tmp_path) == 0
    analyzer = Analyzer.from_pretrained(tmp_path / "model", device="cpu", cache_size=0)
    texts = [*some_texts(), ""]
    for text, found in zip(reversed(texts), analyzer(texts[::-1]), strict=True):
        assert found.sentiment.label == analyzer(text).sentiment.label
        assert found.sentiment.polarity == pytest.approx(analyzer(text).sentiment.polarity, abs=TOLERANCE)
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "--base some-bert" in card
    assert "base_model" not in card
    assert str(tmp_path.parent) not in card
    assert not [word for word in ("align", "teacher", "MiniLM", "raw text") if word in card]
    before, after = load_file(bert / "model.safetensors"), load_file(tmp_path / "full" / "encoder.safetensors")
    matrices = [name for name, weight in after.items() if weight.ndim == 2 and "position" not in name and "token_type" not in name]
    assert len(matrices) == 1 + 2 * 6
    assert not [name for name in matrices if torch.equal(after[name], before[name.removeprefix("encoder.body.")])]
    monkeypatch.setattr("cxsentiment.training.finetune.deep_loss", None)
    assert train(bert, data, tmp_path) == 0
    config = tmp_path / "model" / "config.json"
    config.write_text(config.read_text(encoding="utf-8").replace("gelu", "relu"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json is not the file"):
        Analyzer.from_pretrained(tmp_path / "model")


def test_the_recipe_of_a_base_has_no_alignment_and_its_time_goes_to_the_rest() -> None:
    stages = {"align": 60.0, "finetune": 10.0, "deepen": 20.0, "pretrain": 30.0, "immerse": 40.0, "polish": 5.0, "settle": 5.0}
    recipe = Recipe("default", "1", 1, 100, 2, stages).fine_tuning("xlm").within(100.0)
    assert recipe.name == "xlm"
    doubled = {"align": 0.0, "finetune": 20.0, "deepen": 40.0, "pretrain": 0.0, "immerse": 0.0, "polish": 10.0, "settle": 10.0}
    assert recipe.seconds == doubled


# ---- what is refused --------------------------------------------------------------------------------------------------------------


def copied(base: Path, folder: Path, without: str = "", **settings: object) -> str:
    """A copy of the base without a file, or with other settings."""
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns(without))
    path = folder / "config.json"
    if path.is_file():
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | settings), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_base_without_a_file_it_needs_is_refused(bert: Path, tmp_path: Path, missing: str) -> None:
    with pytest.raises(ModelError, match=missing.replace(".", r"\.")):
        Base.find(copied(bert, tmp_path / "base", without=missing))


def test_a_finished_model_is_no_base(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="--start-from"):
        Base.find(str(tiny_model))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model_type": "no-such-thing"}, "no-such-thing"),
        ({"model_type": None}, "None"),
        ({"hidden_size": "wide"}, "hidden_size"),
        ({"num_hidden_layers": 3}, "the first is encoder.layer.2"),
        ({"intermediate_size": 128}, "cannot be loaded"),
    ],
)
def test_settings_that_do_not_fit_are_refused(bert: Path, tmp_path: Path, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        Base.find(copied(bert, tmp_path / "base", **settings)).start()


def written_base(folder: Path, model: Any, tokenizer: Tokenizer) -> Base:
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return Base.find(str(folder))


def test_an_encoder_that_cannot_hold_a_window_is_refused(tmp_path: Path) -> None:
    sizes = TINY | {"max_position_embeddings": 130}
    for kind in (transformers.BertConfig, partial(transformers.RobertaConfig, pad_token_id=1)):
        model = transformers.AutoModel.from_config(kind(vocab_size=300, **sizes))
        with pytest.raises(ModelError, match="160 tokens"):
            written_base(tmp_path / model.config.model_type, model, word_piece()).start()


def test_an_encoder_that_sees_its_padding_is_refused(tmp_path: Path) -> None:
    model = transformers.FNetModel(transformers.FNetConfig(vocab_size=300, **TINY))
    with pytest.raises(ModelError, match="depends on the padding"):
        written_base(tmp_path, model, word_piece()).start()


def test_a_model_that_is_no_encoder_is_refused(tmp_path: Path) -> None:
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    with pytest.raises(ModelError, match="cannot be run as an encoder"):
        written_base(tmp_path, transformers.T5Model(transformers.T5Config(vocab_size=300, **sizes)), word_piece()).start()


def test_tokenizers_that_do_not_fit_are_refused(bert: Path, tmp_path: Path) -> None:
    bare = word_piece()
    bare.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 2)])
    bare.save(copied(bert, tmp_path / "bare") + "/tokenizer.json")
    with pytest.raises(ModelError, match="two special tokens"):
        Base.find(str(tmp_path / "bare")).start()
    large = word_piece()
    large.add_tokens([f"added{number}" for number in range(200)])
    large.save(copied(bert, tmp_path / "large") + "/tokenizer.json")
    with pytest.raises(ModelError, match="have an embedding"):
        Base.find(str(tmp_path / "large")).start()
    Path(copied(bert, tmp_path / "broken"), "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read as a tokenizer"):
        Base.find(str(tmp_path / "broken")).start()


def test_a_base_that_is_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def unreachable(name: str, **_: object) -> str:
        asked.append(name)
        raise OSError("no route")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    for name in ("./nowhere", "/nowhere", "a/b/c"):
        with pytest.raises(ModelError, match="no folder"):
            Base.find(name)
    with pytest.raises(ModelError, match="no route"):
        Base.find("somebody/some-encoder")
    assert asked == ["somebody/some-encoder"]


def test_a_base_on_the_hub_is_had_without_its_code(bert: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(name: str, allow_patterns: list[str]) -> str:
        assert name == "somebody/some-encoder"
        assert all(pattern.endswith((".json", ".safetensors")) for pattern in allow_patterns)
        return str(bert)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    base = Base.find("somebody/some-encoder")
    assert (base.title, base.label) == ("some-encoder", "somebody/some-encoder")
    assert "base_model: somebody/some-encoder\n" in model_card("some-encoder", "1", DataFolder(data), Tables("", "", "", {}), base)


def test_settings_cannot_bring_code_or_precision(bert: Path, tmp_path: Path) -> None:
    code = {"auto_map": {"AutoModel": "code.Model", "AutoConfig": "code.Config"}, "attn_implementation": "somebody/kernels"}
    folder = copied(bert, tmp_path / "base", **code, dtype="float16", return_dict=False, _name_or_path="/somewhere")
    (tmp_path / "base" / "code.py").write_text("raise SystemExit", encoding="utf-8")
    encoder = Base.find(folder).start()[1].encoder
    assert isinstance(encoder, ForeignEncoder)
    assert encoder.embeddings.dtype == torch.float32
    encoder.write_settings(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert not {*code, "dtype", "return_dict", "_name_or_path"} & set(written)


def test_a_run_goes_on_with_its_own_base_only(bert: Path, tmp_path: Path) -> None:
    first, same = Base.find(str(bert)), Base.find(str(shutil.copytree(bert, tmp_path / "elsewhere")))
    other = Base.find(str(write_base(tmp_path / "other", "distilbert")))
    work, own = tmp_path / "work", tmp_path / "own"
    work.mkdir()
    own.mkdir()
    claim(work, first)
    claim(work, same)
    assert str(tmp_path) not in (work / "base.json").read_text(encoding="utf-8")
    for wrong in (other, None):
        with pytest.raises(InputError, match="some-bert"):
            claim(work, wrong)
    claim(own, None)
    (own / "align.pt").touch()
    claim(own, None)
    with pytest.raises(InputError, match="no base"):
        claim(own, first)


def test_a_base_is_for_training_only(tiny_model: Path, bert: Path, data: Path) -> None:
    with pytest.raises(OptionError, match="--base"):
        train_command(None, data, tiny_model, None, str(bert), evaluate=True)
    assert main(["train", "--base", str(bert), "--data", str(data / "documents.parquet"), "--start-from", str(tiny_model)]) == 2
