"""Every measure against the same reckoned in plain Python, on random scored tables."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("duckdb")

from cxsentiment.errors import InputError, OptionError
from cxsentiment.measure import (
    Scored,
    at_risk,
    consistency,
    emotion_profile,
    intent_shares,
    loyalty_ladder,
    open_scored,
    quality_balance,
    summary,
)
from cxsentiment.measure.consistency import deviation_between
from cxsentiment.measure.intervals import net_interval, share_interval
from cxsentiment.results import EMOTIONS, INTENTS, POLARITIES, QUALITIES, RELATIONS, SENTIMENTS, STAGES, error_row, to_arrow

Row = dict[str, Any]
TYPES = {"staff": "people", "sales": "people", "food": "core", "delivery": "journey"}
FEELINGS = {"+": "positive", "-": "negative", "0": "neutral", "±": "mixed"}
VALUES = {"+": 1.0, "-": -1.0, "0": 0.0, "±": 0.0}

BY: list[tuple[str, ...]] = [
    (),
    ("language",),
    ("stage",),
    ("relation",),
    ("channel",),
    ("region",),
    ("day",),
    ("week",),
    ("month",),
    ("quarter",),
    ("touchpoint",),
    ("group",),
    ("touchpoint", "group"),
    ("group", "month", "region"),
    ("touchpoint", "week", "language"),
    ("channel", "quarter"),
]


def random_rows(count: int, seed: int) -> tuple[list[Row], pa.Table]:
    """Rows that were scored without an error, and the archive, which has others too."""
    dice = random.Random(seed)
    rows: list[Row] = []
    for number in range(count):
        touchpoints = [
            {"start": 0, "end": 1, "text": "x", "type": kind, "group": TYPES[kind], "polarity": dice.choice(POLARITIES), "score": 0.5}
            for kind in dice.choices(list(TYPES), k=dice.choice((0, 1, 1, 2, 4)))
        ]
        judged = [{"quality": dice.choice(QUALITIES), "polarity": dice.choice(POLARITIES), "score": 0.5} for _ in range(dice.randrange(3))]
        rows.append(
            {
                "id": number,
                "date": dice.choice((None, date(2023, 12, 20) + timedelta(dice.randrange(120)))),
                "channel": dice.choice(("web", "store", None)),
                "region": dice.choice(("north", "south")),
                "text": f"comment {number}",
                **error_row("")
                | {
                    "cx_language": dice.choice(("el", "pl")),
                    "cx_sentiment": dice.choice(SENTIMENTS),
                    "cx_polarity": float(np.float32(dice.uniform(-1, 1))),
                    "cx_emotions": dice.sample(EMOTIONS, dice.randrange(3)),
                    "cx_touchpoints": touchpoints,
                    "cx_stage": dice.choice((None, *STAGES)),
                    "cx_qualities": judged,
                    "cx_relation": dice.choice((None, *RELATIONS[:2])),
                    "cx_intents": dice.sample(INTENTS, dice.randrange(2)),
                    "cx_windows": 1,
                    "cx_error": dice.choice((None, None, None, None, "no text")),
                },
            }
        )
    own = pa.table({name: pa.array([row[name] for row in rows]) for name in ("id", "date", "channel", "region", "text")})
    scored = to_arrow([row if row["cx_error"] is None else error_row("no text") for row in rows])
    table = pa.Table.from_arrays([*own.columns, *scored.columns], schema=pa.schema([*own.schema, *scored.schema]))
    return [row for row in rows if row["cx_error"] is None], table


@pytest.fixture(scope="module", params=[1, 2])
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Row], Scored]]:
    rows, table = random_rows(600, request.param)
    path = tmp_path_factory.mktemp("archive") / "scored.parquet"
    pq.write_table(table, path)
    with open_scored(path, segments=["region"]) as scored:
        yield rows, scored


# ---- plain Python -----------------------------------------------------------------------------------------------------------------


def dimension(row: Row, name: str) -> Any:
    day = row["date"]
    periods: dict[str, Callable[[date], date]] = {
        "day": lambda day: day,
        "week": lambda day: day - timedelta(day.weekday()),
        "month": lambda day: day.replace(day=1),
        "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    }
    if name in periods:
        return None if day is None else periods[name](day)
    return row[name] if name in row else row[f"cx_{name}"]


def cases_of(row: Row, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], str, float]]:
    """Values of the touchpoint dimensions, feeling and polarity."""
    key = "type" if "touchpoint" in by else "group" if "group" in by else None
    if key is None:
        yield {}, row["cx_sentiment"], row["cx_polarity"]
        return
    for found in dict.fromkeys(item[key] for item in row["cx_touchpoints"]):
        items = [item for item in row["cx_touchpoints"] if item[key] == found]
        signs = {item["polarity"] for item in items}
        yield {"touchpoint": found, "group": items[0]["group"]}, merged(signs), sum(VALUES[item["polarity"]] for item in items) / len(items)


def merged(signs: set[str]) -> str:
    decided = signs - {"0"}
    if not decided:
        return "neutral"
    return FEELINGS[decided.pop()] if len(decided) == 1 else "mixed"


def groups_of(rows: Sequence[Row], by: Sequence[str]) -> dict[tuple[Any, ...], list[tuple[Row, str, float]]]:
    groups: dict[tuple[Any, ...], list[tuple[Row, str, float]]] = defaultdict(list)
    for row in rows:
        for own, feeling, polarity in cases_of(row, by):
            groups[tuple(own[name] if name in own else dimension(row, name) for name in by)].append((row, feeling, polarity))
    return groups


def figures(feelings: Sequence[str]) -> Row:
    counts = {label: feelings.count(label) for label in SENTIMENTS}
    return {"comments": len(feelings), **counts, "net": (counts["positive"] - counts["negative"]) / len(feelings) if feelings else None}


def keyed(table: pa.Table, by: Sequence[str]) -> dict[tuple[Any, ...], Row]:
    rows = table.to_pylist()
    found = {tuple(row[name] for name in by): row for row in rows}
    assert len(found) == len(rows)
    return found


def close(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else math.isclose(one, other, rel_tol=0, abs_tol=1e-9)


# ---- tests ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", BY, ids=" ".join)
def test_summary(archive: tuple[list[Row], Scored], by: tuple[str, ...]) -> None:
    rows, scored = archive
    wanted = groups_of(rows, by)
    found = keyed(summary(scored, by), by)
    assert found.keys() == wanted.keys()
    for key, members in wanted.items():
        plain, row = figures([feeling for _, feeling, _ in members]), found[key]
        assert all(row[name] == plain[name] for name in ("comments", *SENTIMENTS))
        assert close(row["net_sentiment"], plain["net"])
        assert close(row["mean_polarity"], math.fsum(polarity for *_, polarity in members) / len(members))
        assert close(row["mixed_share"], plain["mixed"] / len(members))
        low, high = net_interval(plain["positive"], plain["negative"], len(members))
        assert close(row["net_low"], float(low))
        assert close(row["net_high"], float(high))


def test_summary_is_ordered(archive: tuple[list[Row], Scored]) -> None:
    table = summary(archive[1], ["week", "language"])
    assert table.column_names[:3] == ["week", "language", "comments"]
    order = [(row["week"] is None, row["week"] or date.max, row["language"]) for row in table.to_pylist()]
    assert order == sorted(order)


@pytest.mark.parametrize("by", [(), ("language",), ("touchpoint",), ("group", "month"), ("channel", "region")], ids=" ".join)
@pytest.mark.parametrize(
    ("measure", "name", "labels", "column"),
    [(emotion_profile, "emotion", EMOTIONS, "cx_emotions"), (intent_shares, "intent", INTENTS, "cx_intents")],
)
def test_label_shares(
    archive: tuple[list[Row], Scored],
    by: tuple[str, ...],
    measure: Callable[..., pa.Table],
    name: str,
    labels: Sequence[str],
    column: str,
) -> None:
    rows, scored = archive
    found = keyed(measure(scored, by), (*by, name))
    wanted = groups_of(rows, by)
    assert found.keys() == {(*key, label) for key in wanted for label in labels}
    for key, members in wanted.items():
        for label in labels:
            row, comments = found[*key, label], sum(label in one[column] for one, *_ in members)
            assert (row["comments"], row["total"]) == (comments, len(members))
            low, high = share_interval(comments, len(members))
            assert close(row["share"], comments / len(members))
            assert close(row["low"], float(low))
            assert close(row["high"], float(high))


@pytest.mark.parametrize("by", [(), ("language",), ("touchpoint", "week")], ids=" ".join)
def test_quality_balance(archive: tuple[list[Row], Scored], by: tuple[str, ...]) -> None:
    rows, scored = archive
    found = keyed(quality_balance(scored, by), (*by, "quality"))
    wanted = groups_of(rows, by)
    assert found.keys() == {(*key, quality) for key in wanted for quality in QUALITIES}
    for key, members in wanted.items():
        for quality in QUALITIES:
            signs = [{item["polarity"] for item in row["cx_qualities"] if item["quality"] == quality} for row, *_ in members]
            plain, row = figures([merged(one) for one in signs if one]), found[*key, quality]
            assert all(row[name] == plain[name] for name in ("comments", *SENTIMENTS))
            assert close(row["balance"], plain["net"])
            assert (row["low"] is None) == (plain["net"] is None)


@pytest.mark.parametrize("by", [(), ("touchpoint",), ("region", "quarter")], ids=" ".join)
def test_loyalty_ladder(archive: tuple[list[Row], Scored], by: tuple[str, ...]) -> None:
    rows, scored = archive
    found = keyed(loyalty_ladder(scored, by), (*by, "relation"))
    wanted = groups_of([row for row in rows if row["cx_relation"] is not None], by)
    assert found.keys() == {(*key, relation) for key in wanted for relation in RELATIONS}
    for key, members in wanted.items():
        for relation in RELATIONS:
            row, plain = found[*key, relation], figures([feeling for one, feeling, _ in members if one["cx_relation"] == relation])
            assert all(row[name] == plain[name] for name in ("comments", *SENTIMENTS))
            assert close(row["net_sentiment"], plain["net"])
            assert close(row["share"], plain["comments"] / len(members))


def test_at_risk(archive: tuple[list[Row], Scored]) -> None:
    rows, scored = archive
    risky = [row for row in rows if {"churn", "retaliation"} & set(row["cx_intents"])]
    wanted = sorted(risky, key=lambda row: (row["cx_polarity"], row["id"]))
    assert at_risk(scored, len(rows))["row_id"].to_pylist() == [row["id"] for row in wanted]
    found = at_risk(scored, 3).to_pylist()
    for row, plain in zip(found, wanted[:3], strict=True):
        assert (row["text"], row["day"], row["region"]) == (plain["text"], plain["date"], plain["region"])
        assert sorted(row["touchpoints"]) == sorted({item["type"] for item in plain["cx_touchpoints"]})
    with pytest.raises(OptionError, match="limit must not be negative"):
        at_risk(scored, -1)


@pytest.mark.parametrize(("across", "by"), [("touchpoint", ()), ("channel", ("language",)), ("region", ("month", "language"))])
def test_consistency(archive: tuple[list[Row], Scored], across: str, by: tuple[str, ...]) -> None:
    rows, scored = archive
    found = keyed(consistency(scored, across, by), by)
    parts: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for (*key, part), members in groups_of(rows, (*by, across)).items():
        if part is not None and len(members) > 1:
            parts[tuple(key)].append(figures([feeling for _, feeling, _ in members]))
    for key, groups in parts.items():
        row = found[key]
        assert (row["groups"], row["comments"]) == (len(groups), sum(group["comments"] for group in groups))
        if len(groups) < 2:
            assert row["index"] is None
            continue
        total = row["comments"]
        middle = sum(group["comments"] / total * group["net"] for group in groups)
        variance = 0.0
        for group in groups:
            n, share = group["comments"], group["comments"] / total
            noise = ((group["positive"] + group["negative"]) / n - group["net"] ** 2) / (n - 1)
            variance += share * (group["net"] - middle) ** 2 - share * (1 - share) * noise
        assert close(row["deviation"], math.sqrt(max(0.0, variance)))
        assert close(row["index"], max(0.0, 1 - 2 * row["deviation"]))
        assert 0 <= row["low"] <= row["high"] <= 1
    assert consistency(scored, across, by).equals(consistency(scored, across, by))


@pytest.mark.parametrize("net", [(0.3, 0.3, 0.3, 0.3), (0.5, 0.3, 0.1, -0.2)])
def test_variance_between_groups_is_unbiased(net: tuple[float, ...]) -> None:
    comments = np.array([40, 100, 25, 400])
    shares = np.array([[0.4 + one / 2, 0.4 - one / 2, 0.2] for one in net])
    counts = np.random.default_rng(0).multinomial(comments, shares, size=(20_000, 4)).astype(float)
    positive, negative = counts[..., 0], counts[..., 1]
    weight = comments / comments.sum()
    true = weight @ (np.array(net) - weight @ np.array(net)) ** 2
    # Not cut off at 0, the mean of the estimates would be the true variance; where it is far from 0, it is so with the cut.
    estimates = deviation_between(positive, negative, comments.astype(float)) ** 2
    if true:
        assert estimates.mean() == pytest.approx(true, rel=0.02)
    else:
        assert (estimates == 0).mean() > 0.5
        assert estimates.mean() < 0.002


@pytest.mark.parametrize("net", [(0.4, 0.1, -0.2, 0.3, 0.0, 0.2), (0.1, 0.1, 0.1)])
def test_consistency_interval_covers(tmp_path: Path, net: tuple[float, ...]) -> None:
    generator = np.random.default_rng(0)
    comments = np.resize([60, 150, 400], len(net))
    weight = comments / comments.sum()
    true = 1 - 2 * math.sqrt(weight @ (np.array(net) - weight @ np.array(net)) ** 2)
    # One archive holds many draws, each a channel; its regions are the groups that are compared.
    signs = [generator.multinomial(count, (0.4 + one / 2, 0.4 - one / 2, 0.2), size=100) for one, count in zip(net, comments, strict=True)]
    counts = np.array(signs).transpose(1, 0, 2).reshape(-1)
    cells = np.indices((100, len(net), 3)).reshape(3, -1)
    draw, region, sign = (np.repeat(cell, counts) for cell in cells)
    labels = pa.array(("positive", "negative", "neutral"))
    table = pa.table({"channel": draw, "region": region, "cx_sentiment": labels.take(pa.array(sign))})
    pq.write_table(table, tmp_path / "draws.parquet")
    with open_scored(tmp_path / "draws.parquet", segments=["region"]) as scored:
        found = consistency(scored, "region", ["channel"]).to_pylist()
    assert len(found) == 100
    assert np.mean([row["low"] - 1e-9 <= true <= row["high"] + 1e-9 for row in found]) >= 0.9


def test_unknown_dimensions(archive: tuple[list[Row], Scored], tmp_path: Path) -> None:
    scored = archive[1]
    with pytest.raises(OptionError, match=r"no dimension 'colour'.*touchpoint, group, channel.*region"):
        summary(scored, ["colour"])
    with pytest.raises(OptionError, match="'week' stands there twice"):
        summary(scored, ["week", "language", "week"])
    with pytest.raises(OptionError, match="no dimension 'relation'"):
        loyalty_ladder(scored, ["relation"])
    with pytest.raises(OptionError, match="take it out of by"):
        consistency(scored, "channel", ["channel"])
    pq.write_table(pa.table({"words": ["a"], "cx_sentiment": ["positive"]}), tmp_path / "bare.parquet")
    with open_scored(tmp_path / "bare.parquet") as bare:
        assert summary(bare)["net_sentiment"].to_pylist() == [1.0]
        for by, message in (("week", "no column holds dates"), ("channel", "no column named channel"), ("touchpoint", "cx_touchpoints")):
            with pytest.raises(InputError, match=message):
                summary(bare, [by])
        with pytest.raises(InputError, match="no column cx_emotions"):
            emotion_profile(bare)


def test_no_comments(tmp_path: Path) -> None:
    _, table = random_rows(5, 0)
    pq.write_table(table.slice(0, 0), tmp_path / "empty.parquet")
    with open_scored(tmp_path / "empty.parquet", segments=["region"]) as scored:
        assert (scored.rows, scored.errors, scored.count()) == (0, 0, 0)
        (row,) = summary(scored).to_pylist()
        assert row["comments"] == row["positive"] == 0
        assert row["net_sentiment"] is row["net_low"] is row["mean_polarity"] is row["mixed_share"] is None
        assert summary(scored, ["touchpoint", "week"]).num_rows == 0
        assert emotion_profile(scored)["share"].to_pylist() == [None] * len(EMOTIONS)
        assert quality_balance(scored, ["language"]).num_rows == at_risk(scored).num_rows == 0
        assert loyalty_ladder(scored)["total"].to_pylist() == [0] * len(RELATIONS)
        assert consistency(scored).to_pylist() == [
            {"groups": 0, "comments": 0, "deviation": None, "index": None, "low": None, "high": None}
        ]
        assert consistency(scored, by=["language"]).num_rows == 0
