"""Folders and patterns: all files as one archive, in the order of their paths, if their columns agree."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pytest

from cxsentiment.archive import Source, Unreadable, open_source
from cxsentiment.archive.listing import paths_within
from cxsentiment.archive.location import Location
from cxsentiment.archive.source import ReadingOptions
from cxsentiment.archive.unifying import unify
from cxsentiment.errors import InputError


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/", recursive=True)


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def rows(source: Source, size: int = 3) -> list[dict[str, Any]]:
    chunks = list(source.chunks(size))
    assert [chunk.table.num_rows for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)
    assert all(chunk.table.schema == source.schema for chunk in chunks)
    found = [row for chunk in chunks for row in chunk.table.to_pylist()]
    assert len(found) == source.rows == sum(len(chunk.texts) for chunk in chunks)
    return found


def texts(source: Source, size: int = 3) -> list[str | Unreadable]:
    return [text for chunk in source.chunks(size) for text in chunk.texts]


def csv(*cells: str, header: str = "id,text") -> bytes:
    return "\n".join([header, *cells]).encode()


def lines(*values: dict[str, Any]) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def test_all_files_below_a_folder_in_the_order_of_their_paths(tmp_path: Path) -> None:
    fill(
        tmp_path,
        b_csv=csv("2,two", "3,three"),
        a__z_csv_gz=gzip.compress(csv("0,zero", "1,one")),
        c_tsv=csv("four\t4", header="text\tid"),
        d_csv=csv(),
    )
    source = open_source(tmp_path)
    assert source.name == str(tmp_path)
    assert source.text_columns == ("text",)
    assert [row["id"] for row in rows(source)] == ["0", "1", "2", "3", "4"]
    assert texts(source) == ["zero", "one", "two", "three", "four"]
    assert texts(source, 100) == texts(source)


def test_hidden_files_and_those_of_programs_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, a_csv=csv("1,x"))
    for name in (".hidden.csv", "_SUCCESS", "_metadata.parquet", ".git/config", "_temporary/part.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"nothing")
    assert open_source(tmp_path).rows == 1


def test_patterns(tmp_path: Path) -> None:
    fill(tmp_path, a1_csv=csv("1,x"), a2_csv=csv("2,y"), b_csv=csv("3,z"), c_txt=b"notes", d__a3_csv=csv("4,w"))
    assert texts(open_source(f"{tmp_path}/a*.csv")) == ["x", "y"]
    assert texts(open_source(tmp_path / "a[12].csv")) == ["x", "y"]
    assert texts(open_source(f"{tmp_path}/**/a*.csv")) == ["x", "y", "w"]
    assert texts(open_source(f"{tmp_path}/[bd]*")) == ["z", "w"]
    with pytest.raises(InputError, match=r"x\*\.csv: there are no files"):
        open_source(f"{tmp_path}/x*.csv")


def test_a_file_may_be_named_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "a[1]*.csv").write_bytes(csv("1,x"))
    assert open_source(tmp_path / "a[1]*.csv").rows == 1


def test_folders_behind_urls(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/bucket/2024/a.csv", csv("1,x"))
    memory.pipe("/bucket/2024/05/b.csv", csv("2,y"))
    memory.pipe("/bucket/2024/_done/c.csv", csv("3,z"))
    assert sorted(map(str, texts(open_source("memory://bucket/2024")))) == ["x", "y"]
    assert texts(open_source("memory://bucket/*/a.csv")) == ["x"]
    assert set(open_source("memory://bucket/2024").identity) == {"files", "sha256"}


def test_what_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, a_csv=csv("1,x"), photo_png=b"\x89PNG")
    with pytest.raises(InputError, match=r"photo\.png has an unknown format"):
        open_source(tmp_path)
    (tmp_path / "photo.png").rename(tmp_path / "b.csv")
    with pytest.raises(InputError, match=r"b\.csv is|b\.csv: "):
        open_source(tmp_path)


def test_folders_without_files_and_in_circles(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    with pytest.raises(InputError, match="there are no files"):
        open_source(tmp_path / "empty")
    (tmp_path / "empty" / "deeper" / "up").symlink_to(tmp_path / "empty", target_is_directory=True)
    with pytest.raises(InputError, match="up is a link to a folder that it lies in"):
        open_source(tmp_path / "empty")


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    fill(tmp_path, there__a_csv=csv("1,x"))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "linked").symlink_to(tmp_path / "there", target_is_directory=True)
    assert open_source(tmp_path / "here").rows == 1


# ---- columns


def test_columns_are_those_of_the_first_file_in_its_order(tmp_path: Path) -> None:
    fill(tmp_path, a_csv=csv("1,x"), b_csv=csv("y,2", header="text,id"))
    source = open_source(tmp_path)
    assert source.schema.names == ["id", "text"]
    assert rows(source) == [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}]


def test_other_columns_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, a_csv=csv("1,x"), b_csv=csv("1,x,y", header="id,text,when"))
    with pytest.raises(InputError, match=r"b\.csv has other columns than .*a\.csv: it has when; score"):
        open_source(tmp_path)
    fill(tmp_path, b_csv=csv("x", header="text"))
    with pytest.raises(InputError, match=r"b\.csv has other columns than .*a\.csv: it lacks id; score"):
        open_source(tmp_path)


def test_the_text_column_must_be_in_all_files(tmp_path: Path) -> None:
    fill(tmp_path, a_csv=csv("1,x", header="id,q1"), b_csv=csv("1,x", header="id,q2"))
    with pytest.raises(InputError, match=r"b\.csv has no column 'q1'"):
        open_source(tmp_path, ReadingOptions(text_columns=("q1",)))


def test_other_types_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1], "text": ["x"]}), tmp_path / "a.parquet")
    fill(tmp_path, b_csv=csv("2,y"))
    with pytest.raises(InputError, match=r"b\.csv: the column 'id' is string there and int64 in .*a\.parquet"):
        open_source(tmp_path)


def test_files_of_several_formats_and_types(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([1], pa.int16()), "text": pa.array(["x"]).dictionary_encode()}), tmp_path / "a.parquet")
    pf.write_feather(pa.table({"id": pa.nulls(2), "text": pa.array(["y", None], pa.large_string())}), str(tmp_path / "b.feather"))
    fill(tmp_path, c_jsonl=lines({"id": 3_000_000_000, "text": "z"}))
    source = open_source(tmp_path)
    assert source.schema == pa.schema([("id", pa.int64()), ("text", pa.large_string())])
    assert [row["id"] for row in rows(source)] == [1, None, None, 3_000_000_000]
    assert texts(source) == ["x", "y", Unreadable("no text (null)"), "z"]


def test_json_lines_have_the_types_that_they_would_have_in_one_file(tmp_path: Path) -> None:
    fill(
        tmp_path,
        a_jsonl=lines({"text": "x", "rate": 1, "code": 2**60, "tag": None}),
        b_jsonl=lines({"text": "y", "rate": 0.5, "code": "c", "tag": [1]}),
    )
    source = open_source(tmp_path)
    assert rows(source) == [
        {"text": "x", "rate": 1.0, "code": str(2**60), "tag": None},
        {"text": "y", "rate": 0.5, "code": "c", "tag": "[1]"},
    ]
    assert source.schema.field("tag").metadata == {b"cxsentiment": b"json"}


@pytest.mark.parametrize(
    ("types", "unified"),
    [
        ((pa.int8(), pa.int64()), pa.int64()),
        ((pa.uint8(), pa.uint32()), pa.uint32()),
        ((pa.uint32(), pa.int8()), pa.int64()),
        ((pa.int32(), pa.float32()), pa.float64()),
        ((pa.float32(), pa.float64()), pa.float64()),
        ((pa.null(), pa.list_(pa.int8())), pa.list_(pa.int8())),
        ((pa.string_view(), pa.string()), pa.large_string()),
        ((pa.dictionary(pa.int8(), pa.string()), pa.string(), pa.null()), pa.string()),
        ((pa.uint64(), pa.int8()), None),
        ((pa.int64(), pa.float64()), None),
        ((pa.string(), pa.binary()), None),
        ((pa.timestamp("s"), pa.timestamp("ns")), None),
        ((pa.bool_(), pa.int8()), None),
    ],
)
def test_types_that_lose_nothing(types: Sequence[pa.DataType], unified: pa.DataType | None) -> None:
    for order in (types, types[::-1]):
        schemas = {f"{number}.parquet": pa.schema([("x", kind)]) for number, kind in enumerate(order)}
        if unified is None:
            with pytest.raises(InputError, match=r"1\.parquet: the column 'x' is .* there and .* in 0\.parquet"):
                unify(schemas)
        else:
            assert unify(schemas) == pa.schema([("x", unified)])


# ---- identity and encodings


def test_the_identity_is_that_of_all_files_and_their_names(tmp_path: Path) -> None:
    first, other = fill(tmp_path / "1", a_csv=csv("1,x"), b_csv=csv("2,y")), fill(tmp_path / "2", a_csv=csv("1,x"), b_csv=csv("2,y"))
    identity = open_source(first).identity
    assert identity["files"] == "2"
    assert open_source(other).identity == identity
    (other / "b.csv").rename(other / "c.csv")
    renamed = open_source(other).identity
    fill(first, b_csv=csv("2,z"))
    assert len({str(found) for found in (identity, renamed, open_source(first).identity)}) == 3


def test_each_file_may_have_its_own_encoding(tmp_path: Path) -> None:
    greek = "Δεν αξίζει τα λεφτά του"
    fill(tmp_path, a_csv=csv(f"1,{greek}"), b_csv=csv(f"2,{greek}").decode().encode("cp1253"))
    source = open_source(tmp_path)
    assert texts(source) == [greek] * 2
    assert source.encoding == "cp1253, utf-8"  # type: ignore[attr-defined]


def test_paths_within_what_is_common() -> None:
    def within(*addresses: str) -> tuple[str, ...]:
        return paths_within([Location(address) for address in addresses])

    assert within("/a/b/c.csv") == ("c.csv",)
    assert within("/a/b/c.csv", "/a/bb/c.csv") == ("b/c.csv", "bb/c.csv")
    assert within("s3://x/c.csv", "s3://x/y/c.csv") == ("c.csv", "y/c.csv")
