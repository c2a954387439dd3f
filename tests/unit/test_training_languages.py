"""What the language scorer learns from, and that it learns."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.language.scorer import CLASSES, LENGTH_CLASSES, Scorer, Settings
from cxsentiment.training import language_data, languages
from cxsentiment.training.corpus import DataFolder
from cxsentiment.training.language_data import PLAIN, UNCOUNTED, class_texts, pseudo_words, without_diacritics, word_shares
from cxsentiment.training.languages import cut, fitted, prepared, train

SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def class_words(name: str, count: int = 60) -> list[str]:
    """Made-up words that no other class has: its own syllables, repeated."""
    rng = random.Random(name)
    own = rng.sample(SYLLABLES, 12)
    return sorted({"".join(rng.choices(own, k=rng.randint(2, 4))) + SYLLABLES[CLASSES.index(name)] for _ in range(count)})


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """No word list at all."""
    monkeypatch.setattr(language_data, "listed", lambda lang: [])


@pytest.mark.usefixtures("lists")
def test_words_of_a_class_without_a_list_are_counted_and_typed_with_and_without_diacritics() -> None:
    shares = word_shares("ro", ["mâine mâine da", "da"], random.Random(0))
    kept = {"mâine": 2 - UNCOUNTED, "da": 2 - UNCOUNTED}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["mâine"] == pytest.approx((1 - PLAIN["ro"]) * kept["mâine"] / sum(kept.values()))
    assert shares["maine"] == pytest.approx(PLAIN["ro"] * kept["mâine"] / sum(kept.values()))


def test_greek_words_are_spelled_in_latin_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_data, "listed", lambda lang: [("θέλω", 0.01), ("και", 0.03)] if lang == "el" else [])
    shares = word_shares("el-Latn", [], random.Random(0))
    assert {"thelo", "8elw", "thelw"} & set(shares)
    assert sum(share for word, share in shares.items() if word.startswith("k")) == pytest.approx(0.75)


def test_words_are_drawn_from_counts_of_letters() -> None:
    words = list(pseudo_words("so", 300, random.Random(0)))
    assert len(words) > 200
    assert all(word.isalpha() for word in words)
    assert Counter("".join(words)).most_common(1)[0][0] == "a"  # the most frequent letter of Somali


@pytest.mark.parametrize(("word", "plain"), [("łódź", "lodz"), ("știință", "stiinta"), ("οκ", "οκ"), ("straße", "strase")])
def test_words_lose_their_diacritics(word: str, plain: str) -> None:
    assert without_diacritics(word) == plain


def test_pieces_are_stretches_of_their_texts() -> None:
    text = " ".join(f"{a}{b}" for a in "abcdefgh" for b in "ijkl")
    pieces = cut([text] * 50, random.Random(0))
    assert len({len(piece) for piece in pieces}) > 3
    assert all(" ".join(piece) in text for piece in pieces)


def test_texts_are_read_by_class_and_some_are_held_out(tmp_path: Path) -> None:
    rows = [{"lang": lang, "text": f"{text} {number}", "source": "own", "split": "train"}
            for lang, text in (("nb", "god dag"), ("sr", "добар дан"), ("sr", "dobar dan"), ("el", "καλημέρα σας"))
            for number in range(100)]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "language_id.parquet")
    pq.write_table(pa.table({"lang": ["ro"], "text": ["bună ziua"], "source": ["own"]}), tmp_path / "monolingual.parquet")
    columns = ("text", "lang", "sentiment", "stars", "emotions", "aspects", "dataset", "quality", "split")
    document = dict.fromkeys(columns) | {"text": "dzień dobry", "lang": "pl", "dataset": "x", "quality": 1.0, "split": "train"}
    pq.write_table(pa.Table.from_pylist([document]), tmp_path / "documents.parquet")
    found, held_out = class_texts(DataFolder(tmp_path), random.Random(0))
    assert {"no", "sr", "sr-Cyrl", "el", "el-Latn", "ro", "pl"} <= set(found)
    assert "bună ziua" in found["ro"]
    assert "dzień dobry" in found["pl"]
    assert 0 < len(held_out["no"]) < 20
    assert not set(held_out["no"]) & set(found["no"])


@pytest.mark.usefixtures("lists")
def test_classes_are_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(languages, "COMMON_BITS", 13)
    monkeypatch.setattr(languages, "FINE_BITS", 13)
    monkeypatch.setattr(language_data, "OTHER_PROFILES", ())
    monkeypatch.setattr(languages, "BATCH", 128)
    words = {name: class_words(name) for name in CLASSES}
    rng = random.Random(0)
    texts = {name: [" ".join(rng.choices(words[name], k=6)) for _ in range(30)] for name in CLASSES}
    material, held_out = prepared(texts, rng)
    common, fine = train(material, 60 * 128, seed=1)
    scale = 127 / max(abs(common).max(), abs(fine).max())
    tables = (np.clip(np.rint(table * scale), -127, 127).astype(np.int8) for table in (common, fine))
    scorer = Scorer(*tables, Settings(scale, (1.0,) * LENGTH_CLASSES))
    seen = [rng.sample(words[name], 4) for name in CLASSES]
    guessed = scorer.logits(seen).argmax(1)
    assert np.mean(guessed == np.arange(len(CLASSES))) > 0.9
    settings = fitted(scorer, {name: [[word] for word in words[name]] + held_out[name] for name in CLASSES})
    assert settings.scale == scale
    assert len(settings.temperatures) == LENGTH_CLASSES
    assert settings.temperatures[0] != 1.0
