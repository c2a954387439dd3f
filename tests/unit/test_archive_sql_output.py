"""Results in a table, on SQLite: each chunk is there once and whole, whatever happens while it is written."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxsentiment.archive import database
from cxsentiment.archive.database import Database
from cxsentiment.archive.output import Output, Shard
from cxsentiment.archive.sql_output import SqlOutput, open_sql_output
from cxsentiment.errors import OutputError

sqlalchemy = pytest.importorskip("sqlalchemy")

ROWS = pa.table({"id": [1, 2], "text": ["Καλό", "złe"], "cx_emotions": [["joy"], []]})
MORE = pa.table({"id": [3], "text": ["bun"], "cx_emotions": pa.array([None], pa.list_(pa.string()))})


def opened(folder: Path, table: str = "scores", run: str = "may", id_column: str = "id", schema: pa.Schema = ROWS.schema) -> SqlOutput:
    output = open_sql_output(f"sqlite:///{folder}/scores.db", table, run, id_column, folder / "state")
    output.check(schema)
    return output


def stored(folder: Path, query: str = "SELECT * FROM scores ORDER BY cx_run, id") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "scores.db")) as connection:
        return connection.execute(query).fetchall()


def write(output: SqlOutput, *chunks: pa.Table) -> list[Shard]:
    return [shard for number, rows in enumerate(chunks) for shard in output.write(number, rows)]


def test_rows_stand_in_a_table_that_was_not_there(tmp_path: Path) -> None:
    output: Output = opened(tmp_path)
    assert not (tmp_path / "scores.db").exists()
    shards = [*output.write(0, ROWS), *output.write(1, MORE)]
    output.finish(shards, ROWS.schema)
    assert stored(tmp_path) == [
        ("may", 1, 0, "Καλό", '["joy"]'),
        ("may", 2, 0, "złe", "[]"),
        ("may", 3, 1, "bun", None),
    ]
    assert [shard.size for shard in shards] == [2, 1]
    assert len({shard.name for shard in shards}) == len({shard.digest for shard in shards}) == 2


def test_a_chunk_written_twice_is_there_once(tmp_path: Path) -> None:
    output = opened(tmp_path)
    first = write(output, ROWS, MORE)
    assert write(opened(tmp_path), ROWS, MORE) == first
    assert [row[1] for row in stored(tmp_path)] == [1, 2, 3]


def test_a_chunk_takes_the_place_of_what_stood_there(tmp_path: Path) -> None:
    output = opened(tmp_path)
    write(output, ROWS)
    changed = pa.table({"id": [2, 9], "text": ["better", "new"], "cx_emotions": [[], []]}, ROWS.schema)
    write(output, changed)
    assert [(row[1], row[3]) for row in stored(tmp_path)] == [(2, "better"), (9, "new")]


def test_runs_stand_beside_each_other(tmp_path: Path) -> None:
    may, june = opened(tmp_path), opened(tmp_path, run="june")
    shards = write(may, ROWS)
    write(june, ROWS, MORE)
    assert [row[:2] for row in stored(tmp_path)] == [("june", 1), ("june", 2), ("june", 3), ("may", 1), ("may", 2)]
    june.clear([])
    assert [row[:2] for row in stored(tmp_path)] == [("may", 1), ("may", 2)]
    assert all(map(may.holds, shards))


def test_whether_a_chunk_is_still_there(tmp_path: Path) -> None:
    output = opened(tmp_path)
    shards = write(output, ROWS, MORE)
    assert [output.holds(shard) for shard in shards] == [True, True]
    with closing(sqlite3.connect(tmp_path / "scores.db")) as connection, connection:
        connection.execute("DELETE FROM scores WHERE id = 2")
    assert [output.holds(shard) for shard in shards] == [False, True]
    write(output, ROWS)
    assert [output.holds(shard) for shard in shards] == [True, True]
    with closing(sqlite3.connect(tmp_path / "scores.db")) as connection, connection:
        connection.execute("DROP TABLE scores")
    assert [output.holds(shard) for shard in shards] == [False, False]


def test_a_run_without_rows_leaves_an_empty_table(tmp_path: Path) -> None:
    output = opened(tmp_path)
    output.clear([])
    output.finish([], ROWS.schema)
    assert stored(tmp_path) == []
    assert output.holds(output.write(0, ROWS.slice(0, 0))[0])


# ---- values


VARIED: Mapping[str, tuple[pa.Array, Any]] = {
    "whole": (pa.array([5]), 5),
    "large": (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
    "single": (pa.array([0.9], pa.float32()), 0.9),
    "double": (pa.array([0.1]), 0.1),
    "not a number": (pa.array([float("nan")]), None),
    "yes": (pa.array([True]), 1),
    "day": (pa.array([date(2026, 5, 1)]), "2026-05-01"),
    "clock": (pa.array([time(9, 30)]), "09:30:00.000000"),
    "moment": (pa.array([datetime(2026, 5, 1, 12, tzinfo=UTC)], pa.timestamp("us", "UTC")), "2026-05-01 12:00:00.000000Z"),
    "nano": (pa.array([1], pa.timestamp("ns")), "1970-01-01 00:00:00.000000001"),
    "money": (pa.array([Decimal("1.50")]), "1.50"),
    "raw": (pa.array([b"\xff\0"]), b"\xff\0"),
    "nested": (pa.array([{"a": [0.9, float("inf")], "b": "ł\0"}]), '{"a": [0.9, null], "b": "ł\\u0000"}'),
    "choice": (pa.array(["x"]).dictionary_encode(), "x"),
    "broken": (pa.array([b"ab\xe1"]).view(pa.string()), "ab\ufffd"),
    "zero": (pa.array(["a\0b"]), "a\0b"),
    "nothing": (pa.nulls(1), None),
    'x"; DROP TABLE scores; --': (pa.array(['it\'s "quoted" \\N :a ? %s']), 'it\'s "quoted" \\N :a ? %s'),
    "100% :name (a.b)": (pa.array(["😀 Ж"]), "😀 Ж"),
}


def test_values_of_all_types(tmp_path: Path) -> None:
    rows = pa.table({"id": ["α"], **{name: array for name, (array, _) in VARIED.items()}})
    output = opened(tmp_path, schema=rows.schema)
    write(output, rows, pa.Table.from_pylist([{"id": "β"}], rows.schema))
    first, second = stored(tmp_path)
    assert first == ("may", "α", 0, *(value for _, value in VARIED.values()))
    assert second == ("may", "β", 1, *[None] * len(VARIED))


@pytest.mark.parametrize("table", ['scores"; DROP TABLE x; --', "κριτικές μαΐου", "a' OR '1'='1", "SELECT", "main.scores", "%s :a ?"])
def test_any_name_of_a_table_is_just_a_name(tmp_path: Path, table: str) -> None:
    with closing(sqlite3.connect(tmp_path / "scores.db")) as connection, connection:
        connection.execute("CREATE TABLE x (a)")
    output = opened(tmp_path, table)
    shards = write(output, ROWS)
    assert all(map(output.holds, shards))
    tables = {name for (name,) in stored(tmp_path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"x", table.removeprefix("main.")}
    output.clear(shards)
    assert not any(map(output.holds, shards))


@pytest.mark.parametrize("run", ["'; DELETE FROM scores; --", "", "a\nb"])
def test_any_name_of_a_run_is_just_a_value(tmp_path: Path, run: str) -> None:
    write(opened(tmp_path), ROWS)
    output = opened(tmp_path, run=run)
    shards = write(output, ROWS)
    output.clear(shards)
    assert [row[0] for row in stored(tmp_path)] == ["may", "may"]


# ---- what is refused


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, None], "row 2 of the chunk has no 'id'"),
        ([7, 7], "more than one row has the 'id' 7; each row needs an id of its own"),
        ([8, 2], "other rows of the run 'may' have the 'id' 2; each row needs an id of its own"),
    ],
)
def test_ids_that_do_not_tell_rows_apart(tmp_path: Path, ids: list[int | None], message: str) -> None:
    output = opened(tmp_path)
    write(output, ROWS)
    before = stored(tmp_path)
    rows = pa.table({"id": ids, "text": ["a", "b"], "cx_emotions": [[], []]}, ROWS.schema)
    with pytest.raises(OutputError) as caught:
        output.write(1, rows)
    assert message in str(caught.value)
    assert stored(tmp_path) == before


def test_only_some_of_many_ids_are_shown(tmp_path: Path) -> None:
    rows = pa.table({"id": [*range(1000), *range(1000)]})
    with pytest.raises(OutputError, match=r"the 'id' 0, 1, 2, 3, 4 and 995 more;"):
        opened(tmp_path, schema=rows.schema).write(0, rows)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("cx_run, id, cx_chunk, text", "it lacks cx_emotions; choose"),
        ("cx_run, id, cx_chunk, text, cx_emotions, price, secret", "it has price, secret besides; choose"),
        ("cx_run, id, cx_chunk, text, emotions", "it lacks cx_emotions and has emotions besides; choose"),
        ("cx_run, id, cx_chunk, text, cx_emotions", "another primary key"),
    ],
)
def test_a_table_of_another_kind_is_left_alone(tmp_path: Path, columns: str, message: str) -> None:
    with closing(sqlite3.connect(tmp_path / "scores.db")) as connection, connection:
        connection.execute(f"CREATE TABLE scores ({columns})")
    with pytest.raises(OutputError, match=message):
        opened(tmp_path)


def test_columns_that_cannot_be(tmp_path: Path) -> None:
    for names, message in (
        (["id", "cx_run"], "has cx_run of its own"),
        (["id", "a\0"], r"cannot have a column named 'a\\x00'"),
        (["id", ""], "cannot have a column named ''"),
        (["id", "Text", "text"], "cannot tell the columns 'Text' and 'text' apart"),
        (["text"], "there is no column 'id' for the id; the columns are: text"),
    ):
        with pytest.raises(OutputError, match=message):
            opened(tmp_path, schema=pa.schema([(name, pa.string()) for name in names]))
    with pytest.raises(OutputError, match="'cx_emotions' holds lists or objects"):
        opened(tmp_path, id_column="cx_emotions")


@pytest.mark.parametrize(
    ("address", "table", "message"),
    [
        ("sqlite://", "scores", "is gone at the end of the run"),
        ("sqlite:///none/at/all.db", "scores", "cannot be written to: unable to open database file"),
        ("sqlite:///a.db", "", "cannot have a table named ''"),
        ("sqlite:///a.db", "a\0", "cannot have a table named"),
        ("mssql+pymssql://me:geheim@host/shop", "scores", "is of another kind than can be written to"),
        ("shop", "scores", "the address of the database cannot be read"),
    ],
)
def test_places_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, table: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError) as caught:
        open_sql_output(address, table, "may", "id", tmp_path).write(0, ROWS)
    assert message in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


# ---- what goes wrong on the way


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = opened(tmp_path)
    write(output, ROWS)
    before = stored(tmp_path)
    pages = int(stored(tmp_path, "PRAGMA page_count")[0][0])
    engine = Database.engine

    def small(self: Database, **options: Any) -> Any:
        made = engine(self, **options)
        sqlalchemy.event.listen(made, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count = {pages}"))
        return made

    monkeypatch.setattr(Database, "engine", small)
    large = pa.table({"id": [3], "text": ["x" * 100_000], "cx_emotions": [[]]}, ROWS.schema)
    with pytest.raises(OutputError, match="cannot be written to: database or disk is full"):
        output.write(1, large)
    assert stored(tmp_path) == before
    monkeypatch.undo()
    output.write(1, large)
    assert len(stored(tmp_path)) == 3


def test_a_database_that_somebody_else_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 0)
    output = opened(tmp_path)
    write(output, ROWS)
    with closing(sqlite3.connect(tmp_path / "scores.db")) as connection, connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OutputError, match="cannot be written to: database is locked"):
            output.write(1, MORE)


KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from cxsentiment.archive.sql_output import SqlOutput, open_sql_output

def insert_half(self, connection, columns):
    insert(self, connection, {name: values[:100] for name, values in columns.items()})
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
rows = pa.table({"id": range(200)})
output = open_sql_output(f"sqlite:///{folder}/scores.db", "scores", "may", "id", folder)
insert = SqlOutput._insert
output.write(0, rows.slice(0, 50))
SqlOutput._insert = insert_half
output.write(int(sys.argv[2]), rows.slice(50) if sys.argv[2] == "1" else rows)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("chunk", [0, 1])
def test_a_process_killed_half_way_leaves_all_or_nothing(tmp_path: Path, chunk: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_HALF_WAY, str(tmp_path), str(chunk)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    query = "SELECT count(*), count(DISTINCT id) FROM scores"
    assert stored(tmp_path, query) == [(50, 50)]
    rows = pa.table({"id": range(200)})
    output = opened(tmp_path, schema=rows.schema)
    assert all(map(output.holds, write(output, rows.slice(0, 50), rows.slice(50))))
    assert stored(tmp_path, query) == [(200, 200)]


def test_json_can_be_asked_for_by_its_parts(tmp_path: Path) -> None:
    rows = pa.table({"id": [1], "cx_sentiment_probs": [{"negative": 0.25, "positive": 0.75}]})
    write(opened(tmp_path, schema=rows.schema), rows)
    assert stored(tmp_path, "SELECT json_extract(cx_sentiment_probs, '$.positive') FROM scores") == [(0.75,)]
    assert json.loads(stored(tmp_path)[0][3]) == {"negative": 0.25, "positive": 0.75}
