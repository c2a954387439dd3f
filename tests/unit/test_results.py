"""Results as plain values and as Arrow tables."""

from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment.results import (
    EMOTIONS,
    ROW_SCHEMA,
    Analysis,
    Emotion,
    Language,
    Quality,
    Sentiment,
    Touchpoint,
    error_row,
    to_arrow,
)

SOME = Analysis(
    "the courier was rude",
    Language("en", 0.9, "Latn"),
    Sentiment("negative", -0.6, 0.7, 0.1, 0.1, 0.1),
    (Emotion("anger", 0.8),),
    tuple(Emotion(label, 0.25) for label in EMOTIONS),
    (Touchpoint(4, 11, "courier", "delivery", "journey", "-", 0.9),),
    "after",
    (Quality("value", "-", 0.4),),
    None,
    ("complaint",),
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PROBABILITY = st.floats(0.0, 1.0)
COUNT = st.integers(0, 2**31 - 1)
EMOTION_LABELS = st.just(EMOTIONS) | st.lists(st.sampled_from(EMOTIONS), unique=True).map(tuple)


def emotions(labels: tuple[str, ...]) -> st.SearchStrategy[tuple[Emotion, ...]]:
    return st.tuples(*(st.builds(Emotion, st.just(label), PROBABILITY) for label in labels))


def several(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=3).map(tuple)


ANALYSIS = st.builds(
    Analysis,
    TEXT,
    st.builds(Language, TEXT, PROBABILITY, TEXT),
    st.builds(Sentiment, TEXT, st.floats(-1.0, 1.0), PROBABILITY, PROBABILITY, PROBABILITY, PROBABILITY),
    EMOTION_LABELS.flatmap(emotions),
    EMOTION_LABELS.flatmap(emotions),
    several(st.builds(Touchpoint, COUNT, COUNT, TEXT, TEXT, TEXT, TEXT, PROBABILITY)),
    st.none() | TEXT,
    several(st.builds(Quality, TEXT, TEXT, PROBABILITY)),
    st.none() | TEXT,
    several(TEXT),
    COUNT,
)
ROW = ANALYSIS | ANALYSIS.map(Analysis.to_row) | TEXT.map(error_row) | st.just({"cx_error": "only this"}) | st.just({})


def item_by_item(rows: list[Analysis | dict[str, Any]]) -> pa.Table:
    """The plain way to the same table, many times as slow."""
    plain = [
        {
            "cx_language": row.language.code,
            "cx_language_score": row.language.score,
            "cx_script": row.language.script,
            "cx_sentiment": row.sentiment.label,
            "cx_polarity": row.sentiment.polarity,
            "cx_sentiment_probs": row.sentiment.probabilities,
            "cx_emotions": [emotion.label for emotion in row.emotions],
            "cx_emotion_probs": {emotion.label: emotion.probability for emotion in row.emotion_probabilities},
            "cx_touchpoints": [asdict(touchpoint) for touchpoint in row.touchpoints],
            "cx_stage": row.stage,
            "cx_qualities": [asdict(quality) for quality in row.qualities],
            "cx_relation": row.relation,
            "cx_intents": list(row.intents),
            "cx_windows": row.windows,
        }
        if isinstance(row, Analysis)
        else row
        for row in rows
    ]
    return pa.Table.from_pylist(plain, schema=ROW_SCHEMA)


@given(st.lists(ROW, max_size=8))
def test_the_table_is_the_one_that_item_by_item_gives(rows: list[Analysis | dict[str, Any]]) -> None:
    table = to_arrow(iter(rows))
    table.validate(full=True)
    assert table.schema == ROW_SCHEMA
    assert table.equals(item_by_item(rows))


def test_a_row_that_came_from_a_table_goes_into_one_again() -> None:
    table = to_arrow([SOME, error_row("no text (null)"), SOME])
    assert to_arrow(table.to_pylist()).equals(table)
    assert table["cx_touchpoints"].to_pylist()[1] is None
    assert table["cx_touchpoints"].null_count == table["cx_sentiment_probs"].null_count == 1


def test_emotions_that_a_classifier_does_not_tell_are_null() -> None:
    few = Analysis("x", SOME.language, SOME.sentiment, (), (Emotion("fear", 0.5), Emotion("joy", 0.25)))
    (found,) = to_arrow([few])["cx_emotion_probs"].to_pylist()
    assert found == dict.fromkeys(EMOTIONS) | {"fear": 0.5, "joy": 0.25}


def test_a_value_of_a_wrong_type_is_refused() -> None:
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        to_arrow([{"cx_windows": "two"}])


@pytest.mark.parametrize(("found", "written"), [("app \ud83d", "app \ufffd"), ("\ude00", "\ufffd"), ("😀", "😀")])
def test_half_a_surrogate_pair_is_replaced_and_its_neighbours_stay(found: str, written: str) -> None:
    touchpoint = Touchpoint(0, len(found), found, "mobile_app", "channels", "+", 0.5)
    broken = Analysis(found, SOME.language, SOME.sentiment, (), (), (SOME.touchpoints[0], touchpoint))
    table = to_arrow([SOME, error_row(f"not text: {found}"), broken])
    assert [one["text"] for one in table["cx_touchpoints"].to_pylist()[2]] == ["courier", written]
    assert table["cx_error"].to_pylist() == [None, f"not text: {written}", None]


@given(ANALYSIS)
def test_plain_results_have_every_field(analysis: Analysis) -> None:
    probabilities = {emotion.label: emotion.probability for emotion in analysis.emotion_probabilities}
    plain = analysis.to_dict()
    assert plain == asdict(analysis) | {"emotion_probabilities": probabilities}
    assert list(plain) == list(asdict(analysis))
    assert list(analysis.to_row()) == ROW_SCHEMA.names
