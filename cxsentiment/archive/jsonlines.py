"""Reads JSON Lines: one object a line.

- The columns are the keys of all lines, in the order in which they first appear; a key that a line lacks is null there.
- A column of strings, of booleans, of whole numbers (64 bits) or of numbers keeps that type. Where kinds are mixed, or values are lists or
  objects, strings stay as they are and everything else becomes JSON text. Columns without any strings of their own are marked, and a JSON
  Lines output gives them back as they were.
- A line that is not a JSON object keeps its place as a row of nulls, with the whole line in its `cx_error`. A file without any object is
  refused.
- Blank lines are no rows. Half of a surrogate pair, which no text file can hold, becomes U+FFFD.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cxsentiment.archive.encoding import open_text
from cxsentiment.archive.source import CHUNK_ROWS, NO_TEXT, Chunk, Unreadable, check_columns, choose_text_column
from cxsentiment.errors import InputError

JSON_MARK: Final = {b"cxsentiment": b"json"}
"""Metadata of a field whose cells are all JSON text."""

_SHOWN = 80
_EXACT_IN_DOUBLE = 2**53
_TYPES: Final = {
    frozenset({"string"}): pa.string(),
    frozenset({"boolean"}): pa.bool_(),
    frozenset({"int64"}): pa.int64(),
    frozenset({"small", "int64"}): pa.int64(),
    frozenset({"small"}): pa.int64(),
    frozenset({"double"}): pa.float64(),
    frozenset({"small", "double"}): pa.float64(),
}
_KIND_NAMES: Final = {"small": "int64", "double": "double", "int64": "int64", "boolean": "boolean", "list": "list", "object": "object"}


@dataclass(frozen=True, slots=True)
class JsonLinesSource:
    """A JSON Lines file; see the module for its rules."""

    path: Path
    encoding: str
    schema: pa.Schema
    text_column: str
    rows: int

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`."""
        rows = _read(self.path, self.encoding)
        while batch := list(islice(rows, size)):
            yield self._chunk(batch)

    def _chunk(self, batch: list[dict[str, Any] | Unreadable]) -> Chunk:
        objects = [row if isinstance(row, dict) else {} for row in batch]
        columns = [pa.array([_cell(row.get(field.name), field) for row in objects], field.type) for field in self.schema]
        texts = [row if isinstance(row, Unreadable) else _text(row.get(self.text_column)) for row in batch]
        return Chunk(pa.Table.from_arrays(columns, schema=self.schema), texts)


def open_json_lines(path: Path, text_column: str | None, encoding: str) -> JsonLinesSource:
    """Opens a JSON Lines file: one pass over the file finds its columns and counts the rows.

    Raises:
        InputError: if the file is empty, not in this encoding, without any JSON object, or has no such text column.
    """
    kinds: dict[str, set[str]] = {}
    rows = unreadable = 0
    for row in _read(path, encoding):
        rows += 1
        if isinstance(row, Unreadable):
            unreadable += 1
            continue
        for name, value in row.items():
            kinds.setdefault(name, set()).add(_kind(value))
    if not rows:
        raise InputError(f"{path}: the file is empty")
    if not kinds:
        raise InputError(f"{path}: no line of it is a JSON object with keys; JSON Lines has one object a line")
    check_columns(path, list(kinds))
    column = choose_text_column(path, list(kinds), text_column)
    return JsonLinesSource(path, encoding, pa.schema([_field(name, found) for name, found in kinds.items()]), column, rows)


def _read(path: Path, encoding: str) -> Iterator[dict[str, Any] | Unreadable]:
    with open_text(path, encoding, newline="\n") as file:
        for number, line in enumerate(_without_mark(file), start=1):
            if line.strip():
                yield _parse(line.strip(), number)


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix("\ufeff")


def _parse(line: str, number: int) -> dict[str, Any] | Unreadable:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(f"not JSON: line {number}: {line}")
    if not isinstance(value, dict):
        return Unreadable(f"not a JSON object: line {number}: {line}")
    # Only an escape can bring half a surrogate pair through the decoder.
    return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()} if "\\u" in line else value


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def _kind(value: Any) -> str:
    """`small` is a whole number that a double holds exactly; `wide` one that 64 bits do not hold."""
    match value:
        case None:
            return "null"
        case str():
            return "string"
        case bool():
            return "boolean"
        case int():
            if abs(value) <= _EXACT_IN_DOUBLE:
                return "small"
            return "int64" if -(2**63) <= value < 2**63 else "wide"
        case float():
            return "double"
        case list():
            return "list"
        case _:
            return "object"


def _field(name: str, kinds: set[str]) -> pa.Field:
    found = frozenset(kinds - {"null"})
    if not found or found in _TYPES:
        return pa.field(name, _TYPES.get(found, pa.string()))
    return pa.field(name, pa.string(), metadata=None if "string" in found else JSON_MARK)


def _cell(value: Any, field: pa.Field) -> Any:
    if value is None or field.type != pa.string() or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str | Unreadable:
    if isinstance(value, str):
        return value
    if value is None:
        return Unreadable(NO_TEXT)
    shown = json.dumps(value, ensure_ascii=False)
    kind = _KIND_NAMES.get(_kind(value), "number")
    return Unreadable(f"not text: {kind} {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}")


def is_json(field: pa.Field) -> bool:
    """Whether all cells of a column are JSON text that stands for values."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return all(metadata.get(key) == value for key, value in JSON_MARK.items())
