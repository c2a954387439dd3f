"""Readers: what becomes a column, what becomes a text, and what is kept of rows that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.archive import Unreadable, open_source
from cxsentiment.archive.encoding import _BLOCK
from cxsentiment.errors import InputError


def read(path: Path, **options: Any) -> tuple[list[str | Unreadable], pa.Table]:
    source = open_source(path, **options)
    chunks = list(source.chunks(2))
    texts = [text for chunk in chunks for text in chunk.texts]
    table = pa.concat_tables([chunk.table for chunk in chunks]) if chunks else source.schema.empty_table()
    assert table.schema == source.schema
    assert len(texts) == table.num_rows == source.rows
    return texts, table


def read_bytes(folder: Path, name: str, content: bytes, **options: Any) -> tuple[list[str | Unreadable], pa.Table]:
    path = folder / name
    path.write_bytes(content)
    return read(path, **options)


# ---- CSV and TSV


def test_quoted_cells_hold_anything(tmp_path: Path) -> None:
    texts, table = read_bytes(tmp_path, "a.csv", b'id,text\r\n007,"two\r\nlines, and ""quotes"""\r\n2,\0\xc2\x85\r\n')
    assert texts == ['two\r\nlines, and "quotes"', "\0\x85"]
    assert table["id"].to_pylist() == ["007", "2"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_csv_is_found_in_its_header(tmp_path: Path, delimiter: str) -> None:
    lines = [["id", '"a, b; c"', "text"], ["1", "2", '"x,y;z"']]
    content = "\n".join(delimiter.join(line) for line in lines)
    texts, table = read_bytes(tmp_path, "a.csv", content.encode())
    assert table.column_names == ["id", "a, b; c", "text"]
    assert texts == ["x,y;z"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1253", "iso8859-7"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    texts, table = read_bytes(tmp_path, "a.csv", "σχόλιο,text2\nκακό,1\n".encode(encoding), encoding=encoding)
    assert texts == ["κακό"]
    assert table.column_names == ["σχόλιο", "text2"]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    for name, encoding in (("a.csv", "utf-8"), ("a.csv", "utf-8-sig"), ("b.tsv", "UTF8")):
        assert read_bytes(tmp_path, name, b'\xef\xbb\xbf"text"\nx\n', encoding=encoding)[1].column_names == ["text"]
    assert read_bytes(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"text": "x"}\n')[0] == ["x"]


def test_ragged_rows_keep_their_place_and_lose_nothing(tmp_path: Path) -> None:
    texts, table = read_bytes(tmp_path, "a.csv", b"id,text,when\n1,fine,now\n2\n3,no date\n\n4,x,y,z,\n")
    assert table.to_pydict() == {"id": ["1", "2", "3", "4"], "text": ["fine", None, "no date", "x"], "when": ["now", None, None, "y"]}
    assert texts == [
        "fine",
        Unreadable("no text (null): the row has 1 of 3 cells"),
        "no date",
        Unreadable('too many cells: 5 instead of 3, the surplus is ["z", ""]'),
    ]
    assert texts[3].kind == "too many cells"  # type: ignore[union-attr]


def test_a_blank_line_is_an_empty_text_where_there_is_one_column_only(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, "a.csv", b"text\nx\n\ny\n")[0] == ["x", "", "y"]


def test_a_very_long_cell(tmp_path: Path) -> None:
    text = "word " * 100_000
    assert read_bytes(tmp_path, "a.csv", f"text\n{text}\n".encode())[0] == [text]


def test_tsv_with_and_without_quoting(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, "a.tsv", b'id\ttext\n1\t"two\nlines"\n')[0] == ["two\nlines"]
    assert read_bytes(tmp_path, "a.tsv", b'id\ttext\n1\t"Great" they said\n2\t5" pizza\n3\t"open\n')[0] == [
        '"Great" they said',
        '5" pizza',
        '"open',
    ]


def test_where_a_wrong_byte_is_found_far_into_the_file(tmp_path: Path) -> None:
    row = "ό" * 40 + "\n"
    rows = 3 * _BLOCK // len(row.encode())
    good = ("\ufefftext\n" + row * rows).encode()
    with pytest.raises(InputError, match=f"byte 0xe9 at offset {len(good):,} \\(line {rows + 2:,}\\) is not utf-8"):
        read_bytes(tmp_path, "a.csv", good + b"\xe9t\xe9\n")


def test_utf_16_that_ends_in_the_middle(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not utf-16"):
        read_bytes(tmp_path, "a.csv", "text\nx\n".encode("utf-16") + b"\0", encoding="utf-16")


def test_chunks_are_read_lazily_and_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "x\n" * 1000, encoding="utf-8")
    source = open_source(path)
    first = next(source.chunks(10))
    assert first.table.num_rows == 10
    assert [chunk.table.num_rows for chunk in source.chunks(300)] == [300, 300, 300, 100]


# ---- JSON Lines


def test_columns_are_the_keys_of_all_lines(tmp_path: Path) -> None:
    lines = [{"id": 1, "text": "a"}, {"text": "b", "late": True}, {"id": None, "text": "c", "rate": 0.5}, {"rate": 2}]
    texts, table = read_bytes(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)).encode())
    assert table.schema == pa.schema([("id", pa.int64()), ("text", pa.string()), ("late", pa.bool_()), ("rate", pa.float64())])
    assert table["rate"].to_pylist() == [None, None, 0.5, 2.0]
    assert texts == ["a", "b", "c", Unreadable("no text (null)")]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1, 2.5, None], [1.0, 2.5, None]),
        ([2**62, 1], [2**62, 1]),
        ([2**62, 0.5], ["4611686018427387904", "0.5"]),
        ([2**70], ["1180591620717411303424"]),
        ([1, True], ["1", "true"]),
        ([1, "1", {"α": [None]}], ["1", "1", '{"α": [null]}']),
        ([[1, 2], None], ["[1, 2]", None]),
        ([None, None], [None, None]),
    ],
)
def test_types_of_json_columns(tmp_path: Path, values: list[Any], cells: list[Any]) -> None:
    content = "\n".join(json.dumps({"text": "", "value": value}) for value in values)
    assert read_bytes(tmp_path, "a.jsonl", content.encode())[1]["value"].to_pylist() == cells


def test_lines_that_are_no_objects_keep_their_place(tmp_path: Path) -> None:
    texts, table = read_bytes(tmp_path, "a.jsonl", b'{"text": "a", "id": 1}\n\n{"text": \n"b"\n' + b"[" * 100_000 + b"\n")
    assert texts[:3] == ["a", Unreadable('not JSON: line 3: {"text":'), Unreadable('not a JSON object: line 4: "b"')]
    assert isinstance(texts[3], Unreadable)
    assert table["id"].to_pylist() == [1, None, None, None]


def test_json_cells_that_are_not_text(tmp_path: Path) -> None:
    values = ["", None, 5, 0.5, True, ["a"], {"a": 1}, 2**70, "x" * 100]
    texts, _ = read_bytes(tmp_path, "a.jsonl", "\n".join(json.dumps({"text": value}) for value in values).encode())
    reasons = [text.reason if isinstance(text, Unreadable) else text for text in texts]
    assert reasons[:7] == [
        "",
        "no text (null)",
        "not text: int64 5",
        "not text: double 0.5",
        "not text: boolean true",
        'not text: list ["a"]',
        'not text: object {"a": 1}',
    ]


def test_line_separators_of_unicode_do_not_end_a_json_line(tmp_path: Path) -> None:
    texts, _ = read_bytes(tmp_path, "a.ndjson", '{"text": "a\u2028b\x85c"}\r\n'.encode())
    assert texts == ["a\u2028b\x85c"]


def test_half_a_surrogate_pair_is_replaced(tmp_path: Path) -> None:
    assert read_bytes(tmp_path, "a.jsonl", rb'{"text": "a\ud83d \ud83d\ude00"}')[0] == ["a\ufffd 😀"]


# ---- Parquet


def write_parquet(path: Path, column: pa.Array, **others: pa.Array) -> Path:
    pq.write_table(pa.table({"text": column, **others}), path)
    return path


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_and_types_of_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    stamps = pa.array([1, 2, 3], pa.timestamp("ns", "Europe/Athens"))
    path = write_parquet(tmp_path / "a.parquet", pa.array(["a", None, ""], pa.string()).cast(kind), stamp=stamps)
    texts, table = read(path)
    assert texts == ["a", Unreadable("no text (null)"), ""]
    assert table.equals(pq.read_table(path))


def test_parquet_cells_that_are_not_text(tmp_path: Path) -> None:
    texts, _ = read(write_parquet(tmp_path / "a.parquet", pa.array([5, None])))
    assert texts == [Unreadable("not text: int64 5"), Unreadable("no text (null)")]
    texts, _ = read(write_parquet(tmp_path / "a.parquet", pa.array([["a"], None])))
    assert texts[0].kind == "not text"  # type: ignore[union-attr]
    texts, _ = read(write_parquet(tmp_path / "a.parquet", pa.nulls(2)))
    assert texts == [Unreadable("no text (null)")] * 2


def test_parquet_strings_that_are_not_utf_8(tmp_path: Path) -> None:
    broken = pa.array([b"fine", b"ab\xe1", None]).view(pa.string())
    texts, _ = read(write_parquet(tmp_path / "a.parquet", broken))
    assert texts == [
        "fine",
        Unreadable("broken encoding: byte 0xe1 at offset 2 of the cell is not utf-8"),
        Unreadable("no text (null)"),
    ]


def test_a_parquet_file_that_ends_too_early(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", pa.array(["a"]))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        open_source(path)


# ---- choosing the column


@pytest.mark.parametrize("name", ["Comment", "ΣΧΟΛΙΑ", "σχόλιο", "Treść", "parere", " Review "])
def test_usual_names_are_known_in_any_case_and_without_accents(tmp_path: Path, name: str) -> None:
    assert read_bytes(tmp_path, "a.csv", f"id,{name}\n1,x\n".encode())[0] == ["x"]


def test_many_columns_are_not_all_listed(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(100))
    with pytest.raises(InputError, match="c29 and 70 more"):
        read_bytes(tmp_path, "a.csv", header.encode())
