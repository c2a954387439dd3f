"""Groups of comments: the dimensions that measures can be told apart by, as SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cxsentiment.errors import OptionError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.scanning import quoted

TOUCHPOINT_DIMENSIONS: Final = ("touchpoint", "group")
PERIODS: Final = ("day", "week", "month", "quarter")
_COMMENT_DIMENSIONS: Final = ("channel", "language", "stage", "relation")
DIMENSIONS: Final = (*TOUCHPOINT_DIMENSIONS, *_COMMENT_DIMENSIONS, *PERIODS)
"""What `by` can name, besides the segments."""

_COLUMNS: Final = {"language": "cx_language", "stage": "cx_stage", "relation": "cx_relation"}
_VALUE: Final = "CASE item.polarity WHEN '+' THEN 1.0 WHEN '-' THEN -1.0 ELSE 0.0 END::DOUBLE"


def check_dimensions(scored: Scored, by: Sequence[str], *, without: str | None = None) -> tuple[str, ...]:
    """The dimensions, each of which the archive has. Raises OptionError for one that is none or stands there twice, InputError."""
    names = (by,) if isinstance(by, str) else tuple(by)
    known = [name for name in (*DIMENSIONS, *scored.segments) if name != without]
    for place, name in enumerate(names):
        if name not in known:
            raise OptionError(f"there is no dimension {name!r} here; choose from {', '.join(known)} (other columns: segments=)")
        if name in names[:place]:
            raise OptionError(f"the dimension {name!r} stands there twice")
        if name in PERIODS:
            scored.need_date()
        if name == "channel":
            scored.need_channel()
        if name in TOUCHPOINT_DIMENSIONS:
            scored.need("cx_touchpoints")
        if name in _COLUMNS:
            scored.need(_COLUMNS[name])
    return names


def cases(by: Sequence[str], extras: Mapping[str, str] | None = None, source: str = "answers") -> str:
    """A query with one row for each comment; where `by` names touchpoints or groups, for each of them that a comment mentions.

    Columns are `row_id`, those of `by`, `feeling` (a sentiment label), `polarity` in [-1, 1], and `extras` (SQL of the columns of
    `source`, which has those of `answers`).

    The feeling towards a touchpoint is that of its mentions: mixed where one is, or where some are positive and others negative; neutral
    ones give way. Its polarity is their mean (+ is 1, - is -1, others 0).
    """
    extras = extras or {}
    touched = [name for name in by if name in TOUCHPOINT_DIMENSIONS]
    columns = {name: dimension(name) for name in by if name not in touched} | dict(extras)
    chosen = "".join(f", {value} AS {quoted(name)}" for name, value in columns.items())
    if not touched:
        return f"SELECT row_id{chosen}, sentiment AS feeling, polarity FROM {source}"
    key = 'item."group"' if touched == ["group"] else "item.type"
    one = f"""
        SELECT row_id{chosen}{_items(touched)},
            CASE item.polarity WHEN '+' THEN 'positive' WHEN '-' THEN 'negative' WHEN '0' THEN 'neutral' ELSE 'mixed' END AS feeling,
            {_VALUE} AS polarity
        FROM (SELECT *, touchpoints[1] AS item FROM {source} WHERE len(touchpoints) = 1)"""
    kept = "".join(f", any_value({quoted(name)}) AS {quoted(name)}" for name in columns)
    of_item = "".join(f", any_value({value}) AS {quoted(name)}" for name, value in _item_columns(touched).items())
    several = f"""
        SELECT row_id{kept}{of_item},
            CASE WHEN bool_or(item.polarity = '±') OR (bool_or(item.polarity = '+') AND bool_or(item.polarity = '-')) THEN 'mixed'
                WHEN bool_or(item.polarity = '+') THEN 'positive' WHEN bool_or(item.polarity = '-') THEN 'negative'
                ELSE 'neutral' END AS feeling,
            avg({_VALUE}) AS polarity
        FROM (SELECT row_id{chosen}, unnest(touchpoints) AS item FROM {source} WHERE len(touchpoints) > 1)
        GROUP BY row_id, {key}"""
    return f"{one} UNION ALL {several}"


def keys(by: Sequence[str]) -> str:
    """The columns of `by`, each followed by a comma."""
    return "".join(f"{quoted(name)}, " for name in by)


def grouped_by(by: Sequence[str]) -> str:
    """A clause; none where there is nothing to group by, so that there is one row even of no comments."""
    return f"GROUP BY {', '.join(map(quoted, by))}" if by else ""


def ordered_by(by: Sequence[str], *further: str) -> str:
    """A clause; what is not known stands last."""
    columns = [*(f"{quoted(name)} NULLS LAST" for name in by), *further]
    return f"ORDER BY {', '.join(columns)}" if columns else ""


def dimension(name: str) -> str:
    """SQL of a dimension of a comment. Weeks are those of ISO 8601, named by their Monday."""
    return f"date_trunc({name!r}, day)::DATE" if name in PERIODS else quoted(name)


def _item_columns(touched: Sequence[str]) -> dict[str, str]:
    columns = {"touchpoint": "item.type", "group": 'item."group"'}
    return {name: columns[name] for name in touched}


def _items(touched: Sequence[str]) -> str:
    return "".join(f", {value} AS {quoted(name)}" for name, value in _item_columns(touched).items())
