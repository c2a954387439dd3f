"""The report as JSON gives everything back; and all exports of a scored archive, in four languages."""

import json
import math
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("babel")
pytest.importorskip("openpyxl")

from openpyxl import load_workbook

from cxsentiment.report.exports import as_json
from cxsentiment.report.findings import Findings, Gap, ReportOptions, find
from cxsentiment.report.markdown import as_markdown
from cxsentiment.report.reasons import ALERT_SCHEMA
from cxsentiment.report.wording import REPORT_LANGUAGES, Wording
from cxsentiment.report.workbook import write_workbook
from tests.made_up_archives import comment, written
from tests.made_up_findings import DAY, HOSTILE, made


def strict(text: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_gives_everything_back(text: str) -> None:
    findings = made(text)

    found = strict(as_json(findings))

    assert found["tables"] == {name: [plain(row) for row in table.to_pylist()] for name, table in findings.tables.items()}
    assert list(found["tables"]) == list(findings.tables)
    assert found["gaps"] == {name: gap.reason for name, gap in findings.gaps.items()}
    assert {name: found[name] for name in ("format", "archive", "rows", "errors", "comments")} == {
        **{"format": 1, "archive": f"/data/{text}", "rows": 45, "errors": 5, "comments": 40}
    }
    assert (found["first_day"], found["last_day"], found["period"], found["by"]) == ("2024-03-04", "2024-04-03", "week", ["region"])
    assert (found["masked"], found["min_count"]) == (True, 30)


def test_json_is_strict_utf_8() -> None:
    figures = pa.table({"x": [math.nan, math.inf, -math.inf, 0.1 + 0.2], "y": pa.array([0.9] * 4, pa.float32()), "z": [[math.nan]] * 4})
    text = as_json(made("ζεστό", tables={"x": figures}, archive="caf\udce9", first_day=None, gaps={"\ud800": Gap("\udfff")}))

    found = strict(text.encode().decode())

    assert "ζεστό" in as_json(made("ζεστό"))
    assert [row["x"] for row in found["tables"]["x"]] == [None, None, None, 0.1 + 0.2]
    assert [row["z"] for row in found["tables"]["x"]] == [[None]] * 4
    assert found["tables"]["x"][0]["y"] == 0.9
    assert (found["archive"], found["first_day"], found["gaps"]) == ("caf\ufffd", None, {"\ufffd": "\ufffd"})


def test_empty_tables_are_in_the_json() -> None:
    assert strict(as_json(made(tables={"alerts": ALERT_SCHEMA.empty_table()})))["tables"] == {"alerts": []}


# ---- a scored archive -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    pytest.importorskip("duckdb")
    pytest.importorskip("scipy")
    pytest.importorskip("phonenumbers")
    from cxsentiment.measure import open_scored

    def one(number: int) -> Mapping[str, Any]:
        feeling = "negative" if number % 3 == 0 or number >= 540 else "positive"
        mentions = [("delivery", "-" if feeling == "negative" else "+"), ("staff", "0")]
        made_up = comment(DAY + timedelta(days=number // 4), feeling, mentions, emotions=["joy"])
        return made_up | {"comment": f"| {number} <b>`slow` courier</b>", "cx_intents": ["churn"] * (number % 50 == 0)}

    path = written(tmp_path_factory.mktemp("exports") / "scored.parquet", [one(number) for number in range(600)])
    with open_scored(path, threads=1) as scored:
        return find(scored, ReportOptions(by=("relation",), min_count=20))


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_a_scored_archive(tmp_path: Path, found: Findings, language: str) -> None:
    wording = Wording.of(language)
    told = strict(as_json(found))
    markdown = as_markdown(found, wording)
    write_workbook(found, wording, tmp_path / "report.xlsx")
    book = load_workbook(tmp_path / "report.xlsx")

    assert told["tables"] == {name: [plain(row) for row in table.to_pylist()] for name, table in found.tables.items()}
    assert told["tables"]["alerts"]
    assert wording.number(600) in markdown
    assert "&lt;b&gt;\\`slow\\` courier&lt;/b&gt;" in markdown
    assert book.sheetnames == ["facts", *(name for name, table in found.tables.items() if len(table))]
    for name, table in found.tables.items():
        assert not len(table) or book[name].max_row == len(table) + 1
