import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment.errors import InputError, OptionError
from cxsentiment.measure.archive import open_scored
from cxsentiment.measure.quotes import LONGEST, Passage, passage, quotes, representative, tf_idf
from cxsentiment.results import ROW_SCHEMA

pytest.importorskip("phonenumbers")


def whole(*texts: str) -> list[Passage]:
    return [Passage(text, True) for text in texts]


# ---- choosing ---------------------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.sampled_from(["slow", "courier", "άργησε", "box", "😡"]), max_size=5).map(" ".join), max_size=12))
def test_vectors_have_length_one_or_none(texts: list[str]) -> None:
    vectors = tf_idf(texts)

    assert len(vectors) == len(texts)
    assert all(np.isclose(length, 1.0) or length == 0.0 for length in np.linalg.norm(vectors, axis=1))


@given(st.lists(st.text(max_size=30), max_size=12), st.integers(0, 8))
def test_as_many_different_ones_as_asked_for(texts: list[str], limit: int) -> None:
    chosen = representative(whole(*texts), limit)

    assert len(set(chosen)) == len(chosen) <= limit
    assert len({texts[place] for place in chosen}) == len(chosen)
    assert chosen == representative(whole(*texts), limit)
    assert chosen == representative(whole(*texts), limit + 1)[:limit]


def test_the_first_is_central_and_the_next_is_different() -> None:
    late = [f"the courier came {days} days late and did not call" for days in ("two", "three", "four", "five")]
    broken = [f"the parcel was broken and the {what} was wet" for what in ("box", "bag", "carton")]
    passages = whole("parrots like purple umbrellas very much", *late, *broken, late[0].upper() + "!!!")

    first, second = representative(passages, 2)

    assert "late" in passages[first].text
    assert "broken" in passages[second].text


def test_very_short_and_cut_ones_come_after_others() -> None:
    texts = ["courier late", "the courier was very late today", "the courier was really late today"]

    assert representative(whole(*texts), 3)[-1] == 0
    assert representative([Passage(texts[1], False), Passage(texts[2], True)], 1) == [1]


# ---- what is shown ----------------------------------------------------------------------------------------------------------------


def test_a_good_comment_is_shown_as_it_is() -> None:
    text = "Ο courier άργησε πολύ 😡👩‍👩‍👧"

    assert passage(text, 2, 9) == Passage(text, True)


@given(st.text(max_size=600), st.integers(-5, 700), st.integers(-5, 700))
def test_quotes_are_never_longer_and_say_whether_they_are_cut(text: str, start: int, end: int) -> None:
    shown = passage(text, start, end)

    assert len(shown.text) <= LONGEST + 2
    if len(text) <= LONGEST:
        assert shown.whole
        assert shown.text == passage(text, 0, 0).text


@given(st.lists(st.sampled_from(["slow", "άργησε", "👍🏽", "box,", "wait!"]), min_size=100, max_size=300), st.data())
def test_the_mention_is_in_the_part_that_is_shown(words: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(words)))
    text = " ".join([*words[:place], "COURIER", *words[place:]])
    start = text.index("COURIER")

    shown = passage(text, start, start + 7)

    assert "COURIER" in shown.text
    assert len(shown.text) <= LONGEST + 2
    assert set(shown.text.strip("…").split()) <= {*words, "COURIER"}
    assert not shown.whole


@pytest.mark.parametrize("where", [0, 2_000, 150_000])
def test_the_mention_is_found_after_masking(where: int) -> None:
    text = f"{'word ' * (where // 5)}call me 6971234567 or maria@x.gr, courier was the other courier of 6971234567 {'word ' * 50}"
    start = text.index("the other courier") + 10

    shown = passage(text, start, start + 7)

    assert "the other courier" in shown.text
    assert "[phone] or [e-mail], courier was" in shown.text
    assert "697" not in shown.text


def test_what_is_cut_does_not_escape_masking() -> None:
    text = f"courier {'word ' * 44}maria.papadopoulou@example.com 6971234567 {'word ' * 50}"

    for length in range(180, 260):
        shown = passage(f"{'x' * (length - 180)} {text}", length - 179, length - 172).text
        assert not re.search("maria|697", shown)


def test_marks_of_direction_and_control_characters_go() -> None:
    text = "slow \u202ecourier\u202c\u200f\x00\x1b[31m\n\n<script>alert('x')</script>\tוקורא"

    assert passage(text, 0, 4) == Passage("slow courier[31m <script>alert('x')</script> וקורא", True)


def test_masking_can_be_left_out() -> None:
    assert passage("courier 6971234567", 0, 7, masked=False).text == "courier 6971234567"


# ---- archives ---------------------------------------------------------------------------------------------------------------------


def archive(folder: Path, rows: list[tuple[str | None, str, str, str]], languages: Sequence[str] = ()) -> Path:
    """Rows of text, word, type and polarity; English, where no languages are given."""
    pytest.importorskip("duckdb")
    made = []
    for place, (text, word, kind, polarity) in enumerate(rows):
        start = (text or "").find(word)
        mention = {"start": start, "end": start + len(word), "text": word, "type": kind, "group": "g", "polarity": polarity, "score": 0.9}
        made.append(
            {
                "text": text,
                "date": date(2024, 1, 1 + place % 28),
                "cx_language": languages[place] if languages else "en",
                "cx_sentiment": "neutral",
                "cx_polarity": 0.0,
                "cx_touchpoints": [mention],
            }
        )
    schema = pa.schema([("text", pa.string()), ("date", pa.date32()), *ROW_SCHEMA])
    pq.write_table(pa.Table.from_pylist(made, schema=schema), folder / "scored.parquet")
    return folder / "scored.parquet"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    days = ("two", "three", "four", "five", "six")
    rows: list[tuple[str | None, str, str, str]] = [(f"the courier came {one} days late again", "courier", "delivery", "-") for one in days]
    rows += [(f"the parcel arrived broken, call me 697123456{place}", "parcel", "delivery", "-") for place in range(5)]
    rows += [("the courier was quick and friendly, thanks", "courier", "delivery", "+")] * 20
    rows += [("<script>alert(1)</script> staff \u202e' OR 1=1 --", "staff", "staff", "-")]
    rows += [("long " * 30_000 + "rude staff" + " tail" * 30_000, "staff", "staff", "-")]
    rows += [("staff", "staff", "staff", "0"), (None, "", "staff", "-"), ("   ", "", "staff", "-")]
    with open_scored(archive(tmp_path_factory.mktemp("quotes"), rows), text="text", date="date", threads=1) as opened:
        yield opened


def test_quotes_of_all_touchpoints_and_both_polarities(scored: Any) -> None:
    table = quotes(scored, limit=2)
    rows = table.to_pylist()

    assert table.column_names == ["touchpoint", "polarity", "row_id", "language", "day", "quote", "whole"]
    assert [(row["touchpoint"], row["polarity"]) for row in rows] == [("delivery", "-")] * 2 + [("delivery", "+")] + [("staff", "-")] * 2
    assert {"late" in row["quote"] for row in rows[:2]} == {True, False}
    assert not any("697" in row["quote"] for row in rows)
    assert rows[3]["quote"] == "<script>alert(1)</script> staff ' OR 1=1 --"
    assert rows[4]["quote"].startswith("…long")
    assert "rude staff tail" in rows[4]["quote"]
    assert not rows[4]["whole"]
    assert rows[0]["day"] is not None


def test_languages_take_turns(tmp_path: Path) -> None:
    late = {"en": "the courier came late on {}", "pl": "kurier spóźnił się na {}", "el": "ο courier άργησε {}"}
    streets = ("Oak Street", "Elm Street", "Main Square", "Hill Road", "Lake View", "Mill Lane")
    many = {"en": 6, "pl": 4, "el": 1}
    spoken = [(late[language].format(street), language) for language, count in many.items() for street in streets[:count]]
    path = archive(tmp_path, [(text, text.split()[1], "delivery", "-") for text, _ in spoken], [language for _, language in spoken])
    with open_scored(path, text="text", threads=1) as opened:
        assert quotes(opened, limit=5)["language"].to_pylist() == ["en", "pl", "el", "en", "pl"]
        assert quotes(opened, limit=3, pool=2)["language"].to_pylist() == ["en", "pl", "el"]
        assert quotes(opened, limit=1)["language"].to_pylist() == ["en"]


def test_every_period_has_its_own_quotes(scored: Any) -> None:
    rows = quotes(scored, ["delivery"], period="week", polarities="+-", limit=1).to_pylist()
    assert list(rows[0])[:3] == ["touchpoint", "week", "polarity"]
    assert all(row["week"] <= row["day"] < row["week"] + timedelta(weeks=1) for row in rows)
    told = [(row["week"], row["polarity"]) for row in rows]
    weeks = [date(2024, 1, day) for day in (1, 8, 15, 22)]
    assert told == [(weeks[0], "+"), (weeks[0], "-"), (weeks[1], "+"), (weeks[1], "-"), (weeks[2], "+"), (weeks[3], "+")]
    assert quotes(scored, period="month", limit=2).drop_columns("month").equals(quotes(scored, limit=2))
    assert quotes(scored, "delivery", period="day", polarities="-")["day"].to_pylist() == [date(2024, 1, day) for day in range(1, 11)]


def test_comments_without_a_day_are_of_no_period(tmp_path: Path) -> None:
    path = archive(tmp_path, [("slow courier", "courier", "delivery", "-")] * 2)
    table = pq.read_table(path)
    pq.write_table(table.set_column(1, "date", pa.array([None, date(2024, 5, 1)], pa.date32())), path)
    with open_scored(path, text="text", date="date", threads=1) as opened:
        assert quotes(opened, period="month")["row_id"].to_pylist() == [1]
    pq.write_table(table.drop_columns("date"), path)
    with open_scored(path, text="text", threads=1) as opened, pytest.raises(InputError, match="date"):
        quotes(opened, period="month")


def test_one_touchpoint_and_other_polarities(scored: Any) -> None:
    assert quotes(scored, "staff", polarities="0")["quote"].to_pylist() == ["staff"]
    assert set(quotes(scored, ["delivery"], polarities=("+",))["polarity"].to_pylist()) == {"+"}
    assert quotes(scored, "nothing'such").num_rows == quotes(scored, []).num_rows == quotes(scored, limit=0).num_rows == 0
    assert quotes(scored, polarities=()).num_rows == 0


def test_the_same_seed_gives_the_same_quotes(scored: Any) -> None:
    assert quotes(scored, pool=4, seed=3).equals(quotes(scored, pool=4, seed=3))
    assert len({tuple(quotes(scored, "delivery", pool=3, seed=seed)["row_id"].to_pylist()) for seed in range(8)}) > 1


def test_comments_of_a_good_length_come_first(scored: Any) -> None:
    found = [quotes(scored, "staff", pool=1, seed=seed)["whole"].to_pylist() for seed in range(8)]

    assert found == [[True]] * 8


def test_unmasked_quotes_are_as_they_were_typed(scored: Any) -> None:
    assert any("697123456" in quote for quote in quotes(scored, "delivery", masked=False)["quote"].to_pylist())


@pytest.mark.parametrize("arguments", [{"polarities": "x"}, {"period": "year"}, {"limit": -1}, {"pool": 0}])
def test_wrong_options_are_refused(scored: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        quotes(scored, **arguments)


def test_an_archive_without_touchpoints_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path, [("slow courier", "courier", "delivery", "-")])
    pq.write_table(pq.read_table(path).drop_columns("cx_touchpoints"), path)
    with open_scored(path, text="text", threads=1) as opened, pytest.raises(InputError, match="cx_touchpoints"):
        quotes(opened)
