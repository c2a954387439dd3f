"""Finds out the encoding of a text file, opens it, and says which byte is in the way when the encoding is not the one expected.

- A byte order mark decides; without one, UTF-16 is told by the zeros in every second byte.
- UTF-8 it is if at least half of the lines with bytes beyond ASCII are. Otherwise one of the usual one-byte encodings is looked for (see
  `guessing`), and a file that none of them suits is refused.
- In UTF-8 and the one-byte encodings some bytes may be wrong. They stand in the text as lone surrogates (PEP 383), so that rows with one
  can be told from others (see `checked_cell`). More wrong lines than that mean another encoding, and so does any fault in UTF-16.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cxsentiment.archive.disguise import check_text
from cxsentiment.archive.guessing import guess_encoding
from cxsentiment.archive.location import Location
from cxsentiment.archive.source import BROKEN_ENCODING, Unreadable
from cxsentiment.errors import InputError, OptionError

UTF_8: Final = "utf-8-sig"
"""UTF-8 with or without a byte order mark."""
SUGGESTIONS: Final = "cp1253 or iso8859-7 (Greek), cp1250 or iso8859-2 (Polish, Romanian), cp1252 (Western), utf-16"

LONGEST_LINE: Final = 1 << 28
"""Bytes of a line that are held in memory."""

_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings by their marks; that of UTF-32 begins like one of UTF-16."""
_ESCAPES: Final = frozenset(("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7"))
"""Codecs by which programs pass letters on; nobody saves files in them."""
_WRONG_BYTE: Final = re.compile("[\udc80-\udcff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BLOCK = 1 << 20
_HEAD: Final = 1 << 16
_MOST_SAMPLES, _SAMPLE_BYTES = 400, 1 << 14
_ZEROS_IN_UTF_16, _OTHERS = 0.05, 0.1
_GREATER_BYTES: Final = bytes((*range(0x09), *range(0x0E, 0x21), *range(0xD8, 0xE0), 0xFE, 0xFF))
"""In UTF-16 without a mark, more than the first share of the greater bytes are zero, and fewer than the second are none of these (letters
of Europe, signs, halves of emoji)."""


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """An encoding, as Python calls it; `tolerant` if some bytes of the file are wrong in it and become lone surrogates."""

    codec: str
    tolerant: bool = False

    @property
    def name(self) -> str:
        """What messages call it."""
        return "utf-8" if self.codec == UTF_8 else self.codec

    def checked_cell(self, cell: str) -> str | Unreadable:
        """The cell, or the first wrong byte in it."""
        found = _SURROGATE.search(cell)
        if found is None:
            return cell
        if not _WRONG_BYTE.match(found[0]):
            return Unreadable(f"{BROKEN_ENCODING}: half of a surrogate pair at letter {found.start()} of the cell")
        before = cell[: found.start()].encode(self.name, "surrogateescape")
        byte = ord(found[0]) - 0xDC00
        return Unreadable(f"{BROKEN_ENCODING}: byte 0x{byte:02x} at offset {len(before):,} of the cell is not {self.name}")


def has_surrogates(text: str) -> bool:
    """Whether something in the text is no letter: a wrong byte, or half of a surrogate pair."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for all that is no letter."""
    return _SURROGATE.sub("\ufffd", text)


def check_encoding(encoding: str) -> str:
    """The name under which Python opens files in this encoding; a byte order mark is dropped in UTF-8.

    Raises:
        OptionError: if there is no such encoding of text.
    """
    try:
        "a".encode(encoding)  # refuses codecs that are no text encodings (base64, ...)
        name = codecs.lookup(encoding).name
        codecs.getincrementaldecoder(name)
        if name in _ESCAPES:
            raise LookupError
    except (LookupError, ValueError):
        raise OptionError(f"unknown encoding {encoding!r}; known ones are utf-8, {SUGGESTIONS} and all others of Python") from None
    return UTF_8 if name == "utf-8" else name


def find_encoding(location: Location, wanted: str | None) -> TextEncoding:
    """The encoding of a file; one or two passes over it.

    Args:
        location: The file.
        wanted: Its encoding, None to find it out.

    Raises:
        InputError: if the file is empty, no text, not in the encoding wanted or in no known one, or has a line of more than `LONGEST_LINE`.
        OptionError: if there is no encoding of this name.
    """
    codec = None if wanted is None else check_encoding(wanted)
    with location.open_bytes() as file:
        head = file.read(_HEAD)
    if not head:
        raise InputError(f"{location.name}: the file is empty")
    check_text(location, head)
    codec = _chosen(codec, head)
    fault = _find_fault(location, codec)
    if fault is None:
        return TextEncoding(codec)
    if not _is_tolerant(codec):
        raise _refusal(location, codec, fault)
    counted = _count_lines(location, codec)
    if 2 * counted.broken <= counted.all:
        return TextEncoding(codec, tolerant=True)
    is_marked = head.startswith(codecs.BOM_UTF8)
    guessed = guess_encoding(counted.samples) if wanted is None and not is_marked else None
    if guessed is None:
        raise _refusal(location, codec, fault)
    return TextEncoding(guessed, tolerant=_find_fault(location, guessed) is not None)


@contextmanager
def open_text(location: Location, encoding: TextEncoding, newline: str) -> Iterator[io.TextIOWrapper]:
    """Opens a file for reading. Raises InputError if it has changed since its encoding was found."""
    errors = "surrogateescape" if encoding.tolerant else "strict"
    try:
        with location.open_bytes() as file, io.TextIOWrapper(file, encoding.codec, errors, newline) as text:
            yield text
    except UnicodeDecodeError:
        raise _changed(location) from None


def wrong_byte(location: Location, encoding: TextEncoding) -> InputError:
    """What to raise where a wrong byte cannot be tolerated: it says where the first one is."""
    fault = _find_fault(location, encoding.codec)
    return _changed(location) if fault is None else _refusal(location, encoding.codec, fault)


def _chosen(wanted: str | None, head: bytes) -> str:
    """The encoding wanted, or the one by mark or zeros; these also know the order of bytes in a UTF-16 or UTF-32 that is wanted."""
    marked = next((codec for mark, codec in _MARKS.items() if head.startswith(mark)), None)
    if wanted is None:
        return marked or _by_zeros(head) or UTF_8
    if marked is None:
        return _by_zeros(head) or wanted if wanted == "utf-16" else wanted
    return marked if marked in ("utf-16", "utf-32") and wanted.startswith(marked) else wanted


def _by_zeros(head: bytes) -> str | None:
    """UTF-16, where the greater byte of each letter is zero in ASCII and small in European letters, but no letter by itself."""
    for greater, codec in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
        if greater.count(0) > _ZEROS_IN_UTF_16 * len(greater) and len(greater.translate(None, _GREATER_BYTES)) < _OTHERS * len(greater):
            return codec
    return None


def _is_tolerant(codec: str) -> bool:
    """Whether a wrong byte leaves the others what they are: in UTF-8, and where ASCII is ASCII and each byte one letter at most."""
    if codec == UTF_8:
        return True
    every = bytes(range(256))
    try:
        text = every.decode(codec, "surrogateescape")
    except (UnicodeError, LookupError):
        return False
    return len(text) == len(every) and text[:128].isascii()


# ---- passes over the file


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is not in an encoding: the first wrong byte and where it is (with its line only where lines can be told in bytes)."""

    where: str


@dataclass(slots=True)
class _Counted:
    """Lines with bytes beyond ASCII, those of them that are mostly not in the encoding, and some of these from all over the file."""

    all: int = 0
    broken: int = 0
    samples: list[bytes] = field(default_factory=list)
    _step: int = 1

    def add_broken(self, line: bytes) -> None:
        if self.broken % self._step == 0:
            self.samples.append(line[:_SAMPLE_BYTES])
            if len(self.samples) > _MOST_SAMPLES:
                self.samples = self.samples[::2]
                self._step *= 2
        self.broken += 1


def _find_fault(location: Location, codec: str) -> _Fault | None:
    """Decodes the whole file. The decoder's own offset counts from its last block."""
    decoder = codecs.getincrementaldecoder(codec)()
    seen = lines = run = 0
    with location.open_bytes() as file:
        while True:
            block = file.read(_BLOCK)
            seen += len(block)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                rest = len(error.object) - error.start
                lines += block[: max(0, len(block) - rest)].count(b"\n") + 1
                where = "" if codec.startswith(("utf-16", "utf-32")) else f" (line {lines:,})"
                return _Fault(f"byte 0x{error.object[error.start]:02x} at offset {seen - rest:,}{where}")
            except UnicodeError as error:
                return _Fault(f"{error}: it")
            if not block:
                return None
            lines += block.count(b"\n")
            run = _line_so_far(location, block, run)


def _line_so_far(location: Location, block: bytes, run: int) -> int:
    end = max(block.rfind(b"\n"), block.rfind(b"\r"))
    run = len(block) - end - 1 if end >= 0 else run + len(block)
    if run > LONGEST_LINE:
        raise InputError(f"{location.name} has a line of more than {LONGEST_LINE:,} bytes, and may be no text; split it into lines")
    return run


def _count_lines(location: Location, codec: str) -> _Counted:
    counted = _Counted()
    codec = "utf-8" if codec == UTF_8 else codec
    with location.open_bytes() as file:
        while line := file.readline(LONGEST_LINE):
            if line.isascii():
                continue
            counted.all += 1
            text = line.decode(codec, "surrogateescape")
            right = text.encode("utf-8", "ignore").decode()
            if 2 * (len(text) - len(right)) >= len(text) - len(text.encode("ascii", "ignore")):
                counted.add_broken(line)
    return counted


def _refusal(location: Location, codec: str, fault: _Fault) -> InputError:
    return InputError(
        f"{location.name}: {fault.where} is not {TextEncoding(codec).name}; give the file's own encoding with --encoding: {SUGGESTIONS}"
    )


def _changed(location: Location) -> InputError:
    return InputError(f"{location.name} changed while it was being read; start again")
