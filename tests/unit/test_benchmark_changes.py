import random
import re
import subprocess
import sys

import pytest

from cxsentiment.benchmark.changes import (
    CHOICES,
    GREEKLISH,
    KEYBOARD,
    NEIGHBOURS,
    OFFICIAL,
    PHONETIC,
    SLIPS,
    VISUAL,
    Change,
    in_capitals,
    in_capitals_without_tonos,
    in_lower_case_without_punctuation,
    keyboard_greeklish,
    mistyped,
    mixed_greeklish,
    romanised,
    slip,
    with_one_typo,
    with_stretched_letters,
    with_typos,
    without_diacritics,
)

ALPHABET = "αβγδεζηθικλμνξοπρσςτυφχψω"
COMMENT = "Η ταξιδιωτική ψυχή μου χάρηκε, όμως το ξενοδοχείο ήταν ακριβό!"


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


def test_every_kind_of_slip_is_known() -> None:
    assert len({slip("abcdef", kind, 2, random.Random(1)) for kind in SLIPS}) == len(SLIPS)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Super, polecam – naprawdę!!!", "super polecam naprawdę"),
        ("I don't like it... Arrived at 10:30; paid 2,50 (2/10).", "i don't like it arrived at 10:30 paid 2,50 2/10"),
        ("Άργησε πολύ· γιατί; ΟΛΟΙ «ευγενικοί»…", "άργησε πολύ γιατί ολοι ευγενικοί"),
        ("Nu m-a sunat nimeni.Vezi <url>.", "nu m-a sunat nimeni.vezi <url>"),
        ("good...or not", "good or not"),
        ("?!", ""),
    ],
)
def test_lower_case_without_punctuation(text: str, typed: str) -> None:
    assert in_lower_case_without_punctuation(text) == typed


@pytest.mark.parametrize("text", ["Obsługa była super!", "Η εξυπηρέτηση ήταν απαράδεκτη.", "a <user> great", COMMENT])
def test_stretched_letters_are_vowels_of_longer_words(text: str) -> None:
    for seed in range(50):
        stretched = with_stretched_letters(text, random.Random(seed))
        different = [(old, new) for old, new in zip(text.split(), stretched.split(), strict=True) if old != new]
        assert len(different) == 1
        assert all(sum(letter.isalpha() for letter in old) >= 4 and "<" not in old for old, _ in different)
        assert all(re.sub(r"(\w)\1{2,4}", r"\1", new) == old for old, new in different)


def test_a_tenth_of_the_words_is_stretched_and_texts_without_longer_words_are_kept() -> None:
    text = " ".join(["dobra"] * 30)
    assert sum(word != "dobra" for word in with_stretched_letters(text, random.Random(1)).split()) == 3
    assert with_stretched_letters("no i co, brr źdźbł", random.Random(1)) == "no i co, brr źdźbł"


def test_one_typo_is_in_one_word_of_any_text() -> None:
    text = "dobry sklep na rogu"
    for seed in range(50):
        typed = with_one_typo(text, random.Random(seed)).split(" ")
        assert sum(old != new for old, new in zip(text.split(" "), typed, strict=True)) == 1
        assert typed[2] == "na"
    assert with_one_typo("ok <user>!", random.Random(1)) == "ok <user>!"


def test_share_of_typos() -> None:
    text = " ".join(["obsługa"] * 20)
    assert sum(word != "obsługa" for word in with_typos(text, random.Random(1), 0.2).split(" ")) == 4


def test_changes_do_without_torch() -> None:
    program = "import sys, cxsentiment.benchmark.changes, cxsentiment.benchmark.behavioural; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
