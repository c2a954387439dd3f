"""`cxsentiment score`: what lands in the file, what is printed, and every input that is refused."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.results import ROW_SCHEMA

Run = Callable[..., Any]
Fails = Callable[..., str]


@pytest.fixture
def comments(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text('id,comment\n1,good app\n2,"κακό\napp"\n3,\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv", "tsv"])
def test_every_row_keeps_its_columns_and_gains_the_results(run: Run, comments: Path, suffix: str) -> None:
    out = comments.with_name(f"out.{suffix}")
    outcome = run("score", comments, "-o", out)
    assert outcome.code == 0
    rows = read(out)
    assert [row["comment"] for row in rows] == ["good app", "κακό\napp", ""]
    assert [row["cx_language"] for row in rows] == ["en", "el", "und"]
    assert list(rows[0]) == ["id", "comment", *ROW_SCHEMA.names]
    touchpoints = rows[1]["cx_touchpoints"]
    assert (json.loads(touchpoints) if isinstance(touchpoints, str) else touchpoints)[0]["text"] == "app"
    assert sorted(path.name for path in comments.parent.iterdir()) == ["in.csv", out.name, f"{out.name}.run.json"]


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()  # type: ignore[no-any-return]
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in file]
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def test_the_summary_tells_languages_touchpoints_and_errors(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "good app"}\n{"text": "bad app"}\n{"text": "app"}\n{"text": null}\n{"text": 5}\n[red]\n', encoding="utf-8")
    outcome = run("score", source, "-o", tmp_path / "out.parquet")
    summary = [line.split() for line in outcome.out.splitlines()]
    assert summary[0][:2] == ["6", "rows"]
    assert ["English", "(en)", "3", "67%", "0%", "33%", "0%"] in summary
    assert ["mobile_app", "channels", "3", "1", "2", "0", "0", "-33"] in summary
    assert ["no", "text", "(null)", "1"] in summary
    assert ["not", "text", "1"] in summary
    assert ["not", "JSON", "1"] in summary
    assert re.search(r"in\.jsonl .* 6/6 rows +[\d,]+ rows/s", outcome.err)


def test_quiet_prints_nothing(run: Run, comments: Path) -> None:
    assert run("score", comments, "-o", comments.with_name("out.csv"), "--quiet") == (0, "", "")


def test_a_header_without_rows_gives_a_scored_file_without_rows(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_text("id,text\n", encoding="utf-8")
    assert run("score", source, "-o", out).code == 0
    table = pq.read_table(out)
    assert table.num_rows == 0
    assert table.schema.names == ["id", "text", *ROW_SCHEMA.names]


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        ("empty.csv", b"", [], "the file is empty"),
        ("empty.tsv", b"\xef\xbb\xbf", [], "the file is empty"),
        ("blank.csv", b"\n \n", [], "the file is empty"),
        ("empty.jsonl", b"\n", [], "the file is empty"),
        ("empty.parquet", b"", [], "the file is empty"),
        ("a.csv", b"id,words\n1,x\n", [], "choose one with --text-column; the columns are: id, words"),
        ("a.csv", b"text,comment\n1,x\n", [], "several columns could hold the text (text, comment)"),
        ("a.csv", b"id,words\n1,x\n", ["--text-column", "text"], "no column 'text'; its columns are: id, words"),
        ("a.xyz", b"text\nx\n", [], "unknown format; known ones are .csv, .tsv, .jsonl, .ndjson, .parquet"),
        (
            "a.csv",
            "text\nκακό\n".encode("cp1253"),
            ["--encoding", "utf-8"],
            "byte 0xea at offset 5 (line 2) is not utf-8; give the file's own encoding with --encoding: cp1253",
        ),
        ("a.jsonl", b'{"text": "\xff"}\n', [], "byte 0xff at offset 10 (line 1) is not utf-8"),
        ("a.csv", b"text\nx\n", ["--encoding", "klingon"], "unknown encoding 'klingon'"),
        ("a.csv", b"text\nx\n", ["--encoding", "base64"], "unknown encoding 'base64'"),
        ("a.csv", b'text\nfine\n"open\nx\ny\n', [], "the quotation mark opened in the row of line 3 is never closed"),
        ("a.csv", b"text,text\nx,y\n", ["--text-column", "text"], "more than one column is named text"),
        ("a.csv", b"text,cx_error\nx,y\n", [], "scored already: it has cx_error"),
        ("a.jsonl", b'[\n{"text": 1},\n]\n', [], "no line of it is a JSON object"),
        ("a.parquet", b"text\nx\n", [], "cannot be read as Parquet"),
        ("a.csv", b"text\nx\n", ["--device", "abacus"], "no device 'abacus'"),
    ],
)
def test_bad_input(fails: Fails, tmp_path: Path, name: str, content: bytes, options: list[str], expected: str) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    assert expected in fails("score", source, "-o", tmp_path / "out.parquet", *options, "--quiet")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_input_that_is_not_there(fails: Fails, tmp_path: Path) -> None:
    assert "does not exist" in fails("score", tmp_path / "in.csv", "-o", tmp_path / "out.parquet")
    assert "there are no files" in fails("score", tmp_path, "-o", tmp_path / "out.parquet")


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("out.xlsx", "the output can be .parquet, .jsonl, .ndjson, .csv, .tsv"),
        ("missing/out.csv", "does not exist; make it first"),
        ("in.csv", "is the input"),
        ("./in.csv", "is the input"),
        ("in.csv/out.csv", "cannot be written to"),
        ("folder.csv", "is a folder"),
        ("link.csv", "is the input"),
    ],
)
def test_bad_output(fails: Fails, comments: Path, out: str, expected: str) -> None:
    before = comments.read_bytes()
    (comments.parent / "folder.csv").mkdir()
    (comments.parent / "link.csv").symlink_to(comments)
    assert expected in fails("score", comments, "-o", f"{comments.parent}/{out}")
    assert comments.read_bytes() == before


def test_an_interruption_leaves_an_older_result_as_it_was(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_text("text\ngood\ninterrupt\n", encoding="utf-8")
    pq.write_table(pa.table({"older": [1]}), out)
    before = out.read_bytes()
    assert run("score", source, "-o", out, "--quiet") == (
        130,
        "",
        "error: interrupted; what is scored is kept, and the same command goes on\n",
    )
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.parquet"]


def test_names_of_files_are_not_read_as_markup(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "[bold]in[/bold].csv", tmp_path / "[red]out[/nonsense].csv"
    source.parent.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("text\ngood\n", encoding="utf-8")
    outcome = run("score", source, "-o", out)
    assert outcome.code == 0
    assert str(out) in outcome.out


def test_profile_says_what_took_how_long_on_standard_error(run: Run, comments: Path) -> None:
    outcome = run("score", comments, "-o", comments.with_name("out.jsonl"), "--profile", "--quiet")
    assert (outcome.code, outcome.out) == (0, "")
    assert (
        "12 texts, 2 of them repeated; 345 tokens in 6 batches of at most 1,024 (0.0% padding), in int8; 1 texts read again" in outcome.err
    )
    assert re.search(r"forward\s+1\.25", outcome.err)
