"""Findings with something in every chart, made up by hand: for tests of what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from cxsentiment.report.findings import Findings
from cxsentiment.report.reasons import ALERT_SCHEMA
from cxsentiment.results import EMOTIONS

START = date(2026, 6, 1)
NAMED = ("touchpoint", "language", "channel", "segment", "value")


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: _sound(value) for name, value in row.items()} for row in rows])


def _sound(value: object) -> object:
    """Arrow takes no halves of surrogate pairs."""
    return value.replace("\ud800", "") if isinstance(value, str) else value


def felt(name: str, value: str | None, comments: int, positive: int, negative: int, **others: object) -> dict[str, Any]:
    net = (positive - negative) / comments if comments else None
    low, high = (None, None) if net is None else (max(net - 0.2, -1.0), min(net + 0.2, 1.0))
    feelings = {"negative": negative, "neutral": comments - positive - negative, "positive": positive, "mixed": 0}
    return {name: value, "comments": comments, **feelings, "net_sentiment": net, "net_low": low, "net_high": high, **others}


def course(periods: int, days: int = 7, comments: int = 20, **label: str | None) -> list[dict[str, Any]]:
    smooth = [0.3 * np.sin(place / 7) for place in range(periods)]
    return [
        {
            **label, "period": START + timedelta(days=days * place), "comments": comments if place % 5 else 0,
            "net_sentiment": value + 0.1 * (-1) ** place if place % 5 else None, "smooth": value, "low": value - 0.1, "high": value + 0.1,
        }
        for place, value in enumerate(smooth)
    ]  # fmt: skip


def alert(number: int, week: int, change: float, **about: str) -> dict[str, Any]:
    day = START + timedelta(weeks=week)
    figures = {"before": 0.1, "after": 0.1 + change, "change": change, "low": change - 0.1, "high": change + 0.1, "p": 0.01}
    row = {"alert": number, **dict.fromkeys(NAMED), "since": day, "period": day, "comments": 40, **figures, "main_emotion": None}
    return row | about


def shares(kind: str, labels: Sequence[str], **others: object) -> list[dict[str, Any]]:
    return [
        {**others, kind: label, "comments": 3 * place, "total": 100, "share": 0.03 * place, "low": 0.02 * place, "high": 0.04 * place}
        for place, label in enumerate(labels)
    ]


def figures(kpi: str, lags: int = 4) -> list[dict[str, Any]]:
    return [
        {
            "measure": "net_sentiment", "kpi": kpi, "lag": lag, "correlation": 0.6 - abs(lag - 2) / 10, "low": 0.1, "high": 0.8, "n": 30,
            "clearest": lag == 2, "note": "", "stands_out": True if lag == 2 else None,
        }
        for lag in range(-lags, lags + 1)
    ]  # fmt: skip


def made(touchpoints: Sequence[str], periods: int = 25, value: str = "app", kpi: str = "sales") -> Findings:
    """Findings of touchpoints, the first one of most comments and the worst one; `value` is a channel and a segment's value."""
    size = {name: 10 + 3 * (len(touchpoints) - place) for place, name in enumerate(touchpoints)}
    good = {name: min(place, size[name]) for place, name in enumerate(touchpoints)}
    of_touchpoints = [felt("touchpoint", name, size[name], good[name], size[name] - good[name]) for name in touchpoints]
    stages = [
        felt("touchpoint", name, 4, 1 + place, 2 - place, stage=stage)
        for name in touchpoints
        for place, stage in enumerate(("before", "after"))
    ]
    impact = [
        {"touchpoint": name, "comments": size[name], "performance": np.cos(place), "impact": 0.3 / (place + 1), "low": 0.0, "high": 0.4}
        for place, name in enumerate(touchpoints)
    ]
    tables = {
        "languages": table([felt("language", "el", 1200, 700, 400), felt("language", "pl", 80, 20, 50), felt("language", None, 1, 0, 1)]),
        "channels": table([felt("channel", value, 50, 20, 10), felt("channel", "web", 40, 20, 20)]),
        "by_shop": table([felt("shop", f"{number} {value}", 30 - number, 10, 9) for number in range(14)]),
        "touchpoints": table(of_touchpoints),
        "touchpoint_stages": table(stages),
        "impact": table(impact),
        "emotions": table(shares("emotion", EMOTIONS)),
        "touchpoint_emotions": table([row for name in touchpoints for row in shares("emotion", EMOTIONS, touchpoint=name)]),
        "qualities": table(
            [
                {"quality": "value", "comments": 9, "balance": 0.5, "low": 0.1, "high": 0.8},
                {"quality": "simplicity", "comments": 0, "balance": None, "low": None, "high": None},
            ]
        ),
        "modules": table(shares("module", ("sensory", "emotional"))),
        "intents": table(shares("intent", ("churn", "request", "repurchase"))),
        "loyalty": table(
            [felt("relation", "new", 0, 0, 0), felt("relation", "returning", 40, 12, 20), felt("relation", "advocate", 9, 9, 0)]
        ),
        "trend": table(course(periods)),
        "language_trends": table([*course(periods, language="el"), *course(periods, language="pl"), *course(1, language="ro", comments=1)]),
        "touchpoint_trends": table([row for name in touchpoints[:6] for row in course(periods, touchpoint=name)]),
        "alerts": pa.Table.from_pylist(
            [alert(3, 16, -0.4, language="pl"), alert(2, 16, -0.3, touchpoint="delivery", language="pl"), alert(1, 13, 0.2)],
            schema=ALERT_SCHEMA,
        ),
        "kpi_series": table([{"period": row["period"], _sound(kpi): 1000.0 + place} for place, row in enumerate(course(periods))]),
        "kpi": table([*figures(kpi), {**figures(kpi)[0], "measure": "comments"}]),
    }
    return Findings("made up", 1281, 0, 1281, START, date(2026, 11, 22), "week", ("shop",), False, tables)
