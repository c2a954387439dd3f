"""Scores an archive on a Ray cluster (extra `ray`): Ray Data deals chunks to a pool of actors, each with an analyzer of its own.

Actors open the archive themselves and write their shards themselves, so input and output must lie where all nodes reach them. Only numbers
of chunks and journal lines travel. The process that was called holds the lock and writes the journal: manifest, shards and resuming are
those of `scoring`, and a run may be begun here and finished on one machine, or the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cxsentiment.archive.scoring import Progress, Run, Skip, Task, score_with
from cxsentiment.archive.state import Record, State
from cxsentiment.errors import InputError, MissingExtraError, OptionError

if TYPE_CHECKING:
    from cxsentiment.analyzer import Analyzer
    from cxsentiment.archive.command import ScoreRequest
    from cxsentiment.archive.output import Output
    from cxsentiment.archive.source import Source
    from cxsentiment.archive.summary import Summary

Load = Callable[[], "Analyzer"]
Row = dict[str, Any]


def score_on_ray(
    request: ScoreRequest, source: Source, output: Output, load: Callable[[str], Analyzer], progress: Callable[[Progress], None]
) -> Summary:
    """As `scoring.score`, on the cluster that `ray.init` finds (RAY_ADDRESS, or this machine).

    Raises what `score` does, and OptionError where a node computes otherwise than another, or the input cannot be read there.
    """
    from cxsentiment.archive.command import dtype_of

    ray = _ray()
    if request.query is not None or request.table is not None:
        raise OptionError("--engine ray reads files and writes files: export the query to Parquet first, or leave --engine away")
    if not ray.is_initialized():
        ray.init(log_to_driver=False, logging_level="warning")
    pool = _Pool.of(ray.cluster_resources(), request.workers)
    loaded = partial(load, dtype_of(request, output))
    try:
        identity = ray.get(ray.remote(_identity).options(**pool.resources).remote(loaded))
        run = Run(source, output, request.scoring)
        return score_with(partial(_on_ray, request, loaded, pool, identity), run, identity, progress)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, (InputError, OptionError)) else error from None


class ChunkScorer:
    """An actor: scores chunks by their numbers and writes their shards. Its rows are `{"chunk": number}`."""

    def __init__(self, request: ScoreRequest, load: Load, identity: Mapping[str, str]) -> None:
        source = request.open()
        self._run = Run(source, request.open_output(source), request.scoring)
        self._analyzer = load()
        self._tasks: Iterator[Task] = iter(())
        self._next = -1
        for name, value in identity.items():
            if self._analyzer.identity.get(name) != value:
                raise OptionError(f"one node has {name} {self._analyzer.identity.get(name)}, another {value}: give --dtype, or like nodes")

    def __call__(self, rows: Row) -> Row:
        """`{"line": journal lines}` of the chunks."""
        return {"line": [self._record(int(number)).line() for number in rows["chunk"]]}

    def _record(self, number: int) -> Record:
        task = self._task(number)
        texts = [text for text in task.chunk.texts if isinstance(text, str)]
        (analyses,) = self._analyzer.stream_chunks([texts])
        return self._run.write(task, analyses)

    def _task(self, number: int) -> Task:
        """Chunks come nearly in order: the archive is read on from where it was, or from its start."""
        if self._next < 0 or number < self._next:
            self._tasks = self._run.tasks()
        for task in self._tasks:
            self._next = task.number + 1
            if task.number == number:
                return task
        raise InputError(f"{self._run.source.name} has fewer rows on another node; all nodes must read the same files")


class _Pool:
    """How many actors, and what each gets of the cluster."""

    def __init__(self, actors: int, resources: Mapping[str, float]) -> None:
        self.actors = actors
        self.resources = dict(resources)

    @classmethod
    def of(cls, cluster: Mapping[str, float], workers: int | None) -> _Pool:
        """One actor for each GPU, or for each CPU where there is none, or as many as asked for."""
        processors, gpus = int(cluster.get("CPU", 1)), int(cluster.get("GPU", 0))
        actors = workers or gpus or processors
        if actors < 1:
            raise OptionError(f"--workers must be at least 1, not {actors}")
        return cls(actors, {"num_cpus": max(1, processors // actors)} | ({"num_gpus": 1} if gpus >= actors else {}))


def _on_ray(
    request: ScoreRequest, load: Load, pool: _Pool, identity: Mapping[str, str], run: Run, state: State, skipped: Skip
) -> Generator[Record]:
    """The engine: chunks to do become rows of a Ray dataset."""
    from ray import data

    for done in list(state.records.values()):
        skipped(done)
    chunks = max(1, -(-run.source.rows // run.options.chunk_rows))
    numbers = [number for number in range(chunks) if number not in state.records]
    if not numbers:
        return
    data.DataContext.get_current().enable_progress_bars = False
    dataset = data.from_items([{"chunk": number} for number in numbers], override_num_blocks=len(numbers))
    scored = dataset.map_batches(
        ChunkScorer,
        batch_size=1,
        compute=data.ActorPoolStrategy(size=min(pool.actors, len(numbers))),
        fn_constructor_args=(request, load, identity),
        **pool.resources,
    )
    for row in scored.iter_rows():
        record = Record.read(row["line"])
        if record is None:
            raise RuntimeError("an actor gave no journal line")
        state.add(record)
        yield record


def _identity(load: Load) -> dict[str, str]:
    return dict(load().identity)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingExtraError("--engine ray needs Ray: pip install 'cxsentiment[ray]'") from None
    return ray
