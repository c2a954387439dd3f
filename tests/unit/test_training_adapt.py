import json
import random
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from cxsentiment import Analyzer, InputError, OutputError
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.heads import softmax
from cxsentiment.results import SENTIMENTS
from cxsentiment.training import adapt, loop
from cxsentiment.training.adapt import adapt_command, best_mixture, calibrated_logits, mixed, recalibrated
from cxsentiment.training.corpus import Document
from cxsentiment.training.labelled import LabelledFile, parse_emotions, parse_sentiment, read_labelled, split_of
from cxsentiment.training.labels import Scheme
from cxsentiment.training.measure import calibration_error, raw_scores
from cxsentiment.weights import load_arrays, read_manifest, verify
from tests.conftest import write_tiny_model

MEANING = {"rude": "negative", "courier": "neutral", "prices": "positive"}
EMOTION = {"negative": "anger, frustration", "neutral": "-", "positive": "Joy"}
FILLERS = ("phone", "girl", "waiting", "time", "back", "come", "day", "on", "the", "will")


def own_rows(count: int) -> list[tuple[str, str, str]]:
    """Distinct texts of which one word decides the sentiment."""
    rng = random.Random(5)
    rows = {}
    while len(rows) < count:
        word = rng.choice(list(MEANING))
        words = [*rng.choices(FILLERS, k=4), word]
        rng.shuffle(words)
        rows[" ".join(words)] = MEANING[word]
    return [(text, label, EMOTION[label]) for text, label in rows.items()]


def write_csv(path: Path, rows: list[tuple[str, ...]], header: str = "text;sentiment;emotions") -> Path:
    lines = [header, *(";".join(f'"{cell}"' for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class Run:
    file: Path
    work: Path
    rows: list[tuple[str, str, str]]
    printed: str


@pytest.fixture(scope="module", autouse=True)
def large_steps() -> Iterator[None]:
    """A tiny random network needs more and larger steps than a trained one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapt, "EPOCHS", 16)
        patch.setattr(adapt, "RATE", 20.0)
        yield


@pytest.fixture(scope="module")
def adapted(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("adapted")
    rows = own_rows(200)
    file = write_csv(folder / "mine.csv", rows)
    with redirect_stdout(StringIO()) as printed:
        adapt_command(LabelledFile(file), str(tiny_model), folder / "run", None)
    return Run(file, folder / "run", rows, printed.getvalue())


def right_share(model: Path, rows: list[tuple[str, str, str]]) -> float:
    analyses = Analyzer.from_pretrained(model, device="cpu")([text for text, *_ in rows])
    return float(np.mean([analysis.sentiment.label == label for analysis, (_, label, _) in zip(analyses, rows, strict=True)]))


def test_a_rule_in_two_hundred_rows_is_learnt_and_the_table_tells_the_truth(adapted: Run, tiny_model: Path) -> None:
    test = [row for row in adapted.rows if split_of(row[0]) == "test"]
    start, after = right_share(tiny_model, test), right_share(adapted.work / "model", test)
    assert after > max(0.8, start + 0.3)
    assert f"| sentiment | {len(test)} | {start:.3f} | {after:.3f} |" in adapted.printed
    assert "| sentiment among negative, neutral, positive |" in adapted.printed
    emotions = re.search(rf"\| emotions \| {len(test)} \| (\S+) \| (\S+) \|", adapted.printed)
    assert emotions is not None
    assert float(emotions[2]) > float(emotions[1]) + 0.3
    sizes = {name: sum(split_of(text) == name for text, *_ in adapted.rows) for name in ("train", "tune", "test")}
    assert f"200 labelled rows: {sizes['train']} train, {sizes['tune']} tune, {sizes['test']} test" in adapted.printed


def test_only_encoder_and_heads_are_changed(adapted: Run, tiny_model: Path) -> None:
    manifest = read_manifest(adapted.work / "model")
    verify(manifest)
    before, after = load_arrays(read_manifest(tiny_model)), load_arrays(manifest)
    assert before.keys() == after.keys()
    changed = {name.split(".")[0] for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"encoder", "heads"}
    assert manifest.calibration.emotions == read_manifest(tiny_model).calibration.emotions


def test_the_model_says_where_it_comes_from_and_keeps_no_text(adapted: Run) -> None:
    manifest = read_manifest(adapted.work / "model")
    assert (manifest.name, manifest.version) == ("mine", "1")
    assert "model tiny 0 and adapted" in manifest.card
    assert "200 labelled comments" in manifest.card
    assert "Comments by detected language: en " in manifest.card
    assert next(line for line in adapted.printed.splitlines() if line.startswith("| sentiment |")) in manifest.card
    held = b"".join(path.read_bytes() for path in adapted.work.rglob("*") if path.is_file())
    assert not any(text.encode() in held for text, *_ in adapted.rows)


def test_the_mixture_that_does_better_on_the_tune_rows_is_taken(adapted: Run) -> None:
    rows, start = read_labelled(LabelledFile(adapted.file)), read_manifest(adapted.work / "model")
    good = {name: torch.from_numpy(array) for name, array in load_arrays(start).items()}
    bad = {name: torch.randn_like(value) for name, value in good.items()}
    assert best_mixture(rows, start, (good, bad)) == 0.0
    assert best_mixture(rows, start, (mixed(good, bad, 1.0), good)) == 1.0


class KilledError(Exception):
    pass


def counted(monkeypatch: pytest.MonkeyPatch, kill_at: int | None) -> list[int]:
    """Counts the batches that are learnt; the one numbered `kill_at` ends the run."""
    sizes: list[int] = []
    genuine = adapt.deep_loss

    def deep_loss(*given: object) -> torch.Tensor:
        sizes.append(len(given[1]))  # type: ignore[arg-type]
        if len(sizes) == kill_at:
            raise KilledError
        return genuine(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(adapt, "deep_loss", deep_loss)
    return sizes


def test_a_killed_run_goes_on_and_a_finished_one_is_kept_until_the_rows_change(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    rows = own_rows(60)
    file = write_csv(tmp_path / "mine.csv", rows)

    def run(out: str, kill_at: int | None = None) -> int:
        with monkeypatch.context() as patch:
            sizes = counted(patch, kill_at)
            try:
                adapt_command(LabelledFile(file), str(tiny_model), tmp_path / out, None)
            except KilledError:
                return len(sizes) - 1
            return len(sizes)

    whole = run("undisturbed")
    assert whole > 4
    assert run("killed", kill_at=4) == 3
    assert not (tmp_path / "killed" / "model" / "manifest.json").exists()
    assert run("killed") == whole - 3
    first = load_arrays(read_manifest(tmp_path / "killed" / "model"))
    assert run("killed") == 0
    again = load_arrays(read_manifest(tmp_path / "killed" / "model"))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    text, label, _ = next(row for row in rows if split_of(row[0]) == "train")
    corrected = "neutral" if label == "positive" else "positive"
    write_csv(file, [(text, corrected, "") if row[0] == text else row for row in rows])
    assert run("killed") > 0


def test_a_model_made_in_another_way_is_not_overwritten(tiny_model: Path, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "mine.csv", own_rows(30))
    other = write_tiny_model(tmp_path / "run" / "model")
    before = (other / "manifest.json").read_bytes()
    for start, said in ((tiny_model, "another way"), (other, "the model to start from")):
        with pytest.raises(InputError, match=said):
            adapt_command(LabelledFile(file), str(start), tmp_path / "run", None)
    with pytest.raises(OutputError, match="cannot be made"):
        adapt_command(LabelledFile(file), str(tiny_model), file, None)
    assert (other / "manifest.json").read_bytes() == before


def test_equal_texts_come_to_one_split_and_about_a_tenth_each_is_kept() -> None:
    names = [split_of(f"comment {number}") for number in range(2000)]
    assert names == [split_of(f"comment {number}") for number in range(2000)]
    for name, share in (("train", 0.8), ("tune", 0.1), ("test", 0.1)):
        assert names.count(name) / 2000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (None, None),
        ("  ", None),
        ("-", ()),
        ("[]", ()),
        ([], ()),
        (" Joy", ("joy",)),
        ("anger,joy; trust|fear", ("joy", "trust", "anger", "fear")),
        ("joy anger", ("joy", "anger")),
        ('["joy", "HATE "]', ("joy", "hate")),
        (["hate", "hate"], ("hate",)),
    ],
)
def test_emotions_are_read_in_every_spelling(cell: object, found: tuple[str, ...] | None) -> None:
    assert parse_emotions(cell) == found


def test_sentiments_are_read_whatever_their_case_and_space() -> None:
    assert [parse_sentiment(cell) for cell in ("POSITIVE ", "\tmixed", "", None)] == ["positive", "mixed", None, None]


GOOD = [*own_rows(30)]


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        (GOOD, "text;label;emotions", r"no column 'sentiment'; its columns are: text, label, emotions"),
        (GOOD, "opinion_text;sentiment;emotions", r"columns are: opinion_text, sentiment, emotions"),
        ([*GOOD[:4], ("fine", "good", "")], "text;sentiment;emotions", r"row 5: unknown sentiment 'good'; allowed are negative, neutral,"),
        ([*GOOD[:2], ("fine", "", "joy rage")], "text;sentiment;emotions", r"row 3: unknown emotion 'rage'; allowed are joy, satis"),
        ([("fine", "", "[joy]")], "text;sentiment;emotions", r"row 1: the emotions '\[joy\]' are not a JSON list"),
        ([("fine", "", "")] * 30, "text;sentiment;emotions", r"no labelled rows: 30 have no label, 0 no usable text"),
        ([("fine", "", "-")] * 30, "text;sentiment;emotions", r"no labelled rows: 30 have no label"),
        ([(" ", "mixed", "")] * 30, "text;sentiment;emotions", r"no labelled rows: 0 have no label, 30 no usable text"),
        (GOOD[:19], "text;sentiment;emotions", r"19 labelled rows; at least 20"),
        ([(text, "positive", "") for text, *_ in GOOD], "text;sentiment;emotions", r"every sentiment is positive"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path, rows: list[tuple[str, ...]], header: str, said: str) -> None:
    file = write_csv(tmp_path / "mine.csv", rows, header)
    with pytest.raises(InputError, match=said):
        read_labelled(LabelledFile(file))


def test_a_missing_emotions_column_matters_only_when_it_was_asked_for(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "mine.csv", [row[:2] for row in GOOD], "Σχόλιο;Sentiment")
    rows = read_labelled(LabelledFile(file))
    assert all(document.emotions is None for document in rows.documents)
    assert rows.scheme.emotions == ()
    with pytest.raises(InputError, match=r"no column 'feelings'.*--emotions-column"):
        read_labelled(LabelledFile(file, emotions_column="feelings"))


def test_rows_without_usable_text_or_label_are_counted_not_fatal(tmp_path: Path) -> None:
    rows = [*GOOD, ("", "no such label", ""), ("fine", "", ""), (" <br> ", "mixed", "")]
    read = read_labelled(LabelledFile(write_csv(tmp_path / "mine.csv", rows)))
    assert (len(read.documents), read.unlabelled, dict(read.unusable)) == (30, 1, {"empty text": 2})
    assert read.summary().endswith("1 without a label; 2 without usable text: empty text")


def test_other_formats_give_the_same_rows(tmp_path: Path) -> None:
    expected = read_labelled(LabelledFile(write_csv(tmp_path / "mine.csv", GOOD)))
    cells = [{"text": text, "sentiment": label, "emotions": list(parse_emotions(emotions) or ())} for text, label, emotions in GOOD]
    pq.write_table(pa.Table.from_pylist(cells), tmp_path / "mine.parquet")
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, cells)), encoding="utf-8")
    for name in ("mine.parquet", "mine.jsonl"):
        assert read_labelled(LabelledFile(tmp_path / name)).documents == expected.documents


def overconfident(tiny_model: Path, count: int) -> tuple[object, np.ndarray]:
    """Rows whose deep logits are right in most cases, and always far too sure."""
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 3, count)
    documents = [
        Document(text, "en", "yours", SENTIMENTS[g], None, None, (), 1.0) for (text, *_), g in zip(own_rows(count), gold, strict=True)
    ]
    runtime, tokeniser = load_runtime(read_manifest(tiny_model), "cpu", "float32", 4096)
    measured = raw_scores(runtime, tokeniser, documents)
    logits = rng.normal(size=(count, 4)).astype(np.float32) * 12
    logits[np.arange(count), gold] += 12
    return replace(measured, raw=replace(measured.raw, sentiment=logits)), gold


def test_calibration_is_fitted_again_only_on_enough_rows_and_only_for_sentiment(tiny_model: Path) -> None:
    start, scheme = read_manifest(tiny_model).calibration, Scheme(("negative", "neutral", "positive"))
    few, _ = overconfident(tiny_model, 49)
    assert recalibrated(start, few, scheme) is start
    many, gold = overconfident(tiny_model, 300)
    fitted = recalibrated(start, many, scheme)
    assert replace(fitted, sentiment=start.sentiment) == start
    assert fitted.sentiment.bias[SENTIMENTS.index("mixed")] == pytest.approx(0.0, abs=1e-4)

    def error(calibration: object) -> float:
        probabilities = softmax(calibrated_logits(many, calibration)[0][:, :3])
        return calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == gold)

    assert error(fitted) < 0.5 * error(start)
