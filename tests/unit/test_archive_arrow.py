"""Arrow files and streams: whole batches in any chunks, types kept, and nothing believed that points outside of the file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as pf
import pytest

from cxsentiment.archive import Unreadable, open_source
from cxsentiment.errors import InputError

LONG, SHORT = "x" * 1_001, "bad"
OFFSETS = (0, len(LONG), len(LONG) + len(SHORT))
FAR = 2**30


def write(path: Path, table: pa.Table, *, stream: bool = False, rows: int | None = None) -> Path:
    start = pa.ipc.new_stream if stream else pa.ipc.new_file
    with path.open("wb") as file, start(file, table.schema) as writer:
        writer.write_table(table, rows)
    return path


def replace(path: Path, before: tuple[int, ...], after: tuple[int, ...]) -> Path:
    content = path.read_bytes()
    old, new = (struct.pack(f"<{len(numbers)}i", *numbers) for numbers in (before, after))
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    return path


def read(path: Path, size: int = 4) -> tuple[list[str | Unreadable], pa.Table]:
    source = open_source(path)
    chunks = list(source.chunks(size))
    assert all(chunk.table.num_rows == size for chunk in chunks[:-1])
    texts = [text for chunk in chunks for text in chunk.texts]
    table = pa.concat_tables([chunk.table for chunk in chunks]) if chunks else source.schema.empty_table()
    assert source.rows == len(texts) == table.num_rows
    assert table.schema == source.schema
    return texts, table


@pytest.mark.parametrize("name", ["a.arrow", "a.feather", "A.IPC"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_files_and_streams_in_batches_of_any_length(tmp_path: Path, name: str, stream: bool, rows: int) -> None:
    table = pa.table({"id": range(30), "text": [f"t{number}" for number in range(30)], "tags": [[1, 2]] * 30})
    texts, found = read(write(tmp_path / name, table, stream=stream, rows=rows))
    assert texts == table["text"].to_pylist()
    assert found.equals(table)


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_feather(tmp_path: Path, compression: str) -> None:
    table = pa.table({"text": ["good", None], "when": pa.array([1, 2], pa.timestamp("ns", "Europe/Warsaw"))})
    pf.write_feather(table, str(tmp_path / "a.feather"), compression=compression)
    texts, found = read(tmp_path / "a.feather")
    assert texts == ["good", Unreadable("no text (null)")]
    assert found.equals(table)


def test_no_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.arrow", pa.table({"text": pa.array([], pa.string())})))[0] == []


def bad_strings() -> pa.Array:
    return pa.array([b"good", b"ba\xe1", None]).view(pa.string())


@pytest.mark.parametrize(
    "column",
    [bad_strings(), bad_strings().cast(pa.large_string()), bad_strings().dictionary_encode()],
    ids=lambda column: str(column.type),
)
def test_strings_that_are_not_utf_8_concern_their_rows_only(tmp_path: Path, column: pa.Array) -> None:
    nested = pa.StructArray.from_arrays([bad_strings()], ["inside"])
    texts, _ = read(write(tmp_path / "a.arrow", pa.table({"text": column, "nested": nested})))
    assert texts == [
        "good",
        Unreadable("broken encoding: byte 0xe1 at offset 2 of the cell is not utf-8"),
        Unreadable("no text (null)"),
    ]


def strings() -> pa.Array:
    return pa.array([LONG, SHORT])


@pytest.mark.parametrize(
    "column",
    [
        strings(),
        strings().dictionary_encode(),
        pa.StructArray.from_arrays([strings()], ["inside"]),
        pa.ListArray.from_arrays([0, 1, 2], strings()),
        pa.MapArray.from_arrays([0, 1, 2], pa.array([1, 2]), strings()),
        pa.FixedSizeListArray.from_arrays(strings(), 1),
        strings().cast(pa.binary()),
    ],
    ids=lambda column: str(column.type),
)
@pytest.mark.parametrize("stream", [False, True])
def test_offsets_that_point_outside_are_not_followed(tmp_path: Path, column: pa.Array, stream: bool) -> None:
    path = write(tmp_path / "a.arrow", pa.table({"text": ["a", "b"], "other": column}), stream=stream)
    read(path)
    with pytest.raises(InputError, match=r"a\.arrow is damaged: .*out of bounds"):
        open_source(replace(path, OFFSETS, (*OFFSETS[:2], FAR)))


def test_indices_that_point_outside_are_not_followed(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array(["good", "bad"] * 4).dictionary_encode()})
    path = replace(write(tmp_path / "a.arrow", table), (0, 1) * 4, (*(0, 1) * 3, 0, FAR))
    with pytest.raises(InputError, match=r"is damaged: .*out of bounds"):
        open_source(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"id,text\n", "cannot be read as Arrow: it does not begin like"),
        (b"ARROW1\0\0ARROW1", "cannot be read as Arrow"),
        (b"FEA1" + bytes(100), "Feather of the first version"),
        (b"\xff\xff\xff\xff" + bytes(4), "cannot be read as Arrow"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(100), "cannot be read as Arrow"),
    ],
)
def test_what_is_no_arrow(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(InputError, match=message):
        open_source(tmp_path / "a.arrow")


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_that_ends_too_early(tmp_path: Path, stream: bool) -> None:
    table: Any = pa.table({"text": ["good"] * 5_000})
    path = write(tmp_path / "a.arrow", table, stream=stream, rows=1_000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.arrow (is damaged|cannot be read as Arrow)"):
        open_source(path)
