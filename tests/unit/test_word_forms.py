"""The packaged list of forms beside the dictionaries that it was made from."""

import pytest

from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import fold
from cxsentiment.touchpoints import phrase_words
from cxsentiment.word_forms import LANGUAGES, Lemmas

WORDS = {
    "el": "υπαλλήλους υπαλληλων καταστήματος παραδόσεις λογαριασμούς τηλεφώνου σελίδας ήταν ταμεια επιστροφων σκύλος",
    "pl": "pracownikow sklepach przesyłki przesylke aplikacją zwrotu kolejkach ludzie rachunkow paczkę pies",
    "ro": "magazinului angajații angajatii livrării livrarii facturile aplicației preturi cozii câine",
    "en": "shops deliveries refunded employees was cheaper queues apps invoices penguins",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_says_what_the_dictionary_says(language: str) -> None:
    vocabulary = phrase_words(Taxonomy.default(), language)
    listed = Lemmas(language, vocabulary)
    looked_up = Lemmas(language, vocabulary | {"no-such-word"})  # a word that the list does not have: all are looked up
    words = WORDS[language].split()
    found = [listed.forms(word, fold(word)) for word in words]
    assert found == [looked_up.forms(word, fold(word)) for word in words]
    assert sum(lemma is not None for _, lemma in found) >= 4
    assert found[-1] == (None, None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_has_all_words_of_the_packaged_taxonomy(language: str) -> None:
    assert Lemmas(language, phrase_words(Taxonomy.default(), language)).is_listed
