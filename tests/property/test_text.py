"""What holds for `cxsentiment.text` whatever people type."""

import unicodedata

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxsentiment.text import CleanText, clean, clean_string, fold

ANYTHING = st.text(st.characters(exclude_categories=()))

WORDS = ["προσωπικό", "ευγενικό", "obsługa", "łódź", "plăcut", "știință", "app", "service", "żółw", "Ωραία", "ΑΘΗΝΑ", "bank"]
ODD_MARKUP = [
    "&amp;",
    "&nbsp;",
    "&#39;",
    "&amp;amp;",
    "&lt;",
    "&#0;",
    "&#xD800;",
    "&eacute;",
    "&nosuch;",
    "&",
    "<br>",
    "</p>",
    '<a href="x">',
    "<3",
]
ODD_ADDRESSES = ["http://x.gr/a?b=1", "www.bank.pl", "t.co/aB1", "info@firma.ro", "@eurobank", "@", "@@", "a@b", "<url>", "<user>", "www"]
ODD_CHARACTERS = [
    "\u200b",
    "\u200d",
    "\ufeff",
    "\xad",
    "\u202e",
    "\ud83d",
    "\ude00",
    "\x00",
    "\ufffd",
    "\xa0",
    "\r\n",
    "\t",
    "\u2028",
    " ",
    "  ",
]
ODD_LETTERS = [
    "ş",
    "ţ",
    "Ş",
    "s\u0327",
    "e\u0301",
    "α\u0301",
    "\u0308",
    "\u0344",
    "´",
    "΄",
    "…",
    "½",
    "ﬁ",
    "Å",
    "\u1112\u1161\u11ab",
    "가",
    "ｶﾞ",
    "²",
]
ODD_RUNS = [
    "aaaa",
    "!!!!",
    "????",
    "....",
    "111111",
    "htttp://",
    "ωωωω",
    "___",
    "www",
    "wwww",
    "👍👍👍👍",
    "👍🏽👍🏽👍🏽👍🏽",
    "👨‍👩‍👧",
    "🇬🇷🇬🇷🇬🇷🇬🇷",
    "❤️",
    "🏽",
]
ODD_SIGNS = [".", ",", "-", "+", "_", "/", ":", ";", "<", ">", "(", ")", '"', "%", "5", "A"]

FRAGMENTS = [*WORDS, *ODD_MARKUP, *ODD_ADDRESSES, *ODD_CHARACTERS, *ODD_LETTERS, *ODD_RUNS, *ODD_SIGNS]
NASTY = st.lists(st.sampled_from(FRAGMENTS) | st.characters(exclude_categories=()), max_size=12).map("".join)
TEXTS = ANYTHING | NASTY

# Entities and tags may nest without end, and each call takes off a layer; everything else is done after one.
OPENING_MARKUP = set("&<＆﹠＜﹤≮")
FLAT = TEXTS.map(lambda text: "".join(character for character in text if character not in OPENING_MARKUP))


@given(TEXTS)
@settings(max_examples=300)
def test_the_text_is_the_same_with_and_without_the_map(text: str) -> None:
    assert clean_string(text) == clean(text).text


@given(TEXTS)
@settings(max_examples=300)
def test_starts_and_ends_lie_in_the_original_and_never_go_back(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.starts.shape == cleaned.ends.shape == (len(cleaned.text),)
    assert cleaned.starts.dtype == cleaned.ends.dtype == np.int32
    assert (cleaned.starts < cleaned.ends).all()
    assert (np.diff(cleaned.starts) >= 0).all()
    assert (np.diff(cleaned.ends) >= 0).all()
    assert not cleaned.text or (cleaned.starts[0] >= 0 and cleaned.ends[-1] <= len(text))


@given(TEXTS, st.data())
def test_a_wider_span_covers_a_narrower_one(text: str, data: st.DataObject) -> None:
    cleaned = clean(text)
    places = st.integers(0, len(cleaned.text))
    outer_start, start, end, outer_end = sorted(data.draw(st.tuples(places, places, places, places)))
    first, last = cleaned.span(start, end)
    assert 0 <= first <= last <= len(text)
    if start < end:
        outer_first, outer_last = cleaned.span(outer_start, outer_end)
        assert outer_first <= first < last <= outer_last


@given(TEXTS, st.data())
def test_a_span_never_parts_a_letter_from_its_marks(text: str, data: st.DataObject) -> None:
    cleaned = clean(text)
    if not cleaned.text:
        return
    start = data.draw(st.integers(0, len(cleaned.text) - 1))
    first, last = cleaned.span(start, data.draw(st.integers(start + 1, len(cleaned.text))))
    assert first == 0 or unicodedata.category(text[first])[0] != "M"
    assert last == len(text) or unicodedata.category(text[last])[0] != "M"


@given(TEXTS)
def test_the_whole_span_holds_everything_that_counts(text: str) -> None:
    cleaned = clean(text)
    first, last = cleaned.span(0, len(cleaned.text))
    assert clean_string(text[:first]) == ""
    assert clean_string(text[last:]) == ""


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    st.lists(st.sampled_from([*ODD_ADDRESSES[:5], *ODD_MARKUP, *ODD_RUNS]), max_size=6),
    st.randoms(),
)
def test_an_ordinary_word_maps_to_itself(words: list[str], odd: list[str], random) -> None:
    parts = [*words, *odd]
    random.shuffle(parts)
    text = " ".join(parts)
    cleaned = clean(text)
    position = 0
    for word in (part for part in parts if part in words):
        position = cleaned.text.index(word, position)
        start, end = cleaned.span(position, position + len(word))
        assert text[start:end] == word
        position += len(word)


@given(FLAT)
@settings(max_examples=300)
@example("a@b.cc+x@y.gr @foo.x@y.gr htttp://x")
@example("eeee🏽 eeee👍🏽👍🏽👍🏽👍👍👍👍🏽")
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_string(text)
    assert clean_string(once) == once


@given(st.lists(st.sampled_from([fragment for fragment in FRAGMENTS if "&" not in fragment]), max_size=8).map(" ".join))
def test_cleaning_twice_changes_nothing_more_where_tags_do_not_nest(text: str) -> None:
    once = clean_string(text)
    assert clean_string(once) == once


@given(TEXTS)
def test_what_is_left_is_normal(text: str) -> None:
    cleaned = clean_string(text)
    assert unicodedata.is_normalized("NFKC", cleaned)
    assert cleaned == " ".join(cleaned.split())
    assert not any("\ud800" <= character <= "\udfff" or unicodedata.category(character) == "Cc" for character in cleaned)
    assert not set("şţŞŢ\ufffd\u200b\u200d\ufeff") & set(cleaned)


@given(st.text("abcdefghijklmnoprstuvzłąęșțăîâόαβγδε ,.?", max_size=60).map(lambda text: " ".join(text.split())))
def test_text_that_is_clean_already_is_the_identity(text: str) -> None:
    cleaned = clean(text)
    if cleaned.text == text:
        assert cleaned == CleanText(text, text)
        assert cleaned.starts.tolist() == list(range(len(text)))
        assert cleaned.ends.tolist() == list(range(1, len(text) + 1))


@given(TEXTS)
def test_fold_is_a_fixed_point_without_accents(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert not any(unicodedata.combining(character) for character in folded)


@given(st.sampled_from(WORDS))
def test_fold_does_not_see_case_or_accents(word: str) -> None:
    bare = "".join(character for character in unicodedata.normalize("NFD", word) if not unicodedata.combining(character))
    assert fold(word) == fold(word.upper()) == fold(bare.lower()) == fold(bare.upper())
