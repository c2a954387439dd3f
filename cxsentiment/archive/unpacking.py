"""Unpacks gzip and zstd while they are read, and refuses what is not whole or would fill the machine."""

from __future__ import annotations

import io
import zlib
from typing import IO, TYPE_CHECKING, Final

import pyarrow as pa

from cxsentiment.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UNPACKED_SIZE: Final = 1 << 30
UNPACKED_RATIO: Final = 200
"""A file may unpack to this many bytes, and beyond them to this many times its own size."""

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"

_SKIPPABLE_FRAME = b"\x2a\x4d\x18"
_GZIP_OR_ZLIB_HEADER: Final = 31
_BLOCK: Final = 1 << 17


class Gzip(io.RawIOBase):
    """The content of a gzip file: of all its members, one after the other. Zeros after the last one are padding (RFC 1952)."""

    def __init__(self, packed: IO[bytes], name: str) -> None:
        self._packed, self._name = packed, name
        self._member: zlib._Decompress | None = None
        self._members = 0
        self._waiting = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Raises InputError for what is not gzip, not whole or followed by something else."""
        view = memoryview(buffer).cast("B")
        while self._member is not None or self._starts_member():
            found = self._unpack(len(view))
            if found:
                view[: len(found)] = found
                return len(found)
        return 0

    def _starts_member(self) -> bool:
        self._waiting = self._waiting.lstrip(b"\0") if self._members else self._waiting
        while len(self._waiting) < len(GZIP_MAGIC) and (block := self._packed.read(_BLOCK)):
            self._waiting += block
            self._waiting = self._waiting.lstrip(b"\0") if self._members else self._waiting
        if not self._waiting:
            return False
        if not self._waiting.startswith(GZIP_MAGIC):
            raise InputError(_trailing(self._name, "gzip") if self._members else _not_packed(self._name, "gzip"))
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB_HEADER)
        self._members += 1
        return True

    def _unpack(self, most: int) -> bytes:
        assert self._member is not None
        packed = self._waiting or self._packed.read(_BLOCK)
        try:
            found = self._member.decompress(packed, most)
        except zlib.error as error:
            raise InputError(f"{self._name} is damaged: {error}; get an undamaged copy") from None
        self._waiting = self._member.unconsumed_tail
        if self._member.eof:
            self._waiting, self._member = self._member.unused_data, None
        elif not packed and not found:
            raise InputError(_truncated(self._name, "gzip"))
        return found


class Zstd(io.RawIOBase):
    """The content of a zstd file: of all its frames, one after the other. A frame that wants more than 128 MiB to look back is refused."""

    def __init__(self, packed: io.BufferedReader, name: str) -> None:
        head = packed.peek(len(ZSTD_MAGIC))[: len(ZSTD_MAGIC)]
        if head and head != ZSTD_MAGIC and head[1:] != _SKIPPABLE_FRAME:
            raise InputError(_not_packed(name, "zstd"))
        self._name = name
        self._stream = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Raises InputError for what is not whole, followed by something else or wants too much memory."""
        view = memoryview(buffer).cast("B")
        try:
            found: bytes = self._stream.read(len(view))
        except (pa.ArrowException, OSError) as error:
            raise InputError(self._describe(str(error))) from None
        view[: len(found)] = found
        return len(found)

    def _describe(self, error: str) -> str:
        if "Truncated" in error:
            return _truncated(self._name, "zstd")
        # The beginning was looked at, so that this one stands after a whole frame.
        if "Unknown frame descriptor" in error:
            return _trailing(self._name, "zstd")
        return f"{self._name} is damaged or no usual zstd: {error}; get an undamaged copy, or unpack it yourself"


class Limited(io.RawIOBase):
    """What is unpacked from a file of a given size, as long as it is not suspiciously much."""

    def __init__(self, unpacked: io.RawIOBase, name: str, packed_size: int) -> None:
        self._unpacked, self._name = unpacked, name
        self._left = self._most = max(UNPACKED_SIZE, UNPACKED_RATIO * packed_size)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Raises InputError beyond the limit."""
        count = self._unpacked.readinto(buffer) or 0
        self._left -= count
        if self._left < 0:
            raise InputError(
                f"{self._name} would unpack to more than {self._most:,} bytes, over {UNPACKED_RATIO} times its size, and may be meant "
                "to fill the machine; if you trust it, unpack it first"
            )
        return count


def _not_packed(name: str, kind: str) -> str:
    return f"{name} is not {kind}, though its name says so; rename it by what it is"


def _truncated(name: str, kind: str) -> str:
    return f"{name} is truncated: its {kind} ends too early; get a complete copy"


def _trailing(name: str, kind: str) -> str:
    return f"{name} has trailing bytes after its {kind}; get an undamaged copy, or unpack it yourself"
