"""Where scored chunks go: a dataset of Parquet files in a folder, or one file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import ClassVar, Final, Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from cxsentiment.archive.durable import as_output_error, sync_folder, written
from cxsentiment.archive.formats import FORMATS, Format
from cxsentiment.errors import OptionError, OutputError
from cxsentiment.weights import checksum

STATE_FOLDER: Final = "_cxsentiment"
"""What a dataset's folder remembers of the run; readers of datasets leave out names that begin so."""

NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
_MOST_PARTITIONS: Final = 1000
_SHARD_NAME: Final = re.compile(r"part-\d{6,}\.parquet")
_PARQUET: Final = FORMATS[".parquet"]


@dataclass(frozen=True, slots=True)
class Shard:
    """What a chunk became: a file by its name in the output's folder, its size in bytes, and its SHA-256."""

    name: str
    size: int
    digest: str


class Output(Protocol):
    """Where scored chunks go."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def format(self) -> str:
        """What is written there and how, for the run's fingerprint."""

    @property
    def folder(self) -> Path:
        """Where shards lie."""

    @property
    def state(self) -> Path:
        """The folder in which the run remembers what is done; its parents but the last are there."""

    @property
    def remembers(self) -> bool:
        """Whether that folder stays when the run is finished, so that the same run again has nothing to do."""

    @property
    def report(self) -> Path:
        """Where the report of a finished run stands."""

    def check(self, schema: pa.Schema) -> None:
        """Refuses columns that cannot be written there. Raises OptionError."""

    def write(self, number: int, rows: pa.Table) -> list[Shard]:
        """Writes a chunk; it is durable when this returns, and the same chunk again takes its place. Raises OutputError."""

    def holds(self, shard: Shard) -> bool:
        """Whether what was written is still there, and whole."""

    def finish(self, shards: Sequence[Shard], schema: pa.Schema) -> None:
        """All chunks are written: these are their shards, in order. Raises OutputError."""

    def clear(self, shards: Sequence[Shard]) -> None:
        """Removes these shards, for a run that begins anew. Raises OutputError."""


def open_output(path: str | Path, source: str, partition_by: Sequence[str] = ()) -> Output:
    """The output at a path: one file if its suffix says a format, else a dataset in that folder.

    Args:
        path: Where it will stand; links are followed.
        source: The input, which must not be overwritten or hold the output.
        partition_by: Columns by whose values a dataset is split into folders (`cx_language=el/part-000000.parquet`).

    Raises:
        OutputError: if it is the input itself, or the folder around it does not exist or cannot be written, or holds something else.
        OptionError: if one file is to be partitioned.
    """
    place = Path(os.path.realpath(path))
    _check_apart(path, place, source)
    if not place.parent.exists():
        raise OutputError(f"the folder {place.parent} does not exist; make it first")
    if not place.parent.is_dir() or not os.access(place.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{place.parent} cannot be written to; choose another folder or change its permissions")
    if place.suffix.lower() in FORMATS:
        if partition_by:
            raise OptionError(f"only a dataset can be partitioned: {path} is one file; name a folder, without a suffix")
        if place.is_dir():
            raise OutputError(f"{path} is a folder; name a file in it")
        return FileOutput(str(path), place)
    if place.suffix and not place.is_dir():
        raise OutputError(f"{path} has an unknown format; the output can be {', '.join(FORMATS)}, or a folder (no suffix)")
    if place.exists() and not place.is_dir():
        raise OutputError(f"{path} is a file; name a folder for the dataset, or a file that ends in {', '.join(FORMATS)}")
    if place.is_dir() and not (place / STATE_FOLDER).is_dir() and any(place.iterdir()):
        raise OutputError(f"the folder {path} holds other files; name a new one")
    return DatasetOutput(str(path), place, tuple(partition_by))


def _check_apart(path: str | Path, place: Path, source: str) -> None:
    if not os.path.lexists(source):
        return
    origin = Path(os.path.realpath(source))
    if place == origin or (place.exists() and origin.exists() and place.samefile(origin)):
        raise OutputError(f"{path} is the input; write to another name")
    if origin.is_dir() and place.is_relative_to(origin):
        raise OutputError(f"{path} lies in the input folder, where it would be read as input; write elsewhere")


@dataclass(frozen=True, slots=True)
class DatasetOutput:
    """A folder of Parquet files, one for each chunk, or in each chunk one for each of its partitions."""

    name: str
    place: Path
    partition_by: tuple[str, ...] = ()
    remembers: ClassVar[bool] = True

    @property
    def format(self) -> str:
        """Parquet, and by what it is partitioned."""
        return " ".join(["parquet dataset", *(f"/{column}" for column in self.partition_by)])

    @property
    def folder(self) -> Path:
        """The dataset's."""
        return self.place

    @property
    def state(self) -> Path:
        """A folder in the dataset's that readers leave out."""
        return self.place / STATE_FOLDER

    @property
    def report(self) -> Path:
        """Beside the manifest."""
        return self.state / "run.json"

    def check(self, schema: pa.Schema) -> None:
        """The columns to partition by must be there, and another one."""
        for column in self.partition_by:
            if column not in schema.names:
                raise OptionError(f"there is no column {column!r} to partition by; there are: {', '.join(schema.names)}")
        if set(schema.names) <= set(self.partition_by):
            raise OptionError("a dataset needs a column besides those that it is partitioned by")

    def write(self, number: int, rows: pa.Table) -> list[Shard]:
        """One file, or one for each partition."""
        parts = self._partitions(rows)
        return [_write_shard(self.name, self.place, f"{folder}part-{number:06}.parquet", part, _PARQUET) for folder, part in parts]

    def holds(self, shard: Shard) -> bool:
        """Size and checksum are compared."""
        return _holds(self.place, shard)

    def finish(self, shards: Sequence[Shard], schema: pa.Schema) -> None:
        """Removes shards that a crash left without a line in the journal, and that no chunk has replaced."""
        known = {shard.name for shard in shards}
        with as_output_error(self.name):
            for path in self.place.rglob("part-*.parquet"):
                if _SHARD_NAME.fullmatch(path.name) and path.relative_to(self.place).as_posix() not in known:
                    path.unlink()

    def clear(self, shards: Sequence[Shard]) -> None:
        """Files of other names stay."""
        with as_output_error(self.name):
            for shard in shards:
                (self.place / shard.name).unlink(missing_ok=True)

    def _partitions(self, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        if not self.partition_by or not rows.num_rows:
            yield "", rows.drop_columns(list(self.partition_by))
            return
        columns = ", ".join(self.partition_by)
        keys = rows.select(self.partition_by)
        try:
            values = keys.group_by(self.partition_by, use_threads=False).aggregate([]).to_pylist()
        except pa.ArrowNotImplementedError:
            raise OptionError(f"a dataset can be partitioned by columns of plain values only, not by {columns}") from None
        if len(values) > _MOST_PARTITIONS:
            raise OptionError(f"{self.name}: {columns} would make {len(values):,} folders of a chunk; partition by columns with few values")
        for value in values:
            mask = reduce(pc.and_, (_equal(keys[column], value[column]) for column in self.partition_by))
            folder = "".join(f"{quote(column, safe='')}={_folder_name(value[column])}/" for column in self.partition_by)
            yield folder, rows.filter(mask).drop_columns(list(self.partition_by))


@dataclass(frozen=True, slots=True)
class FileOutput:
    """One file: shards wait in a hidden folder beside it, and are joined when all are there. An older file is replaced then."""

    name: str
    place: Path
    remembers: ClassVar[bool] = False

    @property
    def format(self) -> str:
        """The suffix."""
        return self.place.suffix.lower()

    @property
    def folder(self) -> Path:
        """That of the run's state."""
        return self.state

    @property
    def state(self) -> Path:
        """A hidden folder beside the file; it is gone when the file is there."""
        return self.place.with_name(f".{self.place.name}.cxsentiment")

    @property
    def report(self) -> Path:
        """Beside the file."""
        return self.place.with_name(f"{self.place.name}.run.json")

    def check(self, schema: pa.Schema) -> None:
        """All columns can be written."""

    def write(self, number: int, rows: pa.Table) -> list[Shard]:
        """One shard."""
        return [_write_shard(self.name, self.state, f"part-{number:06}{self.format}", rows, FORMATS[self.format])]

    def holds(self, shard: Shard) -> bool:
        """Size and checksum are compared."""
        return _holds(self.state, shard)

    def finish(self, shards: Sequence[Shard], schema: pa.Schema) -> None:
        """Joins the shards in the hidden folder, and moves the file to its place."""
        whole = self.state / f"whole{self.format}"
        with as_output_error(self.name):
            with written(whole) as file:
                FORMATS[self.format].join([self.state / shard.name for shard in shards], schema, file)
            whole.replace(self.place)
            sync_folder(self.place.parent)

    def clear(self, shards: Sequence[Shard]) -> None:
        """Removes the shards."""
        with as_output_error(self.name):
            for shard in shards:
                (self.state / shard.name).unlink(missing_ok=True)


def _write_shard(output: str, folder: Path, name: str, rows: pa.Table, format_: Format) -> Shard:
    path = folder / name
    with as_output_error(output):
        path.parent.mkdir(exist_ok=True, parents=True)
        with written(path) as file:
            format_.write(rows, file)
        return Shard(name, path.stat().st_size, checksum(path))


def _holds(folder: Path, shard: Shard) -> bool:
    path = folder / shard.name
    try:
        return path.stat().st_size == shard.size and checksum(path) == shard.digest
    except OSError:
        return False


def _equal(column: pa.ChunkedArray, value: object) -> pa.ChunkedArray:
    return pc.is_null(column) if value is None else pc.fill_null(pc.equal(column, pa.scalar(value, column.type)), fill_value=False)


def _folder_name(value: object) -> str:
    return NULL_PARTITION if value is None else quote(str(value), safe="")
