"""A real PostgreSQL server, started for these tests: its types, its cursors, its passwords, and results in its tables."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest

from cxsentiment.archive.database import PASSWORD_VARIABLE
from cxsentiment.archive.source import ReadingOptions, Unreadable
from cxsentiment.archive.sql import SqlSource, open_sql
from cxsentiment.archive.sql_output import SqlOutput, open_sql_output
from cxsentiment.errors import InputError, OutputError
from tests.postgresql_server import PASSWORD, ROLE, Server, started

pytestmark = pytest.mark.full
pytest.importorskip("sqlalchemy")
pytest.importorskip("psycopg")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            running = stack.enter_context(started())
        except FileNotFoundError as reason:
            pytest.skip(str(reason))
        yield running


@pytest.fixture(autouse=True)
def empty_database(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PASSWORD_VARIABLE, "PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)
    server.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def opened(server: Server, query: str, *text_columns: str) -> SqlSource:
    return open_sql(query, server.address(), ReadingOptions(text_columns))


def read(server: Server, query: str, *text_columns: str, size: int = 2) -> tuple[list[str | Unreadable], pa.Table]:
    source = opened(server, query, *text_columns)
    chunks = list(source.chunks(size))
    table = pa.concat_tables([chunk.table for chunk in chunks]) if chunks else source.schema.empty_table()
    assert table.schema == source.schema
    assert table.num_rows == source.rows
    assert all(chunk.table.num_rows == size for chunk in chunks[:-1])
    return [text for chunk in chunks for text in chunk.texts], table


# ---- reading


TYPES: Mapping[str, tuple[str, pa.DataType, Any]] = {
    "yes": ("true", pa.bool_(), True),
    "small": ("5::smallint", pa.int64(), 5),
    "large": ("9223372036854775807", pa.int64(), 2**63 - 1),
    "single": ("0.5::real", pa.float32(), 0.5),
    "double": ("0.1::float8", pa.float64(), 0.1),
    "money": ("1.5::numeric(10,2)", pa.decimal128(10, 2), Decimal("1.50")),
    "no number": ("'NaN'::numeric(10,2)", pa.decimal128(10, 2), None),
    "rounded": ("1500::numeric(3,-2)", pa.string(), "1500"),
    "exact": ("1.50::numeric", pa.string(), "1.50"),
    "day": ("'2026-05-01'::date", pa.date32(), date(2026, 5, 1)),
    "no day": ("'infinity'::date", pa.date32(), None),
    "moment": ("'2026-05-01 12:30'::timestamp", pa.timestamp("us"), datetime(2026, 5, 1, 12, 30)),
    "no moment": ("'4000-01-01 BC'::timestamp", pa.timestamp("us"), None),
    "zoned": ("'2026-05-01 12:30+03'::timestamptz", pa.timestamp("us", "UTC"), datetime(2026, 5, 1, 9, 30, tzinfo=UTC)),
    "never": ("'-infinity'::timestamptz", pa.timestamp("us", "UTC"), None),
    "clock": ("'09:30'::time", pa.time64("us"), time(9, 30)),
    "midnight": ("'24:00'::time", pa.time64("us"), None),
    "took": ("'1 day 2 hours'::interval", pa.string(), "1 day 02:00:00"),
    "raw": (r"'\xff00'::bytea", pa.binary(), b"\xff\0"),
    "key": ("'00000000-0000-0000-0000-000000000005'::uuid", pa.string(), "00000000-0000-0000-0000-000000000005"),
    "json": ("""'{"a": ["ł"]}'::jsonb""", pa.string(), '{"a": ["ł"]}'),
    "array": ("ARRAY['a', 'b c']", pa.string(), '{a,"b c"}'),
    "range": ("'[1,5)'::int4range", pa.string(), "[1,5)"),
    "mood": ("'glad'::mood", pa.string(), "glad"),
    "nothing": ("NULL", pa.string(), None),
    "padded": ("'a'::char(3)", pa.string(), "a  "),
}


@pytest.mark.parametrize("settings", ["", "SET datestyle TO German; SET timezone TO 'Europe/Athens'"])
def test_types(server: Server, settings: str) -> None:
    server.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    for setting in filter(None, settings.split("; ")):
        server.execute(f"ALTER ROLE {ROLE} {setting}")
    try:
        columns = ", ".join(f'{value} AS "{name}"' for name, (value, _, _) in TYPES.items())
        _, table = read(server, f"SELECT 'x' AS text, {columns}")
    finally:
        server.execute(f"ALTER ROLE {ROLE} RESET ALL")
    assert dict(zip(table.column_names[1:], table.schema.types[1:], strict=True)) == {name: kind for name, (_, kind, _) in TYPES.items()}
    assert table.to_pylist()[0] == {"text": "x", **{name: value for name, (_, _, value) in TYPES.items()}}


def test_texts_and_what_is_none(server: Server) -> None:
    server.execute(
        "CREATE TABLE reviews (id int, text varchar(20), stars numeric(2,1))",
        "INSERT INTO reviews VALUES (1, '100% καλό', 5), (2, NULL, 4.5), (3, 'złe %s', NULL), (4, '', 1)",
    )
    texts, table = read(server, "SELECT * FROM reviews WHERE text IS NULL OR text NOT LIKE '%zz%' ORDER BY id -- the end")
    assert texts == ["100% καλό", Unreadable("no text (null)"), "złe %s", ""]
    assert table["id"].to_pylist() == [1, 2, 3, 4]
    assert read(server, "SELECT stars FROM reviews ORDER BY id", "stars")[0][0] == Unreadable("not text: decimal 5.0")


def test_a_database_without_an_encoding(server: Server) -> None:
    server.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        query = r"SELECT convert_from('\x6162e963', 'SQL_ASCII') AS text UNION ALL SELECT 'fine'"
        source = open_sql(query, server.address(database="bytes"), ReadingOptions())
        chunk = next(source.chunks())
    finally:
        server.execute("DROP DATABASE bytes WITH (FORCE)")
    assert chunk.texts == [Unreadable("broken encoding: byte 0xe9 at offset 2 of the cell is not utf-8"), "fine"]
    assert chunk.table["text"].to_pylist() == ["ab\ufffdc", "fine"]


def test_letters_in_the_query_for_such_a_database(server: Server) -> None:
    server.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        with pytest.raises(InputError, match="'ascii' codec can't encode"):
            open_sql("SELECT 'καλό' AS text", server.address(database="bytes"), ReadingOptions())
    finally:
        server.execute("DROP DATABASE bytes WITH (FORCE)")


def test_rows_come_from_a_cursor_of_the_server(server: Server) -> None:
    source = opened(server, "SELECT id, repeat('x', 1000) AS text FROM generate_series(1, 20000) AS id ORDER BY id")
    chunks = source.chunks(100)
    assert next(chunks).table["id"].to_pylist() == list(range(1, 101))
    assert len(server.execute("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'")) == 1
    chunks.close()  # type: ignore[attr-defined]
    assert not server.execute("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'")
    assert source.rows == 20_000


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM nothing", 'relation "nothing" does not exist'),
        ("WITH gone AS (DELETE FROM reviews RETURNING text) SELECT text FROM gone", "data-modifying statements"),
        ("SELECT text, nextval('counter') FROM reviews", "read-only transaction"),
        ("SELECT text, 1 / (id - 1) AS n FROM reviews", "division by zero"),
    ],
)
def test_queries_that_fail_change_nothing(server: Server, query: str, message: str) -> None:
    server.execute("CREATE TABLE reviews (id int, text text)", "INSERT INTO reviews VALUES (1, 'a')", "CREATE SEQUENCE counter")
    with pytest.raises(InputError) as caught:
        read(server, query)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert server.execute("SELECT id FROM reviews") == [(1,)]


def test_a_connection_lost_while_reading(server: Server) -> None:
    chunks = opened(server, "SELECT id, 'x' AS text FROM generate_series(1, 20000) AS id ORDER BY id").chunks(10)
    next(chunks)
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user")
    with pytest.raises(InputError, match="cannot be read: terminating connection"):
        list(chunks)


# ---- passwords


@pytest.mark.parametrize("variable", [PASSWORD_VARIABLE, "PGPASSWORD"])
def test_passwords_of_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, PASSWORD)
    source = open_sql("SELECT 'x' AS text", server.address(None), ReadingOptions())
    assert [chunk.texts for chunk in source.chunks()] == [["x"]]
    assert source.identity == open_sql("SELECT 'x' AS text", server.address(), ReadingOptions()).identity


@pytest.mark.parametrize("password", ["wrong:/@ ключ", None])
def test_wrong_passwords_are_not_shown(server: Server, password: str | None) -> None:
    for trouble, attempt in (
        (InputError, lambda: open_sql("SELECT 'x' AS text", server.address(password), ReadingOptions())),
        (OutputError, lambda: open_sql_output(server.address(password), "t", "r", "id", Path()).check(ROWS.schema)),
    ):
        with pytest.raises(trouble, match="password") as caught:
            attempt()
        assert "wrong" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_right_password_is_not_shown(server: Server) -> None:
    source, output = opened(server, "SELECT 'x' AS text"), written_to(server)
    with pytest.raises(InputError) as caught:
        opened(server, f"SELECT '{PASSWORD}'::int AS text")
    for said in (source, source.name, source.identity, output, output.name, output.format, caught.value):
        assert PASSWORD not in f"{said} {said!r}"
        assert quote(PASSWORD, safe="") not in f"{said} {said!r}"


# ---- writing


ROWS = pa.table({"id": [1, 2], "text": ["Καλό\0!", "złe \\N\t\n\\."], "cx_emotions": [["joy\0"], []], "n": [0.5, float("nan")]})


def written_to(server: Server, table: str = "scores", run: str = "may", schema: pa.Schema = ROWS.schema) -> SqlOutput:
    output = open_sql_output(server.address(), table, run, "id", Path("state"))
    output.check(schema)
    return output


def test_rows_in_a_table(server: Server) -> None:
    output = written_to(server)
    for _ in range(2):
        shards = output.write(0, ROWS)
    assert all(map(output.holds, shards))
    assert server.execute("SELECT * FROM scores ORDER BY id") == [
        ("may", 1, 0, "Καλό\ufffd!", ["joy\ufffd"], 0.5),
        ("may", 2, 0, "złe \\N\t\n\\.", [], None),
    ]
    output.clear(shards)
    assert not any(map(output.holds, shards))


VARIED: Mapping[str, tuple[pa.Array, str, Any]] = {
    "large": (pa.array([2**64 - 1], pa.uint64()), "numeric", Decimal(2**64 - 1)),
    "single": (pa.array([0.9], pa.float32()), "real", 0.9),
    "yes": (pa.array([True]), "boolean", True),
    "day": (pa.array([date(2026, 5, 1)]), "date", date(2026, 5, 1)),
    "clock": (pa.array([time(9, 30)]), "time without time zone", time(9, 30)),
    "moment": (pa.array([datetime(2026, 5, 1, 12)]), "timestamp without time zone", datetime(2026, 5, 1, 12)),
    "zoned": (
        pa.array([datetime(2026, 5, 1, 12, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
        "timestamp with time zone",
        datetime(2026, 5, 1, 12, tzinfo=UTC),
    ),
    "money": (pa.array([Decimal("1.50")]), "numeric", Decimal("1.50")),
    "raw": (pa.array([b"\xff\0"]), "bytea", b"\xff\0"),
    "nested": (pa.array([{"a": [0.9], "b": 'ł"'}]), "jsonb", {"a": [0.9], "b": 'ł"'}),
    "choice": (pa.array(["x"]).dictionary_encode(), "text", "x"),
    "nothing": (pa.nulls(1), "text", None),
    'x"; DROP TABLE scores; --%s 100% :a': (pa.array(["'%s"]), "text", "'%s"),
}


def test_values_of_all_types(server: Server) -> None:
    rows = pa.table({"id": ["α"], **{name: array for name, (array, _, _) in VARIED.items()}})
    output = written_to(server, schema=rows.schema)
    output.write(0, rows)
    output.write(1, pa.Table.from_pylist([{"id": "β"}], rows.schema))
    found = dict(server.execute("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'scores'"))
    assert {name: found[name] for name in VARIED} == {name: kind for name, (_, kind, _) in VARIED.items()}
    assert server.execute("SELECT * FROM scores ORDER BY cx_chunk") == [
        ("may", "α", 0, *(value for _, _, value in VARIED.values())),
        ("may", "β", 1, *[None] * len(VARIED)),
    ]
    assert written_to(server, schema=rows.schema).write(0, rows)


@pytest.mark.parametrize("table", ['scores"; DROP TABLE x; --', "κριτικές", "SELECT", 'my "shop".scores', "%s :a"])
def test_any_name_of_a_table_is_just_a_name(server: Server, table: str) -> None:
    server.execute("CREATE TABLE x (a int)", 'CREATE SCHEMA IF NOT EXISTS "my ""shop"""')
    output = written_to(server, table)
    shards = output.write(0, ROWS)
    assert all(map(written_to(server, table).holds, shards))
    assert server.execute("SELECT 1 FROM pg_tables WHERE tablename = 'x'")
    server.execute('DROP SCHEMA "my ""shop""" CASCADE')


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([1, None], "row 2 of the chunk has no 'id'"),
        ([7, 7], "more than one row has the 'id' 7"),
        ([8, 2], "of the run 'may' have the 'id' 2;"),
    ],
)
def test_ids_that_do_not_tell_rows_apart(server: Server, ids: list[int | None], message: str) -> None:
    output = written_to(server)
    output.write(0, ROWS)
    with pytest.raises(OutputError, match=message):
        output.write(1, ROWS.set_column(0, ROWS.schema.field("id"), [ids]))
    assert server.execute("SELECT id FROM scores ORDER BY id") == [(1,), (2,)]


def test_tables_and_columns_that_cannot_be(server: Server) -> None:
    server.execute("CREATE TABLE scores (id int, price int)")
    with pytest.raises(OutputError, match="it lacks cx_run, cx_chunk, text, cx_emotions, n and has price besides"):
        written_to(server)
    with pytest.raises(OutputError, match="of more than 63 bytes"):
        written_to(server, "other", schema=pa.schema([("id", pa.int64()), ("Πώς σας φάνηκε η εξυπηρέτηση;" * 2, pa.string())]))
    with pytest.raises(OutputError, match='schema "none" does not exist'):
        written_to(server, "none.scores").write(0, ROWS)


def test_a_server_that_dies_between_chunks(server: Server) -> None:
    output = written_to(server)
    first = output.write(0, ROWS.slice(0, 1))
    server.stop()
    try:
        with pytest.raises(OutputError, match="cannot be written to") as caught:
            output.write(1, ROWS.slice(1))
        assert "\n" not in str(caught.value)
    finally:
        server.start()
    second = output.write(1, ROWS.slice(1))
    assert all(map(output.holds, [*first, *second]))


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_chunk_that_ends_half_way_leaves_nothing(server: Server, end: str) -> None:
    written_to(server).write(0, ROWS)
    command = [sys.executable, "-c", HALF_WAY, server.address(), end]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == (-signal.SIGKILL if end == "kill" else 3), done.stderr
    assert PASSWORD not in done.stdout
    assert "cannot be written to: " in done.stdout or end == "kill"
    assert server.execute("SELECT count(*), count(DISTINCT id) FROM scores") == [(2, 2)]
    rows = pa.table({"id": range(3, 20_003)}).append_column("text", pa.array(["x"] * 20_000))
    written_to(server).write(1, pa.concat_tables([rows, ROWS.slice(0, 0)], promote_options="default"))
    assert server.execute("SELECT count(*), count(DISTINCT id) FROM scores") == [(20_002, 20_002)]


HALF_WAY = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from cxsentiment.archive import postgresql
from cxsentiment.archive.sql_output import open_sql_output
from cxsentiment.errors import OutputError

def copy_half(connection, table, names, rows):
    copy(connection, table, names, list(rows)[:10_000])
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    connection.connection.driver_connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

copy, postgresql.copy_rows = postgresql.copy_rows, copy_half
columns = [("id", pa.int64()), ("text", pa.string()), ("cx_emotions", pa.list_(pa.string())), ("n", pa.float64())]
rows = pa.Table.from_pylist([{"id": number, "text": "x"} for number in range(3, 20_003)], pa.schema(columns))
output = open_sql_output(sys.argv[1], "scores", "may", "id", Path())
try:
    output.write(1, rows)
except OutputError as error:
    print(error)
    sys.exit(3)
"""
