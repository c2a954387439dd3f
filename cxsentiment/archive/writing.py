"""Writes scored rows as Parquet, JSON Lines, CSV or TSV, by the suffix of the output.

The file is written under a temporary name beside its final one, flushed to the disk and renamed when complete: under the final name there
is never half a file, and whatever goes wrong the temporary one is removed.

In CSV and TSV:

- lists and structs are JSON, null is an empty cell, text is UTF-8;
- a text of the input that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, TAB or CR and is not just a number)
  gets an apostrophe in front.

In JSON Lines, what JSON does not know is written as text (dates, decimals, bytes as base64) or null (NaN, infinity).
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from cxsentiment.archive.jsonlines import is_json
from cxsentiment.archive.plain import plain_values, to_json
from cxsentiment.errors import OutputError
from cxsentiment.results import ROW_SCHEMA

_ROW_GROUP: Final = 16_384
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d\s.,%]*\Z)")


class Writer(Protocol):
    """Takes scored rows in order."""

    def write(self, table: pa.Table) -> None:
        """Adds rows; their columns are those of `output_schema`."""


def output_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of the input followed by those of the results."""
    return pa.schema([*schema, *ROW_SCHEMA], metadata=schema.metadata)


def check_output(path: str | Path, source: Path) -> Path:
    """The place where the output will stand, links followed.

    Raises:
        OutputError: if the format is unknown, the folder does not exist or cannot be written, or it is the input itself.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise OutputError(f"{path} has an unknown format; the output can be {', '.join(_FORMATS)}")
    place = Path(os.path.realpath(path))
    if place.exists() and source.exists() and place.samefile(source):
        raise OutputError(f"{path} is the input; write to another name")
    if not place.parent.exists():
        raise OutputError(f"the folder {place.parent} does not exist; make it first")
    if place.is_dir():
        raise OutputError(f"{path} is a folder; name a file in it")
    if not place.parent.is_dir() or not os.access(place.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{place.parent} cannot be written to; choose another folder or change its permissions")
    return place


@contextmanager
def open_writer(path: str | Path, source: Path, schema: pa.Schema) -> Iterator[Writer]:
    """A writer for `path`; the file appears there when the block ends without an error, and not at all otherwise.

    Args:
        path: The output; its suffix says the format. An older file of this name is replaced at the end.
        source: The input, which the output must not overwrite.
        schema: The columns of the input.

    Raises:
        OutputError: as `check_output`, or if writing fails (no space left, ...).
    """
    place = check_output(path, source)
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}.partial")
    with _as_output_error(path):
        file = temporary.open("xb")
    writer = _Guarded(path, _FORMATS[place.suffix.lower()](file, output_schema(schema)))
    try:
        yield writer
        with _as_output_error(path):
            writer.format.finish()
            file.flush()
            os.fsync(file.fileno())
            file.close()
            temporary.replace(place)
            _sync_folder(place.parent)
    finally:
        with suppress(Exception):
            writer.format.finish()
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def _as_output_error(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from None


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself last; not every system can open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# ---- formats --------------------------------------------------------------------------------------------------------------------


class _Format(Protocol):
    def write(self, table: pa.Table) -> None: ...

    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Guarded:
    path: str | Path
    format: _Format

    def write(self, table: pa.Table) -> None:
        with _as_output_error(self.path):
            self.format.write(table)


class _Parquet:
    """Gathers chunks into row groups of a size that readers like."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        if sum(part.num_rows for part in self._waiting) >= _ROW_GROUP:
            self._write_group()

    def finish(self) -> None:
        if self._writer.is_open:
            try:
                self._write_group()
            finally:
                self._writer.close()

    def _write_group(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._writer.write_table(pa.concat_tables(waiting))


class _JsonLines:
    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        self._schema = schema

    def write(self, table: pa.Table) -> None:
        columns = [self._values(field, column) for field, column in zip(self._schema, table.columns, strict=True)]
        names = self._schema.names
        lines = [to_json(dict(zip(names, row, strict=True))) + "\n" for row in zip(*columns, strict=True)]
        self._file.write("".join(lines).encode())

    def finish(self) -> None:
        pass

    @staticmethod
    def _values(field: pa.Field, column: pa.ChunkedArray) -> list[Any]:
        values = plain_values(column)
        return [_from_json(value) for value in values] if is_json(field) else values


class _Delimited:
    delimiter = ","

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        self._write_rows([schema.names])

    def write(self, table: pa.Table) -> None:
        results = len(ROW_SCHEMA)
        columns = [[spreadsheet_safe(_cell(value)) for value in plain_values(column)] for column in table.columns[:-results]]
        columns += [[_cell(value) for value in plain_values(column)] for column in table.columns[-results:]]
        self._write_rows(zip(*columns, strict=True))

    def finish(self) -> None:
        pass

    def _write_rows(self, rows: Iterable[Sequence[str]]) -> None:
        # RFC 4180's line end: the writer then quotes every cell with CR or LF in it.
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerows(rows)
        self._file.write(text.getvalue().encode())


class _TabDelimited(_Delimited):
    delimiter = "\t"


_FORMATS: Final[dict[str, Callable[[IO[bytes], pa.Schema], _Format]]] = {
    ".parquet": _Parquet,
    ".jsonl": _JsonLines,
    ".ndjson": _JsonLines,
    ".csv": _Delimited,
    ".tsv": _TabDelimited,
}


def _from_json(text: str | None) -> Any:
    try:
        return text if text is None else json.loads(text)
    except ValueError:  # somebody changed the column after it was marked
        return text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)


def spreadsheet_safe(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet would run it as a formula.

    Numbers, telephone numbers and lone dashes stay as they are (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell
