"""What a run remembers, so that it can go on where it was: a manifest, a journal and a lock in a folder of the output's.

- `manifest.json`: the run's fingerprint. A run goes on only if its own is the same.
- `journal.jsonl`: one line for each chunk whose shards are on the disk, written after them and flushed. A line that a crash tore is none.
- `lock`: held by the process that writes; the system lets go of it when that process ends, however it ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from cxsentiment.archive.durable import as_output_error, remove_partial, sync_folder, written
from cxsentiment.archive.output import Output, Shard
from cxsentiment.errors import OutputError

MANIFEST: Final = "manifest.json"
JOURNAL: Final = "journal.jsonl"
LOCK: Final = "lock"
FORMAT: Final = 1

PATIENCE: Final = 0.25
"""Seconds to wait for a lock: long enough for a process that is just ending."""

Fingerprint = Mapping[str, str]
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Record:
    """A chunk that is done: its number and rows, a digest of its texts, its shards, and what was counted in it (`Tally.plain`)."""

    chunk: int
    rows: int
    texts: str
    shards: tuple[Shard, ...]
    tally: Mapping[str, Any]

    def line(self) -> bytes:
        """Its line in the journal."""
        return json.dumps(asdict(self), ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Record | None:
        """The record of a whole line, None for any other."""
        try:
            plain = json.loads(line)
            return cls(plain["chunk"], plain["rows"], plain["texts"], tuple(Shard(**one) for one in plain["shards"]), plain["tally"])
        except (ValueError, KeyError, TypeError):
            return None


class State:
    """The state of a run whose lock this process holds; made by `open_state`."""

    def __init__(self, folder: Path, records: Mapping[int, Record]) -> None:
        self.records = dict(records)
        self._journal = folder / JOURNAL

    def add(self, record: Record) -> None:
        """Remembers a chunk whose shards are on the disk; it is done when this returns. Raises OutputError."""
        with as_output_error(self._journal), self._journal.open("ab") as file:
            file.write(record.line())
            file.flush()
            os.fsync(file.fileno())
        self.records[record.chunk] = record


def recorded_fingerprint(output: Output) -> Fingerprint | None:
    """The fingerprint of an unfinished or finished run that lies there, None if there is none that can be read."""
    try:
        plain = json.loads((output.state / MANIFEST).read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in plain["fingerprint"].items()} if plain["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_journal(output: Output) -> dict[int, Record]:
    """The chunks that are done, by their number."""
    return _read_journal(output.state / JOURNAL)


@contextmanager
def open_state(output: Output, fingerprint: Fingerprint, *, restart: bool = False) -> Iterator[State]:
    """Locks the output, and gives the state of the run with this fingerprint: a new one, or one that was stopped.

    Chunks whose shards are gone or changed are to be done again. A state without any chunk is removed at the end, so that what failed at
    once leaves nothing.

    Raises:
        OutputError: if another process writes there, a run with another fingerprint lies there (unless `restart`), or it cannot be written.
    """
    folder = output.state
    with as_output_error(output.name):
        folder.mkdir(exist_ok=True, parents=True)
    with _locked(output.name, folder):
        with as_output_error(output.name):
            remove_partial(output.folder)
        records = read_journal(output)
        if restart:
            output.clear([shard for record in records.values() for shard in record.shards])
            _remove(output.name, folder, MANIFEST, JOURNAL)
            records = {}
        if records:
            _compare(output, fingerprint)
        else:
            with as_output_error(output.name), written(folder / MANIFEST) as file:
                file.write(json.dumps({"format": FORMAT, "fingerprint": dict(fingerprint)}, ensure_ascii=False, indent=1).encode())
        whole = {number: record for number, record in records.items() if all(map(output.holds, record.shards))}
        with as_output_error(output.name):
            _write_journal(folder / JOURNAL, whole)
        state = State(folder, whole)
        try:
            yield state
        finally:
            if not state.records:
                remove_state(output)


def remove_state(output: Output) -> None:
    """Removes what a run remembers, by the process that holds its lock; the folder too, and the dataset's if nothing else is in it."""
    for path in sorted(output.state.rglob("*"), reverse=True):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
    for folder in dict.fromkeys((output.state, output.folder)):
        with suppress(OSError):
            folder.rmdir()


def _compare(output: Output, wanted: Fingerprint) -> None:
    found = recorded_fingerprint(output)
    if found is None:
        raise OutputError(f"{output.name}: {output.state / MANIFEST} is missing or damaged; begin anew with --restart")
    for item in [*wanted, *(item for item in found if item not in wanted)]:
        before, now = found.get(item, "not there"), wanted.get(item, "not there")
        if before != now:
            raise OutputError(
                f"{output.name} holds a run with another {item}: {before[:_SHOWN]} then, {now[:_SHOWN]} now; "
                "take the same as then, write elsewhere, or begin anew with --restart"
            )


def _read_journal(path: Path) -> dict[int, Record]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror or error}") from None
    records = [Record.read(line) for line in content.splitlines(keepends=True) if line.endswith(b"\n")]
    return {record.chunk: record for record in records if record is not None}


def _write_journal(path: Path, records: Mapping[int, Record]) -> None:
    content = b"".join(record.line() for record in records.values())
    if path.exists() and path.read_bytes() == content:
        return
    with written(path) as file:
        file.write(content)


def _remove(name: str, folder: Path, *files: str) -> None:
    with as_output_error(name):
        for file in files:
            (folder / file).unlink(missing_ok=True)
        sync_folder(folder)


@contextmanager
def _locked(name: str, folder: Path) -> Iterator[None]:
    """Holds the lock of a folder."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    with as_output_error(name):
        try:
            lock.acquire(timeout=PATIENCE, poll_interval=PATIENCE / 5)
        except Timeout:  # an OSError too
            raise OutputError(f"another process is writing {name}; wait until it is done, or write elsewhere") from None
    try:
        yield
    finally:
        lock.release()
