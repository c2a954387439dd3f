"""The report on a scored archive: where, when, how and why customers are happy or unhappy.

`find` measures, `write_report` shows: one HTML page, JSON, an Excel workbook or Markdown.
"""

from __future__ import annotations

from pathlib import Path

from cxsentiment.archive.durable import as_output_error, written
from cxsentiment.errors import OptionError
from cxsentiment.report.findings import Findings, ReportOptions, find
from cxsentiment.report.wording import Wording

__all__ = ["Findings", "ReportOptions", "Wording", "find", "write_report"]

FORMATS = ("html", "json", "xlsx", "md")


def write_report(findings: Findings, path: str | Path, kind: str = "html", wording: Wording | None = None) -> None:
    """Writes what was found as `html`, `json`, `xlsx` or `md`, in English or the language of `wording`.

    The file is there whole or not at all.

    Raises:
        OptionError: for another format.
        OutputError: if it cannot be written.
        MissingExtraError: if a package of the extra `report` is missing.
    """
    from cxsentiment.report import exports, markdown, workbook
    from cxsentiment.report.page import page

    words = wording or Wording.of("en")
    if kind == "xlsx":
        workbook.write_workbook(findings, words, Path(path))
        return
    if kind not in FORMATS:
        raise OptionError(f"there is no format {kind!r}; choose from {', '.join(FORMATS)}")
    text = {
        "html": lambda: page(findings, words),
        "json": lambda: exports.as_json(findings),
        "md": lambda: markdown.as_markdown(findings, words),
    }
    with as_output_error(path), written(Path(path)) as file:
        file.write(text[kind]().encode("utf-8", errors="replace"))
