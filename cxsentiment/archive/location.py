"""Where a file of an archive is: on this machine or behind a URL, as it is or packed. What cannot be read becomes an `InputError`."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from cxsentiment.archive.unpacking import Gzip, Limited, Zstd
from cxsentiment.errors import CxError, InputError, MissingExtraError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Compression = Literal["gzip", "zstd"]

COMPRESSIONS: Final[Mapping[str, Compression]] = {".gz": "gzip", ".zst": "zstd"}
"""Suffixes of packed files."""

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_LOCAL_URL: Final = re.compile(r"(file|local)://", re.IGNORECASE)
_WEB_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_SECRET: Final = re.compile(r"(?<=://)([^/@:]*):[^/]*@")
_BUFFER: Final = 1 << 17
_LINE: Final = 300
_CHECKSUMS: Final = ("ETag", "etag", "md5Hash", "content_md5", "crc32c", "checksum", "generation", "version_id")
_TIMES: Final = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
"""What file systems call that which changes with the content."""


@dataclass(frozen=True, slots=True)
class Location:
    """One file: a path of this machine, or a URL that fsspec knows (`s3://...`, `gs://...`, `memory://...`)."""

    address: str

    @classmethod
    def of(cls, where: str | Path) -> Location:
        """The location of a path or URL; a `file://` URL is a path.

        Raises:
            InputError: if no file can have this name.
        """
        address = os.fspath(where)
        if not address or "\0" in address:
            raise InputError(f"{address!r} cannot be the name of a file")
        if isinstance(where, str) and _LOCAL_URL.match(address):
            from fsspec.implementations.local import LocalFileSystem

            address = str(LocalFileSystem._strip_protocol(address))
        return cls(address)

    @property
    def remote(self) -> bool:
        """Whether it is a URL."""
        return bool(_URL.match(self.address))

    @property
    def name(self) -> str:
        """What messages call it: the address, without a password or what may be one."""
        if not self.remote:
            return self.address
        address = self.address.partition("?")[0] if _WEB_URL.match(self.address) else self.address
        return _SECRET.sub(r"\1:…@", address)

    @property
    def suffix(self) -> str:
        """The format by the name, in lower case: `.csv` of `May.CSV` and of `may.csv.gz`."""
        path = Path(self.name)
        return Path(path.stem).suffix.lower() if path.suffix.lower() in COMPRESSIONS else path.suffix.lower()

    @property
    def compression(self) -> Compression | None:
        """How the file is packed, by its name."""
        return COMPRESSIONS.get(Path(self.name).suffix.lower())

    @property
    def identity(self) -> dict[str, str]:
        """Size and SHA-256 of the file as it lies there; of a remote one its size and the file system's checksum or time of change.

        Raises:
            InputError: if the file cannot be read.
        """
        if not self.remote:
            return self._content_identity()
        info = self._remote_info()
        marks = {key: str(info[key]) for key in _CHECKSUMS if info.get(key)} or {key: str(info[key]) for key in _TIMES if info.get(key)}
        return {"size": str(info.get("size")), **marks} if marks else self._content_identity()

    def is_folder(self) -> bool:
        """Whether there is a folder in this place."""
        if self.remote:
            files, path = self.file_system()
            with as_input_error(self.name, remote=True):
                return bool(files.isdir(path))
        with as_input_error(self.name, remote=False):
            return Path(self.address).is_dir()

    def check(self) -> None:
        """Makes sure that this is a file that can be opened.

        Raises:
            InputError: if it is not there, not a file, or may not be read.
            MissingExtraError: if the package for this kind of URL is not installed.
        """
        with self._opened():
            pass

    @contextmanager
    def open_bytes(self) -> Iterator[io.BufferedReader]:
        """The content, unpacked; not seekable if it is packed.

        Raises:
            InputError: when it cannot be opened, or when it turns out while reading that it cannot be read, is packed in another way than
                its name says, or unpacks to too much.
        """
        with self._opened() as (file, size):
            match self.compression:
                case "gzip":
                    yield io.BufferedReader(Limited(Gzip(file, self.name), self.name, size), _BUFFER)
                case "zstd":
                    yield io.BufferedReader(Limited(Zstd(file, self.name), self.name, size), _BUFFER)
                case None:
                    yield file

    @contextmanager
    def open_raw(self) -> Iterator[io.BufferedReader]:
        """The file as it lies there, to be read in any order.

        Raises:
            InputError: when it cannot be opened or read, or is packed.
        """
        if self.compression:
            raise InputError(f"{self.name}: {self.suffix[1:]} cannot be read from inside of {self.compression}; unpack it first")
        with self._opened() as (file, _):
            yield file

    def file_system(self) -> tuple[Any, str]:
        """The fsspec file system of a URL, and the path in it.

        Raises:
            InputError: if there is no such kind of URL, or it cannot be reached.
            MissingExtraError: if the package for this kind of URL is not installed.
        """
        import fsspec

        protocol = self.address.partition("://")[0].lower()
        try:
            fsspec.get_filesystem_class(protocol)
        except ImportError as error:
            raise MissingExtraError(
                f"{self.name} needs a package that is not installed; get it with: pip install {_package(protocol, error)}"
            ) from None
        except ValueError:
            raise InputError(f"{self.name}: URLs that begin with {protocol}:// are not known here") from None
        with as_input_error(self.name, remote=True):
            files, path = fsspec.core.url_to_fs(self.address)
            return files, path

    def _remote_info(self) -> Mapping[str, Any]:
        files, path = self.file_system()
        with as_input_error(self.name, remote=True):
            found: Mapping[str, Any] = files.info(path)
        if found.get("type", "file") != "file":
            raise InputError(f"{self.name} is not a file")
        return found

    def _content_identity(self) -> dict[str, str]:
        with self._opened() as (file, _):
            digest = hashlib.sha256()
            size = 0
            while block := file.read(_BUFFER):
                digest.update(block)
                size += len(block)
        return {"size": str(size), "sha256": digest.hexdigest()}

    @contextmanager
    def _opened(self) -> Iterator[tuple[io.BufferedReader, int]]:
        """The file as it lies there, and its size; of `/proc` and the like 0."""
        with as_input_error(self.name, remote=self.remote):
            file, size = self._open_remote() if self.remote else self._open_local()
        with file:
            guarded: io.BufferedReader = io.BufferedReader(_Guarded(file, self.name, remote=self.remote), _BUFFER)
            with guarded:
                yield guarded, size

    def _open_remote(self) -> tuple[IO[bytes], int]:
        size = self._remote_info().get("size")
        files, path = self.file_system()
        return files.open(path, "rb"), size or 0

    def _open_local(self) -> tuple[IO[bytes], int]:
        path = Path(self.address)
        if not stat.S_ISREG(path.stat().st_mode):  # asked first: a pipe would wait for its writer to open
            raise InputError(f"{self.name} is not a file")
        file = path.open("rb", buffering=0)
        return file, os.fstat(file.fileno()).st_size


class _Guarded(io.RawIOBase):
    """An open file whose errors are ours."""

    def __init__(self, file: IO[bytes], name: str, *, remote: bool) -> None:
        self._file, self._name, self._remote = file, name, remote

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        with as_input_error(self._name, remote=self._remote):
            found = self._file.read(len(view))
        view[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with as_input_error(self._name, remote=self._remote):
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def as_input_error(name: str, *, remote: bool) -> Iterator[None]:
    """Every file system behind a URL has errors of its own kind; of a local file only the system's are expected."""
    try:
        yield
    except CxError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{name} does not exist") from None
    except IsADirectoryError:
        raise InputError(f"{name} is not a file") from None
    except PermissionError:
        raise InputError(f"{name} may not be read; change its permissions, or sign in as somebody who may") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or first_line(error)}") from None
    except Exception as error:
        if not remote:
            raise
        raise InputError(f"{name} cannot be read: {first_line(error) or type(error).__name__}") from None


def first_line(error: Exception) -> str:
    """What an error says, in so far as it fits into a message."""
    return str(error).strip().partition("\n")[0][:_LINE]


def _package(protocol: str, error: ImportError) -> str:
    """The package that reads such URLs; fsspec's own readers lack the module that they tried to import."""
    from fsspec.registry import known_implementations

    package = str(known_implementations[protocol]["class"]).partition(".")[0]
    return package if package != "fsspec" else str(getattr(error.__cause__, "name", None) or f"fsspec[{protocol}]")
