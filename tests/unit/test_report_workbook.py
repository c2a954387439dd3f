"""The report as a workbook: figures are figures, texts are never formulas, and Excel can open it."""

import errno
import math
import re
import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("babel")
pytest.importorskip("openpyxl")

from openpyxl import load_workbook

from cxsentiment.errors import MissingExtraError, OutputError
from cxsentiment.report.findings import Findings, Gap
from cxsentiment.report.reasons import ALERT_SCHEMA
from cxsentiment.report.wording import REPORT_LANGUAGES, Wording
from cxsentiment.report.workbook import write_workbook
from tests.made_up_findings import HOSTILE, made

ENGLISH = Wording.of("en")


def workbook(path: Path, findings: Findings, wording: Wording = ENGLISH) -> Any:
    write_workbook(findings, wording, path / "report.xlsx")
    return load_workbook(path / "report.xlsx")


def column(book: Any, sheet: str, place: int) -> list[Any]:
    return [row[place].value for row in book[sheet].iter_rows(min_row=2)]


def figure(value: Any) -> Any:
    """A figure as a workbook gives it back."""
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day) if value.year >= 1900 else value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, int) and value > 2**53 else value


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_figures_and_days_come_back(tmp_path: Path, language: str) -> None:
    findings, wording = made(), Wording.of(language)
    book = workbook(tmp_path, findings, wording)

    assert book.sheetnames == ["facts", *findings.tables]
    for name, table in findings.tables.items():
        for place, field in enumerate(table.schema):
            if not pa.types.is_string(field.type) and not pa.types.is_list(field.type):
                assert column(book, name, place) == [figure(value) for value in table[field.name].to_pylist()], field
    assert column(book, "touchpoints", 0) == [wording.name("touchpoint", "delivery"), wording.name("touchpoint", "staff")]
    assert book["languages"]["B1"].value == wording("where.comments")
    at_risk = [cell.value for cell in book["at_risk"][2]]
    assert f"{wording.name('intent', 'churn')}, {wording.name('intent', 'complaint')}" in at_risk
    assert column(book, "quotes", 1) == [wording.name("sentiment", label) for label in ("negative", "negative", "positive")]


def test_sheets_are_ready_to_read(tmp_path: Path) -> None:
    book = workbook(tmp_path, made())
    sheet = book["touchpoints"]
    formats = {head.value: cell.number_format for head, cell in zip(sheet[1], sheet[2], strict=True)}

    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:K3"
    assert all(8 <= dimension.width <= 60 for one in book for dimension in one.column_dimensions.values())
    assert formats["Comments"] == "#,##0"
    assert formats["Net sentiment"].startswith("+0.0%")
    assert formats["mean_polarity"] == "0.00"
    assert [book["emotions"]["E2"].number_format, book["consistency"]["F2"].number_format] == ["0.0%", "General"]
    assert book["qualities"]["D2"].number_format.startswith("+0.0%")
    assert book["quotes"]["E2"].number_format == "yyyy-mm-dd"
    assert book["kpi_series"]["B2"].number_format == "General"
    facts = {row[0].value: row[1].value for row in book["facts"].iter_rows(max_col=2)}
    assert facts["archive"] == "/data/north"
    assert (facts["rows"], facts["errors"], facts["Comments"], facts["by"], facts["masked"]) == (45, 5, 40, "region", True)
    assert facts["first_day"] == datetime(2024, 3, 4)
    assert facts["trend"] == "north: no column holds dates"


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+1", "-1", "-1+2", "\t=1+1", "=cmd|' /C calc'!A0", "#N/A", "TRUE", "1e5", "2024-01-01"]
)
def test_texts_are_never_formulas(tmp_path: Path, text: str) -> None:
    book = workbook(tmp_path, made(text, segment="=region"))
    cells = [book["by_=region"]["A1"], book["by_=region"]["A2"], book["quotes"]["F2"], book["phrases"]["C2"], book["facts"]["B8"]]

    assert [cell.value for cell in cells] == ["=region", text, text, text, "=region"]
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in cells)
    with zipfile.ZipFile(tmp_path / "report.xlsx") as archive:
        assert not any(b"<f>" in archive.read(name) or b"<f " in archive.read(name) for name in archive.namelist())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_can_be_written(tmp_path: Path, text: str) -> None:
    expected = re.sub("[\x00\x0b\x1b\ufffe]", "", text).replace("\r\n", "\n")[:32_767]

    assert column(workbook(tmp_path, made(text)), "by_region", 0) == [expected]


def test_what_excel_cannot_hold(tmp_path: Path) -> None:
    values = ["😡" * 40_000, "_x0041_ _x00zz_", "x"]
    table = pa.table({"region": values, "day": pa.array([date(1899, 12, 31), date(1900, 1, 1), None]), "n": [2**53, 2**53 + 1, None]})
    book = workbook(tmp_path, made(tables={"by_region": table}, archive="caf\udce9", gaps={"\ud800": Gap("\x00")}))

    assert column(book, "by_region", 0) == ["😡" * 16_383, "_x005F_x0041_ _x00zz_", "x"]
    assert column(book, "by_region", 1)[:1] == ["1899-12-31"]
    assert column(book, "by_region", 2) == [2**53, str(2**53 + 1), None]
    assert book["facts"]["B1"].value == "caf\ufffd"


def test_sheets_have_names_that_excel_allows(tmp_path: Path) -> None:
    odd = "[a]:*?/\\ 'b'\n" + "x" * 31
    table = pa.table({"x": [1]})
    names = [f"by_{odd}1", f"by_{odd}2", f"BY_{odd}3", "facts", "History", "'", "", "x" * 28 + "'''y", "ok", "😡" * 20]
    book = workbook(tmp_path, made(tables={name: table for name in names}))

    assert len(book.sheetnames) == len(names) + 1
    assert len({name.casefold() for name in book.sheetnames}) == len(names) + 1
    for name in book.sheetnames:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\\n]|^'|'$", name)
        assert name.casefold() != "history"
    assert "ok" in book.sheetnames


def test_a_segment_of_forty_odd_letters(tmp_path: Path) -> None:
    segment = "|*_`<b>[x](y) #=@" + "Ω" * 23
    findings = made(segment=segment)

    sheet = next(sheet for sheet in workbook(tmp_path, findings) if sheet.title.startswith("by_"))
    assert sheet["A1"].value == segment


def test_empty_tables_have_no_sheet(tmp_path: Path) -> None:
    assert workbook(tmp_path, made(tables={"alerts": ALERT_SCHEMA.empty_table()})).sheetnames == ["facts"]


@pytest.mark.parametrize(
    ("where", "says"), [("none/report.xlsx", "No such file"), ("", "is a folder"), ("file/report.xlsx", "cannot be written")]
)
def test_a_place_that_cannot_be_written(tmp_path: Path, where: str, says: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match=says):
        write_workbook(made(), ENGLISH, tmp_path / where)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_older_workbook_stays_if_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = tmp_path / "report.xlsx"
    older.write_bytes(b"older")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("openpyxl.workbook.workbook.save_workbook", full)
    with pytest.raises(OutputError, match="No space left"):
        write_workbook(made(), ENGLISH, older)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "link.xlsx").symlink_to(tmp_path / "real.xlsx")

    write_workbook(made(), ENGLISH, str(tmp_path / "link.xlsx"))

    assert (tmp_path / "link.xlsx").is_symlink()
    assert load_workbook(tmp_path / "real.xlsx")


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="by_customer has 1,048,576 rows"):
        write_workbook(made(tables={"by_customer": pa.table({"x": pa.nulls(1_048_576)})}), ENGLISH, tmp_path / "report.xlsx")
    assert not list(tmp_path.iterdir())


def test_without_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(MissingExtraError, match=re.escape("pip install 'cxsentiment[report]'")):
        write_workbook(made(), ENGLISH, tmp_path / "report.xlsx")
