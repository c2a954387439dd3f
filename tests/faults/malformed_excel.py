"""Excel workbooks (.xlsx) that are damaged, hostile, or filled in as people do."""

from __future__ import annotations

import bz2
import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

from tests.faults.malformed_input import Make, Malformed, building, fine, holding, kept, refused
from tests.faults.workbook import SHEET_START, add_frame, sheet, sheet_path, words, workbook

_HEADER: Final = words("id", "text")
_GOOD_ROW: Final = words("1", "good service")
_NO_ROWS: Final = sheet()
_GOOD: Final = sheet(_HEADER, _GOOD_ROW)
_OLD_EXCEL: Final = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1_528)
"""How .xls files and workbooks with a password begin."""


def _book(*sheets: str) -> Make:
    return building(lambda: workbook(*sheets))


def _rows_with(*cells: str) -> Make:
    """A workbook with a good row, and one row for each of these cells as its text."""
    return _book(sheet(_HEADER, _GOOD_ROW, *([*words("2"), cell] for cell in cells)))


def _damaged(damage: Callable[[bytes], bytes]) -> Make:
    return building(lambda: damage(workbook(_GOOD)))


def _zip_of(name: str, content: str) -> Make:
    def build() -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(name, content)
        return packed.getvalue()

    return building(build)


def _without_its_sheet() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        add_frame(archive, 1)
    return packed.getvalue()


# ---- entities


def _with_declarations(declarations: str, text: str) -> Make:
    """A sheet whose only text is made of entities."""
    head, rest = _GOOD.split("\n", 1)
    return _book(f"{head}\n<!DOCTYPE worksheet [{declarations}]>{rest.replace('good service', text)}")


_EXTERNAL: Final = '<!ENTITY secret SYSTEM "file:///etc/hostname">'
_EXTERNAL_DECLARATIONS: Final = '<!ENTITY % more SYSTEM "http://localhost:9/more.dtd"> %more;'
_LAUGHS: Final = '<!ENTITY a0 "bad ">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))


# ---- a bomb of a few kilobytes that unpacks to some 4.6 GB: three sheets, each mostly one block of bzip2 repeated

_END_OF_STREAM: Final = 0x177245385090
_SPACES: Final = 45_000_000
"""As many as surely fit into one block."""
_BLOCKS: Final = 34


def _block(content: bytes) -> str:
    """The only block of compressed content, as binary digits: without the 4 bytes at the start and what follows the block."""
    stream = bz2.compress(content)[4:]
    digits = f"{int.from_bytes(stream, 'big'):0{len(stream) * 8}b}"
    return digits[: digits.rindex(f"{_END_OF_STREAM:048b}")]


def _stream(blocks: list[str]) -> bytes:
    """A stream of bzip2 with these blocks. Bits 48 to 79 of a block are its checksum."""
    checksum = 0
    for block in blocks:
        checksum = ((checksum << 1 | checksum >> 31) & 0xFFFFFFFF) ^ int(block[48:80], 2)
    digits = "".join(blocks) + f"{_END_OF_STREAM:048b}{checksum:032b}"
    digits += "0" * (-len(digits) % 8)
    return b"BZh9" + int(digits, 2).to_bytes(len(digits) // 8, "big")


def _bomb() -> bytes:
    start, spaces = f"{SHEET_START}<sheetData><row>{''.join(words('text'))}</row>".encode(), b" " * _SPACES
    packed = _stream([_block(start), *[_block(spaces)] * _BLOCKS])
    checksum = zlib.crc32(start)
    for _ in range(_BLOCKS):
        checksum = zlib.crc32(spaces, checksum)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        add_frame(archive, 3)
        for number in (1, 2, 3):
            _add_packed(archive, sheet_path(number), packed, len(start) + _SPACES * _BLOCKS, checksum)
    return content.getvalue()


def _add_packed(archive: zipfile.ZipFile, name: str, packed: bytes, size: int, checksum: int) -> None:
    """Adds a member that is compressed already: it is stored as it is, then both of its headers are told so."""
    member = zipfile.ZipInfo(name)
    archive.writestr(member, packed)
    member.compress_type, member.file_size, member.CRC = zipfile.ZIP_BZIP2, size, checksum
    assert archive.fp is not None
    archive.fp.seek(member.header_offset)
    archive.fp.write(member.FileHeader(zip64=False))


def _size_that_lies() -> bytes:
    """A workbook whose directory says that the sheet unpacks to almost 4 GB."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        add_frame(archive, 1)
        archive.writestr(sheet_path(1), _GOOD)
        size = archive.getinfo(sheet_path(1)).file_size
    head, directory, rest = content.getvalue().rpartition(b"PK\x01\x02")
    # Bytes 24 to 27 of an entry, its mark included, are the size of what is unpacked.
    assert int.from_bytes(rest[20:24], "little") == size
    return head + directory + rest[:20] + (2**32 - 2).to_bytes(4, "little") + rest[24:]


FILES: Final[tuple[Malformed, ...]] = (
    refused("xlsx_empty_file", ".xlsx", holding(b""), "empty"),
    refused("xlsx_is_text", ".xlsx", holding(b"id,text\n1,good\n"), "excel"),
    refused("xlsx_is_an_old_or_locked_workbook", ".xlsx", holding(_OLD_EXCEL), "excel"),
    refused("xlsx_is_another_zip", ".xlsx", _zip_of("readme.txt", "good"), "excel"),
    refused("xlsx_truncated", ".xlsx", _damaged(lambda content: content[:-30]), "excel"),
    refused("xlsx_cut_in_half", ".xlsx", _damaged(lambda content: content[: len(content) // 2]), "excel"),
    refused("xlsx_sheet_is_missing", ".xlsx", building(_without_its_sheet), "excel"),
    refused("xlsx_sheet_is_not_xml", ".xlsx", _book("id,text\n1,good\n"), "excel"),
    refused("xlsx_sheet_ends_too_early", ".xlsx", _book(_GOOD[:-30]), "excel"),
    refused("xlsx_shared_string_that_is_not_there", ".xlsx", _rows_with('<c t="s"><v>99</v></c>'), "excel"),
    refused("xlsx_bomb", ".xlsx", building(_bomb), "unpack"),
    refused("xlsx_size_that_lies", ".xlsx", building(_size_that_lies), "unpack"),
    refused("xlsx_external_entity", ".xlsx", _with_declarations(_EXTERNAL, "&secret;"), "entit"),
    refused("xlsx_external_declarations", ".xlsx", _with_declarations(_EXTERNAL_DECLARATIONS, "good"), "entit"),
    refused("xlsx_billion_laughs", ".xlsx", _with_declarations(_LAUGHS, "&a9;"), "entit"),
)

SHEETS: Final[tuple[Malformed, ...]] = (
    refused("xlsx_empty_sheet", ".xlsx", _book(_NO_ROWS), "empty"),
    refused("xlsx_no_sheets", ".xlsx", _book(), "excel"),
    refused("xlsx_several_sheets", ".xlsx", _book(_GOOD, _GOOD), "sheet"),
    refused("xlsx_no_text_column", ".xlsx", _book(sheet(words("id", "words"), _GOOD_ROW)), "text-column"),
    refused("xlsx_same_column_name_twice", ".xlsx", _book(sheet(words("text", "text"), _GOOD_ROW)), "more than one column"),
    fine("xlsx_empty_sheets_beside_the_good_one", ".xlsx", _book(_GOOD, _NO_ROWS, _NO_ROWS)),
    fine("xlsx_header_only", ".xlsx", _book(sheet(_HEADER))),
    fine("xlsx_empty_rows_between", ".xlsx", _book(sheet(_HEADER, [], _GOOD_ROW, [], ["<c/>", "<c/>"], _GOOD_ROW))),
    fine("xlsx_dimension_that_lies", ".xlsx", _book(sheet(_HEADER, _GOOD_ROW, before='<dimension ref="A1:XFD1048576"/>'))),
)

CELLS: Final[tuple[Malformed, ...]] = (
    kept("xlsx_numbers_for_texts", ".xlsx", _rows_with("<c><v>5</v></c>", "<c><v>0.5</v></c>"), "not text"),
    kept("xlsx_dates_for_texts", ".xlsx", _rows_with('<c t="d"><v>2026-05-01T00:00:00</v></c>'), "not text"),
    kept("xlsx_booleans_for_texts", ".xlsx", _rows_with('<c t="b"><v>1</v></c>'), "not text"),
    kept("xlsx_errors_for_texts", ".xlsx", _rows_with('<c t="e"><v>#N/A</v></c>'), "not text"),
    kept("xlsx_formulas_that_give_numbers", ".xlsx", _rows_with("<c><f>1+1</f><v>2</v></c>"), "not text"),
    kept("xlsx_formulas_never_computed", ".xlsx", _rows_with("<c><f>1+1</f></c>"), "no text"),
    kept(
        "xlsx_merged_cells",
        ".xlsx",
        _book(sheet(_HEADER, _GOOD_ROW, words("2"), after='<mergeCells count="1"><mergeCell ref="B2:B3"/></mergeCells>')),
        "no text",
    ),
    kept("xlsx_rows_too_long", ".xlsx", _book(sheet(_HEADER, _GOOD_ROW, words("2", "bad", "worse"))), "too many cells"),
    kept(
        "xlsx_cell_in_the_last_corner",
        ".xlsx",
        _book(
            f'{SHEET_START}<sheetData><row r="1">{"".join(_HEADER)}</row><row r="2">{"".join(_GOOD_ROW)}</row>'
            '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
        ),
        "too many cells",
    ),
    fine("xlsx_formulas_that_give_texts", ".xlsx", _rows_with('<c t="str"><f>"go"&amp;"od"</f><v>good</v></c>')),
    fine("xlsx_texts_that_look_like_formulas", ".xlsx", _rows_with(*words("=cmd|' /C calc'!A0", "+1-1", "@SUM(A1)"))),
    fine("xlsx_texts_that_look_like_numbers", ".xlsx", _rows_with(*words("5", "0.5", "2026-05-01", "TRUE"))),
    fine("xlsx_numbers_in_another_column", ".xlsx", _book(sheet(_HEADER, ["<c><v>1</v></c>", *words("good")]))),
    fine("xlsx_texts_in_runs_of_fonts", ".xlsx", _rows_with('<c t="inlineStr"><is><r><t>go</t></r><r><t>od</t></r></is></c>')),
    fine("xlsx_escaped_control_characters", ".xlsx", _rows_with(*words("good_x000D_\nservice_x0001_"))),
)

EXCEL_FILES: Final[tuple[Malformed, ...]] = (*FILES, *SHEETS, *CELLS)
