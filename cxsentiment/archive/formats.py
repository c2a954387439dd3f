"""Formats of scored rows: Parquet, JSON Lines, CSV and TSV. Each writes shards, and joins them into one file.

In CSV and TSV:

- lists and structs are JSON, null is an empty cell, text is UTF-8;
- a text or a column name of the input that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, TAB or CR and is not
  just a number) gets an apostrophe in front.

In JSON Lines, what JSON does not know is written as text (dates, decimals, bytes as base64) or null (NaN, infinity).
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from cxsentiment.archive.jsonlines import is_json
from cxsentiment.archive.plain import plain_values, to_json
from cxsentiment.results import ROW_SCHEMA

_ROW_GROUP: Final = 16_384
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d\s.,%]*\Z)")


class Format(Protocol):
    """How scored rows stand in files."""

    def write(self, rows: pa.Table, file: BinaryIO) -> None:
        """A shard of them."""

    def join(self, shards: Sequence[Path], schema: pa.Schema, file: BinaryIO) -> None:
        """One file of all shards, in order; `schema` is that of their rows."""


class Parquet:
    """Parquet; joined shards are gathered into row groups of a size that readers like."""

    def write(self, rows: pa.Table, file: BinaryIO) -> None:
        """A shard is a file of its own."""
        pq.write_table(rows, file, compression="zstd")

    def join(self, shards: Sequence[Path], schema: pa.Schema, file: BinaryIO) -> None:
        """Row groups of at least `_ROW_GROUP` rows."""
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            waiting: list[pa.Table] = []
            for shard in shards:
                waiting.append(pq.ParquetFile(shard).read().cast(schema))
                if sum(part.num_rows for part in waiting) >= _ROW_GROUP:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting = []
            if waiting:
                writer.write_table(pa.concat_tables(waiting))


class JsonLines:
    """One object a line."""

    def write(self, rows: pa.Table, file: BinaryIO) -> None:
        """A shard is some lines."""
        columns = [self._values(field, column) for field, column in zip(rows.schema, rows.columns, strict=True)]
        names = rows.schema.names
        lines = [to_json(dict(zip(names, row, strict=True))) + "\n" for row in zip(*columns, strict=True)]
        file.write("".join(lines).encode())

    def join(self, shards: Sequence[Path], schema: pa.Schema, file: BinaryIO) -> None:
        """Line after line."""
        _copy(shards, file)

    @staticmethod
    def _values(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
        values = plain_values(column)
        return [_from_json(value) for value in values] if is_json(field) else values


class Delimited:
    """CSV (RFC 4180) or TSV."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter

    def write(self, rows: pa.Table, file: BinaryIO) -> None:
        """A shard is some records, without the header."""
        columns = [self._cells(field, column) for field, column in zip(rows.schema, rows.columns, strict=True)]
        self._write_records(zip(*columns, strict=True), file)

    def join(self, shards: Sequence[Path], schema: pa.Schema, file: BinaryIO) -> None:
        """The header, then record after record."""
        self._write_records([[spreadsheet_safe(name) for name in schema.names]], file)
        _copy(shards, file)

    @staticmethod
    def _cells(field: pa.Field, column: pa.ChunkedArray) -> list[str]:
        cells = map(_cell, plain_values(column))
        return list(cells) if field.name in ROW_SCHEMA.names else list(map(spreadsheet_safe, cells))

    def _write_records(self, records: Iterable[Sequence[str]], file: BinaryIO) -> None:
        # RFC 4180's line end: the writer then quotes every cell with CR or LF in it.
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._delimiter, lineterminator="\r\n").writerows(records)
        file.write(text.getvalue().encode())


FORMATS: Final[Mapping[str, Format]] = {
    ".parquet": Parquet(),
    ".jsonl": JsonLines(),
    ".ndjson": JsonLines(),
    ".csv": Delimited(","),
    ".tsv": Delimited("\t"),
}
"""By suffix of the file."""


def spreadsheet_safe(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet would run it as a formula.

    Numbers, telephone numbers and lone dashes stay as they are (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _copy(shards: Sequence[Path], file: BinaryIO) -> None:
    for shard in shards:
        with shard.open("rb") as part:
            shutil.copyfileobj(part, file, 1 << 20)


def _from_json(text: str | None) -> Any:
    try:
        return text if text is None else json.loads(text)
    except ValueError:  # somebody changed the column after it was marked
        return text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)
