"""What the report says: the same keys in four languages, nothing left in English, and the letters and numbers of each language."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from string import Formatter

import pytest

from cxsentiment.errors import MissingExtraError, OptionError
from cxsentiment.measure.grouping import DIMENSIONS, PERIODS
from cxsentiment.measure.kpi import MEASURES
from cxsentiment.report.wording import MISSING, REPORT_LANGUAGES, Wording, read_words
from cxsentiment.results import EMOTIONS, INTENTS, QUALITIES, RELATIONS, SENTIMENTS, STAGES
from cxsentiment.taxonomy import Taxonomy

pytest.importorskip("babel")

TRANSLATED = ("el", "pl", "ro")
LABELS = {
    "sentiment": SENTIMENTS,
    "emotion": EMOTIONS,
    "stage": STAGES,
    "quality": QUALITIES,
    "relation": RELATIONS,
    "intent": INTENTS,
    "period": PERIODS,
}
"""Values that the words name themselves, by kind."""

OF_TAXONOMY = {"touchpoint": "types", "group": "groups", "module": "modules"}

SAME_AS_ENGLISH = {"el": set(), "pl": set(), "ro": {"headline.negative", "priority.impact"}}
"""Texts that are rightly the same word."""

ENGLISH_WORDS = {"the", "of", "and", "with", "is", "from", "what", "their", "each", "which", "comments", "touchpoints", "customers"}
"""Those of the English texts that none of the other languages has."""

PROPER_NAMES = ("cxsentiment", "Schmitt")
LATIN = "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {
    "el": frozenset("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"),
    "pl": frozenset(LATIN + "ąćęłńóśźż"),
    "ro": frozenset(LATIN + "ăâîșț"),
    "en": frozenset(LATIN),
}

COUNTS = "comments|errors|least|min_count|n|rows"
"""Placeholders that hold whole numbers."""


def texts(language: str) -> dict[str, str]:
    """What it says by `section.key`, in the order of the file."""
    return {f"{section}.{key}": text for section, words in read_words(language).items() for key, text in words.items()}


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def bare(text: str) -> str:
    """A text without placeholders and proper names."""
    without = "".join(literal for literal, *_ in Formatter().parse(text))
    for name in PROPER_NAMES:
        without = without.replace(name, "")
    return without


def words_of(text: str) -> Iterator[str]:
    return (word.casefold() for word in re.findall(r"[^\W\d_]+", bare(text)))


def foreign_letters(text: str, language: str) -> set[str]:
    return {letter for letter in bare(text) if letter.isalpha() and letter.lower() not in ALPHABETS[language]}


# ---- the same in every language ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language_has_the_sections_and_keys_of_english_in_the_same_order(language: str) -> None:
    assert list(read_words(language)) == list(read_words("en"))
    assert list(texts(language)) == list(texts("en"))


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_the_placeholders_of_the_english_one(language: str) -> None:
    english = texts("en")
    for key, text in texts(language).items():
        assert placeholders(text) == placeholders(english[key]), key


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_every_text_can_be_filled(language: str) -> None:
    wording = Wording.of(language)
    for key, text in texts(language).items():
        assert all(placeholders(text)), f"{key} has a placeholder without a name"
        filled = wording(key, **{name: f"[{name}]" for name in placeholders(text)})
        assert filled.strip() == filled != "", key
        assert re.findall(r"\[(\w+)\]", filled) == re.findall(r"\{(\w+)\}", text), key
        assert "{" not in filled, key


# ---- nothing left in English ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", TRANSLATED)
def test_only_few_texts_are_the_same_as_in_english(language: str) -> None:
    """Texts of placeholders and signs alone have nothing to translate."""
    english = texts("en")
    same = {key for key, text in texts(language).items() if list(words_of(text)) and text.casefold() == english[key].casefold()}
    assert same == SAME_AS_ENGLISH[language]


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_has_english_words_in_it(language: str) -> None:
    assert {key: found for key, text in texts(language).items() if (found := ENGLISH_WORDS.intersection(words_of(text)))} == {}


# ---- names ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
@pytest.mark.parametrize("kind", LABELS)
def test_every_label_has_a_name_of_its_own(language: str, kind: str) -> None:
    section = read_words(language)["qualities" if kind == "quality" else f"{kind}s"]
    assert sorted(section) == sorted(LABELS[kind])
    names = [Wording.of(language).name(kind, value) for value in LABELS[kind]]
    assert names == [section[value] for value in LABELS[kind]]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
@pytest.mark.parametrize(("kind", "part"), OF_TAXONOMY.items())
def test_everything_in_the_taxonomy_has_a_name_of_its_own(language: str, kind: str, part: str) -> None:
    wording = Wording.of(language)
    names = [wording.name(kind, value) for value in getattr(Taxonomy.default(), part)]
    assert all(name.strip() for name in names)
    assert len(set(names)) == len(names)
    assert not set(names) & set(getattr(Taxonomy.default(), part))


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_every_dimension_and_measure_has_a_name(language: str) -> None:
    words = read_words(language)
    assert set(DIMENSIONS) - set(PERIODS) <= words["dimensions"].keys()
    assert set(MEASURES) <= words["kpi"].keys()
    assert {f"lag_{period}s" for period in PERIODS} <= words["kpi"].keys()


@pytest.mark.parametrize(
    ("language", "touchpoint", "group", "emotion", "spoken", "unknown"),
    [
        ("el", "Παράδοση", "Κανάλια", "χαρά", "Πολωνικά", "Δεν προσδιορίστηκε"),
        ("pl", "Dostawa", "Kanały", "radość", "polski", "Nie ustalono"),
        ("ro", "Livrare", "Canale", "bucurie", "poloneză", "Nu se cunoaște"),
        ("en", "Delivery", "Channels", "joy", "Polish", "Unknown"),
    ],
)
def test_names(language: str, touchpoint: str, group: str, emotion: str, spoken: str, unknown: str) -> None:
    wording = Wording.of(language)
    assert wording.name("touchpoint", "delivery") == touchpoint
    assert wording.name("group", "channels") == group
    assert wording.name("emotion", "joy") == emotion
    assert wording.name("language", "pl") == spoken
    assert wording.name("language", "und") == wording.name("stage", None) == unknown


@pytest.mark.parametrize("kind", ["touchpoint", "module", "emotion", "language", "region"])
def test_what_the_words_do_not_know_is_its_own_name(kind: str) -> None:
    assert Wording.of("pl").name(kind, "Małopolska") == "Małopolska"


def test_a_dimension_is_named_in_the_plural_and_a_segment_by_itself() -> None:
    assert [Wording.of(language).dimension("channel") for language in REPORT_LANGUAGES] == ["κανάλια", "kanały", "canale", "channels"]
    assert Wording.of("pl").dimension("region") == "region"


# ---- letters and signs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_texts_are_in_the_letters_of_the_language(language: str) -> None:
    """Among others: no Latin o in a Greek word, no Cyrillic one in a Polish word, no ş or ţ with a cedilla in a Romanian one."""
    assert {key: found for key, text in texts(language).items() if (found := foreign_letters(text, language))} == {}
    assert all(unicodedata.is_normalized("NFC", text) for text in texts(language).values())


@pytest.mark.parametrize(
    ("language", "text", "letters"),
    [
        ("el", "σημείo επαφής", {"o"}),
        ("el", "Oμάδα {name}, cxsentiment", {"O"}),
        ("el", "Ομάδα {name}, cxsentiment", set()),
        ("pl", "dzień {period}, miesiаc", {"а"}),
        ("ro", "Şi aţi {n}", {"Ş", "ţ"}),
        ("ro", "Și ați {n}", set()),
    ],
)
def test_a_foreign_letter_is_found(language: str, text: str, letters: set[str]) -> None:
    assert foreign_letters(text, language) == letters


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_word_of_a_taxonomy_name_mixes_alphabets(language: str) -> None:
    wording = Wording.of(language)
    names = [wording.name(kind, value) for kind, part in OF_TAXONOMY.items() for value in getattr(Taxonomy.default(), part)]
    for word in (word for name in names for word in words_of(name)):
        assert set(word) <= ALPHABETS[language] or set(word) <= set(LATIN), word


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_numbers_in_texts_are_written_like_others(language: str) -> None:
    wording = Wording.of(language)
    for key, text in texts(language).items():
        assert not re.search(r"-\s?\d", text), f"{key} has a hyphen for a minus sign"
        for percent, figure in re.findall(r"((\d+)\s*%)", text):
            assert percent == wording.percent(int(figure) / 100), key


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_word_has_to_agree_with_a_number_before_it(language: str) -> None:
    """ "{comments} komentarzy" would be wrong for 1 and for 2. That "3 z 10" is right for all numbers is known."""
    for key, text in texts(language).items():
        followed = re.findall(rf"\{{(?:{COUNTS})\}}\s+(\w+)", text)
        assert set(followed) <= {"από", "z", "din"}, key


# ---- figures ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "large", "small", "negative"),
    [
        ("el", "1.234.567,9", "0,12", "−1.234"),
        ("pl", "1\u00a0234\u00a0567,9", "0,12", "−1\u00a0234"),
        ("ro", "1.234.567,9", "0,12", "−1.234"),
        ("en", "1,234,567.9", "0.12", "−1,234"),
    ],
)
def test_numbers(language: str, large: str, small: str, negative: str) -> None:
    wording = Wording.of(language)
    assert wording.number(1_234_567.89, 1) == large
    assert wording.number(0.123, 2) == small
    assert wording.number(-1234) == negative
    assert wording.number(-0.001, 2) == wording.number(0.0, 2)


@pytest.mark.parametrize(
    ("language", "share", "negative"), [("el", "12%", "−3%"), ("pl", "12%", "−3%"), ("ro", "12\u00a0%", "−3\u00a0%"), ("en", "12%", "−3%")]
)
def test_percents(language: str, share: str, negative: str) -> None:
    wording = Wording.of(language)
    assert wording.percent(0.123) == share
    assert wording.percent(-0.031) == negative


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
@pytest.mark.parametrize(
    ("net", "points"), [(0.123, "+12"), (-0.31, "−31"), (1.0, "+100"), (-1.0, "−100"), (0.0, "0"), (0.004, "0"), (-0.004, "0")]
)
def test_points_have_a_sign_but_0(language: str, net: float, points: str) -> None:
    assert Wording.of(language).points(net) == points


@pytest.mark.parametrize(
    ("language", "day", "other"),
    [
        ("el", "9 Νοε 2026", "1 Μαΐ 2026"),
        ("pl", "9 lis 2026", "1 maj 2026"),
        ("ro", "9 nov. 2026", "1 mai 2026"),
        ("en", "9 Nov 2026", "1 May 2026"),
    ],
)
def test_days(language: str, day: str, other: str) -> None:
    wording = Wording.of(language)
    assert wording.day(date(2026, 11, 9)) == day
    assert wording.span(date(2026, 5, 1), date(2026, 11, 9)) == f"{other} – {day}"


@pytest.mark.parametrize("language", REPORT_LANGUAGES)
def test_a_figure_that_there_is_not_is_an_en_dash(language: str) -> None:
    wording = Wording.of(language)
    assert {write(value) for write in (wording.number, wording.percent, wording.points) for value in (None, float("nan"))} == {MISSING}
    assert wording.day(None) == wording.span(None, date(2026, 11, 9)) == wording.span(date(2026, 11, 9), None) == MISSING == "–"


# ---- what it refuses --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["de", "EL", "", "../en"])
def test_an_unknown_language_is_refused_with_those_there_are(language: str) -> None:
    with pytest.raises(OptionError, match="el, pl, ro, en"):
        Wording.of(language)


def test_without_babel_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxsentiment.report.wording.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"cxsentiment\[report\]"):
        Wording.of("el")
