"""`cxsentiment score`: which rows and columns, going on, trying first."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.cli import conftest

Run = Callable[..., Any]
Fails = Callable[..., str]


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text("id,text,more\n" + "".join(f"{number},good {number},bad\n" for number in range(10)), encoding="utf-8")
    return path


def ids(out: Path) -> list[str]:
    return pq.read_table(out)["id"].to_pylist()  # type: ignore[no-any-return]


def test_a_dataset_is_a_folder_of_parquet(run: Run, ten: Path) -> None:
    out = ten.with_name("scored")
    assert run("score", ten, "-o", out, "--chunk-rows", 4).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["_cxsentiment", *(f"part-{number:06}.parquet" for number in range(3))]
    assert ids(out) == list(map(str, range(10)))
    report = json.loads((out / "_cxsentiment" / "run.json").read_text(encoding="utf-8"))
    assert (report["rows"], report["chunks"], report["fingerprint"]["precision"]) == (10, 3, "int8")


def test_partitions_and_columns(run: Run, ten: Path) -> None:
    out = ten.with_name("scored")
    options = ["--partition-by", "cx_sentiment", "--columns", "id,cx_sentiment", "--columns", "cx_polarity"]
    assert run("score", ten, "-o", out, *options).code == 0
    (shard,) = out.glob("*/*.parquet")
    assert shard.parent.name == "cx_sentiment=positive"
    assert pq.read_table(shard, partitioning=None).column_names == ["id", "cx_polarity"]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(run: Run, ten: Path) -> None:
    outcome = run("score", ten, "-o", ten.with_name("scored"), "--dry-run", "--chunk-rows", 4)
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["rows", "10", "in", "3", "chunks"] in lines
    assert ["text", "columns", '["text"]'] in lines
    assert "nothing was written" in outcome.out
    assert [path.name for path in ten.parent.iterdir()] == ["in.csv"]


def test_a_dry_run_knows_what_is_done(run: Run, ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = ten.with_name("scored")
    with monkeypatch.context() as patch:
        interrupt_at(patch, "good 9")
        assert run("score", ten, "-o", out, "--chunk-rows", 1, "--quiet").code == 130
    assert re.search("rows +10, [5-9] of 10 chunks are done already", run("score", ten, "-o", out, "--chunk-rows", 1, "--dry-run").out)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    def analysis_of(text: str) -> Any:
        if text == word:
            raise KeyboardInterrupt
        return before(text)

    before = conftest.analysis_of
    monkeypatch.setattr(conftest, "analysis_of", analysis_of)


def test_an_interrupted_run_goes_on(run: Run, ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = ten.with_name("scored.csv")
    with monkeypatch.context() as patch:
        interrupt_at(patch, "good 9")
        outcome = run("score", ten, "-o", out, "--chunk-rows", 1, "--quiet")
    assert outcome == (130, "", "error: interrupted; what is scored is kept, and the same command goes on\n")
    assert not out.exists()
    outcome = run("score", ten, "-o", out, "--chunk-rows", 1)
    assert outcome.code == 0
    assert re.match("10 rows, [5-9] of them scored before", outcome.out)
    assert sorted(path.name for path in ten.parent.iterdir()) == ["in.csv", "scored.csv", "scored.csv.run.json"]


def test_first_rows_and_samples(run: Run, ten: Path) -> None:
    assert run("score", ten, "-o", ten.with_name("first"), "--limit", 3).code == 0
    assert ids(ten.with_name("first")) == ["0", "1", "2"]
    drawn = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert run("score", ten, "-o", ten.with_name(name), "--sample", 4, "--seed", seed, "--chunk-rows", 3).code == 0
        drawn.append(ids(ten.with_name(name)))
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(some)) == 4 and some == sorted(some) for some in drawn)
    assert run("score", ten, "-o", ten.with_name("share"), "--sample", 0.5, "--limit", 4).code == 0
    assert len(ids(ten.with_name("share"))) == 2


def test_several_text_columns_are_one_text(run: Run, ten: Path) -> None:
    out = ten.with_name("scored")
    assert run("score", ten, "-o", out, "--text-column", "more", "--text-column", "text", "--limit", 1).code == 0
    assert run("score", ten, "-o", ten.with_name("one"), "--text-column", "more", "--limit", 1).code == 0
    assert pq.read_table(out)["cx_sentiment"].to_pylist() == ["positive"]
    assert pq.read_table(ten.with_name("one"))["cx_sentiment"].to_pylist() == ["negative"]


def test_too_many_errors(fails: Fails, run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": null}\n{"text": 1}\n{"text": "good"}\n', encoding="utf-8")
    message = fails("score", source, "-o", tmp_path / "out", "--max-errors", 1, "--quiet")
    assert "2 rows with errors, more than 1" in message
    assert run("score", source, "-o", tmp_path / "out", "--max-errors", 2).code == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--limit", "0"], "a limit is at least one row"),
        (["--sample", "0"], "a share of them between 0 and 1"),
        (["--sample", "1.5"], "a share of them between 0 and 1"),
        (["--chunk-rows", "0"], "a chunk has at least one row"),
        (["--columns", "mood"], "there is no column 'mood' to write"),
        (["--engine", "steam"], "there is no engine 'steam'; choose from local, ray"),
        (["--workers", "3"], "--workers is for --engine ray"),
        (["--sql", "SELECT 1"], "give either a file, folder or URL to score, or --sql"),
        (["--db", "sqlite://"], "--sql and --db go together"),
        (["--partition-by", "mood"], "there is no column 'mood' to partition by"),
    ],
)
def test_options_that_make_no_sense(fails: Fails, ten: Path, options: list[str], expected: str) -> None:
    assert expected in fails("score", ten, "-o", ten.with_name("out"), *options)
    assert [path.name for path in ten.parent.iterdir()] == ["in.csv"]


def test_an_output_must_be_named(fails: Fails, ten: Path) -> None:
    assert "say where the scored rows go: -o FOLDER" in fails("score", ten)
    assert "give either a file" in fails("score", "-o", "out")


def test_errors_are_one_short_line_without_terminal_codes(fails: Fails, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"id,\x1b[31mred\x07,{'n' * 100_000}\n1,2,3\n", encoding="utf-8")
    message = fails("score", source, "-o", tmp_path / "out")
    assert "\x1b" not in message
    assert "\x07" not in message
    assert len(message) < 2100


@pytest.mark.parametrize(("order", "warned"), [("", True), (" ORDER BY id", False)])
def test_a_query_without_order_is_warned_of(run: Run, tmp_path: Path, order: str, warned: bool) -> None:
    with closing(sqlite3.connect(tmp_path / "in.db")) as connection, connection:
        connection.executescript("CREATE TABLE reviews (id, text); INSERT INTO reviews VALUES (1, 'good')")
    given = ("score", "--sql", f"SELECT * FROM reviews{order}", "--db", f"sqlite:///{tmp_path / 'in.db'}", "-o", tmp_path / "out")
    done = run(*given)
    assert done.code == 0
    assert ("warning: the query has no ORDER BY" in " ".join(done.err.split())) == warned
    assert "warning" not in run(*given, "--quiet", "--restart").err
