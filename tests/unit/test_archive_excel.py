"""Excel: which sheet, which columns, which types; what becomes of odd cells; and what is refused before it is unpacked."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cxsentiment.archive import excel
from cxsentiment.archive.excel import ExcelSource, open_excel
from cxsentiment.archive.location import Location
from cxsentiment.archive.source import ReadingOptions, Unreadable
from cxsentiment.errors import InputError, MissingExtraError
from tests.faults.malformed_excel import EXCEL_FILES
from tests.faults.malformed_input import Malformed
from tests.faults.workbook import add_frame, sheet, sheet_path, words, workbook

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("defusedxml")

HEADER = ("id", "text")


def save(folder: Path, *sheets: Sequence[Sequence[Any]], names: Sequence[str] = (), hidden: Sequence[str] = ()) -> Path:
    """A workbook of these sheets, made by another library than the one under test."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        page = book.create_sheet(names[number] if names else f"Sheet{number + 1}")
        page.sheet_state = "hidden" if page.title in hidden else "visible"
        for row in rows:
            page.append(list(row))
    path = folder / "book.xlsx"
    book.save(path)
    return path


def raw(folder: Path, *sheets: str) -> Path:
    path = folder / "raw.xlsx"
    path.write_bytes(workbook(*sheets))
    return path


def opened(path: Path, **options: Any) -> ExcelSource:
    return open_excel(Location.of(path), ReadingOptions(**options))


def read(path: Path, size: int = 2, **options: Any) -> tuple[list[str | Unreadable], pa.Table]:
    source = opened(path, **options)
    chunks = list(source.chunks(size))
    texts = [text for chunk in chunks for text in chunk.texts]
    table = pa.concat_tables([chunk.table for chunk in chunks]) if chunks else source.schema.empty_table()
    assert table.schema == source.schema
    assert len(texts) == table.num_rows == source.rows
    assert all(chunk.table.num_rows == size for chunk in chunks[:-1])
    return texts, table


@pytest.mark.parametrize("case", EXCEL_FILES, ids=lambda case: case.name)
def test_malformed_and_odd_workbooks(tmp_path: Path, case: Malformed) -> None:
    path = case.write(tmp_path)
    if case.outcome == "error":
        with pytest.raises(InputError) as caught:
            opened(path)
        assert case.message is not None
        assert case.message in str(caught.value).lower()
        assert "\n" not in str(caught.value)
        return
    texts, _ = read(path)
    troubles = [text.reason for text in texts if isinstance(text, Unreadable)]
    assert bool(troubles) == (case.outcome == "rows")
    assert case.message is None or any(case.message in trouble for trouble in troubles)


# ---- columns


def test_columns_keep_the_types_of_their_cells(tmp_path: Path) -> None:
    day = datetime(2026, 5, 1)
    rows = [
        ("text", "whole", "number", "yes", "when", "mixed", "clock", "nothing"),
        ("καλό", 7, 1.5, True, day, 5, time(9, 30), None),
        ("dobre", 2**40, 2, False, date(2026, 5, 2), "five", time(10), None),
        ("bun", None, None, None, None, None, None, None),
    ]
    texts, table = read(save(tmp_path, rows))
    assert texts == ["καλό", "dobre", "bun"]
    assert dict(zip(table.column_names, table.schema.types, strict=True)) == {
        "text": pa.string(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "yes": pa.bool_(),
        "when": pa.timestamp("us"),
        "mixed": pa.string(),
        "clock": pa.string(),
        "nothing": pa.string(),
    }
    assert table.to_pydict()["whole"] == [7, 2**40, None]
    assert table.to_pydict()["when"] == [day, datetime(2026, 5, 2), None]
    assert table.to_pydict()["mixed"] == ["5", "five", None]
    assert table.to_pydict()["clock"] == ["09:30:00", "10:00:00", None]


def test_whole_numbers_are_whole_however_a_program_saves_them(tmp_path: Path) -> None:
    cells = ["<c><v>5</v></c>", "<c><v>5.0</v></c>", "<c><v>5E2</v></c>"]
    _, table = read(raw(tmp_path, sheet(words("text", "n"), *([*words("x"), cell] for cell in cells))))
    assert table["n"].type == pa.int64()
    assert table["n"].to_pylist() == [5, 5, 500]


def test_a_number_too_large_for_64_bits_is_no_reason_to_stop(tmp_path: Path) -> None:
    row = [*words("x"), f"<c><v>{10**30}</v></c>", "<c><v>1E400</v></c>"]
    _, table = read(raw(tmp_path, sheet(words("text", "huge", "more"), row)))
    assert table["huge"].to_pylist() == [str(10**30)]
    assert table["more"].to_pylist() == [float("inf")]


def test_durations_and_dates_that_do_not_exist(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["text", "took", "when"])
    book.active.append(["x", timedelta(hours=30), 99_999_999])
    book.active["C2"].number_format = "yyyy-mm-dd"
    book.save(tmp_path / "book.xlsx")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, table = read(tmp_path / "book.xlsx")
    assert table.to_pydict() == {"text": ["x"], "took": ["1 day, 6:00:00"], "when": ["#VALUE!"]}


def test_a_table_may_begin_anywhere_and_have_unnamed_columns(tmp_path: Path) -> None:
    rows = [[], [], [None, "id", None, None, "text"], [None, 1, "note", None, "good"], [None, 2, None, None, "bad"]]
    texts, table = read(save(tmp_path, rows))
    assert texts == ["good", "bad"]
    assert table.to_pydict() == {"id": [1, 2], "column C": ["note", None], "text": ["good", "bad"]}


def test_names_of_columns_may_be_numbers_and_dates(tmp_path: Path) -> None:
    _, table = read(save(tmp_path, [("text", 2026, True), ("x", 1, 2)]))
    assert table.column_names == ["text", "2026", "true"]


def test_formulas_give_the_value_that_was_saved(tmp_path: Path) -> None:
    cells = ['<c t="str"><f>A1</f><v>good</v></c>', "<c><f>1+1</f><v>2</v></c>"]
    texts, table = read(raw(tmp_path, sheet(words("text", "n"), cells)))
    assert (texts, table["n"].to_pylist()) == (["good"], [2])


def test_rows_with_nothing_but_space_are_no_rows(tmp_path: Path) -> None:
    texts, _ = read(save(tmp_path, [HEADER, (1, "a"), (None, " "), (None, None), (2, "b")]))
    assert texts == ["a", "b"]


# ---- texts


def test_what_is_no_text_is_kept_in_its_column_and_said(tmp_path: Path) -> None:
    rows = [HEADER, (1, "fine"), (2, 5), (3, 0.5), (4, True), (5, datetime(2026, 5, 1)), (6, None), (7, "#N/A"), (8, "5")]
    texts, table = read(save(tmp_path, rows))
    assert texts == [
        "fine",
        Unreadable("not text: int64 5"),
        Unreadable("not text: double 0.5"),
        Unreadable("not text: boolean true"),
        Unreadable("not text: timestamp 2026-05-01T00:00:00"),
        Unreadable("no text (null)"),
        Unreadable("not text: error #N/A"),
        "5",
    ]
    assert table["text"].to_pylist() == ["fine", "5", "0.5", "true", "2026-05-01T00:00:00", None, "#N/A", "5"]


def test_several_text_columns(tmp_path: Path) -> None:
    path = save(tmp_path, [("q1", "q2"), ("a", "b"), (None, "c"), ("d", 5)])
    texts, _ = read(path, text_columns=("q1", "q2"))
    assert texts == ["a\nb", "c", Unreadable("not text: int64 5")]


def test_surplus_cells_are_not_lost(tmp_path: Path) -> None:
    texts, table = read(save(tmp_path, [HEADER, (1, "a", None, "more", 5), (2, "b", None, "")]))
    assert texts == [Unreadable('too many cells: 5 instead of 2, the surplus is {"D": "more", "E": "5"}'), "b"]
    assert table["id"].to_pylist() == [1, 2]


def test_characters_that_xml_cannot_hold(tmp_path: Path) -> None:
    saved = ["a_x000D_\nb", "_xD83D__xDE00_", "_xD83D_", "_x005F_x000D_", "snake_x_case"]
    texts, _ = read(raw(tmp_path, sheet(words("text"), *(words(text) for text in saved))))
    assert texts == ["a\r\nb", "😀", "\ufffd", "_x000D_", "snake_x_case"]


# ---- sheets


def test_the_only_sheet_with_content_is_read(tmp_path: Path) -> None:
    assert read(save(tmp_path, [], [HEADER, (1, "x")], []))[0] == ["x"]


def test_one_of_several_sheets_is_chosen_by_name(tmp_path: Path) -> None:
    path = save(tmp_path, [HEADER, (1, "first")], [HEADER, (1, "second")], names=("Μάιος", "Ιούνιος"))
    with pytest.raises(InputError, match="several sheets with content; choose one with --sheet: Μάιος, Ιούνιος"):
        opened(path)
    with pytest.raises(InputError, match="has no sheet 'Maj'; its sheets are: Μάιος, Ιούνιος"):
        opened(path, sheet="Maj")
    assert read(path, sheet="Ιούνιος")[0] == ["second"]


def test_hidden_sheets_do_not_count_beside_visible_ones(tmp_path: Path) -> None:
    lists, comments = [("a",), ("b",)], [HEADER, (1, "x")]
    path = save(tmp_path, lists, comments, names=("lists", "comments"), hidden=["lists"])
    assert read(path)[0] == ["x"]
    assert opened(path, sheet="lists", text_columns=("a",)).rows == 1


def test_an_empty_sheet_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path, [HEADER, (1, "x")], [])
    with pytest.raises(InputError, match="the sheet 'Sheet2' is empty"):
        opened(path, sheet="Sheet2")


def test_the_identity_names_the_sheet(tmp_path: Path) -> None:
    path = save(tmp_path, [HEADER, (1, "x")], [HEADER, (1, "x")])
    first, second = (opened(path, sheet=name).identity for name in ("Sheet1", "Sheet2"))
    assert first != second
    assert {**first, "sheet": "Sheet2"} == second


# ---- reading


def test_chunks_are_read_lazily_and_again(tmp_path: Path) -> None:
    source = opened(save(tmp_path, [HEADER, *((number, f"text {number}") for number in range(1000))]))
    assert next(source.chunks(10)).table["id"].to_pylist() == list(range(10))
    assert [chunk.table.num_rows for chunk in source.chunks(300)] == [300, 300, 300, 100]


def test_what_a_sheet_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    small = sheet(words(*HEADER), words("1", "a"), words("2", "b"), before='<dimension ref="A1:A2"/>')
    texts, table = read(raw(tmp_path, small))
    assert (texts, table["id"].to_pylist()) == (["a", "b"], ["1", "2"])


def test_rows_beyond_the_last_one_of_excel(tmp_path: Path) -> None:
    cells = "".join(words("1", "x"))
    far = sheet(words(*HEADER)).replace("</sheetData>", f'<row r="999999999999">{cells}</row></sheetData>')
    with pytest.raises(InputError, match=r"cannot be read as Excel: the sheet 'Sheet1' goes beyond row 1,048,576"):
        opened(raw(tmp_path, far))


def test_a_workbook_that_changed_since_it_was_opened(tmp_path: Path) -> None:
    source = opened(save(tmp_path, [("text", "n"), ("a", 1)]))
    save(tmp_path, [("text", "n"), ("a", "one")])
    with pytest.raises(InputError, match="changed while it was being read"):
        list(source.chunks())


# ---- what is refused before it is unpacked


def packed(folder: Path, part: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        add_frame(archive, 1)
        archive.writestr(sheet_path(1), sheet(words(*HEADER), words("1", "good")))
        archive.writestr(part, content)
    path = folder / "packed.xlsx"
    path.write_bytes(file.getvalue())
    return path


def test_the_ratio_of_a_part(tmp_path: Path) -> None:
    assert read(packed(tmp_path, "xl/media/image1.png", bytes(2**20)))[0] == ["good"]
    with pytest.raises(InputError, match=r"'xl/media/image1.png' in it would unpack to 17,825,792 bytes, 1,0\d\d times its size"):
        opened(packed(tmp_path, "xl/media/image1.png", bytes(17 * 2**20)))


@pytest.mark.parametrize("limit", ["_LARGEST", "_LARGEST_STRINGS", "_LARGEST_HELD"])
def test_the_size_of_parts_and_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    path = packed(tmp_path, "xl/sharedStrings.xml" if limit == "_LARGEST_STRINGS" else "xl/styles.xml", b"<x/>" + b" " * 20_000)
    monkeypatch.setattr(excel, limit, 10_000)
    with pytest.raises(InputError, match=r"would unpack to 2\d,\d{3} bytes"):
        opened(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_that_could_lie_about_sizes(tmp_path: Path, method: int) -> None:
    with pytest.raises(InputError, match="is packed as Excel never does"):
        opened(packed(tmp_path, "xl/styles.xml", b"<x/>", method))


def test_protection_against_entities_cannot_be_turned_off_unnoticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openpyxl, "DEFUSEDXML", False)
    with pytest.raises(InputError, match="OPENPYXL_DEFUSEDXML"):
        opened(save(tmp_path, [HEADER]))


@pytest.mark.parametrize("package", ["openpyxl", "defusedxml"])
def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    path = save(tmp_path, [HEADER])
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cxsentiment\[excel\]'"):
        opened(path)
