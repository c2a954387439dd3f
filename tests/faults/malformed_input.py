"""What a malformed input is: a name, a way to write the file, and what scoring it must come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Make = Callable[[Path], None]
Outcome = Literal["error", "rows", "fine"]


@dataclass(frozen=True, slots=True)
class Malformed:
    """A file that somebody may hand to `cxsentiment score`.

    Attributes:
        name: What is odd about it, in words joined by underscores.
        suffix: What follows `in` in the name of the file; most often just its suffix.
        make: Writes the file.
        outcome: `error`: the whole file is refused in one line, exit code 2, no output. `rows`: every row is kept, bad ones have a
            `cx_error`. `fine`: every row is scored, none has a `cx_error`.
        message: Words that the error line or some `cx_error` holds, in any case; None if the outcome is `fine`.
    """

    name: str
    suffix: str
    make: Make
    outcome: Outcome
    message: str | None

    def write(self, folder: Path) -> Path:
        """Writes the file into `folder`, under a name that holds no word of any message, and gives its path."""
        path = folder / f"in{self.suffix}"
        self.make(path)
        return path


def refused(name: str, suffix: str, make: Make, message: str) -> Malformed:
    """A file that is refused as a whole."""
    return Malformed(name, suffix, make, "error", message)


def kept(name: str, suffix: str, make: Make, message: str) -> Malformed:
    """A file with bad rows."""
    return Malformed(name, suffix, make, "rows", message)


def fine(name: str, suffix: str, make: Make) -> Malformed:
    """A file that is odd but must be scored like any other."""
    return Malformed(name, suffix, make, "fine", None)


def holding(content: bytes) -> Make:
    """A maker of a file with these bytes."""

    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


def holding_text(content: str, encoding: str = "utf-8") -> Make:
    """A maker of a file with this text; line ends stay as they are."""
    return holding(content.encode(encoding))


def building(build: Callable[[], bytes]) -> Make:
    """A maker of a file whose bytes are put together only when it is made; for what is large or slow."""

    def make(path: Path) -> None:
        path.write_bytes(build())

    return make
