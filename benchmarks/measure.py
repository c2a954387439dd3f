"""Seconds and memory of measuring a large scored archive: `python -m benchmarks.measure --rows 10000000`.

Scored rows are made up (Parquet files as `cxsentiment score` writes them, with the columns that measures read), and net sentiment is
aggregated by touchpoint, week and language, in a process of its own whose peak memory is taken. Target for ten million rows on two cores:
60 seconds, 4 GB. With `--report` the whole report is made of them instead; target for a million rows: 60 seconds, a page of 5 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cxsentiment.results import EMOTIONS, INTENTS, ROW_SCHEMA, SENTIMENTS, TOUCHPOINTS
from cxsentiment.taxonomy import Taxonomy

ROWS_PER_FILE: Final = 250_000
DAYS: Final = 730
INCIDENT: Final = 14
_FIRST_DAY: Final = date(2024, 1, 1)
_LANGUAGES: Final = ("el", "pl", "ro", "en")
_WORDS: Final = (
    "the",
    "staff",
    "was",
    "kind",
    "but",
    "delivery",
    "took",
    "ten",
    "days",
    "and",
    "nobody",
    "answered",
    "great",
    "app",
    "again",
)
_TEXT_WORDS: Final = 12
_MEASURED: Final = ("touchpoint", "week", "language")


def main() -> None:
    """Makes the archive, measures it, and prints and saves the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--memory", help="how much DuckDB may use, as 3GB")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--keep", type=Path, help="folder of the archive, which is used if it is there")
    parser.add_argument("--report", action="store_true", help="make the report")
    parser.add_argument("--save", action="store_true", help="keep the figures in benchmarks/results/")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        of = report if options.report else measure
        print(json.dumps(of(options.measure, options.memory, options.threads)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary) / "scored"
        started = time.perf_counter()
        if not folder.exists():
            generate(folder, options.rows)
            size = sum(file.stat().st_size for file in folder.iterdir())
            print(f"{options.rows:,} rows made in {time.perf_counter() - started:.1f} s, {size / 1e9:.2f} GB", flush=True)
        given = [f"--{name}={value}" for name in ("memory", "threads") if (value := getattr(options, name)) is not None]
        given += ["--report"] * options.report
        command = [sys.executable, "-m", "benchmarks.measure", f"--measure={folder}", *given]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name, figure in figures.items():
        print(f"{name}: {figure:,.2f}" if isinstance(figure, float) else f"{name}: {figure:,}")
    if options.save:
        from benchmarks.results import save

        save("report" if options.report else "measure", figures)


def generate(folder: Path, rows: int, *, seed: int = 0) -> None:
    """Writes an archive of scored rows, `ROWS_PER_FILE` in each file, with a column of days, one of channels and one of texts."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for number, start in enumerate(range(0, rows, ROWS_PER_FILE)):
        pq.write_table(scored_rows(generator, min(ROWS_PER_FILE, rows - start)), folder / f"part-{number:06}.parquet", compression="zstd")


def scored_rows(generator: np.random.Generator, rows: int) -> pa.Table:
    """Made-up rows: 1.3 mentions each on average, a rarer touchpoint being as many times rarer as its place says; 1 % have an error.

    Of the Polish comments of the last days six in ten have become negative.
    """
    failed = generator.random(rows) < 0.01
    days = generator.integers(0, DAYS, rows)
    languages = _drawn(generator, _LANGUAGES, rows, failed)
    fallen = pc.and_kleene(pc.equal(languages, "pl"), pa.array((days >= DAYS - INCIDENT) & (generator.random(rows) < 0.6)))
    columns = {
        "date": pa.array(np.datetime64(_FIRST_DAY) + days),
        "channel": _drawn(generator, ("web", "app", "store", "phone"), rows),
        "comment": pc.binary_join_element_wise(*(_drawn(generator, _WORDS, rows) for _ in range(_TEXT_WORDS)), " "),
        "cx_language": languages,
        "cx_sentiment": pc.if_else(fallen, "negative", _drawn(generator, SENTIMENTS, rows, failed)),
        "cx_polarity": pa.array(generator.uniform(-1, 1, rows).astype(np.float32), mask=failed),
        "cx_emotions": _list(generator, _drawn(generator, EMOTIONS, rows), rows, 1),
        "cx_touchpoints": _touchpoints(generator, rows, failed),
        "cx_stage": _drawn(generator, ("before", "during", "after"), rows, generator.random(rows) < 0.5),
        "cx_qualities": pa.array([[]] * rows, ROW_SCHEMA.field("cx_qualities").type),
        "cx_relation": _drawn(generator, ("new", "returning", "advocate"), rows, generator.random(rows) < 0.8),
        "cx_intents": _list(generator, _drawn(generator, INTENTS, rows), rows, 0.2),
        "cx_windows": pa.array(np.ones(rows, np.int32), mask=failed),
        "cx_error": pa.array(np.full(rows, "no text (null)"), mask=~failed),
    }
    return pa.table(columns)


def measure(folder: Path, memory: str | None, threads: int | None) -> dict[str, Any]:
    """Seconds of each step, and the peak memory of this process."""
    from cxsentiment.measure import open_scored, summary

    started = time.perf_counter()
    with open_scored(folder, memory=memory, threads=threads) as scored:
        opened = time.perf_counter()
        table = summary(scored, _MEASURED)
        measured = time.perf_counter()
        rows = scored.rows
    return {
        "rows": rows,
        "groups": table.num_rows,
        "mentions of comments": int(table["comments"].to_numpy().sum()),
        "seconds to open": opened - started,
        "seconds to aggregate": measured - opened,
        "peak memory (GB)": _peak(),
    }


def report(folder: Path, memory: str | None, threads: int | None) -> dict[str, Any]:
    """Seconds of the whole report of an archive, the size of its page, and the peak memory of this process."""
    from cxsentiment.measure import open_scored
    from cxsentiment.report import find, write_report

    started = time.perf_counter()
    with open_scored(folder, memory=memory, threads=threads) as scored:
        findings = find(scored)
    measured = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        page = Path(temporary) / "report.html"
        write_report(findings, page)
        size = page.stat().st_size
    written = time.perf_counter()
    return {
        "rows": findings.rows,
        "seconds to measure": measured - started,
        "seconds to draw and write": written - measured,
        "page (MB)": size / 1e6,
        "peak memory (GB)": _peak(),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _drawn(generator: np.random.Generator, labels: tuple[str, ...], rows: int, missing: np.ndarray | None = None) -> pa.Array:
    codes = pa.array(generator.integers(0, len(labels), rows).astype(np.int8), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(labels)).cast(pa.string())


def _list(generator: np.random.Generator, items: pa.Array, rows: int, share: float) -> pa.ListArray:
    """One item in that share of the lists, the others are empty."""
    return _cut(items, (generator.random(rows) < share).astype(np.int64))


def _cut(items: pa.Array, lengths: np.ndarray) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), items.slice(0, int(offsets[-1])))


def _touchpoints(generator: np.random.Generator, rows: int, failed: np.ndarray) -> pa.ListArray:
    lengths = np.where(failed, 0, generator.choice(5, rows, p=(0.25, 0.4, 0.22, 0.08, 0.05)))
    mentions = int(lengths.sum())
    weights = 1 / np.arange(1, len(TOUCHPOINTS) + 1)
    codes = generator.choice(len(TOUCHPOINTS), mentions, p=weights / weights.sum())
    taxonomy = Taxonomy.default()
    groups = [taxonomy.group_of(name) for name in TOUCHPOINTS]
    named = [pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names)).cast(pa.string()) for names in (TOUCHPOINTS, groups)]
    starts = generator.integers(0, 60, mentions).astype(np.int32)
    kind = ROW_SCHEMA.field("cx_touchpoints").type
    arrays = [
        pa.array(starts),
        pa.array(starts + 8),
        named[0],
        *named,
        _drawn(generator, ("-", "0", "+", "±"), mentions),
        pa.array(generator.random(mentions).astype(np.float32)),
    ]
    return _cut(pa.StructArray.from_arrays(arrays, fields=list(kind.value_type)), lengths).cast(kind)


if __name__ == "__main__":
    main()
