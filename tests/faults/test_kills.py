"""Runs that are killed lose nothing and double nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def kill(kills: int, rows: int) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.faults.kills", "--kills", str(kills), "--rows", str(rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["kills"] == kills
    assert outcome["differing"] == []
    return outcome  # type: ignore[no-any-return]


def test_runs_that_are_killed_go_on_to_the_same_result() -> None:
    kill(12, 1000)


@pytest.mark.full
def test_200_kills_on_20_000_rows() -> None:
    outcome = kill(200, 20_000)
    assert len(outcome["phases"]) >= 5  # type: ignore[arg-type]
