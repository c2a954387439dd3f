"""Findings of a report that were never found: for tests of what shows them, with texts that try to be more than texts."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from cxsentiment.report.findings import Findings, Gap
from cxsentiment.report.reasons import ALERT_SCHEMA

DAY = date(2024, 3, 4)


def fact_rows(**keys: Any) -> list[dict[str, Any]]:
    figures = {"comments": 40, "negative": 10, "neutral": 5, "positive": 20, "mixed": 5, "net_sentiment": 0.25, "net_low": -0.5}
    return [{**keys, **figures, "net_high": 0.75, "mean_polarity": 0.123456789012345, "mixed_share": 0.125}]


def share_rows(kind: str, *names: str) -> list[dict[str, Any]]:
    return [{kind: name, "comments": 4, "total": 40, "share": 0.1, "low": 0.05, "high": 0.2} for name in names]


def quote(text: str, polarity: str = "-", number: int = 1) -> dict[str, Any]:
    about = {"touchpoint": "delivery", "polarity": polarity, "row_id": number, "language": "pl", "day": DAY}
    return about | {"quote": text, "whole": True}


def alert(text: str) -> list[dict[str, Any]]:
    figures = {"before": 0.4, "after": -0.2, "change": -0.6, "low": -0.8, "high": -0.4, "p": 0.001}
    when = {"since": DAY, "period": DAY + timedelta(days=7), "comments": 60, "main_emotion": "anger"}
    return [{"alert": 1, "segment": "shop", "value": text} | figures | when]


def kpi_rows(name: str) -> list[dict[str, Any]]:
    row = {"measure": "net_sentiment", "kpi": name, "lag": 0, "correlation": 0.5, "low": 0.2, "high": 0.7, "n": 40, "note": ""}
    return [row | {"lag": lag, "clearest": lag == 1, "stands_out": lag == 1} for lag in (-1, 0, 1)]


def made(text: str = "north", *, segment: str = "region", **changes: Any) -> Findings:
    """Findings in which everything that comes from outside is `text`."""
    rows: dict[str, list[dict[str, Any]]] = {
        "overall": fact_rows(),
        "languages": fact_rows(language="el"),
        "channels": fact_rows(channel=text) + fact_rows(channel=None),
        f"by_{segment}": fact_rows(**{segment: text}),
        "touchpoints": fact_rows(touchpoint="delivery") + fact_rows(touchpoint="staff"),
        "impact": [{"touchpoint": "staff", "comments": 40, "performance": 0.25, "impact": 1.0, "low": 0.9, "high": 1.0, "explained": 0.5}],
        "consistency": [
            {"across": "language", "groups": 1, "comments": 40, "deviation": math.nan, "index": None, "low": None, "high": None}
        ],
        "emotions": share_rows("emotion", "joy", "anger"),
        "qualities": [{"quality": "value", "comments": 2, "balance": -0.5, "low": -1.0, "high": 0.25}],
        "modules": share_rows("module", "sensory"),
        "intents": share_rows("intent", "churn"),
        "loyalty": [row | {"total": 9, "share": 0.25} for row in fact_rows(relation="new")],
        "phrases": [{"sentiment": "negative", "language": "pl", "phrase": text, "comments": 3, "share": 0.5, "elsewhere": 0.1, "z": 2.5}],
        "quotes": [quote(text), quote("the second"), quote("good", "+", 2**60)],
        "at_risk": [
            {
                "language": "ro",
                "day": DAY,
                "sentiment": "negative",
                "polarity": -0.5,
                "intents": ["churn", "complaint"],
                "touchpoints": ["staff"],
                "text": text,
            }
        ],
        "alerts": alert(text),
        "alert_touchpoints": [
            {"alert": 1, "touchpoint": "delivery", "comments": 9, "net_sentiment": -0.5, "earlier_net_sentiment": 0.5, "pull": -0.25}
        ],
        "alert_phrases": [{"alert": 1, "language": "pl", "phrase": text, "comments": 3}],
        "alert_quotes": [{"alert": 1} | quote(text)],
        "kpi": kpi_rows(text),
        "kpi_series": [{"period": DAY, "turnover": 1234.5}, {"period": date(1850, 1, 1), "turnover": None}],
    }
    tables = {name: pa.Table.from_pylist(found, schema=ALERT_SCHEMA if name == "alerts" else None) for name, found in rows.items()}
    facts: dict[str, Any] = {
        **{"archive": f"/data/{text}", "rows": 45, "errors": 5, "comments": 40, "first_day": DAY, "last_day": DAY + timedelta(days=30)},
        **{"period": "week", "by": (segment,), "masked": True, "tables": tables, "gaps": {"trend": Gap(f"{text}: no column holds dates")}},
    }
    return Findings(**(facts | changes))


HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "pipes": "a | b \\| c || \\\\| d",
    "backticks": "`a` ``` b ~~~ ~~c~~ $d$",
    "image": "![x](https://evil.example/x.png) [y](javascript:z) <https://evil.example>",
    "addresses": "https://evil.example www.evil.example HTTP://EVIL.EXAMPLE evil@example.com @everyone",
    "reference": "[a]: https://evil.example",
    "heading": "# heading #",
    "lists": "- item",
    "plus": "+ item",
    "number": "1. item",
    "number in brackets": "12) item",
    "underline": "---",
    "double underline": "===",
    "quoted": "> quote",
    "fence": "```",
    "table": "| --- | --- |",
    "code": "    code",
    "entities": "&lt;b&gt; &amp;lt; &#60;b&#62; &nbsp;",
    "template": "{{ config }} {% include x %}",
    "breaks": "a\nb\r\nc\u2028d\x0be\n\n# f\n<b>",
    "emphasis": "*a* _b_ **c** a\\",
    "direction": "abc \u202edcba\u202c \u2066x\u2069 \u200fשלום",
    "control": "a\x00b\x1b[31mc\x7f\x85d\ufffe",
    "long": "word " * 8_000,
    "long without spaces": "x" * 40_000,
}


def nulled(table: pa.Table, column: str) -> pa.Table:
    """The table with nothing in a column."""
    return table.set_column(table.column_names.index(column), column, pa.nulls(len(table), table[column].type))
