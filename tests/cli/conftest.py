"""A stand-in for the analyzer that needs no model: words decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from cxsentiment import cli, cli_score
from cxsentiment.encoder.instruments import Stats
from cxsentiment.errors import OptionError
from cxsentiment.results import EMOTIONS, Analysis, Emotion, Language, Sentiment, Touchpoint


def analysis_of(text: str) -> Analysis:
    positive = "good" in text
    greek = any("α" <= letter <= "ω" for letter in text)
    language = Language("el", 0.9, "Grek") if greek else Language("en", 0.9, "Latn") if text else Language("und", 0.0, "Zyyy")
    sentiment = Sentiment("positive" if positive else "negative", 0.5, 0.1, 0.1, 0.7, 0.1)
    start = text.find("app")
    mentions = (Touchpoint(start, start + 3, "app", "mobile_app", "channels", "+" if positive else "-", 0.9),) if start >= 0 else ()
    emotions = tuple(Emotion(label, 0.25) for label in EMOTIONS)
    return Analysis(text, language, sentiment, emotions[:1], emotions, mentions, windows=1 if text else 0)


class FakeAnalyzer:
    identity: Mapping[str, str] = MappingProxyType({"model": "words", "precision": "int8"})

    def stream(self, texts: Iterable[str]) -> Iterator[Analysis]:
        for text in texts:
            if text == "interrupt":
                raise KeyboardInterrupt
            yield analysis_of(text)

    def stream_chunks(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Analysis]]:
        for chunk in chunks:
            yield list(self.stream(chunk))

    def stats(self) -> Stats:
        return Stats(12, 2, 1, 345, 0, 6, {"read": 0.5, "forward": 1.25}, "int8", 1024)


def load_fake(
    model: str | None, device: str, dtype: str, taxonomy: Path | None, *, unsure_labels: bool, label_map: str | None
) -> FakeAnalyzer:
    if device not in {"auto", "cpu"}:
        raise OptionError(f"there is no device {device!r} here; use auto or cpu")
    return FakeAnalyzer()


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line in this process, with the stand-in."""
    monkeypatch.setattr(cli, "load_analyzer", load_fake)
    monkeypatch.setattr(cli_score, "load_analyzer", load_fake)
    monkeypatch.setenv("COLUMNS", "200")

    def run_arguments(*arguments: object) -> Outcome:
        given: Sequence[str] = [str(argument) for argument in arguments]
        code = cli.main(given)
        return Outcome(code, *capsys.readouterr())

    return run_arguments


@pytest.fixture
def fails(run: Run) -> Callable[..., str]:
    """Runs arguments that must fail as the house demands: exit code 2, nothing on stdout, one line on stderr; gives that line."""

    def run_failing(*arguments: object) -> str:
        outcome = run(*arguments)
        assert outcome.code == 2
        assert outcome.out == ""
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1
        return outcome.err

    return run_failing
