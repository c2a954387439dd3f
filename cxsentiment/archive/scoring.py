"""Scores a source chunk by chunk into an output, exactly once, and goes on where an earlier run was stopped."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import pyarrow as pa

from cxsentiment.archive.durable import as_output_error, written
from cxsentiment.archive.output import Output
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, Source, Unreadable
from cxsentiment.archive.state import Fingerprint, Record, State, open_state, remove_state
from cxsentiment.archive.summary import Summary, Tally
from cxsentiment.errors import InputError, OptionError
from cxsentiment.results import ROW_SCHEMA, Analysis, error_row, to_arrow
from cxsentiment.streaming import ahead

WRITTEN_AHEAD = 1
"""Scored chunks that may wait while one is written."""


LONGEST_TEXT = 1_000_000
"""Characters; a longer text is no comment, and would take more memory than a whole chunk of comments."""


class ChunkAnalyzer(Protocol):
    """What scoring needs of an `Analyzer`."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What its answers depend on."""

    def stream_chunks(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Analysis]]:
        """The analyses of each chunk, lazily and in order."""


@dataclass(frozen=True, slots=True)
class ScoringOptions:
    """How to score an archive.

    `chunk_rows` are scored, written and recorded together. `columns` are those of the output, none for all. `restart` throws away what an
    earlier run did. After more than `max_errors` rows with a `cx_error` the run stops.
    """

    chunk_rows: int = CHUNK_ROWS
    columns: tuple[str, ...] = ()
    restart: bool = False
    max_errors: int | None = None

    def __post_init__(self) -> None:
        if self.chunk_rows < 1:
            raise OptionError(f"a chunk has at least one row, not {self.chunk_rows}")
        if self.max_errors is not None and self.max_errors < 0:
            raise OptionError(f"max_errors must not be negative, not {self.max_errors}")


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows done so far, how many of them were done by an earlier run, and how many have a `cx_error`."""

    rows: int
    resumed: int
    errors: int


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk that is to be scored: its number, its rows, and a digest of its texts."""

    number: int
    chunk: Chunk
    texts: str


@dataclass(frozen=True, slots=True)
class Run:
    """A source on its way into an output."""

    source: Source
    output: Output
    options: ScoringOptions

    @property
    def schema(self) -> pa.Schema:
        """The columns of the output. Raises OptionError for one that neither the source nor the results have."""
        return chosen_schema(self.source.schema, self.options.columns)

    def check(self) -> None:
        """Refuses columns that are not there, or that the output cannot hold. Raises OptionError."""
        self.output.check(self.schema)

    def tasks(self) -> Iterator[Task]:
        """All chunks; one without rows if the source has none."""
        number = -1
        for number, chunk in enumerate(self.source.chunks(self.options.chunk_rows)):
            texts = [_too_long(text) if isinstance(text, str) and len(text) > LONGEST_TEXT else text for text in chunk.texts]
            yield Task(number, Chunk(chunk.table, texts), _digest(texts))
        if number < 0:
            yield Task(0, Chunk(self.source.schema.empty_table(), ()), _digest(()))

    def write(self, task: Task, analyses: list[Analysis]) -> Record:
        """Writes the scored rows of a task, durably."""
        rows = scored_table(task.chunk, analyses).select(self.schema.names)
        shards = self.output.write(task.number, rows)
        return Record(task.number, rows.num_rows, task.texts, tuple(shards), Tally.of(task.chunk.texts, analyses).plain())


Skip = Callable[[Record], None]
"""Is told of a chunk that is done already."""

Engine = Callable[[Run, State, Skip], Generator[Record]]
"""Scores, writes and records what is not done yet, in any order."""


def score(
    source: Source,
    analyzer: ChunkAnalyzer,
    output: Output,
    options: ScoringOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Writes every row of `source` with the columns of its analysis, in order; a row without a text gets `cx_error` instead.

    Chunks are written while later ones are scored. Stopped at any instant and called again with the same arguments, it goes on, and the
    output is what a run without a stop gives.

    Raises:
        InputError: if the source cannot be read to its end, has changed since it was opened or since an earlier run, or has more errors
            than allowed. What was scored before is kept.
        OutputError: if the output cannot be written, is being written by another process, or holds another run.
        OptionError: if there is no such column.
    """
    return score_with(partial(_here, analyzer), Run(source, output, options or ScoringOptions()), analyzer.identity, progress)


def score_with(engine: Engine, run: Run, identity: Mapping[str, str], progress: Callable[[Progress], None] | None = None) -> Summary:
    """As `score`, by any engine whose analyzers have this identity."""
    run.check()
    fingerprint = fingerprint_of(run, identity)
    started = datetime.now(UTC)
    with open_state(run.output, fingerprint, restart=run.options.restart) as state:
        counter = _Counter(run, progress)
        with closing(engine(run, state, counter.skipped)) as records:
            for record in records:
                counter.scored(record)
        summary = counter.finish()
        shards = [shard for number in sorted(state.records) for shard in state.records[number].shards]
        run.output.finish(shards, run.schema)
        if summary.resumed < summary.rows or not run.output.report.exists():
            _write_report(run, fingerprint, state, summary, started)
        if not run.output.remembers:
            remove_state(run.output)
    return summary


def fingerprint_of(run: Run, identity: Mapping[str, str]) -> Fingerprint:
    """Everything that the rows of the output depend on, by name."""
    from cxsentiment import __version__

    return {
        **{f"input: {name}": value for name, value in run.source.identity.items()},
        "text columns": json.dumps(run.source.text_columns, ensure_ascii=False),
        "columns": json.dumps(run.schema.names, ensure_ascii=False),
        "output format": run.output.format,
        "chunk rows": str(run.options.chunk_rows),
        **dict(identity),
        "cxsentiment version": __version__,
    }


def chosen_schema(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """The columns of the input followed by those of the results, or those of them that are wanted."""
    everything = pa.schema([*schema, *ROW_SCHEMA], metadata=schema.metadata)
    for column in columns:
        if column not in everything.names:
            raise OptionError(f"there is no column {column!r} to write; there are: {', '.join(everything.names)}")
    return pa.schema([everything.field(name) for name in dict.fromkeys(columns)], metadata=schema.metadata) if columns else everything


def scored_table(chunk: Chunk, analyses: Sequence[Analysis]) -> pa.Table:
    """The rows of a chunk with the columns of their results. `analyses` are those of the rows with a text."""
    remaining = iter(analyses)
    rows = [error_row(text.reason) if isinstance(text, Unreadable) else next(remaining) for text in chunk.texts]
    scored = to_arrow(rows)
    schema = pa.schema([*chunk.table.schema, *scored.schema], metadata=chunk.table.schema.metadata)
    return pa.Table.from_arrays([*chunk.table.columns, *scored.columns], schema=schema)


@dataclass(slots=True)
class _Counter:
    """Counts what is done, tells it, and stops the run where there are too many errors."""

    run: Run
    progress: Callable[[Progress], None] | None
    tally: Tally = field(default_factory=Tally)
    resumed: int = 0
    started: float = field(default_factory=time.monotonic)

    def skipped(self, record: Record) -> None:
        self.resumed += record.rows
        self._add(record)

    def scored(self, record: Record) -> None:
        self._add(record)

    def finish(self) -> Summary:
        return self.tally.summary(time.monotonic() - self.started, self.resumed)

    def _add(self, record: Record) -> None:
        self.tally.add(Tally.from_plain(record.tally))
        errors, most = self.tally.errors.total(), self.run.options.max_errors
        if self.progress is not None:
            self.progress(Progress(self.tally.rows, self.resumed, errors))
        if most is not None and errors > most:
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.tally.errors.most_common(5))
            raise InputError(
                f"{self.run.source.name}: {errors:,} rows with errors, more than {most:,} ({kinds}); "
                "mend them, or go on with a higher --max-errors (what is scored is kept)"
            )


def _here(analyzer: ChunkAnalyzer, run: Run, state: State, skipped: Skip) -> Generator[Record]:
    """The engine of this process."""
    waiting: deque[Task] = deque()

    def texts() -> Iterator[Sequence[str]]:
        for task in to_do(run, state, skipped):
            waiting.append(task)
            yield [text for text in task.chunk.texts if isinstance(text, str)]

    def scored() -> Iterator[tuple[Task, list[Analysis]]]:
        for analyses in analyzer.stream_chunks(texts()):
            yield waiting.popleft(), analyses
        if waiting:
            raise RuntimeError("the analyzer did not give analyses for each chunk")

    def recorded(one: tuple[Task, list[Analysis]]) -> Record:
        record = run.write(*one)
        state.add(record)
        return record

    yield from ahead(scored(), recorded, WRITTEN_AHEAD)


def to_do(run: Run, state: State, skipped: Skip) -> Iterator[Task]:
    """The chunks that are not done; of those that are, the texts are compared. Raises InputError where they have changed."""
    done, number = state.records, -1
    for task in run.tasks():
        number, record = task.number, done.get(task.number)
        if record is None:
            yield task
        elif record.texts != task.texts:
            first = task.number * run.options.chunk_rows + 1
            ordered = " (a query needs ORDER BY, by columns that leave no ties)" if "query" in run.source.identity else ""
            raise InputError(
                f"{run.source.name} has changed since an earlier run: rows {first:,} to {first + record.rows - 1:,} are others, or in "
                f"another order{ordered}; begin anew with --restart"
            )
        else:
            skipped(record)
    surplus = [one for one in done if one > number]
    if surplus:
        raise InputError(f"{run.source.name} has changed since an earlier run: it has fewer rows; begin anew with --restart")


def _too_long(text: str) -> Unreadable:
    return Unreadable(f"text too long: {len(text):,} characters, at most {LONGEST_TEXT:,} are scored; split it")


def _digest(texts: Sequence[str | Unreadable]) -> str:
    plain = json.dumps([text if isinstance(text, str) else [text.reason] for text in texts])
    return hashlib.blake2b(plain.encode("ascii"), digest_size=16).hexdigest()


def _write_report(run: Run, fingerprint: Fingerprint, state: State, summary: Summary, started: datetime) -> None:
    report: dict[str, Any] = {
        "input": run.source.name,
        "output": run.output.name,
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **{name: value for name, value in asdict(summary).items() if name != "touchpoints"},
        "rows_per_second": summary.rows_per_second,
        "touchpoints": [asdict(touchpoint) | {"net_sentiment": touchpoint.net_sentiment} for touchpoint in summary.touchpoints],
        "chunks": len(state.records),
        "fingerprint": dict(fingerprint),
    }
    with as_output_error(run.output.name), written(run.output.report) as file:
        file.write((json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace"))
