"""What is particular to PostgreSQL: its types as Arrow's, loaded so that no value can stop a run, and rows copied into a table at once.

Imported on use, since it needs the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow as pa
from psycopg import Column, Connection, DataError, adapters, sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.datetime import DateLoader, TimeLoader, TimestampLoader, TimestamptzLoader
from sqlalchemy import Connection as SqlConnection

from cxsentiment.archive.sql_table import split_name

_MOST_DIGITS: Final = 38
"""As many as a decimal of 128 bits has."""


class _Text(Loader):
    """Strings; bytes that are not UTF-8 (there are some in databases without an encoding) are kept as half surrogate pairs."""

    def load(self, data: Buffer) -> str:
        return str(data, "utf-8", "surrogateescape")


class _Date(DateLoader):
    """Days; null for those that Python's calendar does not have (`infinity`, years before 1 and after 9999)."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return None


class _Time(TimeLoader):
    """Times of day; null for 24:00."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return None


class _Timestamp(TimestampLoader):
    """Moments, as far as Python's calendar goes."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return None


class _Timestamptz(TimestamptzLoader):
    """Moments with a time zone, as far as Python's calendar goes."""

    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)
        except DataError:
            return None


_TYPES: Final = {
    "bool": pa.bool_(),
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "oid": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
_TYPES_BY_NUMBER: Final = {adapters.types[name].oid: kind for name, kind in _TYPES.items()}
_UNKNOWN: Final = 0
"""Stands for all types that the driver has never heard of (enumerations, those of extensions)."""
_NUMERIC: Final = adapters.types["numeric"].oid
_LOADED_AS_USUAL: Final = {*_TYPES_BY_NUMBER, _NUMERIC, adapters.types["uuid"].oid}
_LOADERS: Final[dict[str, type[Loader]]] = {"date": _Date, "time": _Time, "timestamp": _Timestamp, "timestamptz": _Timestamptz}


def prepare_to_read(connection: Connection[Any], _: object = None) -> None:
    """Lets a new connection give its rows so that `arrow_schema` fits: what has no type there (JSON, arrays, ranges, ...) as text."""
    connection.adapters.register_loader(_UNKNOWN, _Text)
    for info in adapters.types:
        if info.oid not in _LOADED_AS_USUAL:
            connection.adapters.register_loader(info.oid, _Text)
        if info.array_oid:
            connection.adapters.register_loader(info.array_oid, _Text)
    for name, loader in _LOADERS.items():
        connection.adapters.register_loader(name, loader)
    connection.execute("SET datestyle TO ISO")  # moments in other styles cannot all be parsed
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        connection.execute("SET client_encoding TO SQL_ASCII")  # the server refuses to send what is not in the client's encoding
    connection.commit()


def arrow_schema(columns: Iterable[Any]) -> pa.Schema:
    """The columns of a query, as the driver's cursor describes them.

    Decimals keep their type where it says how many digits they have, and are strings elsewhere.
    """
    return pa.schema([(column.name, _arrow_type(column)) for column in columns])


def _arrow_type(column: Column) -> pa.DataType:
    if column.type_code == _NUMERIC:
        precision, scale = column.precision, column.scale
        fits = precision is not None and scale is not None and 0 <= scale <= precision <= _MOST_DIGITS
        return pa.decimal128(precision, scale) if fits else pa.string()
    return _TYPES_BY_NUMBER.get(column.type_code, pa.string())


def copy_rows(connection: SqlConnection, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Copies rows into a table, as part of the transaction that the connection is in."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, Connection)
    place = sql.Identifier(*filter(None, split_name(table)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(place, sql.SQL(", ").join(map(sql.Identifier, names)))
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
