"""Opens an archive of comments by its suffix. The rules of each format stand in its own module."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cxsentiment.archive.delimited import open_delimited
from cxsentiment.archive.encoding import DEFAULT_ENCODING, check_encoding
from cxsentiment.archive.jsonlines import open_json_lines
from cxsentiment.archive.parquet import open_parquet
from cxsentiment.archive.source import Source
from cxsentiment.errors import InputError

Opener = Callable[[Path, str | None, str], Source]


def _open_parquet(path: Path, text_column: str | None, _: str) -> Source:
    return open_parquet(path, text_column)


_OPENERS: Final[dict[str, Opener]] = {
    ".csv": open_delimited,
    ".tsv": open_delimited,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".parquet": _open_parquet,
}


def open_source(path: str | Path, *, text_column: str | None = None, encoding: str = DEFAULT_ENCODING) -> Source:
    """Opens a CSV, TSV, JSON Lines or Parquet file and checks what can be checked before scoring.

    Args:
        path: The file; its suffix says the format.
        text_column: The column that holds the comments; by default the only one with a usual name (`text`, `comment`, `review`, ...).
        encoding: Encoding of a CSV, TSV or JSON Lines file. The whole file is decoded once before anything is scored.

    Raises:
        InputError: if the file cannot be read, is empty, has an unknown format or encoding error, or no such column.
        OptionError: if the encoding does not exist.
    """
    path = Path(path)
    opener = _OPENERS.get(path.suffix.lower())
    encoding = check_encoding(encoding)
    if not path.exists():
        raise InputError(f"{path} does not exist")
    if not path.is_file():
        raise InputError(f"{path} is not a file")
    if opener is None:
        raise InputError(f"{path} has an unknown format; known ones are {', '.join(_OPENERS)}")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} may not be read; change its permissions")
    return opener(path, text_column, encoding)
