"""Words that name nothing, of any language that is told apart."""

from cxsentiment.stop_words import stop_words


def test_greek_ones_in_latin_letters_where_they_are_asked_for() -> None:
    assert {"και", "ειναι", "kai", "einai"} <= stop_words("el", greeklish=True)
    assert "και" in stop_words("el")
    assert "kai" not in stop_words("el") | stop_words("en", greeklish=True)


def test_folded_ones_of_each_language() -> None:
    assert "bylo" in stop_words("pl")
    assert "fara" in stop_words("ro")
    assert "the" in stop_words("en")


def test_a_language_without_a_list_has_none() -> None:
    assert stop_words("und") == stop_words("../x") == frozenset()
