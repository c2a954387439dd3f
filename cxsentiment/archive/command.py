"""What `cxsentiment score` does, once its options are read."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cxsentiment.archive.output import Output, open_output
from cxsentiment.archive.reading import open_source
from cxsentiment.archive.scoring import Progress, Run, ScoringOptions, fingerprint_of, score
from cxsentiment.archive.selection import Selection
from cxsentiment.archive.source import ReadingOptions, Source
from cxsentiment.archive.state import read_journal, recorded_fingerprint
from cxsentiment.errors import OptionError

if TYPE_CHECKING:
    from cxsentiment.analyzer import Analyzer
    from cxsentiment.archive.summary import Summary

ENGINES: Final = ("local", "ray")
AUTO: Final = "auto"

_WARM_UP, _TRIED = 256, 1024
"""Rows that a dry run scores: first some that do not count."""

LoadAnalyzer = Callable[[str], "Analyzer"]
"""Gives an analyzer in a precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """What is to be scored, and where to.

    `where` is a file, folder, glob or URL; or else `query` is asked of the `database`. `output` is a file or folder; with `table`, it is
    the folder in which the run remembers what is done, and scored rows go to that table of `into`, by their `id_column` and the name `run`.
    """

    where: str | None
    output: Path | None
    query: str | None = None
    database: str | None = None
    into: str | None = None
    table: str | None = None
    id_column: str | None = None
    run: str | None = None
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    scoring: ScoringOptions = field(default_factory=ScoringOptions)
    partition_by: tuple[str, ...] = ()
    limit: int | None = None
    sample: float | None = None
    seed: int = 0
    dtype: str = AUTO
    engine: str = "local"
    workers: int | None = None

    def __post_init__(self) -> None:
        if (self.where is None) == (self.query is None):
            raise OptionError("give either a file, folder or URL to score, or --sql with a query and --db with a database")
        if (self.query is None) != (self.database is None) and self.table is None:
            raise OptionError("--sql and --db go together: the query, and the address of the database")
        if self.output is None and self.table is None:
            raise OptionError("say where the scored rows go: -o FOLDER for a Parquet dataset, or -o FILE.parquet, .jsonl, .csv or .tsv")
        if self.engine not in ENGINES:
            raise OptionError(f"there is no engine {self.engine!r}; choose from {', '.join(ENGINES)}")
        if self.workers is not None and self.engine == "local":
            raise OptionError("--workers is for --engine ray: without it, one process uses the whole machine")

    @property
    def caution(self) -> str | None:
        """What may go wrong later, None where nothing is known. Raises InputError for a query that is none."""
        if self.query is None:
            return None
        from cxsentiment.archive.sql_statement import check_query

        if check_query(self.query).is_ordered:
            return None
        return "the query has no ORDER BY: should its rows come in another order when a stopped run goes on, it has to begin anew"

    def open(self) -> Source:
        """The rows to score. Raises InputError."""
        if self.query is not None and self.database is not None:
            from cxsentiment.archive.sql import open_sql

            source: Source = open_sql(self.query, self.database, self.reading)
        else:
            source = open_source(str(self.where), self.reading)
        if self.limit is None and self.sample is None:
            return source
        return Selection(source, self.limit, self.sample, self.seed)

    def open_output(self, source: Source) -> Output:
        """Where they go. Raises OutputError."""
        if self.table is None and self.output is not None:
            return open_output(self.output, str(self.where or ""), self.partition_by)
        if self.partition_by:
            raise OptionError("only a dataset can be partitioned, not a database table")
        from cxsentiment.archive.sql_output import open_sql_output

        database = self.into or self.database
        if database is None or self.id_column is None or self.table is None:
            raise OptionError("--into-table needs --id-column, which tells rows apart, and --into-db (or --db) with the database")
        folder = self.output or Path(f"{self.table}.run")
        return open_sql_output(database, self.table, self.run or self.name_of(source), self.id_column, folder)

    def name_of(self, source: Source) -> str:
        """A run's name, if it is given none: it is made of what is scored, so that the same run again takes the place of its own rows."""
        plain = json.dumps([dict(source.identity), self.dtype, list(self.scoring.columns)], sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:12]


def dtype_of(request: ScoreRequest, output: Output) -> str:
    """The precision asked for; for `auto` that of the run that lies there, so that it goes on in the same."""
    found = recorded_fingerprint(output)
    if request.dtype != AUTO or request.scoring.restart or found is None:
        return request.dtype
    return found.get("precision", AUTO)


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a request, and where it stands."""

    summary: Summary
    output: str


def run_score(request: ScoreRequest, load: LoadAnalyzer, begin: Callable[[str, int], Callable[[Progress], None]]) -> Finished:
    """Scores what is asked for. `begin` is told the source's name and rows, and gives what is told of each chunk."""
    source = request.open()
    output = request.open_output(source)
    Run(source, output, request.scoring).check()
    if request.engine == "ray":
        from cxsentiment.archive.scale import score_on_ray

        return Finished(score_on_ray(request, source, output, load, begin(source.name, source.rows)), output.name)
    analyzer = load(dtype_of(request, output))
    return Finished(score(source, analyzer, output, request.scoring, begin(source.name, source.rows)), output.name)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: rows and chunks in all and done already, the run's fingerprint, and how fast it would be."""

    source: str
    output: str
    rows: int
    chunks: int
    done: int
    fingerprint: dict[str, str]
    rows_per_second: float

    @property
    def seconds(self) -> float:
        """How long it would take, by the rate of some rows."""
        left = self.rows * (1 - self.done / self.chunks) if self.chunks else 0
        return left / self.rows_per_second if self.rows_per_second else 0.0


def plan_score(request: ScoreRequest, load: LoadAnalyzer) -> Plan:
    """What `run_score` would do; some rows are scored to see how fast, and nothing is written."""
    source = request.open()
    output = request.open_output(source)
    analyzer = load(dtype_of(request, output))
    run = Run(source, output, request.scoring)
    run.check()
    fingerprint = dict(fingerprint_of(run, analyzer.identity))
    found = recorded_fingerprint(output)
    done = len(read_journal(output)) if found == fingerprint and not request.scoring.restart else 0
    chunks = max(1, -(-source.rows // request.scoring.chunk_rows))
    return Plan(source.name, output.name, source.rows, chunks, done, fingerprint, _rate(source, analyzer))


def _rate(source: Source, analyzer: Analyzer) -> float:
    """Rows that are scored in a second, by the first ones."""
    first = next(source.chunks(_WARM_UP + _TRIED), None)
    texts = [text for text in first.texts if isinstance(text, str)] if first is not None else []
    if not texts:
        return 0.0
    list(analyzer.stream_chunks([texts[:_WARM_UP]]))
    tried = texts[_WARM_UP:] or texts
    start = time.perf_counter()
    list(analyzer.stream_chunks([tried]))
    return len(tried) / (time.perf_counter() - start)
