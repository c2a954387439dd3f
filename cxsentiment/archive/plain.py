"""Arrow values as plain Python ones that JSON can hold."""

from __future__ import annotations

import base64
import json
import math
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa


def plain_values(column: pa.ChunkedArray) -> list[Any]:
    """The cells of a column: strings, numbers, booleans, None, and lists and dicts of them as far as JSON knows them.

    A single-precision number becomes the shortest decimal that stands for it (0.9, not 0.8999999761581421), not finite ones become None,
    dates and times ISO strings, and bytes of a string that are not UTF-8 U+FFFD.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    if pa.types.is_temporal(kind):
        kind = pa.string()
        column = column.cast(kind)
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        return _decoded(column)
    except (ValueError, OverflowError):  # inside of lists and structs, nanoseconds or days beyond Python's calendar
        kind = _without_moments(kind)
        values = column.cast(kind).to_pylist()
    if pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return values
    return [_plain(value, kind) for value in values]


def to_json(value: Any) -> str:
    """JSON on one line, in readable letters; what is not finite becomes null."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_as_text, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_as_text)


def _decoded(column: pa.ChunkedArray) -> list[str | None]:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = column.cast(pa.string())
    large = pa.types.is_large_string(column.type)
    raw = column.cast(pa.large_binary() if large else pa.binary()).to_pylist()
    return [value if value is None else value.decode("utf-8", "replace") for value in raw]


def _plain(value: Any, kind: pa.DataType) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(str(np.float32(value))) if pa.types.is_float32(kind) else value
    if isinstance(value, dict) and pa.types.is_struct(kind):
        return {field.name: _plain(value[field.name], field.type) for field in kind}
    if isinstance(value, list) and _is_list(kind):
        return [_plain(item, kind.value_type) for item in value]
    return value if value is None or isinstance(value, bool | int | str | list | dict) else _as_text(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _without_moments(kind: pa.DataType) -> pa.DataType:
    """The type with strings for days and moments, at any depth."""
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_moments(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_without_moments(kind.key_type), _without_moments(kind.item_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_without_moments(kind.value_type), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_without_moments(kind.value_type))
    return pa.list_(_without_moments(kind.value_type)) if pa.types.is_list(kind) else kind


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value)
