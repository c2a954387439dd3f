"""The files of a scored archive as one DuckDB relation, with a number for each row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.csv

from cxsentiment.archive.listing import files_of
from cxsentiment.archive.location import Location, first_line
from cxsentiment.archive.output import NULL_PARTITION, STATE_FOLDER
from cxsentiment.errors import InputError

if TYPE_CHECKING:
    import duckdb

SUFFIXES: Final = (".parquet", ".csv", ".tsv", ".jsonl", ".ndjson")
"""What `cxsentiment score` writes, besides folders."""

ROW_ID: Final = "row_id"
_ROWS_PER_FILE: Final = 1 << 32
_BLOCK: Final = 1 << 25
"""Bytes; a row of a CSV file must be shorter. The longest text that is scored takes an eighth of it at most."""
_DELIMITERS: Final = (",", ";", "\t")
_UNUSED: Final = ("cx_sentiment_probs", "cx_emotion_probs")
"""Columns that no measure needs, and that take most of the space."""


@dataclass(frozen=True, slots=True)
class Scan:
    """An archive in DuckDB: the query `sql` gives its rows with a `row_id`; `columns` are the others, with their DuckDB types.

    `text_columns` are those that were scored, none if the archive has no report that says so.
    """

    sql: str
    columns: Mapping[str, str]
    text_columns: tuple[str, ...]


def quoted(name: str) -> str:
    """A name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """A string, or what `str` gives of anything else, as SQL wants it."""
    return "'" + str(value).replace("'", "''") + "'"


def scan(connection: duckdb.DuckDBPyConnection, path: Path) -> Scan:
    """Finds the files and columns; CSV, TSV and JSON Lines, which every query would have to parse anew, become a table in DuckDB.

    Raises:
        InputError: if nothing is there, or not in a format that archives have, or it is damaged.
    """
    wanted = "give the folder or file that `cxsentiment score` wrote"
    if not path.exists():
        raise InputError(f"{path} does not exist; {wanted}")
    with as_input_error(str(path)):
        if path.is_dir():
            files = [Path(file.address) for file in files_of(Location.of(path)) if file.address.lower().endswith(".parquet")]
            if not files:
                raise InputError(f"{path} is a folder without Parquet files; {wanted}")
            return _scan_of(connection, _dataset(connection, path, files), path / STATE_FOLDER / "run.json")
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise InputError(
                f"{path} has an unknown format; a scored archive is a folder of Parquet files or ends in {', '.join(SUFFIXES)}"
            )
        if suffix == ".parquet":
            relation = f"SELECT file_row_number AS {ROW_ID}, * FROM read_parquet([{literal(path)}], hive_partitioning = false)"
        else:
            (_load_delimited if suffix in (".csv", ".tsv") else _load_lines)(connection, path)
            relation = "SELECT * FROM loaded_rows"
        return _scan_of(connection, relation, path.with_name(f"{path.name}.run.json"))


@contextmanager
def as_input_error(name: str) -> Iterator[None]:
    """Says what DuckDB or Arrow says of a file in one line. Raises InputError."""
    import duckdb

    data_errors = (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfMemoryException)
    try:
        yield
    except (*data_errors, pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read: {first_line(error) or type(error).__name__}") from None


def _scan_of(connection: duckdb.DuckDBPyConnection, relation: str, report: Path) -> Scan:
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    return Scan(relation, {name: kind for name, kind, *_ in described if name != ROW_ID}, _scored_columns(report))


def _scored_columns(report: Path) -> tuple[str, ...]:
    """The text columns that the report of the run names."""
    try:
        return tuple(map(str, json.loads(json.loads(report.read_text(encoding="utf-8"))["fingerprint"]["text columns"])))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


# ---- Parquet ----------------------------------------------------------------------------------------------------------------------


def _dataset(connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[Path]) -> str:
    """All files of a dataset; the folders `name=value` that they lie in are columns.

    DuckDB's own numbers of files change when it leaves some partitions out, so a table of their names has the numbers.
    """
    partitions = [_partition(file.relative_to(folder)) for file in files]
    names = list(dict.fromkeys(name for partition in partitions for name in partition))
    columns: dict[str, list[Any]] = {"path": list(map(str, files)), "number": list(range(len(files)))}
    columns |= {f"partition_{place}": [partition.get(name) for partition in partitions] for place, name in enumerate(names)}
    types = [pa.string(), pa.int64(), *(pa.string() for _ in names)]
    listed = pa.table([pa.array(values, kind) for values, kind in zip(columns.values(), types, strict=True)], names=list(columns))
    connection.register("listed_files", listed)
    connection.execute("CREATE TABLE dataset_files AS SELECT * FROM listed_files")
    connection.unregister("listed_files")
    added = "".join(f", dataset_files.partition_{place} AS {quoted(name)}" for place, name in enumerate(names))
    paths = ", ".join(map(literal, files))
    return (
        f"SELECT dataset_files.number * {_ROWS_PER_FILE} + file_row_number AS {ROW_ID}, parts.*{added} "
        f"FROM read_parquet([{paths}], hive_partitioning = false) AS parts JOIN dataset_files ON parts.filename = dataset_files.path"
    )


def _partition(file: Path) -> dict[str, str | None]:
    pairs = [part.split("=", 1) for part in file.parts[:-1] if "=" in part]
    return {unquote(name): None if value == NULL_PARTITION else unquote(value) for name, value in pairs}


# ---- text -------------------------------------------------------------------------------------------------------------------------


def _load_delimited(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Every cell is a string, empty ones are null. A spreadsheet may have saved the file with semicolons."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline(_BLOCK)
    if not header.strip():
        raise InputError(f"{path} is empty; a scored archive has at least a header")
    read = pa.csv.ReadOptions(block_size=_BLOCK)
    parse = pa.csv.ParseOptions(delimiter=max(_DELIMITERS, key=header.count), newlines_in_values=True)
    with pa.csv.open_csv(path, read, parse) as reader:
        names = [name for name in reader.schema.names if name not in _UNUSED]
    convert = pa.csv.ConvertOptions(
        include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    with pa.csv.open_csv(path, read, parse, convert) as reader:
        connection.register("csv_rows", reader)
        connection.execute(f"CREATE TABLE loaded_rows AS SELECT row_number() OVER () - 1 AS {ROW_ID}, * FROM csv_rows")
        connection.unregister("csv_rows")


def _load_lines(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Every value is a string, lists and structs are JSON. The first line has all columns."""
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
    try:
        found = json.loads(first or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path}: the first line is no JSON object; give the file that `cxsentiment score` wrote")
    names = [name for name in found if name not in _UNUSED]
    if not names:
        raise InputError(f"{path} is empty; nothing can be measured")
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    connection.execute(
        f"CREATE TABLE loaded_rows AS SELECT row_number() OVER () - 1 AS {ROW_ID}, * "
        f"FROM read_json({literal(path)}, format = 'newline_delimited', columns = {{{columns}}})"
    )
