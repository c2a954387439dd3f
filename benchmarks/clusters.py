"""An archive on a local Ray cluster of two nodes, and on local Spark, beside one machine."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.archive import CLOSE
from cxsentiment import Analyzer
from cxsentiment.archive import ScoringOptions, open_output, open_source, score
from cxsentiment.archive.command import ScoreRequest, run_score
from cxsentiment.archive.spark import score_spark

CHUNK_ROWS = 512
SETTLED = 0.25
"""Share of the chunks that do not count: those that are made while others still load the model."""
SPARK_ROWS = 5_000
EXACT = ("cx_sentiment", "cx_language", "cx_error", "cx_windows")


def measure_clusters(folder: Path, rows: int) -> dict[str, Any]:
    """Rates and equality; prints them."""
    archive = folder / "cluster.parquet"
    pq.write_table(pa.concat_tables(pq.read_table(path) for path in sorted(folder.glob("slice-*.parquet"))).slice(0, rows), archive)
    here = score_here(archive, folder / "here")
    on_ray = score_ray(archive, folder / "on_ray")
    one, other = pq.read_table(folder / "here"), pq.read_table(folder / "on_ray")
    figures = {"rows": one.num_rows, "here_rows_per_second": here, "ray_rows_per_second": on_ray, "ray_ratio_per_core": on_ray / here}
    figures |= {f"ray_{name}": value for name, value in likeness(one, other).items()}
    print(
        f"Ray, 2 nodes of one core: {on_ray:.0f} rows/s; one process on both cores: {here:.0f}: {on_ray / here:.2f} per core (target 0.85)"
    )
    on_spark = score_on_spark(archive)
    figures |= {f"spark_{name}": value for name, value in likeness(one.slice(0, on_spark.num_rows), on_spark).items()}
    for name in ("ray", "spark"):
        print(
            f"{name}: "
            + ", ".join(f"{key.removeprefix(name + '_')} {value}" for key, value in figures.items() if key.startswith(name + "_"))
        )
    return figures


def score_here(archive: Path, out: Path) -> float:
    """Rows a second of one process on this machine."""
    score(open_source(archive), Analyzer.from_pretrained(), open_output(out, str(archive)), ScoringOptions(CHUNK_ROWS))
    return rate(out)


def rate(out: Path) -> float:
    """Rows a second by the times at which shards were finished, without the first quarter of them."""
    times = sorted(shard.stat().st_mtime for shard in out.glob("*.parquet"))
    settled = int(SETTLED * len(times))
    return CHUNK_ROWS * (len(times) - 1 - settled) / (times[-1] - times[settled])


def score_ray(archive: Path, out: Path) -> float:
    """Rows a second, when all actors have loaded the model."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    try:
        request = ScoreRequest(where=str(archive), output=out, scoring=ScoringOptions(CHUNK_ROWS), engine="ray")
        run_score(request, partial(Analyzer.from_pretrained, None, "auto"), lambda name, rows: lambda done: None)
    finally:
        ray.shutdown()
        cluster.shutdown()
    return rate(out)


def score_on_spark(archive: Path) -> pa.Table:
    """The first rows, by Spark on two cores."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        frame = session.createDataFrame(pq.read_table(archive).slice(0, SPARK_ROWS).to_pandas())
        return score_spark(frame, "comment").orderBy("id").toArrow()
    finally:
        session.stop()


def likeness(one: pa.Table, other: pa.Table) -> dict[str, Any]:
    """How many rows differ in a label, and the largest difference of a probability."""
    other = other.sort_by("id")
    one = one.sort_by("id")
    assert one["id"].to_pylist() == other["id"].to_pylist()
    unlike = np.zeros(one.num_rows, bool)
    for name in (*EXACT, "cx_emotions", "cx_stage", "cx_relation", "cx_intents"):
        pairs = zip(one[name].to_pylist(), other[name].to_pylist(), strict=True)
        unlike |= np.array([left != right for left, right in pairs])
    probabilities = [
        np.array([list(cell.values()) for cell in table["cx_sentiment_probs"].to_pylist() if cell is not None]) for table in (one, other)
    ]
    largest = float(np.abs(probabilities[0] - probabilities[1]).max())
    return {"rows_unlike": int(unlike.sum()), "largest_difference": largest, "within": largest <= CLOSE}
