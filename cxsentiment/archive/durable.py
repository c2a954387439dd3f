"""Files that are there whole or not at all, whatever stops the program or the machine."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from cxsentiment.errors import OutputError

PARTIAL: Final = ".partial"
"""How names of unfinished files end; they begin with a dot, so that readers of a folder leave them out."""

_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A new file, which gets its name when the block ends without an error: written beside it, flushed to the disk, then renamed.

    Raises OSError.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Removes unfinished files that a crash left in a folder and below."""
    for path in folder.rglob(f".*{PARTIAL}"):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes new names themselves last; not every system can open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def as_output_error(name: object) -> Iterator[None]:
    """Tells errors of the disk in our words, and what to do where it is full."""
    try:
        yield
    except OSError as error:
        advice = "; free some space and run the same command again, what is scored is kept" if error.errno in _NO_SPACE else ""
        raise OutputError(f"{name} cannot be written: {error.strerror or error}{advice}") from None
