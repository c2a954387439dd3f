"""One schema for several files: columns by name, and types that lose nothing of any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from cxsentiment.archive.jsonlines import is_json
from cxsentiment.archive.parquet import is_string
from cxsentiment.archive.source import listed
from cxsentiment.errors import InputError

_BITS_EXACT_IN_DOUBLE = 32
"""Bits of whole numbers that a double holds."""


def unify(schemas: Mapping[str, pa.Schema]) -> pa.Schema:
    """The schema of all files together, by the name of each: the columns of the first one, in its order.

    Columns of nulls go with every type, shorter numbers with longer ones, strings of all kinds with each other.

    Raises:
        InputError: if the columns of a file have other names than those of the first one, or another type; it names both.
    """
    (first, unified), *others = schemas.items()
    for name, schema in others:
        _check_names(first, unified.names, name, schema.names)
        fields = [_unify_field(first, field, name, schema.field(field.name)) for field in unified]
        unified = pa.schema(fields, metadata=unified.metadata)
    return unified


def to_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns of a unified schema."""
    return table.select(schema.names).cast(schema)


def _check_names(first: str, expected: Sequence[str], name: str, found: Sequence[str]) -> None:
    missing = [column for column in expected if column not in set(found)]
    surplus = [column for column in found if column not in set(expected)]
    if missing or surplus:
        lacks = f"lacks {listed(missing)}" if missing else ""
        has = f"has {listed(surplus)}" if surplus else ""
        raise InputError(
            f"{name} has other columns than {first}: it {' and '.join(filter(None, (lacks, has)))}; score the files one by one, or make "
            "their columns the same"
        )


def _unify_field(first: str, one: pa.Field, name: str, other: pa.Field) -> pa.Field:
    kind = _unify_types(one.type, other.type)
    if kind is None:
        raise InputError(
            f"{name}: the column {one.name!r} is {other.type} there and {one.type} in {first} or files after it; score the files one by "
            "one, or make the types the same"
        )
    return pa.field(one.name, kind, metadata=one.metadata if is_json(one) and is_json(other) else None)


def _unify_types(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that holds all values of both, None if there is none."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    one_value, other_value = (kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other))
    if is_string(one_value) and is_string(other_value):
        return pa.string() if one_value == other_value == pa.string() else pa.large_string()
    if _is_number(one) and _is_number(other):
        return _unify_numbers(one, other)
    return None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _unify_numbers(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if pa.types.is_floating(one) and pa.types.is_floating(other):
        return max(one, other, key=lambda kind: kind.bit_width)
    if pa.types.is_floating(one) or pa.types.is_floating(other):
        whole = other if pa.types.is_floating(one) else one
        return pa.float64() if whole.bit_width <= _BITS_EXACT_IN_DOUBLE else None
    signed = [pa.types.is_signed_integer(kind) for kind in (one, other)]
    if all(signed) or not any(signed):
        return max(one, other, key=lambda kind: kind.bit_width)
    unsigned = other if signed[0] else one
    return pa.int64() if unsigned.bit_width < 64 else None
