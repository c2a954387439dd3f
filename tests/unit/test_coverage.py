"""What a taxonomy covers of some comments, and what it does not."""

from __future__ import annotations

from cxsentiment.coverage import FEWEST_COMMENTS, coverage
from cxsentiment.taxonomy import Taxonomy

COMMENTS = [
    "The app crashed, and the loyalty points are gone",
    "My courier was late",
    "The hologram sticker is loud. I like the app",
    "Our hologram stickers broke after a week",
    "an hologram sticker of steel",
    "nothing",
    "",
]


def test_types_are_counted_once_a_comment() -> None:
    found = coverage([*COMMENTS, "the app, that app, your app"], Taxonomy.default())
    assert (found.comments, found.types["mobile_app"], found.types["delivery"], found.types["legal"]) == (8, 3, 1, 0)
    assert found.without >= 2


def test_frequent_words_outside_of_mentions_are_listed_as_pairs_where_they_go_together() -> None:
    taxonomy = Taxonomy.default()
    uncovered = {one.words: one for one in coverage(COMMENTS, taxonomy).uncovered}
    assert uncovered["hologram sticker"].comments == FEWEST_COMMENTS
    assert uncovered["hologram sticker"].language == "en"
    assert "hologram" not in uncovered
    assert "app" not in uncovered


def test_inflected_forms_count_together_and_stop_words_do_not() -> None:
    comments = ["Dwa hologramy na szybie", "Ten hologram nie świeci", "mówiono o hologramie", "hologramów nie było"]
    uncovered = {one.words: one.comments for one in coverage(comments, Taxonomy.default()).uncovered}
    assert max((count for words, count in uncovered.items() if words.startswith("hologram")), default=0) == len(comments)
    assert "było" not in uncovered


def test_stop_words_of_other_languages_are_left_out() -> None:
    comments = [f"Das Hologramm wurde auch nicht mehr {done}" for done in ("gefunden", "geliefert", "beachtet", "ausgetauscht")]
    uncovered = coverage(comments, Taxonomy.default()).uncovered
    assert {one.language for one in uncovered} == {"de"}
    assert {word for one in uncovered for word in one.words.split()} == {"hologramm"}


def test_nothing_is_covered_in_nothing() -> None:
    found = coverage([], Taxonomy.default())
    assert (found.comments, found.without, found.uncovered) == (0, 0, ())
    assert set(found.types.values()) == {0}
