"""`cxsentiment analyze` and what surrounds it: usage errors, letters, colours, standard input."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from cxsentiment import __version__, cli
from cxsentiment.display import analysis_view, marked_text
from cxsentiment.results import SENTIMENTS, Analysis, Language, Sentiment, Touchpoint

Run = Callable[..., Any]
Fails = Callable[..., str]


def analysis(text: str, *touchpoints: Touchpoint) -> Analysis:
    return Analysis(text, Language("en", 0.9, "Latn"), Sentiment("mixed", 0.0, 0.4, 0.1, 0.1, 0.4), (), (), touchpoints)


def as_standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_it_shows_everything_that_was_found(run: Run) -> None:
    outcome = run("analyze", "the app is good", "κακό app")
    assert outcome.code == 0
    for expected in ("the app is good", "English (en, Latn) 0.90", "positive, polarity +0.50", "0.70", "joy 0.25", "mobile_app", "Greek"):
        assert expected in outcome.out
    assert all(label in outcome.out for label in SENTIMENTS)


def test_json_is_one_object_a_line_in_readable_letters(run: Run) -> None:
    lines = run("analyze", "--json", "κακό app", "good\nline").out.splitlines()
    first, second = map(json.loads, lines)
    assert first["text"] == "κακό app"
    assert first["touchpoints"][0]["start"] == 5
    assert second["text"] == "good\nline"
    assert "κακό" in lines[0]


def test_lines_of_standard_input_are_texts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    as_standard_input(monkeypatch, "good\r\n\nκακό".encode())
    found = [json.loads(line)["text"] for line in run("analyze", "--json").out.splitlines()]
    assert found == ["good", "", "κακό"]


def test_empty_standard_input(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    as_standard_input(monkeypatch, b"")
    assert "standard input is empty" in fails("analyze")


def test_standard_input_in_another_encoding(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    as_standard_input(monkeypatch, "κακό".encode("cp1253"))
    assert "byte 0xea" in fails("analyze")


def test_markup_and_control_sequences_of_customers_are_shown_as_they_are(run: Run) -> None:
    out = run("analyze", "[red]good[/red] [/] \x1b[2Japp :smile:").out
    assert "[red]good[/red] [/] ␛[2Japp :smile:" in out
    assert "\x1b" not in out


def test_touchpoints_are_underlined_in_the_colour_of_their_polarity() -> None:
    text = marked_text(analysis("\x1b bad app", Touchpoint(6, 9, "app", "mobile_app", "channels", "-", 0.9)))
    [span] = [span for span in text.spans if "underline" in str(span.style)]
    assert text.plain[span.start : span.end] == "app"
    assert "red" in str(span.style)


@pytest.mark.parametrize("no_color", [False, True])
def test_no_color_leaves_colours_out_but_keeps_the_underline(no_color: bool) -> None:
    environment = {"NO_COLOR": "1"} if no_color else {}
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=100, _environ=environment)
    console.print(analysis_view(analysis("bad app", Touchpoint(4, 7, "app", "mobile_app", "channels", "-", 0.9))))
    out = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("\x1b[1;4;31m" in out) is not no_color
    assert ("\x1b[1;4m" in out) is no_color


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["analyse", "x"], "analyse"),
        (["analyze", "--nonsense", "x"], "--nonsense"),
        (["analyze", "-5 stars"], "put -- before"),
        (["analyze", "x", "--device", "abacus"], "no device 'abacus'"),
        (["score"], "give either a file, folder or URL"),
        (["score", "in.csv"], "-o FOLDER"),
        (["train", "--time-budget", "soon"], "--time-budget"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_use_is_one_line(fails: Fails, arguments: list[str], expected: str) -> None:
    assert expected in fails(*arguments)


def test_nothing_to_analyze_on_a_terminal(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    as_standard_input(monkeypatch, b"")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert "give a text" in fails("analyze")


def test_an_interruption_is_one_line(run: Run) -> None:
    assert run("analyze", "interrupt") == (130, "", "error: interrupted\n")


def test_version_help_and_languages(run: Run) -> None:
    assert run("--version").out == f"cxsentiment {__version__}\n"
    assert all(command in run().out for command in ("analyze", "score", "languages", "model", "train"))
    out = run("languages").out
    understood, others = out.split("Only identified:")
    assert [code for code in ("el", "pl", "ro", "en") if f" {code}" in understood] == ["el", "pl", "ro", "en"]
    assert "Bulgarian (bg)" in others
    assert "Greek" not in others


def test_help_is_quick_and_brings_no_torch() -> None:
    code = "import sys; from cxsentiment import cli; cli.main(['--help']); sys.exit('torch' in sys.modules or 'spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-7"])
def test_all_letters_reach_a_pipe_whatever_the_locale(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    code = """
import sys
from cxsentiment import cli

def load(*_, **__):
    raise cli.OptionError("\\u0142\\u03cc\\u0219")

cli.load_analyzer = load
sys.exit(cli.main(["analyze", "x"]))
"""
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert outcome.returncode == 2
    assert outcome.stderr == "error: łόș\n".encode()


def test_a_terminal_that_lacks_letters_shows_question_marks() -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    stream = Terminal(io.BytesIO(), encoding="iso8859-7")
    cli._accept_all_letters(stream)
    stream.write("ό ł")
    stream.flush()
    assert stream.buffer.getvalue() == "ό ?".encode("iso8859-7")  # type: ignore[attr-defined]
