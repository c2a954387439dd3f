"""Reads many files as one archive: a folder with all below it, or a pattern such as `data/*.csv.gz` or `s3://bucket/2024/*.parquet`.

Files are read in the order of their paths (see `listing`). One that cannot be read is an error, so that none is forgotten silently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import cast

import pyarrow as pa

from cxsentiment.archive.chunking import in_chunks
from cxsentiment.archive.jsonlines import JsonLinesSource, merged_kinds
from cxsentiment.archive.listing import files_of, paths_within
from cxsentiment.archive.location import Location
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, ReadingOptions, Source
from cxsentiment.archive.unifying import to_schema, unify
from cxsentiment.errors import InputError

OpenFile = Callable[[Location, ReadingOptions], Source]


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Several files; `paths` are their names within the folder or pattern."""

    name: str
    paths: tuple[str, ...]
    sources: tuple[Source, ...]
    schema: pa.Schema

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that hold the comments, in all files."""
        return self.sources[0].text_columns

    @property
    def rows(self) -> int:
        """How many rows all files have together."""
        return sum(source.rows for source in self.sources)

    @property
    def encoding(self) -> str | None:
        """The encodings of those files that have one."""
        found = {getattr(source, "encoding", None) for source in self.sources}
        return ", ".join(sorted(name for name in found if name)) or None

    @property
    def identity(self) -> dict[str, str]:
        """The number of files, and one SHA-256 over their names and identities."""
        digest = hashlib.sha256()
        for path, source in zip(self.paths, self.sources, strict=True):
            digest.update(json.dumps([path, dict(source.identity)], sort_keys=True).encode())
        return {"files": str(len(self.sources)), "sha256": digest.hexdigest()}

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """All rows, lazily, in chunks of `size`, which do not stop at files."""
        pieces = chain.from_iterable(source.chunks(size) for source in self.sources)
        yield from in_chunks((Chunk(to_schema(piece.table, self.schema), piece.texts) for piece in pieces), size)


def open_folder(location: Location, options: ReadingOptions, open_file: OpenFile) -> FolderSource:
    """Opens all files of a folder or pattern with `open_file`; the text columns are found in the first one.

    Raises:
        InputError: if there are no files, one cannot be read, or their columns do not agree; it names the file.
    """
    files = files_of(location)
    if not files:
        raise InputError(f"{location.name}: there are no files (names that begin with . or _ do not count)")
    first = open_file(files[0], options)
    options = replace(options, text_columns=first.text_columns)
    sources = _with_common_kinds([first, *(open_file(file, options) for file in files[1:])])
    schema = unify({source.name: source.schema for source in sources})
    return FolderSource(location.name, paths_within(files), tuple(sources), schema)


def _with_common_kinds(sources: list[Source]) -> list[Source]:
    """Columns of JSON Lines files get the types that they would have in one file; where names differ, it is left to `unify` to say so."""
    if not all(isinstance(source, JsonLinesSource) for source in sources):
        return sources
    lines = [cast(JsonLinesSource, source) for source in sources]
    if any(source.kinds.keys() != lines[0].kinds.keys() for source in lines):
        return sources
    kinds = merged_kinds(lines)
    return [source.with_kinds(kinds) for source in lines]
