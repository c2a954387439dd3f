"""Reads JSON Lines: one object a line.

- The columns are the keys of all lines, in the order in which they first appear; a key that a line lacks is null there.
- A column of strings, of booleans, of whole numbers (64 bits) or of numbers keeps that type. Where kinds are mixed, or values are lists or
  objects, strings stay as they are and everything else becomes JSON text. Columns without any strings of their own are marked, and a JSON
  Lines output gives them back as they were.
- A line that is not a JSON object, or is nested too deep, keeps its place as a row of nulls, with the line in its `cx_error`. A file
  without any object is refused.
- A wrong byte in a text makes its row unreadable, one in another value becomes U+FFFD; a line with one in a key counts as no object.
- Blank lines are no rows. Half of a surrogate pair, which no text file can hold, becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from cxsentiment.archive.chunking import check_cells, in_chunks, rows_at_once
from cxsentiment.archive.column_types import kind_of
from cxsentiment.archive.encoding import TextEncoding, find_encoding, has_surrogates, open_text, without_surrogates
from cxsentiment.archive.location import Location
from cxsentiment.archive.shown import kept, shown
from cxsentiment.archive.source import (
    BROKEN_ENCODING,
    CHUNK_ROWS,
    NO_TEXT,
    NOT_TEXT,
    Chunk,
    ReadingOptions,
    Unreadable,
    check_columns,
    choose_text_columns,
    joined,
)
from cxsentiment.errors import InputError

JSON_MARK: Final = {b"cxsentiment": b"json"}
"""Metadata of a field whose cells are all JSON text."""

MOST_NESTED: Final = 700
"""Lists and objects within each other; Python reads and writes less than a thousand."""

_HEX: Final = "[0-9a-fA-F]{2}"
_ESCAPE: Final = re.compile(rf"\\(?:u[dD][89abAB]{_HEX}\\u[dD][c-fC-F]{_HEX}|(u[dD][89a-fA-F]{_HEX})|.)")
"""An escape in JSON; the group is half of a surrogate pair."""
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

Kinds = Mapping[str, frozenset[str]]
"""The columns, and what kinds of values each one has."""


@dataclass(frozen=True, slots=True)
class _Broken:
    """An object in whose line some byte is wrong; strings hold lone surrogates."""

    values: dict[str, Any]


_Row = dict[str, Any] | _Broken | Unreadable


@dataclass(frozen=True, slots=True)
class JsonLinesSource:
    """A JSON Lines file; see the module for its rules."""

    location: Location
    text_encoding: TextEncoding
    kinds: Kinds
    text_columns: tuple[str, ...]
    rows: int

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.location.name

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return pa.schema([_field(name, kinds) for name, kinds in self.kinds.items()])

    @property
    def encoding(self) -> str:
        """Its encoding, found or given."""
        return self.text_encoding.name

    @property
    def identity(self) -> dict[str, str]:
        """That of the file, and how it is read."""
        return {**self.location.identity, "encoding": self.encoding}

    def with_kinds(self, kinds: Kinds) -> JsonLinesSource:
        """The same rows where the columns have values of more kinds, as in several files together."""
        return replace(self, kinds=kinds)

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`."""
        at_once = rows_at_once(len(self.kinds), size)
        yield from in_chunks(self._pieces(at_once), size) if at_once < size else self._pieces(size)

    def _pieces(self, size: int) -> Iterator[Chunk]:
        schema = self.schema
        rows = _read(self.location, self.text_encoding)
        while batch := list(islice(rows, size)):
            yield self._chunk(batch, schema)

    def _chunk(self, batch: list[_Row], schema: pa.Schema) -> Chunk:
        objects = [_cleaned(row) for row in batch]
        columns = [pa.array([_cell(row.get(field.name), field) for row in objects], field.type) for field in schema]
        texts = joined([[self._text(row, name) for row in batch] for name in self.text_columns])
        return Chunk(pa.Table.from_arrays(columns, schema=schema), texts)

    def _text(self, row: _Row, column: str) -> str | Unreadable:
        if isinstance(row, Unreadable):
            return row
        if isinstance(row, _Broken):
            text = _text(row.values.get(column))
            return self.text_encoding.checked_cell(text) if isinstance(text, str) else text
        return _text(row.get(column))


def open_json_lines(location: Location, options: ReadingOptions) -> JsonLinesSource:
    """Opens a JSON Lines file: a few passes over the file find its encoding and columns, and count the rows.

    Raises:
        InputError: if the file is empty, not in this encoding or in no known one, without any JSON object, or has no such text column.
        OptionError: if the encoding wanted does not exist.
    """
    name = location.name
    encoding = find_encoding(location, options.encoding)
    found: dict[str, set[str]] = {}
    rows = 0
    for row in _read(location, encoding):
        rows += 1
        for key, value in _cleaned(row).items():
            found.setdefault(key, set()).add(_kind(value))
    if not rows:
        raise InputError(f"{name}: the file is empty")
    if not found:
        raise InputError(f"{name}: no line of it is a JSON object with keys; JSON Lines has one object a line")
    check_columns(name, list(found))
    columns = choose_text_columns(name, list(found), options.text_columns)
    check_cells(name, len(found), rows)
    return JsonLinesSource(location, encoding, {key: frozenset(kinds) for key, kinds in found.items()}, columns, rows)


def merged_kinds(sources: list[JsonLinesSource]) -> Kinds:
    """The kinds of values that the columns of the first file have in all files, which have the same columns."""
    return {name: frozenset().union(*(source.kinds[name] for source in sources)) for name in sources[0].kinds}


def _read(location: Location, encoding: TextEncoding) -> Iterator[_Row]:
    with open_text(location, encoding, newline="\n") as file:
        for number, line in enumerate(file, start=1):
            stripped = (line if number > 1 else line.removeprefix("\ufeff")).strip()
            if stripped:
                yield _parse(stripped, number)


def _parse(line: str, number: int) -> _Row:
    if "\\u" in line:
        line = _ESCAPE.sub(lambda escape: r"\ufffd" if escape[1] else escape[0], line)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable(f"not JSON: line {number}: {_kept(line)}")
    if not isinstance(value, dict):
        return Unreadable(f"not a JSON object: line {number}: {_kept(line)}")
    if line.count("[") + line.count("{") > MOST_NESTED and _is_too_deep(value):
        return Unreadable(f"not JSON: line {number} has more than {MOST_NESTED} lists and objects within each other: {_kept(line)}")
    if not has_surrogates(line):
        return value
    if any(map(has_surrogates, value)):
        return Unreadable(f"{BROKEN_ENCODING}: a key in line {number}: {_kept(line)}")
    return _Broken(value)


def _kept(line: str) -> str:
    return without_surrogates(kept(line))


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_NESTED):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict | list):
                inner.extend(item.values() if isinstance(item, dict) else item)
        if not inner:
            return False
        level = inner
    return True


def _cleaned(row: _Row) -> dict[str, Any]:
    """The values of a line; none if it has no object, and strings without wrong bytes."""
    match row:
        case Unreadable():
            return {}
        case _Broken():
            # As JSON text, so that lists and objects need not be walked through.
            cleaned: dict[str, Any] = json.loads(without_surrogates(json.dumps(row.values, ensure_ascii=False)))
            return cleaned
        case _:
            return row


def _kind(value: Any) -> str:
    match value:
        case list():
            return "list"
        case dict():
            return "object"
        case _:
            return kind_of(value)


def _field(name: str, kinds: frozenset[str]) -> pa.Field:
    found = kinds - {"null"}
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
    kind = _KIND_NAMES.get(_kind(value), "number")
    return Unreadable(f"{NOT_TEXT}: {kind} {shown(without_surrogates(json.dumps(value, ensure_ascii=False)))}")


def is_json(field: pa.Field) -> bool:
    """Whether all cells of a column are JSON text that stands for values."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    return all(metadata.get(key) == value for key, value in JSON_MARK.items())
