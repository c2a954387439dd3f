"""Kills runs of `cxsentiment score` at random instants, lets them go on, and compares what comes of it: `python -m tests.faults.kills`.

The archive is generated; the model is tiny and random, since nothing hangs on its answers here but that they are the same. Each run is a
process of its own, forked from one that has loaded the model and runs no threads, and killed by SIGKILL.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from cxsentiment import Analyzer, cli, cli_score
from cxsentiment.archive.output import open_output
from cxsentiment.archive.state import JOURNAL, MANIFEST
from tests.conftest import SENTENCES, write_tiny_model

OUTPUTS = {
    "dataset": ("out", []),
    "partitioned": ("out", ["--partition-by", "cx_sentiment"]),
    "csv": ("out.csv", []),
    "jsonl": ("out.jsonl", []),
    "parquet": ("out.parquet", []),
}
CHUNKS = 20
POLL = 0.001


@dataclass(slots=True)
class Outcome:
    """What came of all kills: how many in each phase of a run, runs that were finished, and how many of them differed in which way."""

    kills: int = 0
    phases: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    """Prints a table, and one line of JSON for the test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # threads would not survive the fork
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_runs(Path(folder), options.kills, options.rows, random.Random(options.seed))
    print(f"{outcome.kills} kills of runs on {options.rows:,} rows, {outcome.seconds:.0f} s")
    for phase, count in sorted(outcome.phases.items(), key=lambda item: -item[1]):
        print(f"  {phase:<32}{count:>5}")
    for name, count in outcome.finished.items():
        print(f"  finished and compared: {name:<9}{count:>5}")
    print(f"  differing from an undisturbed run: {len(outcome.differing)}")
    print(json.dumps(asdict(outcome)))


def kill_runs(folder: Path, kills: int, rows: int, dice: random.Random) -> Outcome:
    """Kills until there were so many, in all formats of output in turn, and compares every finished run with one that nobody killed."""
    start = time.monotonic()
    source = write_archive(folder / "in.csv", rows)
    analyzer = Analyzer.from_pretrained(write_tiny_model(folder / "model"), "cpu", "float32")
    list(analyzer.stream_chunks([SENTENCES]))
    cli_score.load_analyzer = lambda *_, **__: analyzer
    whole, spans = {}, {}
    for name in OUTPUTS:
        begun = time.monotonic()
        assert wait(start_run(name, source, folder / "whole" / name, rows)) == 0
        spans[name] = time.monotonic() - begun
        whole[name] = digests(folder / "whole" / name)
    outcome = Outcome()
    for name in forever(OUTPUTS):
        place = folder / "killed" / name
        shutil.rmtree(place, ignore_errors=True)
        while outcome.kills < kills:
            child = start_run(name, source, place, rows)
            if not kill_at_random(child, name, place, spans[name], dice):
                break
            outcome.kills += 1
            count(outcome.phases, phase(name, place))
        else:
            assert wait(start_run(name, source, place, rows)) == 0
        count(outcome.finished, name)
        if digests(place) != whole[name]:
            outcome.differing.append(f"{name} after {outcome.kills} kills")
        if outcome.kills >= kills:
            outcome.seconds = time.monotonic() - start
            return outcome
    raise AssertionError("there is no end of forever")


def count(counts: dict[str, int], name: str) -> None:
    """One more of them."""
    counts[name] = counts.get(name, 0) + 1


def write_archive(path: Path, rows: int) -> Path:
    """Comments with an id; some are repeated, some rows are bad, some cells hold line breaks."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,text\n")
        for number in range(rows):
            text = f"{SENTENCES[number % len(SENTENCES)]} {number * 7919 % 11}"
            cells = {0: f'{number},"{text}\nκαι πάλι"', 1: f"{number}", 2: f"{number},a,b,c"}.get(number % 101, f"{number},{text}")
            file.write(f"{cells}\n")
    return path


def start_run(name: str, source: Path, place: Path, rows: int) -> int:
    """A process that scores the archive; its process id."""
    place.mkdir(parents=True, exist_ok=True)
    file, options = OUTPUTS[name]
    child = os.fork()
    if child:
        return child
    try:
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), 1)
        sys.stdout.flush()
        arguments = ["score", source, "-o", place / file, "--quiet"]
        arguments += ["--chunk-rows", -(-rows // CHUNKS), *options]
        os._exit(cli.main(list(map(str, arguments))))
    finally:
        os._exit(99)


def kill_at_random(child: int, name: str, place: Path, span: float, dice: random.Random) -> bool:
    """Kills it after a random time, or soon after a random chunk was recorded; False if it had finished before."""
    begun = time.monotonic()
    chunks = dice.randint(0, CHUNKS) if dice.random() < 0.5 else None
    last = begun + dice.uniform(0, span)
    journal = open_output(place / OUTPUTS[name][0], "").state / JOURNAL
    while True:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        if chunks is None and time.monotonic() >= last:
            break
        if chunks is not None and lines(journal) >= chunks:
            time.sleep(dice.uniform(0, 0.05))
            break
        time.sleep(POLL)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def phase(name: str, place: Path) -> str:
    """How far a killed run had come."""
    output = open_output(place / OUTPUTS[name][0], "")
    unfinished = any(place.rglob(".*.partial"))
    if not output.state.exists() or not (output.state / MANIFEST).exists():
        return "finished but for its exit" if output.report.exists() else "before anything was written"
    done = lines(output.state / JOURNAL)
    if done == CHUNKS:
        return "while joining shards" if unfinished else "between last chunk and end"
    if unfinished:
        return "in the middle of a file"
    return "before the first chunk" if not done else "between chunks"


def lines(path: Path) -> int:
    """How many whole lines a file has; none if it is not there."""
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0


def digests(place: Path) -> dict[str, str]:
    """SHA-256 of every file that others read, by its name."""
    files = [path for path in sorted(place.rglob("*")) if path.is_file() and "_cxsentiment" not in path.parts]
    found = {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return {name: digest for name, digest in found.items() if not name.endswith("run.json")}


def wait(child: int) -> int:
    """The exit code of a process, when it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def forever(names: dict[str, object]) -> Iterator[str]:
    """All names, again and again."""
    while True:
        yield from names


if __name__ == "__main__":
    main()
