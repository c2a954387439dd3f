"""Files that are of another kind than their name says, told by their first bytes."""

from __future__ import annotations

from typing import Final

from cxsentiment.archive.location import Location
from cxsentiment.archive.unpacking import GZIP_MAGIC, ZSTD_MAGIC
from cxsentiment.errors import InputError

_PACKED: Final = {GZIP_MAGIC: ("gzip", ".gz"), ZSTD_MAGIC: ("zstd", ".zst")}
_KINDS: Final = {
    b"PK\x03\x04": "a zip file or an Excel workbook",
    b"PK\x05\x06": "an empty zip file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls), or one with a password",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"%PDF-": "a PDF document",
    b"\x89PNG\r\n\x1a\n": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"{\\rtf": "an RTF document",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\0": "packed with xz",
    b"7z\xbc\xaf\x27\x1c": "packed with 7-zip",
    b"SQLite format 3\0": "an SQLite database",
}
LONGEST_MAGIC: Final = max(map(len, _KINDS))


def check_text(location: Location, head: bytes) -> None:
    """Refuses what is surely no text, by how it begins.

    Args:
        location: The file, for the message.
        head: Its first bytes, unpacked.

    Raises:
        InputError: if it is packed, packed twice, a picture, a document, a database or a table in another format.
    """
    for magic, (kind, suffix) in _PACKED.items():
        if head.startswith(magic):
            if location.compression:
                raise InputError(f"{location.name} is packed twice: there is {kind} inside of {location.compression}; unpack it once")
            raise InputError(f"{location.name} is packed with {kind}; let its name end in {suffix}")
    for magic, kind in _KINDS.items():
        if head.startswith(magic):
            raise InputError(f"{location.name} is {kind}, not {location.suffix[1:]}; export it anew, or name it by what it is")
