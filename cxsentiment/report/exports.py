"""The report as JSON, for programs."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from cxsentiment.archive.encoding import without_surrogates
from cxsentiment.archive.plain import plain_values, to_json
from cxsentiment.report.findings import Findings

FORMAT: Final = 1
"""Of the JSON. It grows when a key goes or changes its meaning, and stays when one is added."""


def as_json(findings: Findings) -> str:
    """One object: `format`, the facts of the findings, `tables` (the rows of each as objects, by its name) and `gaps`.

    Names are those of the findings in every language of the report. Numbers are as they were measured, days are ISO 8601, and what is
    not known or not finite is null.
    """
    facts = {
        "format": FORMAT,
        "archive": findings.archive,
        "rows": findings.rows,
        "errors": findings.errors,
        "comments": findings.comments,
        "first_day": findings.first_day,
        "last_day": findings.last_day,
        "period": findings.period,
        "by": findings.by,
        "min_count": findings.min_count,
        "masked": findings.masked,
    }
    tables = {name: _rows(table) for name, table in findings.tables.items()}
    # A name of a file can hold bytes that are no letters; in no encoding could they be written.
    return without_surrogates(to_json(facts | {"tables": tables, "gaps": {name: gap.reason for name, gap in findings.gaps.items()}}))


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = [plain_values(column) for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]
