"""Plain values: what JSON knows nothing of becomes text or null, at any depth."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from cxsentiment.archive.plain import plain_values, to_json

FAR = 2**60
BEYOND = "<value out of range: 1152921504606846976>"


def of(values: list[Any], kind: pa.DataType) -> list[Any]:
    return plain_values(pa.chunked_array([pa.array(values, kind)]))


@pytest.mark.parametrize(
    ("value", "kind", "plain"),
    [
        (FAR, pa.timestamp("us"), BEYOND),
        ([FAR], pa.list_(pa.timestamp("us")), [BEYOND]),
        ([FAR], pa.large_list(pa.timestamp("us")), [BEYOND]),
        ([FAR], pa.list_(pa.timestamp("us"), 1), [BEYOND]),
        ({"when": FAR, "what": 1}, pa.struct([("when", pa.timestamp("us")), ("what", pa.int8())]), {"when": BEYOND, "what": 1}),
        ([[0]], pa.list_(pa.list_(pa.timestamp("us"))), [["1970-01-01T00:00:00"]]),
    ],
)
def test_moments_within_and_beyond_the_calendar(value: Any, kind: pa.DataType, plain: Any) -> None:
    found = of([value, None], kind)
    assert to_json(found) == to_json([plain, None])


def test_what_is_not_finite_is_null_in_json() -> None:
    nan, infinite = float("nan"), float("inf")
    assert to_json({"a": nan, "b": [1, infinite, {"c": -infinite}], "d": "NaN"}) == '{"a": null, "b": [1, null, {"c": null}], "d": "NaN"}'
