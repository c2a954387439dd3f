"""The table that results are written to: its columns for those of Arrow, and the values that they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from cxsentiment.archive.plain import plain_values, to_json
from cxsentiment.errors import OutputError

if TYPE_CHECKING:
    from sqlalchemy import Table, TableClause
    from sqlalchemy.sql import quoted_name
    from sqlalchemy.types import TypeEngine

RUN: Final = "cx_run"
CHUNK: Final = "cx_chunk"

_REPLACEMENT: Final = "\ufffd"
_LONGEST_NAME: Final = 63
"""Bytes; PostgreSQL cuts longer ones off."""
_WAY_OUT: Final = "rename it, or leave it out with --columns"


def build_table(name: str, id_column: str, columns: pa.Schema) -> Table:
    """The table, with run and id as its key."""
    from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

    schema, table = split_name(name)
    built = Table(
        quoted(table),
        MetaData(),
        Column(RUN, Text, primary_key=True),
        Column(quoted(id_column), column_type(columns.field(id_column).type), primary_key=True, autoincrement=False),
        Column(CHUNK, BigInteger, nullable=False),
        *(Column(quoted(field.name), column_type(field.type)) for field in columns if field.name != id_column),
        schema=quoted(schema) if schema else None,
    )
    Index(None, built.c[RUN], built.c[CHUNK])
    return built


def quoted(name: str) -> quoted_name:
    """A name that is always put into quotation marks: no list of reserved words is complete."""
    from sqlalchemy.sql import quoted_name

    return quoted_name(name, quote=True)


def split_name(name: str) -> tuple[str | None, str]:
    """The schema and the table of a name; one without a dot is in the usual schema."""
    schema, _, table = name.rpartition(".")
    return schema or None, table


def untyped(name: str, columns: Sequence[str]) -> TableClause:
    """Some columns of the table, as a statement sees them that passes values on as they are."""
    import sqlalchemy as sa

    schema, table = split_name(name)
    return sa.table(quoted(table), *(sa.column(quoted(column)) for column in columns), schema=quoted(schema) if schema else None)


def column_type(kind: pa.DataType) -> TypeEngine[Any]:
    """The type in which values of an Arrow type are kept; text for all that databases do not share. Lists and structs are JSON."""
    import sqlalchemy as sa
    from sqlalchemy.dialects.postgresql import JSONB

    if pa.types.is_dictionary(kind):
        return column_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return sa.Boolean()
    if pa.types.is_integer(kind):
        return sa.Numeric(20, 0).with_variant(sa.Text(), "sqlite") if pa.types.is_uint64(kind) else sa.BigInteger()
    if pa.types.is_floating(kind):
        return sa.Double() if pa.types.is_float64(kind) else sa.REAL()
    if is_nested(kind):
        return sa.Text().with_variant(JSONB(), "postgresql")
    if is_binary(kind):
        return sa.LargeBinary()
    return sa.Text().with_variant(_exact_type(kind), "postgresql")


def _exact_type(kind: pa.DataType) -> TypeEngine[Any]:
    """For what SQLite has no type."""
    import sqlalchemy as sa

    if pa.types.is_decimal(kind):
        return sa.Numeric(kind.precision, kind.scale)
    if pa.types.is_date(kind):
        return sa.Date()
    if pa.types.is_time(kind):
        return sa.Time()
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    return sa.Text()


def column_values(column: pa.ChunkedArray, *, zero_bytes: bool) -> list[Any]:
    """What is written for the cells of a column: strings, numbers, booleans, bytes and None.

    Lists and structs are JSON, dates and decimals strings, and NaN and infinity None. Unless `zero_bytes` may stand in a text, they
    become U+FFFD.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if is_binary(kind):
        values: list[Any] = column.to_pylist()
        return values
    values = plain_values(column)
    if not zero_bytes and not (pa.types.is_primitive(kind) or pa.types.is_decimal(kind)):
        values = [_without_zero_bytes(value) for value in values]
    if is_nested(kind):
        return [value if value is None else to_json(value) for value in values]
    if pa.types.is_uint64(kind):
        return [value if value is None else str(value) for value in values]
    return values


def is_nested(kind: pa.DataType) -> bool:
    """Whether its values are lists or structs."""
    return bool(pa.types.is_nested(kind))


def is_binary(kind: pa.DataType) -> bool:
    """Whether its values are bytes."""
    checks = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(check(kind) for check in checks)


def _without_zero_bytes(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", _REPLACEMENT) if "\0" in value else value
    if isinstance(value, list | tuple):
        return [_without_zero_bytes(item) for item in value]
    if isinstance(value, dict):
        return {_without_zero_bytes(name): _without_zero_bytes(item) for name, item in value.items()}
    return value


def check_names(place: str, kind: str, names: Sequence[str]) -> None:
    """Refuses names of columns that this kind of database cannot have, would cut off, or cannot tell apart.

    Raises:
        OutputError: naming the column.
    """
    seen: dict[str, str] = {}
    for name in names:
        if not name or "\0" in name:
            raise OutputError(f"{place} cannot have a column named {name!r}; {_WAY_OUT}")
        if kind == "postgresql" and len(name.encode()) > _LONGEST_NAME:
            raise OutputError(f"{place} cannot have a column named {name!r}, of more than {_LONGEST_NAME} bytes; {_WAY_OUT}")
        other = seen.setdefault(name if kind == "postgresql" else name.lower(), name)
        if other != name:
            raise OutputError(f"{place} cannot tell the columns {other!r} and {name!r} apart; {_WAY_OUT}")
