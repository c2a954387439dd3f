"""Touchpoint mentions in sentences of the four languages, as people type them."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import pytest

from cxsentiment.results import Language
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import clean_string
from cxsentiment.touchpoints import Mention, TouchpointFinder

LANGUAGES = {
    "el": Language("el", 0.9, "Grek"),
    "el-Latn": Language("el", 0.9, "Latn"),
    "pl": Language("pl", 0.9, "Latn"),
    "ro": Language("ro", 0.9, "Latn"),
    "en": Language("en", 0.9, "Latn"),
    "und": Language("und", 0.0, "Latn"),
    "cs": Language("cs", 0.9, "Latn"),
}


@cache
def default_finder() -> TouchpointFinder:
    return TouchpointFinder()


def found(text: str, language: str) -> list[tuple[str, str]]:
    """(words, type) of each mention."""
    (mentions,) = default_finder().find([text], [LANGUAGES[language]])
    return [(text[mention.start : mention.end], mention.type) for mention in mentions]


SENTENCES = [
    # inflected
    ("el", "Μίλησα με τους υπαλλήλους και τους κούριερ.", [("υπαλλήλους", "staff"), ("κούριερ", "delivery")]),
    ("el", "Οι τιμές των εφαρμογών", [("τιμές", "price"), ("εφαρμογών", "mobile_app")]),
    ("pl", "Byłem w sklepach, rozmawiałem z kurierem.", [("sklepach", "store"), ("kurierem", "delivery")]),
    ("pl", "o infolinii ani słowa, a w aplikacji cisza", [("infolinii", "call_centre"), ("aplikacji", "mobile_app")]),
    ("ro", "Curierilor le lipsește răbdarea, iar magazinelor lumina.", [("Curierilor", "delivery"), ("magazinelor", "store")]),
    ("en", "Couriers never ring; branches are shut.", [("Couriers", "delivery"), ("branches", "store")]),
    # no diacritics
    ("el", "μιλησα με τους υπαλληλους στο καταστημα", [("υπαλληλους", "staff"), ("καταστημα", "store")]),
    ("pl", "zadzwonilem na infolinie, przesylke zgubili", [("infolinie", "call_centre"), ("przesylke", "delivery")]),
    ("ro", "aplicatia merge, sucursalele nu", [("aplicatia", "mobile_app"), ("sucursalele", "store")]),
    # capitals
    ("el", "ΤΟ ΚΑΤΑΣΤΗΜΑ ΚΛΕΙΣΤΟ, Η ΕΦΑΡΜΟΓΗ ΚΟΛΛΑΕΙ", [("ΚΑΤΑΣΤΗΜΑ", "store"), ("ΕΦΑΡΜΟΓΗ", "mobile_app")]),
    ("pl", "APLIKACJA DO BANI", [("APLIKACJA", "mobile_app")]),
    ("en", "YOUR APP IS RUBBISH", [("APP", "mobile_app")]),
    # emoji and punctuation attached
    ("en", "the courier😡was rude,app!!!", [("courier", "delivery"), ("app", "mobile_app")]),
    ("pl", "❤️kurier❤️", [("kurier", "delivery")]),
    ("el", "«κατάστημα»...εφαρμογή;", [("κατάστημα", "store"), ("εφαρμογή", "mobile_app")]),
    # foreign words with endings, code switching
    ("ro", "Site-ul cade, app-ul la fel", [("Site-ul", "website"), ("app-ul", "mobile_app")]),
    ("el", "το delivery ωραίο και το app crashάρει", [("delivery", "delivery"), ("app", "mobile_app")]),
    ("pl", "ten live chat to żart", [("live chat", "chat")]),
    # several languages unknown: folded forms only
    ("und", "super aplikacja", [("aplikacja", "mobile_app")]),
    ("und", "κατάστημα", [("κατάστημα", "store")]),
    ("cs", "call center", [("call center", "call_centre")]),
]


@pytest.mark.parametrize(("language", "text", "expected"), SENTENCES)
def test_sentences(language: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert found(clean_string(text), language) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((word, "store") for word in ("katasthma", "katastima", "KATASTHMA", "katastimata")),
        *((word, "mobile_app") for word in ("efarmogi", "efarmogh", "epharmogi", "efarmwgi")),
        *((word, "staff") for word in ("ypallhlos", "ipalilos", "upallilous", "ypallhlous")),
        *((word, "delivery") for word in ("paralavi", "paralabh")),
    ],
)
def test_greeklish_spellings(text: str, expected: str) -> None:
    assert found(text, "el-Latn") == [(text, expected)]


def test_greeklish_phrase_of_several_words() -> None:
    assert found("pira to tilefwniko kedro", "el-Latn") == [("tilefwniko kedro", "call_centre")]


def test_short_greeklish_words_are_not_matched_by_sound() -> None:
    assert found("timi", "el-Latn") == found("timi", "und")
    assert found("tymh", "el-Latn") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "nothing to see here"),
        ("en", ""),
        ("en", "😀 !!! ..."),
        ("en", "I was happy. <url> <user> <email>"),
        ("pl", "ale to nie to"),  # ale the drink
        ("ro", "omul care a venit"),  # care the service
        ("en", "an appetite for applause"),  # words are whole
    ],
)
def test_nothing(language: str, text: str) -> None:
    assert found(text, language) == []


def own_taxonomy(**phrases: tuple[str, ...]) -> Taxonomy:
    """Types named by the keywords, all in the first packaged group, with these English phrases only."""
    default = Taxonomy.default()
    group, kind = next(iter(default.groups.values())), next(iter(default.types.values()))
    types = {name: replace(kind, name=name, phrases={**dict.fromkeys(kind.phrases, ()), "en": given}) for name, given in phrases.items()}
    return Taxonomy("own", "1", {group.name: group}, types)


def found_by(taxonomy: Taxonomy, text: str) -> list[tuple[str, str]]:
    (mentions,) = TouchpointFinder(taxonomy).find([text], [LANGUAGES["en"]])
    return [(text[mention.start : mention.end], mention.type) for mention in mentions]


def test_longest_phrase_wins() -> None:
    taxonomy = own_taxonomy(a=("card",), b=("gift card",), c=("card reader slot",))
    assert found_by(taxonomy, "gift card") == [("gift card", "b")]
    assert found_by(taxonomy, "gift card reader slot") == [("card reader slot", "c")]
    assert found_by(taxonomy, "card card") == [("card", "a"), ("card", "a")]


def test_exact_match_goes_before_lemma() -> None:
    taxonomy = own_taxonomy(a=("book",), b=("books",))
    assert found_by(taxonomy, "Books, book; booked") == [("Books", "b"), ("book", "a"), ("booked", "a")]


def test_words_of_a_phrase_may_be_inflected_one_by_one() -> None:
    assert found_by(own_taxonomy(a=("terms of card use",)), "Terms of cards use") == [("Terms of cards use", "a")]


def test_article_is_left_out() -> None:
    taxonomy = own_taxonomy(a=("the page", "your site", "the"))
    assert found_by(taxonomy, "The page, your site, the") == [("page", "a"), ("site", "a"), ("the", "a")]


def test_signs_within_phrases() -> None:
    taxonomy = own_taxonomy(a=("T&C", "100% refund", "pop-up", "driver's seat", "gov.gr"))
    texts = ["T&C", "100% refund", "pop-up", "pop up", "driver's seat", "driver’s seat", "gov.gr"]
    assert [found_by(taxonomy, text) for text in texts] == [[(text, "a")] for text in texts]


def test_phrases_do_not_go_across_punctuation() -> None:
    taxonomy = own_taxonomy(a=("live chat",))
    for text in ("live, chat", "live. Chat", "live - chat", "live 😀 chat", "live <url> chat", "live x chat"):
        assert found_by(taxonomy, text) == []


def test_group_comes_from_the_taxonomy() -> None:
    assert default_finder().find(["app"], [LANGUAGES["en"]]) == [(Mention(0, 3, "mobile_app", "channels"),)]


def test_as_many_languages_as_texts() -> None:
    with pytest.raises(ValueError, match="zip"):
        default_finder().find(["app", "site"], [LANGUAGES["en"]])


def test_threads_agree() -> None:
    texts = [clean_string(text) for _, text, _ in SENTENCES] * 4
    languages = [LANGUAGES[language] for language, _, _ in SENTENCES] * 4
    expected = default_finder().find(texts, languages)
    fresh = TouchpointFinder()
    with ThreadPoolExecutor(8) as pool:
        assert all(result == expected for result in pool.map(lambda _: fresh.find(texts, languages), range(8)))


def test_vocabulary_does_not_grow_with_the_texts() -> None:
    finder = TouchpointFinder(own_taxonomy(a=("courier",)))
    finder.find(["courier"], [LANGUAGES["en"]])
    vocab = finder._matcher("en")._vocab
    before = len(vocab), len(vocab.strings)
    finder.find([f"courier new{number}word couriers" for number in range(500)], [LANGUAGES["en"]] * 500)
    assert (len(vocab), len(vocab.strings)) == before


def test_pickled_finder_finds_the_same() -> None:
    finder = TouchpointFinder(own_taxonomy(a=("courier",)))
    again = pickle.loads(pickle.dumps(finder))
    assert again.find(["couriers"], [LANGUAGES["en"]]) == finder.find(["couriers"], [LANGUAGES["en"]]) != [()]
