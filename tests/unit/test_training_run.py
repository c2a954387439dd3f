"""The whole way of `cxsentiment train` on a handful of texts, with a random teacher: slow, so only in the full run."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from cxsentiment import Analyzer
from cxsentiment.cli import main
from cxsentiment.encoder.model import Encoder, EncoderConfig
from cxsentiment.training import corpus, examples, finetune
from cxsentiment.training.patterns import drawn
from cxsentiment.training.teacher import Teacher
from cxsentiment.weights import load_arrays, read_manifest
from tests.conftest import SENTENCES, tiny_tokenizer

RECIPE = """
name = "small"
version = "1"
seed = 1
vocabulary = 500
polish_seeds = 2
[seconds]
align = 2
finetune = 3
deepen = 1
pretrain = 2
immerse = 1
polish = 1
settle = 1
"""
WORDS = {"positive": "great excellent wonderful", "negative": "terrible broken rude"}
TRANSLATED = {"el": "καλό κακό προσωπικό", "pl": "dobra zła obsługa", "ro": "bună proastă livrare"}


def write_data(folder: Path) -> None:
    rng = random.Random(0)
    documents = [
        {
            "text": f"{rng.choice(WORDS[label].split())} {rng.choice(SENTENCES)}",
            "lang": lang,
            "sentiment": label,
            "stars": None,
            "emotions": ["joy"] if label == "positive" else ["anger"],
            "aspects": None,
            "dataset": name,
            "licence": "own",
            "quality": 1.0,
            "split": split,
        }
        for lang, name in (("el", "el_skroutz_shop_reviews"), ("pl", "pl_polemo2_in_klej"), ("ro", "ro_sent"), ("en", "cr_custrev"))
        for split, count in (("train", 40), ("dev", 12))
        for label in WORDS
        for _ in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(documents), folder / "documents.parquet")
    pairs = [
        {"en": f"good bad staff {number}", "text": f"{text} {number}", "lang": lang, "source": "own", "licence": "own"}
        for lang, text in TRANSLATED.items()
        for number in range(600)
    ]
    pq.write_table(pa.Table.from_pylist(pairs), folder / "parallel.parquet")
    raw = [
        {"lang": lang, "text": f"{sentence} {number}", "source": "own"}
        for lang in TRANSLATED
        for sentence in SENTENCES
        for number in range(20)
    ]
    pq.write_table(pa.Table.from_pylist(raw), folder / "monolingual.parquet")
    write_comments(folder / "written", rng)


def write_comments(folder: Path, rng: random.Random) -> None:
    folder.mkdir()
    for lang in ("el", "pl", "ro", "en"):
        lines = [
            f"[{rng.choice(SENTENCES)}]{{staff:{sign}}} {number}\t{label}\t{emotion}\tduring\t-\t-\t-\tstandard\tretail"
            for number in range(60)
            for label, emotion, sign in (
                ("positive", "joy", "+"),
                ("negative", "anger", "-"),
                ("neutral", "-", "0"),
                ("mixed", "surprise", "±"),
            )
        ]
        (folder / f"{lang}_train.tsv").write_text("\n".join(lines), encoding="utf-8")


def few_own_texts(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Training reads a hundred texts of the package in place of all; `folder` has no comments."""
    monkeypatch.setattr(corpus, "OWN_FOLDER", folder)
    monkeypatch.setattr(examples, "pattern_documents", lambda: drawn("en", number=50))


def random_teacher() -> Teacher:
    tokenizer = tiny_tokenizer()
    return Teacher(Encoder(EncoderConfig(tokenizer.get_vocab_size())).eval().requires_grad_(requires_grad=False), tokenizer)


@pytest.mark.full
def test_a_recipe_becomes_a_model_that_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(Teacher, "load", random_teacher)
    few_own_texts(monkeypatch, tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    write_data(data)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    command = ["train", "--data", str(data), "--recipe", str(recipe), "--out", str(tmp_path / "run")]
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "| sentiment | ro | ro_sent | 24 |" in table
    analysis = Analyzer.from_pretrained(tmp_path / "run" / "model")("great staff")
    assert analysis.sentiment.label in WORDS | {"neutral": "", "mixed": ""}

    def forbidden(*_: object) -> None:
        raise AssertionError("a finished stage was run again")

    monkeypatch.setattr(finetune, "deep_loss", forbidden)
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[-5:] == table.splitlines()[-5:]
    assert main(["train", "--evaluate", "--data", str(data), "--out", str(tmp_path / "run")]) == 0
    assert [line.split("|")[1:5] for line in capsys.readouterr().out.splitlines()] == [
        line.split("|")[1:5] for line in table.splitlines() if line.startswith("|")
    ]
    refined = [
        "train",
        "--data",
        str(data),
        "--recipe",
        str(recipe),
        "--start-from",
        str(tmp_path / "run" / "model"),
        "--time-budget",
        "20",
    ]
    monkeypatch.undo()
    few_own_texts(monkeypatch, tmp_path)
    assert main([*refined, "--out", str(tmp_path / "refined")]) == 0
    assert "| sentiment | ro | ro_sent | 24 |" in capsys.readouterr().out
    before, after = (load_arrays(read_manifest(tmp_path / name / "model")) for name in ("run", "refined"))
    changed = {name.split(".")[0] for name, array in after.items() if not np.array_equal(array, before[name])}
    assert changed == {"encoder", "heads"}
    card = (tmp_path / "refined" / "model" / "README.md").read_text(encoding="utf-8")
    assert "learnt on from finished weights (small 1) for 20 seconds" in card
    assert "learnt on" not in (tmp_path / "run" / "model" / "README.md").read_text(encoding="utf-8")
