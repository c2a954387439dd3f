"""Reads what a query gives: a single SELECT, in a read-only transaction, row after row from the server.

- PostgreSQL says the types of the columns. Elsewhere (SQLite stores any type in any column) one pass over the rows tells them, as
  `column_types` does.
- From PostgreSQL, decimals whose column does not say how many digits they have, JSON, arrays, UUIDs and all types that Arrow does not have
  are strings; moments that no calendar of Arrow's has (`infinity`) are null.
- SQLite's rows are first copied to a temporary file of SQLite's own: a cursor left open would keep others from writing for as long as the
  run takes.
- A run that goes on after a stop reads the rows again. Only ORDER BY makes them come in the same order (the command line warns of a query
  without), and only by columns that leave no ties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from cxsentiment.archive.column_types import kind_of, texts_of, to_array, type_of
from cxsentiment.archive.database import Database, open_database
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, ReadingOptions, check_columns, choose_text_columns, joined
from cxsentiment.archive.sql_statement import Query, check_query
from cxsentiment.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Engine

_READING: Final = "cannot be read"
_COPY: Final = "temp.cx_rows"


@dataclass(frozen=True, slots=True)
class SqlSource:
    """The rows of a query; see the module for its rules."""

    database: Database
    query: Query
    schema: pa.Schema
    text_columns: tuple[str, ...]
    rows: int

    @property
    def name(self) -> str:
        """The address of the database, without its password."""
        return self.database.name

    @property
    def identity(self) -> Mapping[str, str]:
        """The database, without the password, and the query."""
        return {"database": self.database.place, "query": self.query.text}

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`."""
        copied = self.database.kind == "sqlite"
        with _connected(self.database) as connection, _selected(connection, self.query.text, size, copied=copied) as result:
            for rows in result.partitions(size):
                yield self._chunk(rows)

    def _chunk(self, rows: Sequence[Sequence[Any]]) -> Chunk:
        columns = dict(zip(self.schema.names, zip(*rows, strict=True), strict=True))
        arrays = [self._array(field, columns[field.name]) for field in self.schema]
        texts = joined([texts_of(columns[column]) for column in self.text_columns])
        return Chunk(pa.Table.from_arrays(arrays, schema=self.schema), texts)

    def _array(self, field: pa.Field, values: Sequence[Any]) -> pa.Array:
        try:
            return to_array(values, field.type)
        except (ValueError, TypeError):
            changed = f"its column {field.name!r} holds other types of values than before"
            raise InputError(f"{self.name} changed while it was being read: {changed}; start again") from None


def open_sql(query: str, database: str, options: ReadingOptions) -> SqlSource:
    """Opens what a query gives: it is run once, to count the rows and to tell the types of the columns.

    Args:
        query: A SELECT.
        database: Address as in SQLAlchemy, `postgresql://user@host/name`; see `database` for where the password should be.
        options: The columns that hold the comments.

    Raises:
        InputError: if the query is not a single SELECT or fails, the database cannot be reached, or there is no such text column.
        MissingExtraError: if SQLAlchemy or the driver is not installed.
    """
    checked = check_query(query)
    place = open_database(database, InputError)
    with _connected(place) as connection:
        schema, rows = _examine(place, connection, checked.text)
    return SqlSource(place, checked, schema, choose_text_columns(place.name, schema.names, options.text_columns), rows)


def _examine(database: Database, connection: Connection, query: str) -> tuple[pa.Schema, int]:
    if database.kind != "postgresql":
        with _selected(connection, query, CHUNK_ROWS) as result:
            names = list(result.keys())
            check_columns(database.name, names)
            return _survey(names, result.partitions(CHUNK_ROWS))
    from cxsentiment.archive.postgresql import arrow_schema

    with _selected(connection, query, 1) as result:
        check_columns(database.name, list(result.keys()))
        assert result.cursor is not None
        schema = arrow_schema(result.cursor.description)
    # The query may end with a comment, and hold percent signs that are no placeholders.
    count = connection.exec_driver_sql(f"SELECT count(*) FROM (\n{query}\n) AS cx_rows", execution_options={"no_parameters": True})
    return schema, int(count.scalar_one())


def _survey(names: Sequence[str], parts: Iterable[Sequence[Sequence[Any]]]) -> tuple[pa.Schema, int]:
    kinds: list[set[str]] = [set() for _ in names]
    count = 0
    for rows in parts:
        count += len(rows)
        for found, values in zip(kinds, zip(*rows, strict=True), strict=True):
            found.update(map(kind_of, values))
    return pa.schema([(name, type_of(found)) for name, found in zip(names, kinds, strict=True)]), count


# ---- connections that only read


@contextmanager
def _connected(database: Database) -> Iterator[Connection]:
    engine = database.engine(must_exist=True)
    with database.connected(engine, _READING, **_prepared(database, engine)) as connection:
        yield connection


def _prepared(database: Database, engine: Engine) -> Mapping[str, Any]:
    """Execution options; new connections of the engine will give values that can all be loaded."""
    from sqlalchemy import event

    match database.kind:
        case "postgresql":
            from cxsentiment.archive.postgresql import prepare_to_read

            event.listen(engine, "connect", prepare_to_read)
            return {"postgresql_readonly": True}
        case "sqlite":
            event.listen(engine, "connect", _keep_broken_texts)
            return {"isolation_level": "AUTOCOMMIT"}
        case _:
            return {}


def _keep_broken_texts(connection: Any, _: object) -> None:
    connection.text_factory = _decoded


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


@contextmanager
def _selected(connection: Connection, query: str, size: int, *, copied: bool = False) -> Iterator[CursorResult[Any]]:
    """The rows of a query, `size` of them at a time, from a cursor of the server's."""
    if connection.dialect.name == "sqlite":
        if copied:
            query = _copy(connection, query)
        connection.exec_driver_sql("PRAGMA query_only = ON")
    options = {"no_parameters": True, "stream_results": True, "yield_per": size}
    result = connection.exec_driver_sql(query, execution_options=options)
    try:
        yield result
    finally:
        result.close()


def _copy(connection: Connection, query: str) -> str:
    """Copies the rows into a temporary table without types, which leaves all values as they are; a query for them in their order."""
    plain = {"no_parameters": True}
    width = len(connection.exec_driver_sql(f"SELECT * FROM (\n{query}\n) LIMIT 0", execution_options=plain).keys())
    connection.exec_driver_sql(f"CREATE TEMP TABLE cx_rows ({', '.join(f'c{number}' for number in range(width))})")
    connection.exec_driver_sql(f"INSERT INTO {_COPY}\n{query}", execution_options=plain)
    return f"SELECT * FROM {_COPY} ORDER BY rowid"
