"""Finds the files of a folder or pattern, here or behind a URL, in the order of their addresses.

Below a folder, files and folders that are hidden or begin with `_` (as `_SUCCESS`) are left out; in a pattern `*` matches no hidden ones.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from cxsentiment.archive.location import Location, as_input_error
from cxsentiment.errors import InputError

_PATTERN: Final = re.compile(r"[*?[]")


def is_pattern(location: Location) -> bool:
    """Whether it stands for all files that it matches, as `*.csv` does where no file has this very name."""
    if not _PATTERN.search(location.address):
        return False
    if not location.remote:
        return not os.path.lexists(location.address)
    files, path = location.file_system()
    with as_input_error(location.name, remote=True):
        return not files.exists(path)


def files_of(location: Location) -> list[Location]:
    """All files below a folder, or all that a pattern matches and those below the folders that it matches.

    Raises:
        InputError: if a folder cannot be read, or a link leads back to one that it is in.
    """
    places = _matching(location) if is_pattern(location) else [location]
    found: set[Location] = set()
    for place in places:
        found.update(_below(place) if place.is_folder() else [place])
    return sorted(found, key=lambda file: file.address)


def paths_within(files: Sequence[Location]) -> tuple[str, ...]:
    """The paths from the innermost folder that all files have in common."""
    paths = [file.address.replace(os.sep, "/").split("/") for file in files]
    shared = 0
    while all(len(path) > shared + 1 and path[shared] == paths[0][shared] for path in paths):
        shared += 1
    return tuple("/".join(path[shared:]) for path in paths)


def _matching(location: Location) -> list[Location]:
    if not location.remote:
        return [Location(match) for match in glob.glob(location.address, recursive=True)]  # noqa: PTH207 (Path.glob gives hidden files)
    files, path = location.file_system()
    with as_input_error(location.name, remote=True):
        return [Location(files.unstrip_protocol(match)) for match in files.glob(path)]


def _below(folder: Location) -> list[Location]:
    with as_input_error(folder.name, remote=folder.remote):
        if not folder.remote:
            return [Location(str(path)) for path in _walk(Path(folder.address), ())]
        files, root = folder.file_system()
        paths = [PurePosixPath(path) for path in files.find(root)]
        shown = [path for path in paths if all(map(_is_shown, path.relative_to(root.rstrip("/") or "/").parts))]
        return [Location(files.unstrip_protocol(str(path))) for path in shown]


def _walk(folder: Path, within: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in within:
        raise InputError(f"{folder} is a link to a folder that it lies in; remove it")
    for entry in folder.iterdir():
        if _is_shown(entry.name):
            if entry.is_dir():
                yield from _walk(entry, (*within, real))
            else:
                yield entry


def _is_shown(name: str) -> bool:
    return not name.startswith((".", "_"))
