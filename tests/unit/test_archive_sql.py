"""Databases, on SQLite: what a query may be, what becomes of its rows, and that no password is ever shown."""

from __future__ import annotations

import pickle
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxsentiment.archive import database
from cxsentiment.archive.column_types import as_text, kind_of, texts_of, to_array, type_of
from cxsentiment.archive.database import PASSWORD_VARIABLE, open_database
from cxsentiment.archive.source import ReadingOptions, Unreadable
from cxsentiment.archive.sql import SqlSource, open_sql
from cxsentiment.archive.sql_statement import check_query
from cxsentiment.errors import CxError, InputError, MissingExtraError

pytest.importorskip("sqlalchemy")

PASSWORD = "wróżka/7@Ж"
QUOTED = "wr%C3%B3%C5%BCka%2F7%40%D0%96"


def make(folder: Path, columns: str, rows: Iterable[Sequence[Any]]) -> str:
    """A database with a table of reviews; its address."""
    path = folder / "reviews.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE reviews ({columns})")
        marks = ", ".join("?" * len(columns.split(",")))
        connection.executemany(f"INSERT INTO reviews VALUES ({marks})", rows)
    return f"sqlite:///{path}"


def opened(query: str, address: str, *text_columns: str) -> SqlSource:
    return open_sql(query, address, ReadingOptions(text_columns))


def read(query: str, address: str, *text_columns: str, size: int = 2) -> tuple[list[str | Unreadable], pa.Table]:
    source = opened(query, address, *text_columns)
    chunks = list(source.chunks(size))
    texts = [text for chunk in chunks for text in chunk.texts]
    table = pa.concat_tables([chunk.table for chunk in chunks]) if chunks else source.schema.empty_table()
    assert table.schema == source.schema
    assert len(texts) == table.num_rows == source.rows
    assert all(chunk.table.num_rows == size for chunk in chunks[:-1])
    return texts, table


# ---- queries


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "select ';', \";\", `;` from t ;; -- the end\n",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "/* a /* nested; */ comment; */ SELECT $$;$$, $x$;$$;$x$, E'it\\'s;'",
        "SELECT 'it''s; fine'",
    ],
)
def test_single_selects_are_let_through(query: str) -> None:
    assert check_query(query).text.upper().startswith(("SELECT", "WITH", "/*"))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "is empty"),
        (" ; -- nothing", "is empty"),
        ("SELECT 1; DROP TABLE t", "more than one statement"),
        ("SELECT 1; COMMIT; DELETE FROM t", "more than one statement"),
        ("DELETE FROM t", "is not a SELECT"),
        ("WITH a AS (SELECT 1) DELETE FROM t", "is not a SELECT"),
        ("PRAGMA writable_schema = 1", "is not a SELECT"),
        ("(SELECT 1)", "is not a SELECT"),
        ("SELECT (1", "do not pair up"),
        ("SELECT 1) AS a, (SELECT 2", "do not pair up"),
        ("SELECT 'it''s", "is never closed"),
        ("SELECT /* 1", "is never closed"),
        ("SELECT '\0'", "zero byte"),
    ],
)
def test_other_statements_are_refused(query: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_query(query)


@given(st.text(alphabet="'\"`();-\n a1,", max_size=40))
@example("1--'\n;'")
def test_what_is_let_through_is_one_statement_to_sqlite_too(rest: str) -> None:
    try:
        query = check_query(f"SELECT {rest}").text
    except InputError:
        return
    problem = ""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute(query)
        except (sqlite3.Error, sqlite3.Warning) as error:
            problem = str(error)
    assert "one statement" not in problem


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("SELECT text FROM t ORDER BY id", True),
        ("SELECT text FROM t order\n/* */ by id LIMIT 5", True),
        ("SELECT text FROM t", False),
        ("SELECT text FROM (SELECT text FROM t ORDER BY id)", False),
        ("SELECT row_number() OVER (ORDER BY id) FROM t", False),
        ("SELECT 'ORDER BY id', \"order\" FROM t -- ORDER BY id", False),
    ],
)
def test_which_queries_keep_their_order(query: str, ordered: bool) -> None:
    assert check_query(query).is_ordered == ordered


# ---- rows


def test_rows_types_and_texts(tmp_path: Path) -> None:
    rows = [(1, "100% καλό", 2.0, 1), (2, None, 3.5, "a"), (3, b"\x01\xff", None, None), (4, "zero\0byte", 1.0, 2.5)]
    address = make(tmp_path, "id INTEGER PRIMARY KEY, text, price REAL, mixed", rows)
    texts, table = read("SELECT * FROM reviews WHERE text IS NULL OR text NOT LIKE '%s%' ORDER BY id -- :all ?", address)
    assert texts == ["100% καλό", Unreadable("no text (null)"), Unreadable("not text: binary Af8="), "zero\0byte"]
    assert table.schema.types == [pa.int64(), pa.string(), pa.float64(), pa.string()]
    assert table.to_pydict() == {
        "id": [1, 2, 3, 4],
        "text": ["100% καλό", None, "Af8=", "zero\0byte"],
        "price": [2.0, 3.5, None, 1.0],
        "mixed": ["1", "a", None, "2.5"],
    }


def test_a_text_in_another_encoding_stops_nothing(tmp_path: Path) -> None:
    address = make(tmp_path, "id, text", [(1, "fine")])
    query = "SELECT id, text FROM reviews UNION ALL SELECT 2, CAST(x'c3a961e962' AS TEXT) ORDER BY 1"
    texts, table = read(query, address)
    assert texts == ["fine", Unreadable("broken encoding: byte 0xe9 at offset 3 of the cell is not utf-8")]
    assert table["text"].to_pylist() == ["fine", "éa\ufffdb"]


def test_values_stay_as_they_are_whatever_the_type_of_their_column(tmp_path: Path) -> None:
    address = make(tmp_path, "n INTEGER, text TEXT", [(1, "a")])
    texts, _ = read("SELECT n AS text FROM reviews UNION ALL SELECT '007' ORDER BY 1", address)
    assert texts == [Unreadable("not text: int64 1"), "007"]


def test_several_text_columns_and_no_rows(tmp_path: Path) -> None:
    address = make(tmp_path, "q1, q2", [("a", "b"), (None, "c"), (None, None)])
    assert read("SELECT * FROM reviews", address, "q1", "q2")[0] == ["a\nb", "c", Unreadable("no text (null)")]
    assert read("SELECT * FROM reviews WHERE 0", address, "q1")[0] == []


def test_chunks_are_read_lazily_and_again(tmp_path: Path) -> None:
    address = make(tmp_path, "id INTEGER PRIMARY KEY, text", ((number, f"text {number}") for number in range(1000)))
    source = opened("SELECT * FROM reviews ORDER BY id DESC", address)
    first = next(source.chunks(10))
    assert first.table["id"].to_pylist() == list(range(999, 989, -1))
    assert [chunk.table.num_rows for chunk in source.chunks(300)] == [300, 300, 300, 100]


def test_one_thread_may_begin_and_another_go_on(tmp_path: Path) -> None:
    address = make(tmp_path, "id INTEGER PRIMARY KEY, text", ((number, "x") for number in range(100)))
    chunks = opened("SELECT * FROM reviews", address).chunks(10)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(next, chunks).result().table.num_rows == 10
    assert next(chunks).table.num_rows == 10
    chunks.close()  # type: ignore[attr-defined]


def test_others_can_write_while_rows_are_read(tmp_path: Path) -> None:
    address = make(tmp_path, "id INTEGER PRIMARY KEY, text", ((number, "x") for number in range(100)))
    chunks = opened("SELECT * FROM reviews ORDER BY id", address).chunks(10)
    next(chunks)
    with closing(sqlite3.connect(tmp_path / "reviews.db", timeout=0)) as connection, connection:
        connection.execute("DELETE FROM reviews")
    assert sum(chunk.table.num_rows for chunk in chunks) == 90


def test_types_that_change_while_rows_are_read(tmp_path: Path) -> None:
    address = make(tmp_path, "id, text", [(1, "a")])
    source = opened("SELECT * FROM reviews", address)
    with closing(sqlite3.connect(tmp_path / "reviews.db")) as connection, connection:
        connection.execute("INSERT INTO reviews VALUES ('two', 'b')")
    with pytest.raises(InputError, match="its column 'id' holds other types of values than before"):
        list(source.chunks())


def test_a_query_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = make(tmp_path, "id, text", [(1, "a")])
    monkeypatch.setattr("cxsentiment.archive.sql.check_query", lambda query: type("Query", (), {"text": query})())
    with pytest.raises(InputError, match="cannot be read: attempt to write a readonly database"):
        opened("DELETE FROM reviews RETURNING id, text", address)
    with closing(sqlite3.connect(tmp_path / "reviews.db")) as connection:
        assert connection.execute("SELECT count(*) FROM reviews").fetchone() == (1,)


def test_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = make(tmp_path, "id, text", [(1, "a")])
    source = opened("SELECT * FROM reviews ORDER BY id; ", address)
    monkeypatch.chdir(tmp_path)
    assert source.identity == opened("SELECT * FROM reviews ORDER BY id", "sqlite:///reviews.db").identity
    assert source.identity != opened("SELECT * FROM reviews ORDER BY text", address).identity
    assert pickle.loads(pickle.dumps(source)) == source


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM none", "cannot be read: no such table: none"),
        ("SELECT id, id, text FROM reviews", "more than one column is named id"),
        ("SELECT id FROM reviews", "no column has a usual name for text"),
        ("SELECT id, text, 'x' AS cx_sentiment FROM reviews", "seems to be scored already"),
        ("SELECT text FROM reviews WHERE id = :id", "cannot be read: Incorrect number of bindings"),
    ],
)
def test_queries_that_fail(tmp_path: Path, query: str, message: str) -> None:
    address = make(tmp_path, "id, text", [(1, "a")])
    with pytest.raises(InputError) as caught:
        opened(query, address)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        opened("SELECT 1 AS text", f"sqlite:///{tmp_path}/none.db")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("id,text\n" * 200, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read: file is not a database"):
        opened("SELECT text FROM reviews", f"sqlite:///{tmp_path}/a.db")


# ---- types


DECIMALS = [Decimal("1.50"), Decimal("2")]


@pytest.mark.parametrize(
    ("values", "kind", "plain"),
    [
        ([True, None], pa.bool_(), [True, None]),
        ([1, 2**63 - 1], pa.int64(), [1, 2**63 - 1]),
        ([1, 0.5], pa.float64(), [1.0, 0.5]),
        ([2**53 + 1, 0.5], pa.string(), ["9007199254740993", "0.5"]),
        ([2**63], pa.string(), ["9223372036854775808"]),
        ([1, True], pa.string(), ["1", "true"]),
        (DECIMALS, pa.string(), ["1.50", "2"]),
        ([date(2026, 5, 1)], pa.date32(), [date(2026, 5, 1)]),
        ([date(2026, 5, 1), datetime(2026, 5, 1, 9)], pa.timestamp("us"), [datetime(2026, 5, 1), datetime(2026, 5, 1, 9)]),
        ([datetime(2026, 5, 1, 9, tzinfo=timezone(timedelta(hours=3)))], pa.timestamp("us", "UTC"), [datetime(2026, 5, 1, 6, tzinfo=UTC)]),
        ([datetime(2026, 5, 1), "soon"], pa.string(), ["2026-05-01T00:00:00", "soon"]),
        ([b"\xff", None], pa.binary(), [b"\xff", None]),
        ([b"\xff", "x"], pa.string(), ["/w==", "x"]),
        ([{"a": ["ł"]}, [1]], pa.string(), ['{"a": ["ł"]}', "[1]"]),
        ([UUID(int=5)], pa.string(), ["00000000-0000-0000-0000-000000000005"]),
        ([None], pa.string(), [None]),
        (["\ud83d\ude00", "a\ud83d", "b\udcff"], pa.string(), ["😀", "a\ufffd", "b\ufffd"]),
    ],
)
def test_types_of_values(values: list[Any], kind: pa.DataType, plain: list[Any]) -> None:
    assert type_of(map(kind_of, values)) == kind
    assert to_array(values, kind).to_pylist() == plain


def test_decimals_that_are_no_numbers() -> None:
    assert to_array([*DECIMALS, Decimal("NaN"), None], pa.decimal128(5, 2)).to_pylist() == [*DECIMALS, None, None]


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.datetimes()))
def test_any_values_fit_the_type_found_for_them(values: list[Any]) -> None:
    array = to_array(values, type_of(map(kind_of, values)))
    assert [cell.is_valid for cell in array] == [value is not None for value in values]
    for value, text in zip(values, texts_of(values), strict=True):
        assert (text == value) == isinstance(value, str) or "\ud800" <= max(as_text(value), default="") <= "\udfff"


# ---- addresses and passwords


@pytest.fixture
def without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PASSWORD_VARIABLE, "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)


ADDRESSES = [
    f"postgresql://me:{QUOTED}@127.0.0.1:1/shop",
    f"postgres://me:{QUOTED}@127.0.0.1:1/shop",
    f"postgresql+psycopg://127.0.0.1:1/shop?user=me&password={QUOTED}",
    f"postgresql://me@127.0.0.1:1/shop?sslpassword={QUOTED}",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.usefixtures("without_passwords")
def test_a_password_is_in_no_name_and_no_message(address: str) -> None:
    pytest.importorskip("psycopg")
    place = open_database(address, InputError)
    with pytest.raises(InputError) as caught:
        opened("SELECT 1 AS text", address)
    explained = place.explain(ValueError(f"bad address {address} with {PASSWORD}"))
    said = f"{caught.value} {place} {place!r} {place.name} {place.place} {explained}"
    assert PASSWORD not in said
    assert QUOTED not in said
    assert "postgresql://" in said
    assert "127.0.0.1:1/shop" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variable", [PASSWORD_VARIABLE, "PGPASSWORD"])
def test_a_password_of_the_environment(monkeypatch: pytest.MonkeyPatch, without_passwords: None, variable: str) -> None:
    monkeypatch.setenv(variable, PASSWORD)
    place = open_database("postgresql://me@host/shop", InputError)
    assert (place._url.password == PASSWORD) == (variable == PASSWORD_VARIABLE)
    assert place.name == "postgresql://me@host/shop"
    assert place.explain(ValueError(f"no {PASSWORD}")) == "no ***"
    assert open_database("postgresql://me:other@host/shop", InputError)._url.password == "other"
    assert open_database("sqlite:///a.db", InputError)._url.password is None


def test_what_drivers_say_is_one_line() -> None:
    place = open_database("sqlite:///a.db", InputError)
    assert place.explain(ValueError("no such relation\nLINE 1: SELECT")) == "no such relation"
    assert place.explain(ValueError("all attempts failed:\n- one\n- two")) == "all attempts failed: - one - two"
    assert place.explain(ValueError()) == "ValueError"
    assert len(place.explain(ValueError("x" * 1000))) < 400


@pytest.mark.parametrize("address", ["shop", "", "postgresql://me:geheim@host:port/shop", "://"])
def test_addresses_that_are_none_are_not_repeated(address: str) -> None:
    with pytest.raises(InputError, match=r"should look like postgresql://user@host") as caught:
        open_database(address, InputError)
    assert "geheim" not in str(caught.value)


def test_databases_and_drivers_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CxError, match="nosuch"):
        opened("SELECT 1 AS text", "nosuch://me:geheim@host/shop")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cxsentiment\[sql\]'"):
        opened("SELECT 1 AS text", "postgresql://host/shop")
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    with pytest.raises(MissingExtraError, match="the driver for mysql is not installed"):
        opened("SELECT 1 AS text", "mysql://host/shop")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cxsentiment\[sql\]'"):
        opened("SELECT 1 AS text", "sqlite:///a.db")


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = make(tmp_path, "id, text", [(1, "a")])
    monkeypatch.setattr(database, "_PATIENCE", 0)
    with closing(sqlite3.connect(tmp_path / "reviews.db")) as connection, connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="cannot be read: database is locked"):
            opened("SELECT * FROM reviews", address)
