"""Ray and Spark, for real, on this machine: the rows of one machine, with a worker killed on the way."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment import Analyzer
from cxsentiment.archive import ScoringOptions, open_output, open_source, score
from cxsentiment.archive.command import ScoreRequest, run_score
from cxsentiment.archive.state import JOURNAL
from cxsentiment.errors import InputError, OptionError
from tests.faults.kills import lines, write_archive

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore")]
ROWS = 2000
CLOSE = 1e-4


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("in") / "in.csv", ROWS)


@pytest.fixture(scope="module")
def expected(archive: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    out = tmp_path_factory.mktemp("whole") / "out"
    score(open_source(archive), Analyzer.from_pretrained(tiny_model, "cpu", "float32"), open_output(out, ""), ScoringOptions(100))
    return pq.read_table(out)


def assert_alike(one: pa.Table, other: pa.Table) -> None:
    """Equal row by row; probabilities nearly, since other threads make other batches."""
    assert one.num_rows == other.num_rows
    for name in one.column_names:
        (left, left_numbers), (right, right_numbers) = parted(one[name].to_pylist()), parted(other[name].to_pylist())
        assert left == right, name
        assert left_numbers == pytest.approx(right_numbers, abs=CLOSE), name


def parted(cell: Any) -> tuple[Any, list[float]]:
    """A cell, or cells, without its fractions, and these."""
    match cell:
        case float():
            return None, [cell]
        case dict():
            rest, numbers = parted(list(cell.values()))
            return dict(zip(cell, rest, strict=True)), numbers
        case list():
            parts = [parted(one) for one in cell]
            return [rest for rest, _ in parts], [number for _, numbers in parts for number in numbers]
    return cell, []


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made
    ray.shutdown()
    made.shutdown()


def on_ray(archive: Path, out: Path, model: Path, chunk_rows: int = 100, **options: Any) -> int:
    request = ScoreRequest(where=str(archive), output=out, scoring=ScoringOptions(chunk_rows), engine="ray", dtype="float32", **options)
    finished = run_score(request, partial(Analyzer.from_pretrained, model, "cpu"), lambda name, rows: lambda done: None)
    return finished.summary.resumed


def test_a_cluster_gives_the_rows_of_one_machine(cluster: Any, archive: Path, expected: pa.Table, tiny_model: Path, tmp_path: Path) -> None:
    assert on_ray(archive, tmp_path / "out", tiny_model) == 0
    assert_alike(pq.read_table(tmp_path / "out"), expected)
    assert on_ray(archive, tmp_path / "out", tiny_model) == ROWS


def test_a_run_goes_on_on_another_engine(cluster: Any, archive: Path, expected: pa.Table, tiny_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    score(open_source(archive), Analyzer.from_pretrained(tiny_model, "cpu", "float32"), open_output(out, ""), ScoringOptions(100))
    for number in (3, 7, 19):
        (out / f"part-{number:06}.parquet").unlink()
    assert on_ray(archive, out, tiny_model) == ROWS - 300
    assert_alike(pq.read_table(out), expected)


def test_a_worker_that_is_killed_loses_nothing(cluster: Any, archive: Path, expected: pa.Table, tiny_model: Path, tmp_path: Path) -> None:
    out, killed = tmp_path / "out", []

    def kill_one() -> None:
        journal = open_output(out, "").state / JOURNAL
        while lines(journal) < 3:
            time.sleep(0.005)
        killed.append(workers()[0])
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    on_ray(archive, out, tiny_model, chunk_rows=25)
    killer.join()
    assert killed
    found = pq.read_table(out)
    assert sorted(found["id"].to_pylist(), key=int) == sorted(expected["id"].to_pylist(), key=int)
    assert_alike(found, expected)


def workers() -> list[int]:
    """Process ids of the actors that score."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::MapWorker"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_what_a_cluster_cannot_do_is_said(cluster: Any, archive: Path, tiny_model: Path, tmp_path: Path) -> None:
    query = ScoreRequest(where=None, output=tmp_path / "out", query="SELECT 'a' AS text ORDER BY 1", database="sqlite://", engine="ray")
    with pytest.raises(OptionError, match="export the query to Parquet"):
        run_score(query, partial(Analyzer.from_pretrained, tiny_model, "cpu"), lambda name, rows: lambda done: None)
    with pytest.raises(InputError, match="does not exist"):
        on_ray(tmp_path / "nothing.csv", tmp_path / "out", tiny_model)


# ---- Spark


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    yield session
    session.stop()


def test_spark_gives_the_rows_of_one_machine(spark: Any, archive: Path, expected: pa.Table, tiny_model: Path) -> None:
    from cxsentiment.archive.spark import score_spark

    rows = expected.select(["id", "text"]).filter(pa.compute.is_null(expected["cx_error"]))
    frame = spark.createDataFrame(rows.to_pandas()).repartition(3)
    scored = score_spark(frame, "text", name_or_path=str(tiny_model), device="cpu", dtype="float32").toArrow()
    order = pa.compute.index_in(rows["id"], scored["id"].combine_chunks())
    assert_alike(scored.take(order), expected.filter(pa.compute.is_null(expected["cx_error"])))


def test_spark_keeps_rows_without_text(spark: Any, tiny_model: Path) -> None:
    from cxsentiment.archive.spark import score_spark

    frame = spark.createDataFrame([(1, "good app"), (2, None)], "id int, comment string")
    scored = score_spark(frame, "comment", name_or_path=str(tiny_model), device="cpu", dtype="float32").orderBy("id").toArrow()
    assert scored["cx_error"].to_pylist() == [None, "no text (null)"]
    with pytest.raises(InputError, match="has no column 'text'"):
        score_spark(frame, "text")
