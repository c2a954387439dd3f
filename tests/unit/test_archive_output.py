"""Outputs: the final name holds a whole file or none, and each format keeps what it can."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.dataset import dataset

from cxsentiment.archive import Output, Shard, durable, formats, open_output, spreadsheet_safe
from cxsentiment.archive.output import NULL_PARTITION
from cxsentiment.archive.scoring import chosen_schema
from cxsentiment.errors import OptionError, OutputError
from cxsentiment.results import ROW_SCHEMA, error_row, to_arrow

RESULTS = len(ROW_SCHEMA)


def scored(table: pa.Table) -> pa.Table:
    results = to_arrow([error_row("none")] * table.num_rows)
    return pa.Table.from_arrays([*table.columns, *results.columns], schema=chosen_schema(table.schema, ()))


def write_chunk(output: Output, number: int, table: pa.Table) -> list[Shard]:
    output.folder.mkdir(exist_ok=True)
    return output.write(number, scored(table))


def write(path: Path, table: pa.Table, times: int = 1) -> None:
    output = open_output(path, "in.csv")
    shards = [shard for number in range(times) for shard in write_chunk(output, number, table)]
    assert all(map(output.holds, shards))
    output.finish(shards, chosen_schema(table.schema, ()))


def write_and_read_text(path: Path, table: pa.Table) -> list[list[str]]:
    write(path, table)
    with path.open(encoding="utf-8", newline="") as file:
        return [row[:-RESULTS] for row in csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",")][1:]


VARIED = pa.table(
    {
        "whole": pa.array([5, None]),
        "single": pa.array([0.9, float("nan")], pa.float32()),
        "double": pa.array([0.1, float("inf")]),
        "yes": pa.array([True, False]),
        "day": pa.array([date(2026, 5, 1), None]),
        "moment": pa.array([datetime(2026, 5, 1, 12, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        "nano": pa.array([1, None], pa.timestamp("ns")),
        "took": pa.array([1, None], pa.duration("s")),
        "money": pa.array([Decimal("1.50"), None]),
        "raw": pa.array([b"\xff", None]),
        "nested": pa.array([{"a": [0.9], "b": "ł"}, None], pa.struct([("a", pa.list_(pa.float32())), ("b", pa.string())])),
        "choice": pa.array(["x", None]).dictionary_encode(),
        "broken": pa.array([b"ab\xe1", None]).view(pa.string()),
    }
)
PLAIN: dict[str, Any] = {
    "whole": 5,
    "single": 0.9,
    "double": 0.1,
    "yes": True,
    "day": "2026-05-01",
    "moment": "2026-05-01 12:00:00.000000Z",
    "nano": "1970-01-01 00:00:00.000000001",
    "took": "1",
    "money": "1.50",
    "raw": "/w==",
    "nested": {"a": [0.9], "b": "ł"},
    "choice": "x",
    "broken": "ab\ufffd",
}


def test_parquet_keeps_columns_and_types(tmp_path: Path) -> None:
    write(tmp_path / "out.parquet", VARIED, times=2)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.names == [*VARIED.schema.names, *ROW_SCHEMA.names]
    assert table.schema.types == [*VARIED.schema.types, *ROW_SCHEMA.types]
    assert table.num_rows == 4
    assert table.select(VARIED.schema.names).slice(2).drop_columns("single").equals(VARIED.drop_columns("single"))


def test_parquet_gathers_chunks_into_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_ROW_GROUP", 4)
    write(tmp_path / "out.parquet", pa.table({"text": ["a", "b"]}), times=5)
    metadata = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [4, 4, 2]


def test_json_lines_hold_plain_values(tmp_path: Path) -> None:
    write(tmp_path / "out.jsonl", VARIED)
    first, second = map(json.loads, (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert {name: first[name] for name in PLAIN} == PLAIN
    assert [name for name in PLAIN if second[name] is not None] == ["yes"]


def test_csv_holds_json_for_what_is_not_plain(tmp_path: Path) -> None:
    first, second = write_and_read_text(tmp_path / "out.csv", VARIED)
    expected = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in PLAIN.values()]
    assert first == expected
    assert second == ["", "", "", "false", *[""] * 9]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_line_breaks_and_delimiters_are_quoted(tmp_path: Path, suffix: str) -> None:
    cells = ["a\rb", "a\nb", "a\r\nb", 'a,b;c\td"e', "", " ", "\0"]
    assert write_and_read_text(tmp_path / f"out{suffix}", pa.table({"text": cells})) == [[cell] for cell in cells]


@pytest.mark.parametrize("cell", ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-δεν μου άρεσε", "--"])
def test_formulas_are_neutralised(cell: str) -> None:
    assert spreadsheet_safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "-5", "+3,5", "-10 %", "-", "+30 210 123 4567", "ok = fine", "a-b", "'=1", "1.000,00"])
def test_what_is_no_formula_stays(cell: str) -> None:
    assert spreadsheet_safe(cell) == cell


def test_formulas_stay_in_formats_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    table = pa.table({"text": ["=1+1"]})
    assert write_and_read_text(tmp_path / "out.csv", table) == [["'=1+1"]]
    write(tmp_path / "out.jsonl", table)
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["text"] == "=1+1"


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_names_of_columns_are_neutralised_too(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"out{suffix}", pa.table({"=1+1": ["a"], "b": ["c"]}))
    header = (tmp_path / f"out{suffix}").read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("'=1+1")


def test_a_shard_that_was_cut_or_changed_is_not_held(tmp_path: Path) -> None:
    output = open_output(tmp_path / "out", "in.csv")
    (shard,) = write_chunk(output, 0, pa.table({"text": ["a"]}))
    path = tmp_path / "out" / shard.name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert not output.holds(shard)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert not output.holds(shard)
    path.unlink()
    assert not output.holds(shard)
    assert write_chunk(output, 0, pa.table({"text": ["a"]})) == [shard]
    assert path.read_bytes() == whole


def test_partitions_are_folders_and_read_back_as_columns(tmp_path: Path) -> None:
    output = open_output(tmp_path / "out", "in.csv", ["shop", "day"])
    table = pa.table({"shop": ["α/β", None, "α/β", "c d"], "day": [1, 1, 2, None], "text": ["a", "b", "c", "d"]})
    shards = write_chunk(output, 7, table)
    assert sorted(shard.name for shard in shards) == sorted(
        [
            "shop=%CE%B1%2F%CE%B2/day=1/part-000007.parquet",
            f"shop={NULL_PARTITION}/day=1/part-000007.parquet",
            "shop=%CE%B1%2F%CE%B2/day=2/part-000007.parquet",
            f"shop=c%20d/day={NULL_PARTITION}/part-000007.parquet",
        ]
    )
    found = dataset(tmp_path / "out", partitioning="hive").to_table().select(["text", "shop", "day"]).sort_by("text")
    assert found["text"].to_pylist() == ["a", "b", "c", "d"]
    assert [str(value) for value in found["shop"].to_pylist()] == ["α/β", "None", "α/β", "c d"]
    assert found["day"].cast(pa.int64()).to_pylist() == [1, 1, 2, None]


def test_partitions_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="only a dataset can be partitioned"):
        open_output(tmp_path / "out.csv", "in.csv", ["shop"])
    lists = open_output(tmp_path / "out", "in.csv", ["tags"])
    with pytest.raises(OptionError, match="plain values only"):
        write_chunk(lists, 0, pa.table({"tags": [["a"]], "text": ["a"]}))
    many = open_output(tmp_path / "other", "in.csv", ["id"])
    with pytest.raises(OptionError, match="would make 2,000 folders"):
        write_chunk(many, 0, pa.table({"id": range(2000), "text": ["a"] * 2000}))


def test_a_full_disk_is_an_error_of_ours_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = open_output(tmp_path / "out.csv", "in.csv")
    write_chunk(output, 0, pa.table({"text": ["a"]}))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", full)
    with pytest.raises(OutputError, match=r"out\.csv cannot be written: No space left on device; free some space"):
        write_chunk(output, 1, pa.table({"text": ["b"]}))
    with pytest.raises(OutputError, match="No space left"):
        output.finish([], chosen_schema(pa.schema([]), ()))
    assert [path.name for path in output.folder.iterdir()] == ["part-000000.csv"]
    assert not (tmp_path / "out.csv").exists()


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    write(tmp_path / "out.csv", pa.table({"text": ["a"]}))
    (tmp_path / "other").touch()
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write(tmp_path / "link.csv", pa.table({"text": ["a"]}))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").stat().st_size


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "holiday.jpg").touch()
    with pytest.raises(OutputError, match="holds other files"):
        open_output(tmp_path / "out", "in.csv")
    with pytest.raises(OutputError, match="lies in the input folder"):
        open_output(tmp_path / "out" / "scored", str(tmp_path / "out"))
