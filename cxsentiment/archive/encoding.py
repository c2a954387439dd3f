"""Opens text files, and says which byte is in the way when the encoding is not the one expected."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from cxsentiment.errors import InputError, OptionError

DEFAULT_ENCODING: Final = "utf-8-sig"
SUGGESTIONS: Final = "cp1253 or iso8859-7 (Greek), cp1250 or iso8859-2 (Polish, Romanian), cp1252 (Western), utf-16"

_BLOCK = 1 << 20


def check_encoding(encoding: str) -> str:
    """The name under which Python opens files in this encoding; a byte order mark is dropped in UTF-8.

    Raises:
        OptionError: if there is no such encoding of text.
    """
    try:
        "a".encode(encoding)  # refuses codecs that are no text encodings (base64, ...)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise OptionError(f"unknown encoding {encoding!r}; known ones are utf-8, {SUGGESTIONS} and all others of Python") from None
    return DEFAULT_ENCODING if name == "utf-8" else name


@contextmanager
def open_text(path: Path, encoding: str, newline: str) -> Iterator[TextIO]:
    """Opens a file for reading; a byte that does not belong to the encoding becomes an `InputError` that says where it is."""
    try:
        with path.open(encoding=encoding, newline=newline) as file:
            yield file
    except UnicodeDecodeError as error:
        raise InputError(_describe(path, encoding, error)) from None
    except UnicodeError as error:  # UTF-16 without its byte order mark
        raise InputError(f"{path} is not {encoding}: {error}; try utf-16-le or another --encoding: {SUGGESTIONS}") from None


def _describe(path: Path, encoding: str, error: UnicodeDecodeError) -> str:
    offset, line = _find_bad_byte(path, encoding)
    byte = error.object[error.start]
    where = f"offset {offset:,}" + (f" (line {line:,})" if line else "")
    name = "utf-8" if encoding == DEFAULT_ENCODING else encoding
    return f"{path}: byte 0x{byte:02x} at {where} is not {name}; give the file's own with --encoding: {SUGGESTIONS}"


def _find_bad_byte(path: Path, encoding: str) -> tuple[int, int | None]:
    """Offset in the file, and the line where lines can be told in bytes. The decoder's own offset counts from its last block."""
    decoder = codecs.getincrementaldecoder(encoding)()
    seen = lines = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            seen += len(block)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                rest = len(error.object) - error.start
                wide = encoding.startswith(("utf-16", "utf-32"))
                before = block[: max(0, len(block) - rest)]
                return seen - rest, None if wide else lines + before.count(b"\n") + 1
            lines += block.count(b"\n")
            if not block:
                raise InputError(f"{path} changed while it was being read; start again")
