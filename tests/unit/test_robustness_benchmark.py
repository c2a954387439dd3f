import random

import numpy as np
import pytest

from benchmarks.robustness import (
    CHANGES,
    CHOICES,
    GREEKLISH,
    KEYBOARD,
    NEIGHBOURS,
    OFFICIAL,
    PHONETIC,
    SLIPS,
    VISUAL,
    Change,
    Row,
    average,
    changed,
    compare,
    draw,
    in_capitals,
    in_capitals_without_tonos,
    keyboard_greeklish,
    line,
    mistyped,
    mixed_greeklish,
    romanised,
    slip,
    with_typos,
    without_diacritics,
)
from cxsentiment.encoder.runtime import RawScores
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS
from cxsentiment.story import STORY_LOGITS
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.training.corpus import Document, Span
from cxsentiment.training.measure import Measured
from tests.conftest import some_calibration

ALPHABET = "αβγδεζηθικλμνξοπρσςτυφχψω"
COMMENT = "Η ταξιδιωτική ψυχή μου χάρηκε, όμως το ξενοδοχείο ήταν ακριβό!"


def document(text: str, dataset: str = "sart", sentiment: str | None = "positive", lang: str = "ro") -> Document:
    return Document(text, lang, dataset, sentiment, None, ("joy",), (Span(0, 2, "+"),), 1.0)


def measured(labels: list[str], documents: list[Document]) -> Measured:
    logits = np.array([[5.0 * (label == name) for name in SENTIMENTS] for label in labels], np.float32)
    emotions, size = np.zeros((len(labels), len(EMOTIONS)), np.float32), len(labels)
    story, tokens = np.zeros((size, STORY_LOGITS), np.float32), np.zeros((0, TOKEN_LOGITS), np.float32)
    raw = RawScores(logits, emotions, np.zeros_like(logits), emotions, story, tokens, np.ones(size, np.int64))
    return Measured(documents, raw, np.full(size, 5), np.zeros((0, len(POLARITIES)), np.float32), [None] * size)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Η καφετιέρα χάλασε του ΐ", "Η καφετιερα χαλασε του ι"),
        ("Żółw Łódź", "Zolw Lodz"),
        ("știu ță", "stiu ta"),
    ],
)
def test_diacritics_are_stripped(text: str, bare: str) -> None:
    assert without_diacritics(text) == bare


def test_capitals_with_and_without_tonos() -> None:
    assert in_capitals("Άργησε η λεζάντα, δες <url> łódź") == "ΆΡΓΗΣΕ Η ΛΕΖΆΝΤΑ, ΔΕΣ <url> ŁÓDŹ"
    assert in_capitals_without_tonos("Άργησε, ρόλος μαΐου") == "ΑΡΓΗΣΕ, ΡΟΛΟΣ ΜΑΪΟΥ"


@pytest.mark.parametrize(
    ("table", "latin"),
    [
        (OFFICIAL, "I taxidiotiki psychi mou charike, omos to xenodocheio itan akrivo!"),
        (VISUAL, "H ta3idiwtikh 4uxh mou xarhke, omws to 3enodoxeio htan akribo!"),
        (PHONETIC, "I taksidiotiki psihi mu harike, omos to ksenodohio itan akrivo!"),
    ],
)
def test_styles_of_greeklish(table: dict[str, str], latin: str) -> None:
    assert romanised(COMMENT, table) == latin


@pytest.mark.parametrize(
    ("greek", "latin"),
    [
        ("αύρα αυτός ταυ", "avra aftos taf"),  # voiced, voiceless, end of the word
        ("εύκολος ΕΥΧΗ", "efkolos EFCHI"),
        ("μπάλα λάμπα ρομπ", "bala lampa rob"),
        ("Αγγλία άγχος", "Anglia anchos"),
        ("άυλος ταΐζω Μάιος προϋπόθεση", "aylos taizo Maios proypothesi"),  # two sounds
        ("Ψάρι ΨΑΡΙ Ουρά", "Psari PSARI Oura"),
    ],
)
def test_official_romanisation(greek: str, latin: str) -> None:
    assert romanised(greek, OFFICIAL) == latin


def test_pairs_that_are_two_sounds_are_spelt_letter_by_letter() -> None:
    assert romanised("ρολόι και κορόιδο, ταΐζω", PHONETIC) == "roloi ke koroido, taizo"


def test_keyboard_greeklish_follows_the_greek_layout() -> None:
    expected = dict(zip("αβψδεφγηιξκλμνοπρστθωχυζ", "abcdefghijklmnoprstuvxyz", strict=True))
    assert expected == KEYBOARD
    assert keyboard_greeklish("Ο ψύλλος ΨΥΛΛΟΣ") == "O cyllow CYLLOS"


@pytest.mark.parametrize("change", GREEKLISH[1:], ids=lambda change: change.name)
def test_no_greek_letter_is_left_and_nothing_else_changes(change: Change) -> None:
    latin = change.apply(f"{ALPHABET} {ALPHABET.upper()} ΰ ΐ Ϋ {COMMENT}", random.Random(2))
    assert not any("\u0370" <= character <= "\u03ff" or "\u0300" <= character <= "\u036f" for character in latin)
    assert change.apply("naïve café, łódź <url> 5€ 😡 что", random.Random(2)) == "naïve café, łódź <url> 5€ 😡 что"


def test_a_text_in_mixed_greeklish_keeps_to_one_spelling_a_letter() -> None:
    drawn = {mixed_greeklish("χ ξ χ ξ", random.Random(seed)) for seed in range(60)}
    assert all(text.split()[:2] == text.split()[2:] for text in drawn)
    assert {text.split()[0] for text in drawn} == set(CHOICES["χ"])
    assert {text.split()[1] for text in drawn} == set(CHOICES["ξ"])


def test_neighbours_on_both_keyboards() -> None:
    assert {key: set(NEIGHBOURS[key]) for key in "gqpmαμ"} == {
        "g": set("fhtyvb"),
        "q": set("wa"),
        "p": set("ol"),
        "m": set("njk"),
        "α": set("σςζ"),
        "μ": set("νξκ"),
    }
    assert all(key in NEIGHBOURS[near] for key in NEIGHBOURS if key.isalpha() for near in NEIGHBOURS[key])


def test_slips() -> None:
    rng = random.Random(1)
    assert [slip("sklep", kind, 1, rng) for kind in ("swap", "drop", "double")] == ["slkep", "slep", "skklep"]
    replaced, inserted = ({slip("Łza", kind, 0, rng) for _ in range(99)} for kind in ("replace", "insert"))
    assert replaced == {f"{near.upper()}za" for near in NEIGHBOURS["l"]}
    assert inserted == {f"Ł{near.upper()}za" for near in NEIGHBOURS["l"]}
    assert {slip("άλας", "replace", 0, rng) for _ in range(99)} == {"σλας", "ςλας", "ζλας"}


@pytest.mark.parametrize("word", ["ααα", "που", "Żółw", "что", "aab"])
def test_a_mistyped_word_is_another_word(word: str) -> None:
    assert all(mistyped(word, random.Random(seed)) != word for seed in range(50))


def test_one_word_in_ten_is_mistyped_and_short_ones_and_placeholders_never() -> None:
    text = " ".join(["to", "i", "<user>", "obsługa", "klienta"] * 10)
    found = with_typos(text, random.Random(3)).split(" ")
    different = [(old, new) for old, new in zip(text.split(" "), found, strict=True) if old != new]
    assert len(different) == 4  # of 40 words
    assert {old for old, _ in different} <= {"obsługa", "klienta"}
    assert sum(with_typos("dobry sklep tu", random.Random(seed)) != "dobry sklep tu" for seed in range(1000)) == pytest.approx(300, abs=50)
    assert with_typos("ok !", random.Random(1)) == "ok !"


def test_draws_do_not_depend_on_the_other_texts() -> None:
    texts = [f"livrarea numărul {number} a întârziat foarte mult și nimeni nu răspunde" for number in range(20)]
    typos = next(change for change in CHANGES if change.apply is with_typos)
    whole = changed([document(text) for text in texts], typos, 1)
    assert changed([document(texts[7])], typos, 1) == [whole[7]]
    assert [one.text for one in whole] != [one.text for one in changed([document(text) for text in texts], typos, 2)]


def test_texts_are_drawn_set_by_set_and_cleaned() -> None:
    documents = [document(f"recenzie&nbsp;{number}") for number in range(9)]
    documents += [document("fără etichetă", sentiment=None), document("doar emoții", dataset="redv1")]
    drawn = draw([*documents, document("komentarz", dataset="pl_ceneo_reviews", lang="pl")], 4, 1)
    assert [one.dataset for one in drawn] == ["pl_ceneo_reviews"] + ["sart"] * 4
    assert all(one.spans == () and one.emotions is None and "&" not in one.text for one in drawn)
    assert drawn == draw([*documents, document("komentarz", dataset="pl_ceneo_reviews", lang="pl")], 4, 1)


def test_compare_averages_over_sets_and_counts_changed_labels_within_schemes() -> None:
    documents = [document("a"), document("b", sentiment="negative"), document("c", dataset="ro_sent")]
    change = Change("none", 0.5, ("ro",), lambda text, _: text)
    before = measured(["positive", "negative", "positive"], documents)
    after = measured(["positive", "positive", "positive"], documents)
    row = compare(change, "ro", before, after, some_calibration())
    assert (row.sets, row.size, row.before, row.changed) == (2, 3, 1.0, pytest.approx(1 / 3))
    assert row.after == pytest.approx((1 / 3 + 1) / 2)
    assert not row.reached
    assert compare(change, "ro", before, before, some_calibration()).reached


def test_average_and_table_line() -> None:
    rows = [Row(name, 4.0, "el", 3, 120, 0.8, after, share) for name, after, share in (("one", 0.79, 0.1), ("two", 0.73, 0.3))]
    mean = average("all", rows)
    assert line(mean) == "| all | el | 3 | 120 | 0.8000 | 0.7600 | -4.00 | 20.0% | at most 4 lost | yes |"
    assert [row.reached for row in rows] == [True, False]


def test_every_kind_of_slip_is_known() -> None:
    assert len({slip("abcdef", kind, 2, random.Random(1)) for kind in SLIPS}) == len(SLIPS)
