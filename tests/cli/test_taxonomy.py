"""`cxsentiment taxonomy`: the tree, and the check of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cxsentiment.taxonomy import Taxonomy
from tests.conftest import WALLET

Run = Callable[..., Any]
Fails = Callable[..., str]


def test_the_tree_has_every_type(run: Run) -> None:
    out = run("taxonomy").out
    assert all(name in out for name in Taxonomy.default().types)
    assert "mobile app" in out


def test_the_tree_of_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(WALLET, encoding="utf-8")
    assert "wallet" in run("taxonomy", "--taxonomy", str(file)).out


def test_a_file_is_tried_on_comments(run: Run, tmp_path: Path) -> None:
    file, comments = tmp_path / "mine.toml", tmp_path / "comments.csv"
    file.write_text(WALLET, encoding="utf-8")
    comments.write_text("text\n" + "the e-wallet lost my hologram\n" * 4 + "=1+1\n", encoding="utf-8")
    out = run("taxonomy", "check", str(file), "--against", str(comments)).out
    assert "38 types in 5 groups" in out
    assert "5 comments" in out
    assert "hologram" in out
    (line,) = [line for line in out.splitlines() if line.startswith("wallet")]
    assert line.split() == ["wallet", "channels", "4", "80.0%"]


def test_what_is_wrong_is_said_with_its_line(fails: Fails, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(WALLET + 'group = "nowhere"\n', encoding="utf-8")
    assert "mine.toml" in fails("taxonomy", "check", str(file))
    file.write_text(WALLET.replace("channels", "nowhere"), encoding="utf-8")
    assert "line 4: types.wallet.group: no group 'nowhere'" in fails("taxonomy", "check", str(file))
