"""Locations: paths and URLs, packed or not, and what is said of those that cannot be read."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from cxsentiment.archive import open_source, unpacking
from cxsentiment.archive.location import Location
from cxsentiment.errors import InputError, MissingExtraError

CSV = b"id,text\n1,good\n2,bad\n"


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


def read(location: Location) -> bytes:
    with location.open_bytes() as file:
        return file.read()


def written(folder: Path, name: str, content: bytes) -> Location:
    path = folder / name
    path.write_bytes(content)
    return Location.of(path)


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/", recursive=True)


@pytest.mark.parametrize(
    ("where", "suffix", "compression"),
    [
        ("a.csv", ".csv", None),
        ("A.CSV", ".csv", None),
        ("a.csv.gz", ".csv", "gzip"),
        ("a.b.TSV.ZST", ".tsv", "zstd"),
        ("a.gz", "", "gzip"),
        ("a", "", None),
        ("s3://bucket/a.jsonl.gz", ".jsonl", "gzip"),
        ("https://example.org/a.csv?sig=x.parquet", ".csv", None),
    ],
)
def test_formats_by_name(where: str, suffix: str, compression: str | None) -> None:
    location = Location.of(where)
    assert (location.suffix, location.compression) == (suffix, compression)


def test_names_hide_what_may_be_secret() -> None:
    assert Location.of("sftp://me:p@ss:word@host/a.csv").name == "sftp://me:…@host/a.csv"
    assert Location.of("https://example.org/a.csv?signature=secret").name == "https://example.org/a.csv"
    assert Location.of("s3://bucket/what?.csv").name == "s3://bucket/what?.csv"


@pytest.mark.parametrize("size", [0, 1, 300_000])
@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_packed_files_are_unpacked(tmp_path: Path, pack: object, size: int) -> None:
    assert callable(pack)
    content = os.urandom(size)
    suffix = ".gz" if pack is gzip.compress else ".zst"
    assert read(written(tmp_path, f"a.csv{suffix}", pack(content))) == content
    half = size // 2
    assert read(written(tmp_path, f"b.csv{suffix}", pack(content[:half]) + pack(content[half:]))) == content


def test_gzip_may_be_padded_with_zeros(tmp_path: Path) -> None:
    packed = gzip.compress(CSV, mtime=0)
    assert read(written(tmp_path, "a.csv.gz", packed + bytes(500_000))) == CSV
    assert read(written(tmp_path, "a.csv.gz", packed + bytes(500_000) + packed)) == CSV * 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-1], "truncated"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:5], "truncated"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0) + b"x", "trailing"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0) + bytes(200_000) + b"x", "trailing"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-4] + b"\xff\xff\xff\xff", "damaged: .* length check"),
        ("a.csv.gz", CSV, "is not gzip"),
        ("a.csv.gz", zstd(CSV), "is not gzip"),
        ("a.csv.zst", zstd(CSV)[:-1], "truncated"),
        ("a.csv.zst", zstd(CSV) + b"more", "trailing"),
        ("a.csv.zst", CSV, "is not zstd"),
        ("a.csv.zst", gzip.compress(CSV, mtime=0), "is not zstd"),
    ],
)
def test_packed_files_that_are_not_whole(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(written(tmp_path, name, content))


@pytest.mark.parametrize(("name", "pack"), [("a.csv.gz", gzip.compress), ("a.csv.zst", zstd)])
def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, pack: object) -> None:
    assert callable(pack)
    monkeypatch.setattr(unpacking, "UNPACKED_SIZE", 1_000_000)
    packed = pack(bytes(2_000_000))
    assert len(packed) * unpacking.UNPACKED_RATIO < 2_000_000
    location = written(tmp_path, name, packed)
    with pytest.raises(InputError, match="would unpack to more than 1,000,000 bytes"):
        read(location)
    noise = os.urandom(2_000_000)  # larger, but not suspiciously so
    assert read(written(tmp_path, name, pack(noise))) == noise


def test_packed_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="parquet cannot be read from inside of gzip"):
        open_source(Path(written(tmp_path, "a.parquet.gz", gzip.compress(b"PAR1")).address))


def test_text_that_is_packed_without_saying_so(tmp_path: Path) -> None:
    for content, message in ((gzip.compress(CSV, mtime=0), "end in .gz"), (zstd(CSV), "end in .zst"), (b"PK\x03\x04", "a zip file")):
        with pytest.raises(InputError, match=message):
            open_source(Path(written(tmp_path, "a.csv", content).address))
    with pytest.raises(InputError, match="packed twice"):
        open_source(Path(written(tmp_path, "a.csv.gz", gzip.compress(zstd(CSV))).address))


# ---- places


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name, message in {
        "nothing.csv": "does not exist",
        "file/a.csv": "does not exist",
        "folder.csv": "is not a file",
        "loop.csv": "cannot be read: Too many levels",
        "n" * 300 + ".csv": "cannot be read: File name too long",
    }.items():
        with pytest.raises(InputError, match=message):
            Location.of(tmp_path / name).check()
    for name in ("", "a\0b"):
        with pytest.raises(InputError, match="cannot be the name of a file"):
            Location.of(name)


@pytest.mark.skipif(os.getuid() == 0, reason="root may read anything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    location = written(tmp_path, "a.csv", CSV)
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(InputError, match="may not be read; change its permissions"):
        location.check()


def test_a_disk_that_fails_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self, size: int) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    location = written(tmp_path, "a.csv", CSV)
    monkeypatch.setattr(Location, "_open_local", lambda self: (Failing(), 0))
    with pytest.raises(InputError, match=r"a\.csv cannot be read: Input/output error"):
        read(location)


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert stat.S_ISFIFO((tmp_path / "a.csv").stat().st_mode)
    with pytest.raises(InputError, match="is not a file"):
        Location.of(tmp_path / "a.csv").check()


# ---- identity


def test_the_identity_of_a_file_is_its_content(tmp_path: Path) -> None:
    first, same = written(tmp_path, "a.csv", CSV), written(tmp_path, "b.csv", CSV)
    assert first.identity == same.identity == {"size": str(len(CSV)), "sha256": hashlib.sha256(CSV).hexdigest()}
    assert written(tmp_path, "a.csv", CSV.replace(b"good", b"fine")).identity != same.identity


def test_the_identity_of_a_remote_file_changes_with_it(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/bucket/a.csv", CSV)
    location = Location.of("memory://bucket/a.csv")
    before = location.identity
    assert before == location.identity
    assert before["size"] == str(len(CSV))
    memory.pipe("/bucket/a.csv", CSV)
    assert location.identity != before


# ---- URLs


@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("a.csv.gz", gzip.compress(CSV, mtime=0)), ("a.csv.zst", zstd(CSV))])
def test_urls_are_read_like_files(memory: fsspec.AbstractFileSystem, name: str, content: bytes) -> None:
    memory.pipe(f"/bucket/{name}", content)
    source = open_source(f"memory://bucket/{name}")
    assert source.name == f"memory://bucket/{name}"
    assert next(source.chunks()).texts == ["good", "bad"]


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(CSV)
    location = Location.of(f"file://{path}")
    assert location == Location.of(path)
    assert open_source(f"file://{path}").rows == 2


def test_urls_that_cannot_be_read(memory: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(InputError, match=r"memory://nowhere/a\.csv does not exist"):
        open_source("memory://nowhere/a.csv")
    with pytest.raises(InputError, match=r"URLs that begin with postgresql:// are not known"):
        open_source("postgresql://me:secret@host/db")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(protocol: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(MissingExtraError, match="pip install s3fs"):
        open_source("s3://bucket/a.csv")


def test_errors_of_remote_systems_are_ours(memory: fsspec.AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise RuntimeError("no credentials\nat all")

    monkeypatch.setattr(type(memory), "info", lambda self, path: refuse(path))
    with pytest.raises(InputError, match=r"memory://bucket/a\.csv cannot be read: no credentials$"):
        Location.of("memory://bucket/a.csv").check()
