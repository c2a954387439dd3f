"""Malformed and odd inputs: each is refused in one line, or keeps all its rows, bad ones with a `cx_error`; never a traceback."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxsentiment import Analyzer, cli, cli_score
from tests.faults.malformed import MALFORMED, Malformed

ROOT = Path(__file__).parents[2]
HEAVY = re.compile(
    r"bomb|50_megabytes|1_000_000|100_000|gigabyte|size_that_lies|endless|fails_when_read|of_noise|out_of_bounds|huge_window"
)
"""Those that take long, or would bring this process down if they were not refused: each gets a process of its own, in `make test-full`."""

SUFFIXES = (".parquet", ".jsonl", ".csv", "")
MOST_MEMORY = 3 * 2**30
MEASURED = """
import re, runpy, sys
from pathlib import Path
peak = Path(sys.argv.pop(1))
try:
    runpy.run_module("cxsentiment.cli", run_name="__main__", alter_sys=True)
finally:
    peak.write_text(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
"""The command line, then the most memory it took: the system adds what this process took before to what it says of one that ended."""

TERMINAL_CODES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

LIGHT_ONES = [one for one in MALFORMED if not HEAVY.search(one.name)]
QUICK_ONES = LIGHT_ONES[::2]  # all are in the full run
HEAVY_ONES = [one for one in MALFORMED if HEAVY.search(one.name)]


@pytest.fixture(autouse=True)
def quiet_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def skipped(one: Malformed) -> None:
    if one.name == "place_may_not_be_read" and os.getuid() == 0:
        pytest.skip("root may read anything")


def check(one: Malformed, code: int, out: str, err: str, scored: Path) -> None:
    assert "Traceback" not in err
    assert not TERMINAL_CODES.search(out.replace("\n", "")), "terminal codes in the summary"
    if one.outcome == "error":
        assert code == 2, err or out
        assert not scored.exists()
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert len(err) < 2100
        assert one.message is not None
        assert one.message.lower() in err.lower()
        return
    assert code == 0, err
    errors = errors_in(scored)
    assert bool(errors) == (one.outcome == "rows"), errors[:3]
    if one.message is not None:
        assert any(one.message.lower() in error.lower() for error in errors), errors[:3]


def errors_in(scored: Path) -> list[str]:
    if scored.suffix == ".csv":
        with scored.open(encoding="utf-8", newline="") as file:
            return [row["cx_error"] for row in csv.DictReader(file) if row["cx_error"]]
    if scored.suffix == ".jsonl":
        rows = (json.loads(line) for line in scored.read_text(encoding="utf-8").split("\n") if line)
        return [row["cx_error"] for row in rows if row["cx_error"]]
    return [error for error in pq.read_table(scored)["cx_error"].to_pylist() if error]


@pytest.fixture
def score(
    tmp_path: Path, tiny_analyzer: Analyzer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Malformed, str], None]:
    """Scores an input to an output with a suffix, in this process, and checks what comes of it."""
    monkeypatch.setattr(cli_score, "load_analyzer", lambda *_, **__: tiny_analyzer)
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()

    def run(one: Malformed, suffix: str) -> None:
        skipped(one)
        if not os.path.lexists(tmp_path / "in" / f"in{one.suffix}"):
            one.write(tmp_path / "in")
        scored = tmp_path / "out" / f"scored{suffix}"
        code = cli.main(["score", str(tmp_path / "in" / f"in{one.suffix}"), "-o", str(scored)])
        out, err = capsys.readouterr()
        progress, error = divided(err)
        assert not TERMINAL_CODES.search(progress.replace("\n", "")), "terminal codes in the progress"
        check(one, code, out, error, scored)

    return run


@pytest.mark.parametrize(("number", "one"), list(enumerate(QUICK_ONES)), ids=[one.name for one in QUICK_ONES])
def test_light(number: int, one: Malformed, score: Callable[[Malformed, str], None]) -> None:
    score(one, SUFFIXES[number % 3])


@pytest.mark.full
@pytest.mark.parametrize("one", LIGHT_ONES, ids=lambda one: one.name)
def test_light_in_all_formats(one: Malformed, score: Callable[[Malformed, str], None]) -> None:
    for suffix in SUFFIXES:
        score(one, suffix)


def divided(err: str) -> tuple[str, str]:
    """Progress, and the error line."""
    before, start, line = f"\n{err}".partition("\nerror: ")
    return (before, start[1:] + line) if start else (err, "")


@pytest.mark.full
@pytest.mark.parametrize("one", HEAVY_ONES, ids=lambda one: one.name)
def test_heavy(one: Malformed, tmp_path: Path, tiny_model: Path) -> None:
    skipped(one)
    (tmp_path / "in").mkdir()
    source, scored, peak = one.write(tmp_path / "in"), tmp_path / "scored.parquet", tmp_path / "peak"
    options = ["score", str(source), "-o", str(scored), "--model", str(tiny_model), "--quiet"]
    command = [sys.executable, "-c", MEASURED, str(peak), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        out, err = process.communicate(timeout=600)
    check(one, process.returncode, out, err, scored)
    assert int(peak.read_text(encoding="utf-8")) * 1024 < MOST_MEMORY


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """How many there are of which kind: each is a test above."""
    kinds = Counter((one.suffix.lstrip(".").lower() if len(one.suffix) < 10 else "odd names", one.outcome) for one in MALFORMED)
    outcomes = ("error", "rows", "fine")
    names = sorted({kind for kind, _ in kinds})
    print(f"{len(MALFORMED)} inputs: refused in one line | rows kept with cx_error | scored")
    for name in names:
        print(f"  {name!r:<24}" + "".join(f"{kinds[name, outcome]:>8}" for outcome in outcomes))
    assert len(MALFORMED) >= 60
    assert len({one.name for one in MALFORMED}) == len(MALFORMED)
    assert sum(kinds.values()) == len(MALFORMED)
