"""Readers: what becomes a column, what becomes a text, and what is kept of rows that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.archive import Unreadable, chunking, open_source
from cxsentiment.archive.encoding import _BLOCK
from cxsentiment.archive.jsonlines import MOST_NESTED
from cxsentiment.archive.source import ReadingOptions
from cxsentiment.errors import InputError, OptionError


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


def test_the_dialect_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'id:text\n1:"a, b\n')
    assert read(path, options=ReadingOptions(delimiter=":", quoted=False))[0] == ['"a, b']
    path.write_bytes(b'id\ttext\n1\t"a\tb"\n')
    assert read(path, options=ReadingOptions(delimiter="tab"))[0] == ["a\tb"]
    path.write_bytes(b"endtext\n1n2\n")  # letters too
    assert read(path, options=ReadingOptions(delimiter="n", text_columns=("dtext",)))[0] == ["2"]
    for wrong in ("", '"', "\n", "::"):
        with pytest.raises(OptionError, match="cannot be a delimiter"):
            open_source(path, ReadingOptions(delimiter=wrong))


def test_quotes_asked_for_in_a_tsv_must_pair_up(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b'id\ttext\n1\t"open\n')
    assert read(path)[0] == ['"open']
    with pytest.raises(InputError, match="line 2 is never closed"):
        open_source(path, ReadingOptions(quoted=True))


def test_a_line_that_names_the_delimiter_is_no_row(tmp_path: Path) -> None:
    texts, table = read_bytes(tmp_path, "a.csv", b'\xef\xbb\xbfsep=;\r\nid;text\r\n1;x, y, z\r\n2;"\r\n"\r\n')
    assert texts == ["x, y, z", "\r\n"]
    assert table.column_names == ["id", "text"]
    with pytest.raises(InputError, match="row of line 3 is never closed"):
        read_bytes(tmp_path, "a.csv", b'sep=;\nid;text\n1;"\n')


def test_several_text_columns_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"q1,id,q2\ngood,1,bad\nonly\n,3,\n")
    source = open_source(path, ReadingOptions(text_columns=("q2", "q1")))
    assert source.text_columns == ("q2", "q1")
    assert read(path, options=ReadingOptions(text_columns=("q2", "q1")))[0] == ["bad\ngood", "only", "\n"]
    lines = b'{"a": "x", "b": null}\n{"a": 1, "b": "y"}\n{"b": "z"}\n'
    assert read_bytes(tmp_path, "a.jsonl", lines, options=ReadingOptions(text_columns=("a", "b")))[0] == [
        "x",
        Unreadable("not text: int64 1"),
        "z",
    ]


def test_a_surplus_beyond_reason_is_cut(tmp_path: Path) -> None:
    texts, _ = read_bytes(tmp_path, "a.csv", b"id,text\n1,x," + b"y" * 50_000 + b"\n")
    assert isinstance(texts[0], Unreadable)
    assert texts[0].reason.endswith("yyy… (cut, 50,004 letters in all)")
    assert len(texts[0].reason) < 10_200


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
    row = b"o" * 80 + b"\n"
    rows = 3 * _BLOCK // len(row)
    good = b"text\n" + row * rows
    with pytest.raises(InputError, match=f"byte 0xe9 at offset {len(good):,} \\(line {rows + 2:,}\\) is not utf-8"):
        read_bytes(tmp_path, "a.csv", good + b"\xe9t\xe9\n", encoding="utf-8")


def test_rows_with_a_wrong_byte_keep_their_place(tmp_path: Path) -> None:
    content = "id,text\n1,κακό\n2,πολύ \udce1\udcf1\udce3\udcfc\n\udce9,καλό\n4\udce9,x\udce9,y\n".encode(errors="surrogateescape")
    texts, table = read_bytes(tmp_path, "a.csv", content)
    assert texts == [
        "κακό",
        Unreadable("broken encoding: byte 0xe1 at offset 9 of the cell is not utf-8"),
        "καλό",
        Unreadable('too many cells: 3 instead of 2, the surplus is ["y"]'),
    ]
    assert table.to_pydict() == {
        "id": ["1", "2", "\ufffd", "4\ufffd"],
        "text": ["κακό", "πολύ \ufffd\ufffd\ufffd\ufffd", "καλό", "x\ufffd"],
    }


def test_a_wrong_byte_in_the_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"byte 0xe9 at offset 5 \(line 1\) is not utf-8"):
        read_bytes(tmp_path, "a.csv", b"text,\xe9\n" + "κακό\n".encode() * 2)


def test_a_few_bytes_that_are_not_in_the_encoding_given(tmp_path: Path) -> None:
    rows = "καλό\nκακό\n".encode("cp1253")
    texts, _ = read_bytes(tmp_path, "a.csv", b"text\n" + rows + b"\xd2\xff\n", encoding="cp1253")
    assert texts == ["καλό", "κακό", Unreadable("broken encoding: byte 0xd2 at offset 0 of the cell is not cp1253")]
    with pytest.raises(InputError, match=r"byte 0xd2 at offset 5 \(line 2\) is not cp1253"):
        read_bytes(tmp_path, "a.csv", b"text\n\xd2\n\xff\n" + rows[:5], encoding="cp1253")


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


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"a\ud83d \ud83d\ude00", "a\ufffd 😀"),
        (r"\ud83d\ud83d\ude00\uDE00", "\ufffd😀\ufffd"),
        (r"\\ud83d \\\ud83d", r"\ud83d \\"[:-1] + "\ufffd"),
        (r"\u03c0\n\uD83D", "π\n\ufffd"),
    ],
)
def test_half_a_surrogate_pair_is_replaced(tmp_path: Path, escaped: str, text: str) -> None:
    assert read_bytes(tmp_path, "a.jsonl", f'{{"text": "{escaped}"}}'.encode())[0] == [text]


def test_an_escape_that_is_none_is_not_mended(tmp_path: Path) -> None:
    texts, _ = read_bytes(tmp_path, "a.jsonl", b'{"text": "x"}\n' + rb'{"text": "\ud8zz"}')
    assert texts[1] == Unreadable(r'not JSON: line 2: {"text": "\ud8zz"}')


def test_wrong_bytes_in_json_lines(tmp_path: Path) -> None:
    good = '{"text": "κακό", "id": ["α"]}\n'.encode()
    texts, table = read_bytes(
        tmp_path, "a.jsonl", good * 4 + b'{"text": "a\xe9", "id": []}\n{"text": "b", "id": ["\xe9"]}\n{"te\xe9xt": "c"}\n{"\xe9\n'
    )
    assert texts[4:] == [
        Unreadable("broken encoding: byte 0xe9 at offset 1 of the cell is not utf-8"),
        "b",
        Unreadable('broken encoding: a key in line 7: {"te\ufffdxt": "c"}'),
        Unreadable('not JSON: line 8: {"\ufffd'),
    ]
    assert table["text"].to_pylist()[4:] == ["a\ufffd", "b", None, None]
    assert table["id"].to_pylist()[5] == '["\ufffd"]'
    assert table.column_names == ["text", "id"]


@pytest.mark.parametrize(("depth", "is_kept"), [(MOST_NESTED - 1, True), (MOST_NESTED, False), (100_000, False)])
def test_lines_nested_too_deep(tmp_path: Path, depth: int, is_kept: bool) -> None:
    line = '{"text": "\\u03c0", "tags": ' + "[" * depth + "]" * depth + "}\n"
    texts, table = read_bytes(tmp_path, "a.jsonl", b'{"text": "x", "tags": 1}\n' + line.encode())
    assert (texts[1] == "π") is is_kept
    assert (table["tags"].to_pylist()[1] is not None) is is_kept
    if not is_kept:
        assert isinstance(texts[1], Unreadable)
        assert texts[1].kind == "not JSON"


def test_a_broken_line_beyond_reason_is_cut(tmp_path: Path) -> None:
    texts, _ = read_bytes(tmp_path, "a.jsonl", b'{"text": "x"}\n{"text": "' + b"y" * 50_000)
    assert isinstance(texts[1], Unreadable)
    assert texts[1].reason.endswith("yyy… (cut, 50,010 letters in all)")
    assert len(texts[1].reason) < 10_200


def test_a_shown_value_is_cut(tmp_path: Path) -> None:
    texts, _ = read_bytes(tmp_path, "a.jsonl", json.dumps({"text": ["y" * 50_000]}).encode())
    assert isinstance(texts[0], Unreadable)
    assert len(texts[0].reason) < 250


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_so_many_columns_that_chunks_would_fill_the_memory(tmp_path: Path, suffix: str) -> None:
    columns, rows = 10_000, 9_000
    if suffix == ".csv":
        content = ",".join(["text", *(f"c{number}" for number in range(columns))]) + "\nx" * rows
    else:
        content = "".join(json.dumps({"text": "x", f"k{number % columns}": 1}) + "\n" for number in range(rows))
    with pytest.raises(InputError, match=r"columns in 9,000 rows, too many"):
        read_bytes(tmp_path, f"a{suffix}", content.encode())


def test_a_wide_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "CELLS_AT_ONCE", 9)
    content = b"id,text,when\n" + b"1,x,y\n" * 20
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert [chunk.table.num_rows for chunk in open_source(path).chunks(8)] == [8, 8, 4]
    assert read(path)[0] == ["x"] * 20


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


def test_parquet_chunks_do_not_stop_at_row_groups(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [f"t{number}" for number in range(100)]}), tmp_path / "a.parquet", row_group_size=7)
    chunks = list(open_source(tmp_path / "a.parquet").chunks(30))
    assert [chunk.table.num_rows for chunk in chunks] == [30, 30, 30, 10]
    assert chunks[1].texts[0] == "t30"


def test_moments_beyond_the_calendar_are_shown(tmp_path: Path) -> None:
    texts, _ = read(write_parquet(tmp_path / "a.parquet", pa.array([2**60], pa.timestamp("us"))))
    assert isinstance(texts[0], Unreadable)
    assert texts[0].kind == "not text"


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
