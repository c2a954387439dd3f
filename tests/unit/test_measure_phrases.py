import math
import random
from collections import Counter
from datetime import date
from itertools import pairwise
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
from cxsentiment.measure.phrases import PRIOR, distinctive, distinctive_phrases, log_odds_ratio
from cxsentiment.measure.words import FEWEST_COMMENTS, Phrases, count_phrases, words_of
from cxsentiment.results import ROW_SCHEMA

HOSTILE = (
    "<script>alert('x')</script> <img src=x onerror=alert(1)>",
    "\u202ekcab\u202c \u200f\u200e\u2066x\u2069",
    "👍🏽👍🏽 👩‍👩‍👧 😡",
    "\ud800 \x00\x01",
    "a" * 100_000,
    "slow " * 20_000,
    "' OR 1=1; DROP VIEW comments; --",
    "",
    " \n\t",
    "𝔰𝔩𝔬𝔴 ｓｌｏｗ",
)

WORDS = ("slow", "delivery", "courier", "nice", "phone", "rude", "quick", "broken", "box", "not", ".", ",")


def comment(text: str | None, language: str = "en", sentiment: str = "neutral", day: date | None = None, **mentions: str) -> dict[str, Any]:
    """A scored row; a mention is a word of the text, its type the name, its polarity the first character."""
    touchpoints = []
    for name, (polarity, *word) in mentions.items():
        span = "".join(word)
        start = (text or "").index(span)
        touchpoints.append(
            {"start": start, "end": start + len(span), "text": span, "type": name, "group": "any", "polarity": polarity, "score": 0.9}
        )
    return {
        "text": text,
        "date": day,
        "cx_language": language,
        "cx_sentiment": sentiment,
        "cx_polarity": 0.0,
        "cx_touchpoints": touchpoints,
        "cx_emotions": [],
        "cx_qualities": [],
        "cx_intents": [],
        "cx_windows": 1,
    }


def archive(folder: Path, rows: list[dict[str, Any]]) -> Path:
    pytest.importorskip("duckdb")
    schema = pa.schema([("text", pa.string()), ("date", pa.date32()), *ROW_SCHEMA])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "scored.parquet")
    return folder / "scored.parquet"


# ---- counting ---------------------------------------------------------------------------------------------------------------------


def counted(phrases: Phrases) -> dict[tuple[str, ...], int]:
    return dict(zip(phrases.lemmas, phrases.counts().tolist(), strict=True))


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), max_size=20))
def test_counts_agree_with_counting_by_hand(texts: list[str]) -> None:
    expected: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = text.split()
        plain = {(word,) for word in words if word not in ("not", ".", ",")}
        pairs = {(one, other) for one, other in pairwise(words) if one not in (".", ",") and other not in ("not", ".", ",")}
        expected.update(plain | pairs)

    found = count_phrases(texts, "und")

    expected_frequent = {words: count for words, count in expected.items() if count >= FEWEST_COMMENTS}
    # In a language without a list of negations, "not" is a word like others.
    assert {words: count for words, count in counted(found).items() if words != ("not",) and words[-1] != "not"} == expected_frequent


@given(st.lists(st.lists(st.sampled_from([*WORDS, "Slow", "ΔΕΝ", "κολλάει", "Κολλαει", "κολλάει"]), max_size=8).map(" ".join), max_size=20))
def test_the_order_of_the_comments_does_not_matter(texts: list[str]) -> None:
    there, back = count_phrases(texts, "el"), count_phrases(texts[::-1], "el")

    assert there.spellings == back.spellings
    assert counted(there) == counted(back)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), min_size=1, max_size=20), st.data())
def test_counts_of_a_part_are_those_of_its_comments(texts: list[str], data: st.DataObject) -> None:
    part = sorted(data.draw(st.sets(st.integers(0, len(texts) - 1))))
    phrases = count_phrases(texts, "und")

    by_hand = [
        len({c for c, p in zip(phrases.comment, phrases.phrase, strict=True) if p == n and c in part}) for n in range(len(phrases.lemmas))
    ]

    assert phrases.counts(np.array(part, np.int64)).tolist() == by_hand


def test_words_are_folded_for_counting_and_shown_as_typed_most_often() -> None:
    phrases = count_phrases(["Η παράδοση", "ΠΑΡΑΔΟΣΗ!", "παραδοση", "παράδοση"], "el")

    assert phrases.spellings == ("παράδοση",)
    assert phrases.counts().tolist() == [4]


@pytest.mark.parametrize(
    ("language", "text", "spelling"),
    [
        ("el", "δεν απαντάει το app", "δεν απαντάει"),
        ("pl", "to nie działa", "nie działa"),
        ("ro", "nu răspunde deloc", "nu răspunde"),
        ("en", "it doesn’t work", "doesn't work"),
        ("en", "it does not work", "not work"),
    ],
)
def test_negations_count_with_the_word_after_them_only(language: str, text: str, spelling: str) -> None:
    phrases = count_phrases([text] * 3, language)

    assert spelling in phrases.spellings
    assert spelling.split()[0] not in phrases.spellings


def test_links_addresses_and_punctuation_part_words() -> None:
    phrases = count_phrases(["slow. delivery maria@x.gr https://slow.gr courier"] * 3, "en")

    assert phrases.spellings == ("courier", "delivery", "slow")


def test_hostile_texts_are_counted() -> None:
    phrases = count_phrases([*HOSTILE, "slow box", "slow box"], "en")

    assert dict(zip(phrases.spellings, phrases.counts().tolist(), strict=True))["slow"] == 4
    assert all(words_of(spelling) for spelling in phrases.spellings)
    assert count_phrases([], "en").spellings == ()


# ---- comparing --------------------------------------------------------------------------------------------------------------------


def by_hand(inside: list[int], outside: list[int], prior: float) -> list[tuple[float, float]]:
    """Equations 16, 20 and 22 of Monroe, Colaresi and Quinn, one phrase after the other."""
    total = sum(inside) + sum(outside)
    found = []
    for one, other in zip(inside, outside, strict=True):
        alpha = prior * (one + other) / total
        here = math.log((one + alpha) / (sum(inside) + prior - one - alpha))
        there = math.log((other + alpha) / (sum(outside) + prior - other - alpha))
        variance = 1 / (one + alpha) + 1 / (other + alpha)
        found.append((here - there, (here - there) / math.sqrt(variance)))
    return found


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)).filter(any), min_size=2, max_size=20), st.floats(1, 5_000))
def test_log_odds_agree_with_the_paper(counts: list[tuple[int, int]], prior: float) -> None:
    inside, outside = [one for one, _ in counts], [other for _, other in counts]

    ratios, z = log_odds_ratio(np.array(inside), np.array(outside), prior)

    assert np.allclose(np.stack([ratios, z], axis=1), by_hand(inside, outside, prior))
    assert np.allclose(log_odds_ratio(np.array(outside), np.array(inside), prior)[1], -z)


def test_log_odds_of_nothing_are_nothing() -> None:
    assert log_odds_ratio(np.zeros(3, np.int64), np.zeros(3, np.int64))[1].tolist() == [0.0, 0.0, 0.0]
    assert log_odds_ratio(np.array([7]), np.array([2]))[1].tolist() == [0.0]


def test_rare_phrases_are_not_taken_for_telling() -> None:
    inside, outside = np.array([3, 60, 1_000]), np.array([0, 10, 1_000])

    _, z = log_odds_ratio(inside, outside, PRIOR)

    assert z[1] > z[0]


def test_a_planted_phrase_is_found_first_and_nothing_in_like_groups() -> None:
    rng = random.Random(7)
    filler = [f"word{chr(97 + one)}{chr(97 + other)}" for one in range(10) for other in range(10)]
    texts = [" ".join(rng.sample(filler, 6)) for _ in range(1_000)]
    planted = [f"{text} slow website" if place < 60 else text for place, text in enumerate(texts)]
    group = np.arange(300)

    told = distinctive(count_phrases(planted, "en"), group)
    untold = distinctive(count_phrases(texts, "en"), group)

    assert (told[0].phrase, told[0].comments, told[0].share, told[0].elsewhere) == ("slow website", 60, 0.2, 0.0)
    assert told[0].z > 4 > max((one.z for one in untold), default=0.0)


def test_phrases_that_share_words_are_told_once_and_names_not_at_all() -> None:
    texts = ["very slow delivery"] * 20 + ["slow box"] * 20 + ["nice phone"] * 200
    phrases = count_phrases(texts, "en")
    group = np.arange(40)

    assert [one.phrase for one in distinctive(phrases, group)] == ["slow", "box", "delivery"]
    assert [one.phrase for one in distinctive(phrases, group, own=frozenset({"delivery"}))] == ["slow", "box"]
    assert distinctive(phrases, group, limit=0) == []


# ---- archives ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    rng = random.Random(3)
    filler = [f"word{chr(97 + one)}{chr(97 + other)}" for one in range(10) for other in range(10)]
    found = []
    for place in range(400):
        start = " ".join(rng.sample(filler, 5))
        day = date(2024, 1 + place % 2, 5)
        if place % 2:
            found.append(comment(f"{start} slow delivery", sentiment="negative", day=day, delivery="-delivery"))
        else:
            found.append(comment(f"{start} kind staff", sentiment="positive", day=day, staff="+staff"))
    found += [comment("Ο courier άργησε πολύ", "el", "negative", date(2024, 1, 5), delivery="-courier") for _ in range(40)]
    found += [comment("καλή εξυπηρέτηση", "el", "positive", date(2024, 2, 5), staff="+εξυπηρέτηση") for _ in range(40)]
    found += [comment(text.replace("\ud800", ""), "en") for text in HOSTILE]
    found.append(comment(None))
    return found


@pytest.fixture(scope="module")
def scored(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_scored(archive(tmp_path_factory.mktemp("phrases"), rows), text="text", date="date", threads=1) as opened:
        yield opened


def phrases_of(table: pa.Table, **values: str) -> list[str]:
    return [row["phrase"] for row in table.to_pylist() if all(row[name] == value for name, value in values.items())]


def test_touchpoints_are_told_apart_in_each_language(scored: Any) -> None:
    table = distinctive_phrases(scored)

    assert table.column_names == ["touchpoint", "language", "phrase", "comments", "share", "elsewhere", "log_odds", "z"]
    assert phrases_of(table, touchpoint="delivery", language="en")[0] == "slow delivery"
    assert phrases_of(table, touchpoint="delivery", language="el")[0] == "courier άργησε"
    assert phrases_of(table, touchpoint="staff", language="en")[0] == "kind staff"
    assert table.schema.metadata == {b"read": b"490", b"of": b"490"}


def test_sentiment_and_periods_are_dimensions(scored: Any) -> None:
    by_sentiment = distinctive_phrases(scored, "sentiment")
    by_month = distinctive_phrases(scored, ("month", "language"))

    assert set(phrases_of(by_sentiment, sentiment="negative", language="en")) >= {"slow delivery"}
    assert by_month.column_names[:3] == ["month", "language", "phrase"]
    assert by_month.num_rows > 0


def test_within_compares_with_those_alone(tmp_path: Path) -> None:
    rows = [comment("delivery came late in a box", day=None, delivery="-delivery") for _ in range(30)]
    rows += [comment("delivery came early in a box", delivery="+delivery") for _ in range(30)]
    rows += [comment(f"staff {word}", staff="+staff") for word in ("funny", "tall", "kind", "loud") * 50]
    with open_scored(archive(tmp_path, rows), text="text", threads=1) as opened:
        anywhere = distinctive_phrases(opened, ("touchpoint", "sentiment"))
        within = distinctive_phrases(opened, ("touchpoint", "sentiment"), within="touchpoint")

    unhappy = {"touchpoint": "delivery", "sentiment": "negative"}
    assert {"late", "box"} <= set(" ".join(phrases_of(anywhere, **unhappy)).split())
    assert phrases_of(within, **unhappy) == ["came late"]


def test_the_same_call_gives_the_same_table_and_a_sample_is_told(scored: Any) -> None:
    first, second = (distinctive_phrases(scored, sample=200, seed=5) for _ in range(2))

    assert first.equals(second, check_metadata=True)
    assert first.schema.metadata == {b"read": b"200", b"of": b"490"}
    assert first.num_rows
    assert distinctive_phrases(scored, limit=0).num_rows == 0


def test_a_filtered_archive_is_compared_with_itself(scored: Any) -> None:
    assert set(distinctive_phrases(scored.where(language="el"))["language"].to_pylist()) == {"el"}
    assert distinctive_phrases(scored.where(language="xx")).num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": ()}, "at least one"),
        ({"by": "colour"}, "colour"),
        ({"by": ("sentiment", "sentiment")}, "twice"),
        ({"within": "month"}, "not in by"),
        ({"limit": -1}, "limit"),
        ({"sample": 0}, "sample"),
    ],
)
def test_wrong_options_are_refused(scored: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        distinctive_phrases(scored, **arguments)


def test_an_archive_without_texts_is_refused(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = archive(tmp_path, rows)
    pq.write_table(pq.read_table(path).drop_columns("text"), path)
    with open_scored(path, threads=1) as opened, pytest.raises(InputError, match="text="):
        distinctive_phrases(opened)
