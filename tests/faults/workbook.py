"""Puts Excel workbooks together from raw XML, so that each part can be wrong in the way a test wants."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

SHEET_START: Final = f'{_HEAD}<worksheet xmlns="{_MAIN}">'


def workbook(*sheets: str) -> bytes:
    """A workbook whose sheets are these XML documents."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        add_frame(archive, len(sheets))
        for number, sheet in enumerate(sheets, start=1):
            archive.writestr(sheet_path(number), sheet)
    return content.getvalue()


def sheet_path(number: int) -> str:
    """Where sheet `number` stands in the archive; the first is 1."""
    return f"xl/worksheets/sheet{number}.xml"


def add_frame(archive: zipfile.ZipFile, sheets: int) -> None:
    """Adds all parts of a workbook but its sheets."""
    numbers = range(1, sheets + 1)
    archive.writestr("[Content_Types].xml", _content_types(numbers))
    archive.writestr("_rels/.rels", _relationships(("rId1", "officeDocument", "xl/workbook.xml")))
    listed = "".join(f'<sheet name="Sheet{number}" sheetId="{number}" r:id="rId{number}"/>' for number in numbers)
    archive.writestr("xl/workbook.xml", f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>')
    targets = [(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    archive.writestr("xl/_rels/workbook.xml.rels", _relationships(*targets))


def _content_types(numbers: Sequence[int]) -> str:
    sheets = "".join(f'<Override PartName="/{sheet_path(number)}" ContentType="{_SPREADSHEET}.worksheet+xml"/>' for number in numbers)
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_SPREADSHEET}.sheet.main+xml"/>{sheets}</Types>'
    )


def _relationships(*targets: tuple[str, str, str]) -> str:
    listed = "".join(f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for name, kind, target in targets)
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def sheet(*rows: Sequence[str], before: str = "", after: str = "") -> str:
    """A sheet of rows of cells, with XML before and after them."""
    body = "".join(f"<row>{''.join(row)}</row>" for row in rows)
    return f"{SHEET_START}{before}<sheetData>{body}</sheetData>{after}</worksheet>"


def words(*texts: str) -> list[str]:
    """Cells of text."""
    return [f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>' for text in texts]
