"""What customers feel, by touchpoint, time, language or any other group of comments: one row a group, with intervals of 95 %.

`by` names dimensions: `touchpoint` and `group` (of touchpoints), `channel`, `language`, `stage`, `relation`, `day`, `week` (its Monday),
`month` and `quarter` (their first day), and the segments that the archive was opened with. A comment counts in each touchpoint that it
mentions, and with those its feeling is the one towards the touchpoint (`cases`); without them it is that of the whole comment. A group
of null holds the comments of which the dimension is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from cxsentiment.errors import OptionError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import cases, check_dimensions, grouped_by, keys, ordered_by
from cxsentiment.measure.intervals import Floats, net_interval, share_interval
from cxsentiment.measure.scanning import literal, quoted
from cxsentiment.results import EMOTIONS, INTENTS, QUALITIES, RELATIONS, SENTIMENTS

RISKS = ("churn", "retaliation")
"""Intents of customers who are about to go, or to strike back."""

_FEELINGS = ", ".join(f"count(*) FILTER (feeling = '{label}') AS {label}" for label in SENTIMENTS)


def summary(scored: Scored, by: Sequence[str] = ()) -> pa.Table:
    """How customers feel in each group.

    Columns: those of `by`, comments, negative, neutral, positive, mixed (counts), net_sentiment = (positive - negative) / comments in
    [-1, 1] with net_low and net_high (`net_interval`), mean_polarity in [-1, 1], mixed_share. Rows are ordered by `by`; without it there
    is one row, of nulls where there are no comments.

    Raises OptionError for a dimension that is none, InputError if the archive does not have it.
    """
    names = check_dimensions(scored, by)
    found = scored.query(
        f"SELECT {keys(names)}count(*) AS comments, {_FEELINGS}, avg(polarity) AS mean_polarity "
        f"FROM ({cases(names)}) {grouped_by(names)} {ordered_by(names)}"
    )
    comments = _numbers(found, "comments")
    table = _with_net(found.drop_columns("mean_polarity"), "net_sentiment", ("net_low", "net_high"))
    table = table.append_column("mean_polarity", found["mean_polarity"])
    return table.append_column("mixed_share", _floats(_ratio(_numbers(found, "mixed"), comments)))


def emotion_profile(scored: Scored, by: Sequence[str] = ()) -> pa.Table:
    """Which emotions there are in each group: by, emotion, comments with it, total comments, share, low, high; every emotion in each.

    With touchpoints in `by`, emotions are those of the comments that mention them. Raises as `summary`.
    """
    scored.need("cx_emotions")
    return _label_shares(scored, by, "emotion", "emotions", EMOTIONS)


def intent_shares(scored: Scored, by: Sequence[str] = ()) -> pa.Table:
    """What customers are about to do: by, intent, comments with it, total comments, share, low, high; every intent in each group.

    Raises as `summary`.
    """
    scored.need("cx_intents")
    return _label_shares(scored, by, "intent", "intents", INTENTS)


def quality_balance(scored: Scored, by: Sequence[str] = ()) -> pa.Table:
    """How the qualities of the experience are judged: by, quality, comments that judge it, negative, neutral, positive, mixed, balance.

    balance = (positive - negative) / comments in [-1, 1], with low and high; null where nobody judges. A comment that judges a quality
    both ways is mixed. Every quality stands in each group. Raises as `summary`.
    """
    names = check_dimensions(scored, by)
    scored.need("cx_qualities")
    judged = f"SELECT row_id, {keys(names)}unnest(qualities) AS item FROM ({cases(names, {'qualities': 'qualities'})})"
    merged = f"""
        SELECT {keys(names)}item.quality AS label,
            bool_or(item.polarity IN ('+', '±')) AS pleased, bool_or(item.polarity IN ('-', '±')) AS displeased
        FROM ({judged}) GROUP BY row_id, {keys(names)}item.quality"""
    feeling = """CASE WHEN pleased AND displeased THEN 'mixed' WHEN pleased THEN 'positive'
        WHEN displeased THEN 'negative' ELSE 'neutral' END"""
    felt = f"SELECT *, {feeling} AS feeling FROM ({merged})"
    counted = f"SELECT {keys(names)}label, count(*) AS comments, {_FEELINGS} FROM ({felt}) GROUP BY ALL"
    found = scored.query(_completed(names, "quality", QUALITIES, counted, ("comments", *SENTIMENTS)))
    return _with_net(found.drop_columns("total"), "balance", ("low", "high"))


def loyalty_ladder(scored: Scored, by: Sequence[str] = ()) -> pa.Table:
    """New and returning customers and advocates: by, relation, comments, total comments of a known relation, share, feelings as `summary`.

    Every relation stands in each group. Raises as `summary`.
    """
    names = check_dimensions(scored, by, without="relation")
    scored.need("cx_relation")
    known = f"SELECT * FROM ({cases(names, {'label': 'relation'})}) WHERE label IS NOT NULL"
    counted = f"SELECT {keys(names)}label, count(*) AS comments, {_FEELINGS} FROM ({known}) GROUP BY ALL"
    found = scored.query(_completed(names, "relation", RELATIONS, counted, ("comments", *SENTIMENTS), known))
    found = _with_net(found, "net_sentiment", ("net_low", "net_high"))
    share = _floats(_ratio(_numbers(found, "comments"), _numbers(found, "total")))
    return found.add_column(found.column_names.index("total") + 1, "share", share)


def at_risk(scored: Scored, limit: int = 100) -> pa.Table:
    """Comments of customers who are about to go or to strike back, most negative first.

    Columns: row_id, day, language, channel, sentiment, polarity, intents, touchpoints (types), text, and the segments.
    """
    scored.need("cx_intents")
    if limit < 0:
        raise OptionError(f"limit must not be negative, not {limit}")
    segments = "".join(f", {quoted(name)}" for name in scored.segments)
    return scored.query(
        "SELECT row_id, day, language, channel, sentiment, polarity, intents, "
        f"list_distinct([item.type FOR item IN touchpoints]) AS touchpoints, text{segments} "
        f"FROM answers WHERE list_has_any(intents, [{', '.join(map(literal, RISKS))}]) ORDER BY polarity, row_id LIMIT {limit}"
    )


# ---- labels -----------------------------------------------------------------------------------------------------------------------


def _label_shares(scored: Scored, by: Sequence[str], label: str, column: str, labels: Sequence[str]) -> pa.Table:
    """Counts and shares of the labels in a list of each comment."""
    names = check_dimensions(scored, by)
    each = f"SELECT {keys(names)}unnest(labels) AS label FROM ({cases(names, {'labels': f'list_distinct({column})'})})"
    counted = f"SELECT {keys(names)}label, count(*) AS comments FROM ({each}) GROUP BY ALL"
    return with_share(scored.query(_completed(names, label, labels, counted, ("comments",))))


def with_share(table: pa.Table) -> pa.Table:
    """A table with comments and total comments, and the share of the former with its interval."""
    comments, total = _numbers(table, "comments"), _numbers(table, "total")
    for name, values in zip(("share", "low", "high"), (_ratio(comments, total), *share_interval(comments, total)), strict=True):
        table = table.append_column(name, _floats(values))
    return table


def _completed(by: Sequence[str], name: str, labels: Sequence[str], counted: str, counts: Sequence[str], of: str | None = None) -> str:
    """A query with a row for each label, known ones first, in each group of `of` (cases, all by default); counts of none are 0."""
    known = ", ".join(f"({place}, {literal(label)})" for place, label in enumerate(labels))
    of_group = [f"counted.{quoted(key)} IS NOT DISTINCT FROM totals.{quoted(key)}" for key in by]
    same = " AND ".join(["counted.label = labels.label", *of_group])
    chosen = ", ".join(
        [
            *(f"totals.{quoted(key)} AS {quoted(key)}" for key in by),
            f"labels.label AS {name}",
            f"coalesce(counted.{counts[0]}, 0) AS {counts[0]}",
            "totals.total AS total",
            *(f"coalesce(counted.{count}, 0) AS {count}" for count in counts[1:]),
        ]
    )
    return f"""
        WITH counted AS MATERIALIZED ({counted}),
            totals AS (SELECT {keys(by)}count(*) AS total FROM ({of or cases(by)}) {grouped_by(by)}),
            known(place, label) AS (VALUES {known}),
            labels AS (
                SELECT place, label FROM known
                UNION ALL SELECT DISTINCT {len(labels)}, label FROM counted WHERE label NOT IN (SELECT label FROM known)
            )
        SELECT {chosen} FROM totals CROSS JOIN labels LEFT JOIN counted ON {same} {ordered_by([], *_order(by))}"""


def _order(by: Sequence[str]) -> list[str]:
    return [*(f"totals.{quoted(key)} NULLS LAST" for key in by), "labels.place", "labels.label"]


# ---- numbers ----------------------------------------------------------------------------------------------------------------------


def _with_net(table: pa.Table, name: str, bounds: tuple[str, str]) -> pa.Table:
    positive, negative, comments = (_numbers(table, column) for column in ("positive", "negative", "comments"))
    low, high = net_interval(positive, negative, comments)
    for column, values in zip((name, *bounds), (_ratio(positive - negative, comments), low, high), strict=True):
        table = table.append_column(column, _floats(values))
    return table


def _numbers(table: pa.Table, name: str) -> Floats:
    values: Floats = table[name].to_numpy().astype(np.float64)
    return values


def _ratio(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found


def _floats(values: Floats) -> pa.Array:
    """Null where a number is NaN."""
    return pa.array(values, pa.float64(), from_pandas=True)
