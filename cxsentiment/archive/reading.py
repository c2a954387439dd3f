"""Opens an archive of comments by its suffix. The rules of each format stand in its own module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from cxsentiment.archive.arrow import open_arrow
from cxsentiment.archive.delimited import open_delimited
from cxsentiment.archive.encoding import check_encoding
from cxsentiment.archive.folder import open_folder
from cxsentiment.archive.jsonlines import open_json_lines
from cxsentiment.archive.listing import is_pattern
from cxsentiment.archive.location import COMPRESSIONS, Location
from cxsentiment.archive.parquet import open_parquet
from cxsentiment.archive.source import ReadingOptions, Source
from cxsentiment.errors import InputError


def _open_excel(location: Location, options: ReadingOptions) -> Source:
    from cxsentiment.archive.excel import open_excel

    return open_excel(location, options)


_OPENERS: Final[dict[str, Callable[[Location, ReadingOptions], Source]]] = {
    ".csv": open_delimited,
    ".tsv": open_delimited,
    ".jsonl": open_json_lines,
    ".ndjson": open_json_lines,
    ".parquet": open_parquet,
    ".feather": open_arrow,
    ".arrow": open_arrow,
    ".ipc": open_arrow,
    ".xlsx": _open_excel,
    ".xlsm": _open_excel,
}


def open_source(
    where: str | Path,
    options: ReadingOptions | None = None,
    *,
    text_column: str | None = None,
    encoding: str | None = None,
) -> Source:
    """Opens an archive and checks what can be checked before scoring.

    Args:
        where: A file, a folder, a pattern (`data/*.csv.gz`), or a URL of one of these that fsspec knows (`s3://...`; as a string). Suffixes
            say the formats: .csv, .tsv, .jsonl, .ndjson (each also followed by .gz or .zst), .parquet, .feather, .arrow, .ipc, .xlsx.
        options: How to read it; what is None there is found out.
        text_column: Short for `ReadingOptions.text_columns` with one column.
        encoding: Short for `ReadingOptions.encoding`.

    Raises:
        InputError: if something cannot be read, is empty, has an unknown format or encoding, has no such column, or files do not agree.
        OptionError: if an encoding or delimiter is none.
        MissingExtraError: if the package for a format or kind of URL is not installed.
    """
    options = options or ReadingOptions()
    if text_column is not None:
        options = replace(options, text_columns=(text_column,))
    if encoding is not None:
        options = replace(options, encoding=encoding)
    if options.encoding is not None:
        check_encoding(options.encoding)
    location = Location.of(where)
    if location.is_folder() or is_pattern(location):
        return open_folder(location, options, _open_file)
    return _open_file(location, options)


def _open_file(location: Location, options: ReadingOptions) -> Source:
    location.check()
    opener = _OPENERS.get(location.suffix)
    if opener is None:
        known = ", ".join(_OPENERS)
        raise InputError(f"{location.name} has an unknown format; known ones are {known}, text also with {' or '.join(COMPRESSIONS)}")
    return opener(location, options)
