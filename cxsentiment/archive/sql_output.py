"""Writes scored rows into a table of a database, PostgreSQL or SQLite.

- The table is made if it is missing. Its columns are `cx_run` (which run the row is of), the id column, `cx_chunk` (which chunk of the
  run), and the columns of the output; its key is run and id, so that several runs can stand in one table.
- A chunk is one transaction: whatever stood there of this run and chunk is replaced. Written twice it is there once, and a process that is
  killed leaves all of it or nothing.
- An id that is null, or that two rows of a run have, is refused: one row would take the place of the other.
- Lists and structs are JSON (JSONB in PostgreSQL). NaN and infinity are null. PostgreSQL cannot hold zero bytes in texts; each becomes
  U+FFFD. SQLite has no dates and exact decimals; they are text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pyarrow as pa

from cxsentiment.archive.database import Database, open_database
from cxsentiment.archive.output import Shard
from cxsentiment.archive.plain import to_json
from cxsentiment.archive.source import listed
from cxsentiment.archive.sql_table import CHUNK, RUN, build_table, check_names, column_values, is_nested, untyped
from cxsentiment.errors import OutputError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Delete, Table, TableClause

_KINDS: Final = ("postgresql", "sqlite")
_WRITING: Final = "cannot be written to"
_IDS_AT_A_TIME: Final = 500
_SHOWN_IDS: Final = 5


@dataclass(frozen=True, slots=True)
class SqlOutput:
    """The rows of a run in a table, and the folder in which the run remembers what is done. See the module; made by `open_sql_output`."""

    database: Database
    table: str
    run: str
    id_column: str
    folder: Path
    remembers: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The address of the database, without its password, and the table."""
        return f"{self.database.name}, table {self.table!r}"

    @property
    def format(self) -> str:
        """The kind of database, and what the rows are known by."""
        return f"{self.database.kind} table: run {self.run!r}, id {self.id_column!r}"

    @property
    def state(self) -> Path:
        """The folder in which the run remembers what is done."""
        return self.folder

    @property
    def report(self) -> Path:
        """Beside the manifest."""
        return self.folder / "run.json"

    def check(self, schema: pa.Schema) -> None:
        """The id must be among the columns, the database must be able to have them, and a table that is there must be one of ours.

        Raises:
            OutputError: naming the columns that are in the way.
        """
        taken = [column for column in (RUN, CHUNK) if column in schema.names]
        if taken:
            raise OutputError(
                f"{self.name} has {listed(taken)} of its own; rename the columns of the input, or leave them out with --columns"
            )
        if self.id_column not in schema.names:
            raise OutputError(f"{self.name}: there is no column {self.id_column!r} for the id; the columns are: {listed(schema.names)}")
        if is_nested(schema.field(self.id_column).type):
            raise OutputError(f"{self.name}: {self.id_column!r} holds lists or objects, which cannot be ids; choose another column")
        check_names(self.name, self.database.kind, [RUN, CHUNK, *schema.names])
        if not self.database.is_missing:  # a dry run must not make it
            with self._connected() as connection:
                _check_table(self.name, connection, build_table(self.table, self.id_column, schema))

    def write(self, number: int, rows: pa.Table) -> list[Shard]:
        """Puts a chunk into the table, in one transaction; what stood there of it is replaced.

        Raises:
            OutputError: if an id is null, is twice in the chunk or in another chunk of the run, or the database fails.
        """
        from sqlalchemy.exc import IntegrityError

        columns = self._columns(number, rows)
        ids = columns[self.id_column]
        self._check_ids(ids)
        table = build_table(self.table, self.id_column, rows.schema)
        with self._connected() as connection:
            driver: Any = connection.dialect.dbapi
            try:
                with connection.begin():
                    table.metadata.create_all(connection)
                    connection.execute(self._delete(number))
                    self._insert(connection, columns)
            except (IntegrityError, driver.IntegrityError):
                self._check_other_chunks(connection, ids)
                raise
        return [Shard(f"{self.table}:{number}", rows.num_rows, _digest(columns))]

    def holds(self, shard: Shard) -> bool:
        """Whether as many rows of this run and chunk are in the table as were written."""
        from sqlalchemy import func, select

        if self.database.is_missing:
            return False
        table = untyped(self.table, [RUN, CHUNK])
        number = int(shard.name.rpartition(":")[2])
        with self._connected() as connection:
            if not _is_there(connection, table):
                return False
            count = select(func.count()).select_from(table).where(table.c[RUN] == self.run, table.c[CHUNK] == number)
            return bool(connection.execute(count).scalar_one() == shard.size)

    def finish(self, shards: Sequence[Shard], schema: pa.Schema) -> None:
        """All rows are there; a run without any leaves an empty table."""
        with self._connected() as connection, connection.begin():
            build_table(self.table, self.id_column, schema).metadata.create_all(connection)

    def clear(self, shards: Sequence[Shard]) -> None:
        """Deletes all rows of the run, whatever chunks they are of."""
        if self.database.is_missing:
            return
        with self._connected() as connection, connection.begin():
            if _is_there(connection, untyped(self.table, [])):
                connection.execute(self._delete())

    def _connected(self) -> AbstractContextManager[Connection]:
        return self.database.connected(self.database.engine(), _WRITING)

    def _delete(self, number: int | None = None) -> Delete:
        """Deletes the rows of a chunk, or of the whole run."""
        table = untyped(self.table, [RUN, CHUNK])
        delete = table.delete().where(table.c[RUN] == self.run)
        return delete if number is None else delete.where(table.c[CHUNK] == number)

    def _columns(self, number: int, rows: pa.Table) -> dict[str, list[Any]]:
        zero_bytes = self.database.kind != "postgresql"
        values = {name: column_values(column, zero_bytes=zero_bytes) for name, column in zip(rows.column_names, rows.columns, strict=True)}
        return {RUN: [self.run] * rows.num_rows, CHUNK: [number] * rows.num_rows, **values}

    def _insert(self, connection: Connection, columns: Mapping[str, list[Any]]) -> None:
        names, rows = list(columns), zip(*columns.values(), strict=True)
        if self.database.kind == "postgresql":
            from cxsentiment.archive.postgresql import copy_rows

            copy_rows(connection, self.table, names, rows)
            return
        parameters = [dict(zip(names, row, strict=True)) for row in rows]
        if parameters:
            connection.execute(untyped(self.table, names).insert(), parameters)

    def _check_ids(self, ids: Sequence[Any]) -> None:
        if None in ids:
            row = ids.index(None) + 1
            raise OutputError(f"{self.name}: row {row:,} of the chunk has no {self.id_column!r}; each row needs an id of its own")
        twice = [str(value) for value, count in Counter(ids).items() if count > 1]
        if twice:
            raise OutputError(f"{self.name}: more than one row has the {self._ids(twice)}; each row needs an id of its own")

    def _check_other_chunks(self, connection: Connection, ids: Sequence[Any]) -> None:
        """Says which ids stand in the table already, after the rows of this chunk are out of the way."""
        from sqlalchemy import select

        table = untyped(self.table, [RUN, self.id_column])
        column = table.c[self.id_column]
        found: list[str] = []
        for start in range(0, len(ids), _IDS_AT_A_TIME):
            there = column.in_(ids[start : start + _IDS_AT_A_TIME])
            found += [str(value) for (value,) in connection.execute(select(column).where(table.c[RUN] == self.run, there))]
        if found:
            raise OutputError(
                f"{self.name}: other rows of the run {self.run!r} have the {self._ids(found)}; "
                "each row needs an id of its own (if they are of an older run of this name, begin anew with --restart)"
            )

    def _ids(self, ids: Sequence[str]) -> str:
        more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
        return f"{self.id_column!r} {listed(ids[:_SHOWN_IDS])}{more}"


def open_sql_output(database: str, table: str, run: str, id_column: str, folder: Path) -> SqlOutput:
    """A table as an output; nothing is connected yet.

    Args:
        database: Address as in SQLAlchemy, `postgresql://user@host/name`; see `database` for where the password should be.
        table: Its name; one with a dot is that of a schema and a table in it.
        run: What tells the rows of this run from those of others in the same table.
        id_column: The column of the output that tells the rows of a run apart.
        folder: Where the run remembers what is done.

    Raises:
        OutputError: if this is no address, no kind of database that can be written to, or no name of a table.
        MissingExtraError: if SQLAlchemy or the driver is not installed.
    """
    place = open_database(database, OutputError)
    if place.kind not in _KINDS:
        raise OutputError(f"{place.name} is of another kind than can be written to ({', '.join(_KINDS)}); write a file, and load that")
    if place.is_in_memory:
        raise OutputError(f"{place.name} is gone at the end of the run; name a file, as in sqlite:///scores.db")
    if not table.rpartition(".")[2] or "\0" in table:
        raise OutputError(f"{place.name} cannot have a table named {table!r}; choose another name")
    if "\0" in run:
        raise OutputError(f"{place.name} cannot hold a run named {run!r}; choose another name")
    place.engine()
    return SqlOutput(place, table, run, id_column, folder)


def _is_there(connection: Connection, table: TableClause | Table) -> bool:
    from sqlalchemy import inspect

    return inspect(connection).has_table(table.name, schema=table.schema)


def _check_table(name: str, connection: Connection, table: Table) -> None:
    from sqlalchemy import inspect

    if not _is_there(connection, table):
        return
    inspector = inspect(connection)
    found = [str(column["name"]) for column in inspector.get_columns(table.name, schema=table.schema)]
    wanted = [column.name for column in table.columns]
    missing, others = [column for column in wanted if column not in found], [column for column in found if column not in wanted]
    if missing or others:
        lacks = f"lacks {listed(missing)}" if missing else ""
        has = f"has {listed(others)} besides" if others else ""
        raise OutputError(f"{name} is there with other columns: it {' and '.join(filter(None, (lacks, has)))}; choose another table")
    key = inspector.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
    if set(key) != {column.name for column in table.primary_key}:
        raise OutputError(f"{name} is there with another primary key than {RUN} and the id; choose another table")


def _digest(columns: Mapping[str, list[Any]]) -> str:
    return hashlib.sha256(to_json(columns).encode("utf-8", "surrogatepass")).hexdigest()
