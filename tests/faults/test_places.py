"""Places that fail: a full disk, one that cannot be written, a shard that was cut, two writers at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.faults.kills import digests, lines, write_archive

ROOT = Path(__file__).parents[2]
ROWS = 400
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}  # faster with a tiny model; and in float32 other threads give other last bits


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("in") / "in.csv", ROWS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def command(archive: Path, out: Path, model: Path, *options: str) -> list[str]:
    given = ["score", str(archive), "-o", str(out), "--model", str(model), "--dtype", "float32", "--chunk-rows", "50", "--quiet"]
    return [sys.executable, "-m", "cxsentiment.cli", *given, *options]


def score(archive: Path, out: Path, model: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(archive, out, model, *options), cwd=ROOT, env=ONE_THREAD, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert "Traceback" not in done.stderr
    return done


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
    archive: Path, small_disk: Path, tmp_path: Path, tiny_model: Path
) -> None:
    (small_disk / "ballast").write_bytes(bytes(180_000))
    out = small_disk / "out"
    failed = score(archive, out, tiny_model)
    assert failed.returncode == 2
    assert "No space left on device; free some space and run the same command again" in failed.stderr
    (small_disk / "ballast").unlink()
    assert score(archive, out, tiny_model).returncode == 0
    assert score(archive, tmp_path / "whole", tiny_model).returncode == 0
    assert digests(out) == digests(tmp_path / "whole")


def test_a_disk_that_cannot_be_written(archive: Path, small_disk: Path, tiny_model: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    failed = score(archive, small_disk / "out", tiny_model)
    assert failed.returncode == 2
    assert "cannot be written" in failed.stderr


def test_two_writers_at_once(archive: Path, tmp_path: Path, tiny_model: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    begin = partial(subprocess.Popen, command(archive, out, tiny_model), cwd=ROOT, env=ONE_THREAD, stderr=subprocess.PIPE, text=True)
    first, second = begin(), begin()
    outcomes = sorted((process.communicate()[1], process.returncode) for process in (first, second))
    assert score(archive, out, tiny_model).returncode == 0
    assert score(archive, whole, tiny_model).returncode == 0
    assert digests(out) == digests(whole)
    for message, code in outcomes:
        assert (code, message) == (0, "") or "another process is writing" in message
    assert pq.read_table(out).num_rows == ROWS


def test_a_writer_that_waits_for_its_input_keeps_others_out(archive: Path, tmp_path: Path, tiny_model: Path) -> None:
    from cxsentiment.archive import open_output
    from cxsentiment.archive.state import open_state

    with open_state(open_output(tmp_path / "out", ""), {"a": "b"}):
        failed = score(archive, tmp_path / "out", tiny_model)
    assert failed.returncode == 2
    assert "another process is writing" in failed.stderr


def test_a_shard_that_was_cut_is_made_again(archive: Path, tmp_path: Path, tiny_model: Path) -> None:
    out = tmp_path / "out"
    assert score(archive, out, tiny_model).returncode == 0
    before = digests(out)
    shard = sorted(out.glob("*.parquet"))[3]
    os.truncate(shard, shard.stat().st_size // 2)
    assert score(archive, out, tiny_model).returncode == 0
    assert digests(out) == before


def test_an_input_that_changed_is_refused(archive: Path, tmp_path: Path, tiny_model: Path) -> None:
    copy, out = tmp_path / "in.csv", tmp_path / "out"
    copy.write_bytes(archive.read_bytes())
    process = subprocess.Popen(command(copy, out, tiny_model), cwd=ROOT, stderr=subprocess.PIPE)
    while not lines(out / "_cxsentiment" / "journal.jsonl") and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.communicate()
    copy.write_bytes(archive.read_bytes().replace(b"app", b"web"))
    failed = score(copy, out, tiny_model)
    assert failed.returncode == 2
    assert "another input: sha256" in failed.stderr
    assert score(copy, out, tiny_model, "--restart").returncode == 0
