"""Greeklish read as Greek: words in several spellings, what stays Latin, and the map back to what the customer typed."""

from __future__ import annotations

import random

import pytest

from cxsentiment.language import LanguageDetector, transliterate
from cxsentiment.language.greek import MOST_LETTERS, greek_word, in_greek, key_of, keys_of, restore
from cxsentiment.reading import read
from cxsentiment.text import clean, fold

SPELLED = [
    ("h e3yphrethsh htan aparadekth", "η εξυπηρετηση ηταν απαραδεκτη"),
    ("i eksipiretisi itan aparadekti", "η εξυπηρετηση ηταν απαραδεκτη"),
    ("den exw parei akoma to paketo moy", "δεν εχω παρει ακομα το πακετο μου"),
    ("8elw ta lefta mou pisw", "θελω τα λεφτα μου πισω"),
    ("9a paw allou", "θα παω αλλου"),
    ("Polu euxaristimenos, tha ksanartho", "πολυ ευχαριστημενοσ, θα ξαναρθω"),
]


@pytest.mark.parametrize(("typed", "greek"), SPELLED)
def test_a_greek_sentence_is_found_behind_several_spellings(typed: str, greek: str) -> None:
    assert fold(in_greek(typed)) == greek


@pytest.mark.parametrize("word", ["wifi", "update", "smartphone", "checkout", "3d", "4g", "8gb", "24"])
def test_english_words_and_figures_stay(word: str) -> None:
    assert in_greek(f"to {word} den doulevei") == f"το {word} δεν δουλευει"


def test_most_words_of_a_text_come_back_whatever_the_spelling() -> None:
    text = "Παρήγγειλα δύο μπλούζες και μου έστειλαν λάθος μέγεθος, όμως η κοπέλα στο τηλέφωνο το διόρθωσε αμέσως και με ευγένεια"
    for seed in range(20):
        found = fold(in_greek(transliterate(text, random.Random(seed)))).split()
        right = sum(one == other for one, other in zip(found, fold(text).split(), strict=True))
        assert right >= 0.85 * len(found), (seed, found)


def test_a_word_that_nobody_knows_is_spelled_out() -> None:
    assert greek_word("mparmpounakosalata") == "μπαρμπουνακοσαλατα"


def test_an_endless_word_has_bounded_keys_and_an_answer() -> None:
    assert len(keys_of("hxuy" * 5000)) < 200
    assert greek_word("hxuya" * 5000) is not None
    assert len(keys_of("a" * 100)[0]) <= MOST_LETTERS


def test_keys_hold_what_sounds_alike_together() -> None:
    assert key_of("παραγγελια") in keys_of("paraggelia")
    assert key_of("παραγγελια") in keys_of("parangelia")
    assert key_of("χρεωση") in keys_of("xrewsh")
    assert key_of("χρεωση") in keys_of("hreosi")


def test_only_greeklish_is_changed_and_its_places_lead_back_to_the_typed_words() -> None:
    texts = ["To paketo mou irthe anoigmeno kai h etaireia adiaforei", "The parcel came open and nobody cares", "Το πακέτο ήρθε ανοιγμένο"]
    (greeklish, language), (english, _), (greek, _) = read(texts, LanguageDetector())
    assert (language.code, language.script) == ("el", "Latn")
    assert english.text == texts[1]
    assert greek.text == texts[2]
    assert "πακετο" in greeklish.text
    start = greeklish.text.index("πακετο")
    assert greeklish.original[slice(*greeklish.span(start, start + len("πακετο")))] == "paketo"
    start = greeklish.text.index("εταιρεια")
    assert greeklish.original[slice(*greeklish.span(start, start + len("εταιρεια")))] == "etaireia"


def test_places_hold_through_cleaning_and_rewriting() -> None:
    original = "  den&nbsp;exei   8ermansh!!!!! https://example.gr/x  to   domatio "
    cleaned = clean(original)
    rewritten = cleaned.rewritten(restore(cleaned.text))
    start = rewritten.text.index("δωματιο")
    assert original[slice(*rewritten.span(start, start + len("δωματιο")))] == "domatio"
    start = rewritten.text.index("θερμανση")
    assert original[slice(*rewritten.span(start, start + len("θερμανση")))] == "8ermansh"
    assert all(rewritten.starts[1:] >= rewritten.starts[:-1])
    assert len(rewritten.starts) == len(rewritten.ends) == len(rewritten.text)
