"""Language detection on sentences of our own, its options, and its agreement with langdetect's formula."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cxsentiment.display import language_name
from cxsentiment.errors import OptionError
from cxsentiment.language import DEFAULT_PRIORS, LanguageDetector, available_languages, transliterate
from cxsentiment.language.detector import log_likelihoods
from cxsentiment.language.greeklish import SPELLINGS
from cxsentiment.language.letters import MAX_LETTERS, read_letters, strip_noise
from cxsentiment.language.profiles import FIXED_POINT, FLOOR, gram_table
from cxsentiment.results import Language

OURS = ("el", "en", "pl", "ro")

SENTENCES = [
    ("Το προσωπικό ήταν ευγενικό αλλά περίμενα μία ώρα στο ταμείο", "el", "Grek"),
    ("το προσωπικο ηταν ευγενικο", "el", "Grek"),
    ("ΑΠΑΡΑΔΕΚΤΗ ΕΞΥΠΗΡΕΤΗΣΗ", "el", "Grek"),
    ("το app crashάρει συνέχεια", "el", "Grek"),
    ("Το delivery ήταν super fast", "el", "Grek"),
    ("to prosopiko itan eugeniko alla perimena mia wra sto tameio", "el", "Latn"),
    ("den mou arese katholou, tha paw allou", "el", "Latn"),
    ("POLY KALH EKSYPHRETHSH, SAS EYXARISTW", "el", "Latn"),
    ("Obsługa była miła, ale czekałem godzinę na zamówienie", "pl", "Latn"),
    ("Obsluga byla mila, ale czekalem godzine na zamowienie", "pl", "Latn"),
    ("NIE POLECAM TEGO SKLEPU NIKOMU", "pl", "Latn"),
    ("Personalul a fost amabil, dar am așteptat o oră la casă", "ro", "Latn"),
    ("Personalul a fost amabil, dar am aşteptat o oră la casă", "ro", "Latn"),
    ("Personalul a fost amabil, dar am asteptat o ora la casa", "ro", "Latn"),
    ("NU RECOMAND ACEST MAGAZIN", "ro", "Latn"),
    ("The staff were friendly but I waited an hour at the till", "en", "Latn"),
    ("I WILL NEVER SHOP HERE AGAIN 😡😡", "en", "Latn"),
    ("Das Personal war freundlich, aber ich musste lange warten", "de", "Latn"),
    ("Le personnel était aimable mais la livraison a pris trop de temps", "fr", "Latn"),
    ("Персонал был вежливый, но доставка заняла слишком много времени", "ru", "Cyrl"),
    ("Обслужването беше бавно и не бих препоръчал този магазин", "bg", "Cyrl"),
    ("كانت الخدمة ممتازة والموظفون لطفاء جدا", "ar", "Arab"),
    ("服务态度很好，但是等了很久", "zh", "Hani"),
    ("スタッフは親切でしたが、長く待ちました", "ja", "Jpan"),
    ("직원들은 친절했지만 오래 기다렸어요", "ko", "Hang"),
]

NOTHING = ["", " ", "\0", "👍👍🔥", "❤️‍🔥 👨‍👩‍👧", "10/10 !!!", "ℹ️ ™", "\ud800", "https://example.gr/poly-kalo?id=3",
           "www.example.com/super", "example.ro", "maria.popescu@example.ro", "@some_user @another",
           "<url> <email> <user>", "<br/>"]  # fmt: skip


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


@pytest.mark.parametrize(("text", "code", "script"), SENTENCES)
def test_sentence_language_and_script(detector: LanguageDetector, text: str, code: str, script: str) -> None:
    found = detector.detect(text)
    assert (found.code, found.script) == (code, script)
    assert 0.8 < found.score <= 1.0


@pytest.mark.parametrize("text", NOTHING)
def test_text_without_letters_is_undetermined(detector: LanguageDetector, text: str) -> None:
    assert detector.detect(text) == Language("und", 0.0, "Zyyy")


def test_addresses_do_not_count() -> None:
    detector = LanguageDetector()
    bare = detector.detect("Bardzo polecam")
    assert detector.detect("Bardzo polecam https://the-shop-with-the-best-things.com/in/the/world @thebest") == bare
    assert detector.detect("Bardzo polecam <url> <user>") == bare


def test_case_digits_and_punctuation_do_not_count(detector: LanguageDetector) -> None:
    assert detector.detect("bardzo polecam ten sklep") == detector.detect("  BARDZO, polecam... (ten) SKLEP!!! 10/10 👍 ")


def test_lengthened_words_and_laughs_count_once(detector: LanguageDetector) -> None:
    assert detector.detect("suuuuuuper appliiiii") == detector.detect("suuper appliii")
    assert detector.detect("poli kalo xaxaxaxaxaxaxa") == detector.detect("poli kalo xaxaxa")
    assert detector.detect("banana bread") != detector.detect("banan bread")


def test_fancy_letters_are_read(detector: LanguageDetector) -> None:
    assert detector.detect("𝐓𝐡𝐞 𝐬𝐭𝐚𝐟𝐟 𝐰𝐞𝐫𝐞 𝐟𝐫𝐢𝐞𝐧𝐝𝐥𝐲") == detector.detect("The staff were friendly")


def test_combining_accents_are_read_as_letters(detector: LanguageDetector) -> None:
    assert detector.detect("Personalul a fost dra\u0306gut\u0326") == detector.detect("Personalul a fost drăguţ")


def test_script_without_a_profile_keeps_its_name(detector: LanguageDetector) -> None:
    assert detector.detect("გამარჯობა") == Language("und", 0.0, "Geor")


def test_script_of_no_candidate_is_undetermined() -> None:
    ours = LanguageDetector(OURS)
    assert ours.detect("Спасибо большое") == Language("und", 0.0, "Cyrl")
    assert LanguageDetector(["pl", "en"]).detect("ευχαριστώ") == Language("und", 0.0, "Grek")


def test_threshold_abstains() -> None:
    unsure = "ok"
    assert LanguageDetector(threshold=0.0).detect(unsure).code != "und"
    assert LanguageDetector(threshold=0.9).detect(unsure) == Language("und", 0.0, "Latn")


def test_short_text_is_less_certain_than_long(detector: LanguageDetector) -> None:
    assert detector.detect("thanks").score < detector.detect("thanks for the quick delivery").score


def test_priors_move_a_short_text() -> None:
    flat, english = LanguageDetector(OURS, priors={}), LanguageDetector(OURS, priors={"en": 1000.0})
    assert english.detect("super").code == "en"
    assert flat.detect("super").code != "en"


def test_default_priors_favour_ours() -> None:
    total = sum(DEFAULT_PRIORS.get(code, 1.0) for code in available_languages())
    assert set(DEFAULT_PRIORS) == set(OURS)
    assert 0.6 <= sum(DEFAULT_PRIORS.values()) / total <= 0.8


def test_candidates() -> None:
    everything = LanguageDetector()
    assert everything.languages == available_languages()
    assert set(OURS) < set(everything.languages)
    assert everything.restrict(["ro", "el", "ro"]).languages == ("el", "ro")
    assert {found.code for found in LanguageDetector(OURS).detect_batch(["Danke schön", "merci beaucoup", "grazie mille"])} <= {
        *OURS,
        "und",
    }


def test_restrict_keeps_threshold_and_priors() -> None:
    strict = LanguageDetector(threshold=0.99, priors={"pl": 3.0})
    assert strict.restrict(OURS).detect_batch(["super", "bardzo"]) == LanguageDetector(OURS, 0.99, {"pl": 3.0}).detect_batch(
        ["super", "bardzo"]
    )
    assert strict.restrict(OURS).detect("super").code == "und"


@pytest.mark.parametrize("languages", [["pl", "xx"], ["el-Latn"], [], ["PL"]])
def test_unknown_candidates_are_refused(languages: list[str]) -> None:
    with pytest.raises(OptionError, match=r"choose from af, .*zh"):
        LanguageDetector(languages)


@pytest.mark.parametrize("priors", [{"xx": 1.0}, {"pl": 0.0}, {"pl": -1.0}, {"pl": math.inf}, {"pl": math.nan}])
def test_bad_priors_are_refused(priors: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        LanguageDetector(priors=priors)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_bad_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(OptionError, match="threshold"):
        LanguageDetector(threshold=threshold)


def test_caller_cannot_change_priors_afterwards() -> None:
    priors = {"en": 1.0}
    detector = LanguageDetector(OURS, priors=priors)
    before = detector.detect("super")
    priors["en"] = 1e9
    assert detector.detect("super") == before


def test_long_texts_are_cut() -> None:
    detector = LanguageDetector()
    polish, english = "Obsługa była bardzo miła. ", "The staff were friendly. "
    assert detector.detect(polish * 100 + english * 40_000).code == "pl"
    assert detector.detect(" \n" * 500_000 + polish).code == "pl"
    assert detector.detect("😀1!" * 333_333 + polish).code == "pl"


@pytest.mark.parametrize("character", ["a", "@", "<", "\0", "\ud800", "ﷺ", "\u0301", ".", "-", "a.", "<a", "a@", "/", "Ω"])
def test_a_million_characters(detector: LanguageDetector, character: str) -> None:
    assert detector.detect(character * 1_000_000).script in {"Latn", "Grek", "Arab", "Zyyy"}


def test_sums_cannot_overflow() -> None:
    largest = int(gram_table().weights.max())
    assert largest * MAX_LETTERS < 2**31
    assert int(gram_table().weights.min()) >= 0


@pytest.mark.parametrize(
    "text", ["The staff were friendly, but I waited!", "Personalul a fost drăguț și rapid", "Zażółć gęślą jaźń", "größte Straße"]
)
def test_posterior_is_langdetects_formula(text: str) -> None:
    table = gram_table()
    letters = read_letters([text], table.alphabet)
    places = {code: place for place, code in enumerate(table.codes) if code != "zh"}
    fast = log_likelihoods(table, letters, np.array([0]), list(places.values()))[:, 0]
    slow = np.array([_langdetect_log_likelihood(text, code) for code in places])
    tolerance = 0.5 * len(text) / FIXED_POINT
    np.testing.assert_allclose(fast - fast[0], slow - slow[0], rtol=0, atol=2 * tolerance)


def _langdetect_log_likelihood(text: str, code: str) -> float:
    """Product over all grams, as langdetect's `Detector` multiplies those that it draws; the text's end counts as a word's end."""
    from langdetect.detector_factory import PROFILES_DIRECTORY
    from langdetect.utils.ngram import NGram

    profile = json.loads(Path(PROFILES_DIRECTORY, code).read_text(encoding="utf-8"))
    buffer, total = NGram(), 0.0
    for character in text.lower() + " ":
        buffer.add_char(character)
        for length in range(1, min(3, len(buffer.grams)) + 1):
            gram = buffer.grams[-length:]
            if gram != " ":
                total += math.log(profile["freq"].get(gram, 0) / profile["n_words"][length - 1] + FLOOR)
    return total


def test_import_needs_no_torch_and_a_learnt_language_no_profile() -> None:
    program = (
        "import sys, cxsentiment.language as language; from cxsentiment.language.profiles import gram_table\n"
        "detector = language.LanguageDetector()\n"
        "detector.detect('the staff were friendly')\n"
        "assert 'torch' not in sys.modules and gram_table.cache_info().currsize == 0\n"
        "detector.detect('سلام')\n"
        "assert 'torch' not in sys.modules and gram_table.cache_info().currsize == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_transliterate_is_one_style_per_call() -> None:
    styles = {transliterate("Θέλω ψωμί και θάλασσα", random.Random(seed)) for seed in range(600)}
    assert "Thelo psomi kai thalassa" in styles
    assert "8elw 4wmi kai 8alassa" in styles
    assert not any("th" in style.lower() and ("8" in style or "9" in style) for style in styles)


@pytest.mark.parametrize(
    ("text", "spellings"),
    [
        ("ουρανός", {"ouranos", "uranos"}),
        ("Μάιος", {"Maios"}),
        ("μαϊμού", {"maimou", "maimu"}),
        ("ΚΑΙ", {"KAI", "KE"}),
        ("Και", {"Kai", "Ke"}),
        ("ΘΑ", {"THA", "8A", "9A"}),
        ("Θα", {"Tha", "8a", "9a"}),
        ("ok, 10/10! ñ", {"ok, 10/10! ñ"}),
    ],
)
def test_transliterate_pairs_accents_and_case(text: str, spellings: set[str]) -> None:
    assert {transliterate(text, random.Random(seed)) for seed in range(60)} == spellings


def test_every_greek_letter_has_a_spelling() -> None:
    assert set("αβγδεζηθικλμνξοπρστυφχψω") <= SPELLINGS.keys()
    assert all(spelling.isascii() for spellings in SPELLINGS.values() for spelling in spellings)


def test_strip_noise_keeps_words() -> None:
    assert strip_noise("nu e bun.Dar e ieftin <3 #super 5>3") == "nu e bun.Dar e ieftin <3 #super 5>3"


def test_every_language_has_a_name() -> None:
    assert [code for code in available_languages() if language_name(code) == code] == []
