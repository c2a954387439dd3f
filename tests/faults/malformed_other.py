"""Compressed files, files of another kind than their suffix says, and odd places and names."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.malformed_input import Malformed, building, fine, holding, holding_text, refused

_CSV: Final = b"id,text\n1,good service\n2,bad service\n"
_MEBIBYTE: Final = 1 << 20
_PDF: Final = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
# Frame header without a size; its window descriptor asks for 2 TB. Then one raw block, the last, of 8 bytes.
_ZSTD_HUGE_WINDOW: Final = b"\x28\xb5\x2f\xfd\x00\xf8" + (8 << 3 | 1).to_bytes(3, "little") + b"id,text\n"


# ---- gzip and zstd


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


def _gzip_bomb(repeated: bytes) -> bytes:
    """5 MB that unpack to 5 GB: a header, then the same again and again."""
    return _gzip(b"id,text\n") + _gzip(repeated * (64 * _MEBIBYTE // len(repeated))) * 80


def _zstd_bomb(repeated: bytes) -> bytes:
    return _zstd(b"id,text\n") + _zstd(repeated * (64 * _MEBIBYTE // len(repeated))) * 80


def _wrong_checksum(content: bytes) -> bytes:
    return content[:-8] + bytes(255 - byte for byte in content[-8:-4]) + content[-4:]


def _same_row_10_000_times() -> bytes:
    return b"id,text\n" + b"1,good\n" * 10_000


COMPRESSED: Final[tuple[Malformed, ...]] = (
    refused("gzip_empty_file", ".csv.gz", holding(b""), "empty"),
    refused("gzip_of_nothing", ".csv.gz", building(lambda: _gzip(b"")), "empty"),
    refused("gzip_truncated", ".csv.gz", building(lambda: _gzip(_CSV)[:-12]), "truncated"),
    refused("gzip_only_its_header", ".csv.gz", building(lambda: _gzip(_CSV)[:10]), "truncated"),
    refused("gzip_trailing_garbage", ".csv.gz", building(lambda: _gzip(_CSV) + b"garbage"), "trailing"),
    refused("gzip_wrong_checksum", ".csv.gz", building(lambda: _wrong_checksum(_gzip(_CSV))), "check"),
    refused("gzip_bomb_of_rows", ".csv.gz", building(lambda: _gzip_bomb(b"1,good\n")), "unpack"),
    refused("gzip_bomb_of_zeros", ".csv.gz", building(lambda: _gzip_bomb(b"\0")), "line of more"),
    refused("gzip_not_gzip_despite_its_suffix", ".csv.gz", holding(_CSV), "gzip"),
    refused("gzip_zstd_despite_its_suffix", ".csv.gz", building(lambda: _zstd(_CSV)), "gzip"),
    refused("gzip_twice", ".csv.gz", building(lambda: _gzip(_gzip(_CSV))), "twice"),
    refused("gzip_of_parquet", ".parquet.gz", building(lambda: _gzip(_parquet())), "inside of gzip"),
    refused("gzip_without_a_format_inside", ".gz", building(lambda: _gzip(_CSV)), "unknown format"),
    refused("gzip_of_an_unknown_format", ".pdf.gz", building(lambda: _gzip(_PDF)), "unknown format"),
    refused("zstd_empty_file", ".csv.zst", holding(b""), "empty"),
    refused("zstd_truncated", ".csv.zst", building(lambda: _zstd(_CSV)[:-5]), "truncated"),
    refused("zstd_trailing_garbage", ".csv.zst", building(lambda: _zstd(_CSV) + b"garbage"), "trailing"),
    refused("zstd_bomb_of_rows", ".csv.zst", building(lambda: _zstd_bomb(b"1,good\n")), "unpack"),
    refused("zstd_bomb_of_zeros", ".csv.zst", building(lambda: _zstd_bomb(b"\0")), "line of more"),
    refused("zstd_huge_window", ".csv.zst", holding(_ZSTD_HUGE_WINDOW), "zstd"),
    refused("zstd_not_zstd_despite_its_suffix", ".csv.zst", holding(_CSV), "zstd"),
    refused("zip_of_a_csv", ".csv.zip", holding(b"PK\x05\x06" + bytes(18)), "unknown format"),
    refused("bzip2_of_a_csv", ".csv.bz2", holding(b"BZh9\x17\x72\x45\x38\x50\x90" + bytes(4)), "unknown format"),
    fine("gzip_of_cp1253", ".csv.gz", building(lambda: _gzip("id,text\n1,κακό\n".encode("cp1253")))),
    fine("gzip_csv", ".csv.gz", building(lambda: _gzip(_CSV))),
    fine("gzip_tsv_in_capitals", ".TSV.GZ", building(lambda: _gzip(_CSV.replace(b",", b"\t")))),
    fine("gzip_json", ".jsonl.gz", building(lambda: _gzip(b'{"text": "good"}\n'))),
    fine("gzip_in_two_members", ".csv.gz", building(lambda: _gzip(_CSV[:12]) + _gzip(_CSV[12:]))),
    fine("gzip_padded_with_zeros", ".csv.gz", building(lambda: _gzip(_CSV) + bytes(512))),
    fine("gzip_of_the_same_row_10_000_times", ".csv.gz", building(lambda: _gzip(_same_row_10_000_times()))),
    fine("zstd_csv", ".csv.zst", building(lambda: _zstd(_CSV))),
    fine("zstd_in_two_frames", ".csv.zst", building(lambda: _zstd(_CSV[:12]) + _zstd(_CSV[12:]))),
    fine("zstd_of_the_same_row_10_000_times", ".csv.zst", building(lambda: _zstd(_same_row_10_000_times()))),
)


# ---- files of another kind


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.csv", _CSV)
    return content.getvalue()


def _png() -> bytes:
    """A picture of one grey pixel."""

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0\x80")) + part(b"IEND", b"")


def _parquet() -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table({"text": ["good"]}), content)
    return content.getvalue()


DISGUISED: Final[tuple[Malformed, ...]] = (
    refused("csv_is_a_zip", ".csv", building(_zip), "zip"),
    refused("csv_is_a_png", ".csv", building(_png), "png"),
    refused("csv_is_a_pdf", ".csv", holding(_PDF), "pdf"),
    refused("csv_is_gzip", ".csv", building(lambda: _gzip(_CSV)), "gzip"),
    refused("csv_is_parquet", ".csv", building(_parquet), "parquet"),
    refused("csv_is_a_database", ".csv", holding(b"SQLite format 3\0" + bytes(84)), "sqlite"),
    refused("csv_is_a_web_page", ".csv", holding(b"<!DOCTYPE html>\n<html><body><table><tr><td>good</td></tr></table>\n"), "text-column"),
    refused("csv_is_noise_without_a_mark", ".csv", holding(bytes(range(254, -1, -1)) * 64), "not utf-8"),
    refused("csv_is_noise", ".csv", holding(bytes(range(255, -1, -1)) * 64), "not utf-16"),
    refused("jsonl_is_a_zip", ".jsonl", building(_zip), "zip"),
)


# ---- places


def _make_folder(path: Path) -> None:
    path.mkdir()


def _make_folder_with_a_picture(path: Path) -> None:
    path.mkdir()
    (path / "a.csv").write_bytes(_CSV)
    (path / "photo.png").write_bytes(_png())


def _make_folder_in_itself(path: Path) -> None:
    path.mkdir()
    (path / "again").symlink_to(path, target_is_directory=True)


def _make_nothing(path: Path) -> None:
    """The file is not there."""


def _make_unreadable(path: Path) -> None:
    path.write_bytes(_CSV)
    path.chmod(0)


def _make_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere.csv")


def _make_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _make_link(path: Path) -> None:
    real = path.with_name("real.data")
    real.write_bytes(_CSV)
    path.symlink_to(real.name)


def _make_link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _make_link_to_what_fails_when_read(path: Path) -> None:
    """A regular file whose first byte cannot be read (Linux), as on a disk that is broken or gone."""
    path.symlink_to("/proc/self/mem")


def _make_pipe(path: Path) -> None:
    os.mkfifo(path)


PLACES: Final[tuple[Malformed, ...]] = (
    refused("place_is_an_empty_folder", ".csv", _make_folder, "no files"),
    refused("place_is_a_folder_with_an_unknown_file", "", _make_folder_with_a_picture, "photo.png has an unknown format"),
    refused("place_is_a_folder_in_a_circle", "", _make_folder_in_itself, "lies in"),
    refused("place_where_nothing_is", ".csv", _make_nothing, "does not exist"),
    refused("place_may_not_be_read", ".csv", _make_unreadable, "permissions"),
    refused("place_is_a_dangling_link", ".csv", _make_dangling_link, "does not exist"),
    refused("place_is_a_link_to_itself", ".csv", _make_link_to_itself, "symbolic links"),
    refused("place_is_a_named_pipe", ".csv", _make_pipe, "not a file"),
    refused("place_is_an_endless_device", ".csv", _make_link_to_zeros, "not a file"),
    refused("place_fails_when_read", ".csv", _make_link_to_what_fails_when_read, "cannot be read"),
    fine("place_is_a_link", ".csv", _make_link),
)

NAMES: Final[tuple[Malformed, ...]] = (
    refused("name_too_long_for_the_disk", f"{'n' * 300}.csv", _make_nothing, "too long"),
    refused("name_without_a_suffix", "", holding(_CSV), "unknown format"),
    refused("name_with_a_space_after_the_suffix", ".csv ", holding(_CSV), "unknown format"),
    refused("name_with_an_unknown_suffix_and_terminal_codes", ".\x1b[31mred", holding(_CSV), "unknown format"),
    fine("name_as_long_as_can_be", f"{'n' * 249}.csv", holding(_CSV)),
    fine("name_with_a_line_break_and_an_emoji", "\n😀\r\n.csv", holding(_CSV)),
    fine("name_with_markup_and_terminal_codes", "[red][link=x]\x1b[31m.csv", holding(_CSV)),
    fine("name_with_quotes_and_spaces", " 'a' \"b\" $(c) `d` %s {e}.csv", holding(_CSV)),
    fine("name_from_right_to_left", "\u202efdp.csv", holding(_CSV)),
    fine("name_that_is_not_utf_8", "\udcff.csv", holding(_CSV)),
    fine("name_in_greek_capitals", "ΣΧΟΛΙΑ.CSV", holding_text("σχόλιο\nκαλό\n")),
)

OTHER_FILES: Final[tuple[Malformed, ...]] = (*COMPRESSED, *DISGUISED, *PLACES, *NAMES)
