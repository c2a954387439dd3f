"""Columns of plain Python values, where only the values themselves tell what type a column has (sheets, many databases).

- A column of strings, booleans, whole numbers (64 bits), numbers, bytes, days or moments keeps that type; whole numbers and numbers are
  numbers, days and moments are moments; moments with a time zone are in UTC.
- Where kinds are mixed, and for all others (decimals, times of day, lists, UUIDs, ...), strings stay as they are and everything else
  becomes text: numbers, lists and objects as in JSON, dates in ISO 8601, bytes as base64.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from cxsentiment.archive.plain import to_json
from cxsentiment.archive.shown import shown
from cxsentiment.archive.source import BROKEN_ENCODING, NO_TEXT, NOT_TEXT, Unreadable

EXACT_IN_DOUBLE = 2**53
_MOMENT: Final = pa.timestamp("us")
_TYPES: Final[dict[frozenset[str], pa.DataType]] = {
    frozenset({"boolean"}): pa.bool_(),
    frozenset({"small"}): pa.int64(),
    frozenset({"int64"}): pa.int64(),
    frozenset({"small", "int64"}): pa.int64(),
    frozenset({"double"}): pa.float64(),
    frozenset({"small", "double"}): pa.float64(),
    frozenset({"binary"}): pa.binary(),
    frozenset({"date"}): pa.date32(),
    frozenset({"timestamp"}): _MOMENT,
    frozenset({"date", "timestamp"}): _MOMENT,
    frozenset({"timestamp with zone"}): pa.timestamp("us", "UTC"),
}
_KIND_NAMES: Final = {"small": "int64", "wide": "number"}


class CellError(str):
    """What stands in a cell whose formula failed (`#N/A`): shown like a string, but no text."""

    __slots__ = ()


def kind_of(value: Any) -> str:
    """What sort of value it is. `small` is a whole number that a double holds exactly, `wide` one that 64 bits do not hold."""
    match value:
        case None:
            return "null"
        case CellError():
            return "error"
        case str():
            return "string"
        case bool():
            return "boolean"
        case int():
            if abs(value) <= EXACT_IN_DOUBLE:
                return "small"
            return "int64" if -(2**63) <= value < 2**63 else "wide"
        case float():
            return "double"
        case bytes() | bytearray() | memoryview():
            return "binary"
        case datetime():
            return "timestamp" if value.tzinfo is None else "timestamp with zone"
        case date():
            return "date"
        case _:
            return type(value).__name__.lower()


def type_of(kinds: Iterable[str]) -> pa.DataType:
    """The type of a column in which these kinds of values were found."""
    return _TYPES.get(frozenset(kinds) - {"null"}, pa.string())


def to_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """The values as a column of a type that `type_of` gave, or of decimals, in which NaN and infinity are null.

    Half of a surrogate pair, which no Arrow string can hold, becomes U+FFFD.

    Raises:
        ValueError or TypeError: if a value does not belong to this type (those of Arrow are among them).
    """
    if pa.types.is_string(kind):
        return _strings([None if value is None else as_text(value) for value in values])
    if pa.types.is_timestamp(kind):
        values = [datetime.combine(value, time()) if kind_of(value) == "date" else value for value in values]
    elif pa.types.is_decimal(kind):
        values = [None if isinstance(value, Decimal) and not value.is_finite() else value for value in values]
    return pa.array(values, kind)


def texts_of(values: Sequence[Any]) -> list[str | Unreadable]:
    """The texts of a column; null and whatever is no string become `Unreadable`, and so do bytes kept by `surrogateescape`."""
    return [_text(value) for value in values]


def as_text(value: Any) -> str:
    """A value as a string, for columns of mixed types."""
    match value:
        case str():
            return value
        case bool() | int() | float() | list() | dict():
            return to_json(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode("ascii")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _text(value: Any) -> str | Unreadable:
    if value is None:
        return Unreadable(NO_TEXT)
    if isinstance(value, str) and not isinstance(value, CellError):
        return value if value.isascii() else _decoded(value)
    kind = kind_of(value)
    return Unreadable(f"{NOT_TEXT}: {_KIND_NAMES.get(kind, kind)} {shown(as_text(value))}")


def _decoded(text: str) -> str | Unreadable:
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            return Unreadable(f"{BROKEN_ENCODING}: byte 0x{raw[error.start]:02x} at offset {error.start} of the cell is not utf-8")
    return text


def with_surrogates_paired(text: str) -> str:
    """The text with each pair of surrogates as the letter it stands for, and U+FFFD for each one that is alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _strings(values: Sequence[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array([value if value is None else with_surrogates_paired(value) for value in values], pa.string())
