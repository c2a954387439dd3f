"""Ways of typing otherwise: no diacritics, capitals, lower case, typos, stretched letters, Greek in Latin letters.

Pure functions of a text and, where something is drawn, a `random.Random`. They share no code with the training's own typos and
Greeklish, save the one style named as seen in training.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cxsentiment.language.greeklish import transliterate
from cxsentiment.text import EMAIL, URL, USER

LANGUAGES = ("el", "pl", "ro", "en")
WITH_DIACRITICS = ("el", "pl", "ro")
TYPO_SHARE = 0.1
SHORTEST_MISTYPED = 3
SHORTEST_STRETCHED = 4
SLIPS = ("swap", "drop", "double", "replace", "insert")

LATIN_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
GREEK_ROWS = (";ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ")
_AROUND = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))

_UNDISPUTED = dict(zip("αγδεζικλμνοπρστ", "agdeziklmnoprst", strict=True))
_BEFORE_VOICELESS = r"υ(?=[θκξπστφχψ]|\b)"
_AV_AF = {
    **{f"α{_BEFORE_VOICELESS}": "af", f"ε{_BEFORE_VOICELESS}": "ef", f"η{_BEFORE_VOICELESS}": "if"},
    **{"αυ": "av", "ευ": "ev", "ηυ": "iv"},
}

OFFICIAL: Mapping[str, str] = {
    **_AV_AF,
    **{"ου": "ou", r"\bμπ": "b", r"μπ\b": "b", "μπ": "mp", "γγ": "ng", "γξ": "nx", "γχ": "nch"},
    **{"β": "v", "η": "i", "θ": "th", "ξ": "x", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o"},
    **_UNDISPUTED,
}
"""ISO 843:1997 (ELOT 743), transcription, without the accents. Keys of all tables are patterns, tried in order."""

VISUAL: Mapping[str, str] = {
    **{"β": "b", "η": "h", "θ": "8", "ξ": "3", "υ": "u", "φ": "f", "χ": "x", "ψ": "4", "ω": "w"},
    **_UNDISPUTED,
}
"""Letter by letter, by look."""

PHONETIC: Mapping[str, str] = {
    **_AV_AF,
    **{"ου": "u", "αι": "e", "ει": "i", "οι": "i", "υι": "i", "μπ": "b", "ντ": "d", "γγ": "ng", "γκ": "g", "τζ": "j"},
    **{"β": "v", "η": "i", "θ": "th", "ξ": "ks", "υ": "i", "φ": "f", "χ": "h", "ψ": "ps", "ω": "o"},
    **_UNDISPUTED,
}
"""By sound, as an English reader would write it down."""

KEYBOARD: Mapping[str, str] = {
    greek: latin
    for greek_row, latin_row in zip(GREEK_ROWS, LATIN_ROWS, strict=True)
    for greek, latin in zip(greek_row, latin_row, strict=True)
    if greek not in ";ς"
}
"""Each letter by the Latin one on the same key of the standard Greek layout; `keyboard_greeklish` adds ς."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    **{"ου": ("ou", "u", "oy"), "αι": ("ai", "e", "ae"), "ει": ("ei", "i"), "οι": ("oi", "i"), "αυ": ("au", "av", "af")},
    **{"ευ": ("eu", "ev", "ef"), "μπ": ("mp", "b", "mb"), "ντ": ("nt", "d", "nd"), "γκ": ("gk", "g", "gg"), "γγ": ("gg", "ng", "g")},
    **{"τζ": ("tz", "j")},
    **{letter: (latin,) for letter, latin in _UNDISPUTED.items()},
    **{"β": ("v", "b"), "γ": ("g", "gh", "y"), "δ": ("d", "dh"), "η": ("i", "h", "e"), "κ": ("k", "c"), "υ": ("y", "u", "i")},
    **{"θ": ("th", "8", "9", "0", "u"), "ξ": ("x", "ks", "3", "j"), "φ": ("f", "ph"), "χ": ("x", "h", "ch", "kh")},
    **{"ψ": ("ps", "4", "c"), "ω": ("o", "w", "v")},
}
"""Spellings in use, rare ones as likely as common ones."""

_ACCENTS = "\u0300\u0301\u0313\u0314\u0342\u0345"
_DIAERESIS = "\u0308"
_STROKES = str.maketrans("łŁ", "lL")
_PLACEHOLDER = re.compile(f"({URL}|{EMAIL}|{USER})")
_WORD = re.compile(rf"{_PLACEHOLDER.pattern}|[^\W\d_]+")
_TWO_SOUNDS = re.compile(f"([αεοη])\u0301([ιυ])(?!{_DIAERESIS})", re.IGNORECASE)
_GREEK_ACCENT = re.compile(f"(?<=[α-ωΑ-Ω{_DIAERESIS}{_ACCENTS}])[{_ACCENTS}]")
_PUNCTUATION = r".,;:!?…·\u037e\u0387\"'„“”‘’‚«»()\[\]¡¿-"
_LOOSE_PUNCTUATION = re.compile(rf"(?<!\w)[{_PUNCTUATION}]+|[{_PUNCTUATION}]+(?!\w)|[{_PUNCTUATION}]{{2,}}|[–—]")
_VOWELS = frozenset("aeiouyαεηιουω")


@dataclass(frozen=True, slots=True)
class Change:
    """One way of typing otherwise: the languages it concerns and the macro-F1 points that may at most be lost."""

    name: str
    target: float
    languages: tuple[str, ...]
    apply: Callable[[str, random.Random], str]


def without_diacritics(text: str) -> str:
    """Letters without marks, ł as l."""
    decomposed = unicodedata.normalize("NFD", text.translate(_STROKES))
    return unicodedata.normalize("NFC", "".join(character for character in decomposed if not unicodedata.combining(character)))


def in_capitals(text: str) -> str:
    """Upper case, Greek tonos kept. What stands for a link or an address is put in by cleaning, not typed, and stays."""
    return "".join(part if _PLACEHOLDER.fullmatch(part) else part.upper() for part in _PLACEHOLDER.split(text))


def in_capitals_without_tonos(text: str) -> str:
    """Upper case as Greek is printed: no tonos, diaeresis kept."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", in_capitals(text)).replace("\u0301", ""))


def in_lower_case_without_punctuation(text: str) -> str:
    """Lower case, no punctuation but what stands within a word or number (`don't`, `10:30`, `2/10`); placeholders stay."""
    return " ".join(_LOOSE_PUNCTUATION.sub(" ", text.lower()).split())


def with_stretched_letters(text: str, rng: random.Random) -> str:
    """One vowel three to five times (`suuuper`) in a tenth of the words, in one at least, all of them of four or more letters."""
    words = _typed_words(text)
    places = {match: _vowels(match) for match in words if len(match[0]) >= SHORTEST_STRETCHED}
    stretchable = [match for match, found in places.items() if found]
    count = min(max(1, round(len(words) / 10)), len(stretchable))
    for match in sorted(rng.sample(stretchable, count), key=lambda match: -match.start()):
        place = rng.choice(places[match])
        text = text[:place] + text[place] * rng.randint(3, 5) + text[place + 1 :]
    return text


def _vowels(match: re.Match[str]) -> list[int]:
    """Where in the text the word's vowels stand."""
    return [match.start() + place for place, letter in enumerate(match[0]) if without_diacritics(letter.lower()) in _VOWELS]


def with_typos(text: str, rng: random.Random, share: float = TYPO_SHARE) -> str:
    """The text with one slip in each of that share of its words (rounded up or down by chance), all of them of three or more letters."""
    words = _typed_words(text)
    return _mistype(text, int(share * len(words) + rng.random()), rng)


def with_one_typo(text: str, rng: random.Random) -> str:
    """The text with one slip in one of its words of three or more letters; as it is where it has none."""
    return _mistype(text, 1, rng)


def _typed_words(text: str) -> list[re.Match[str]]:
    return [match for match in _WORD.finditer(text) if not match[1]]


def _mistype(text: str, count: int, rng: random.Random) -> str:
    long = [match for match in _typed_words(text) if len(match[0]) >= SHORTEST_MISTYPED]
    for match in sorted(rng.sample(long, min(count, len(long))), key=lambda match: -match.start()):
        text = text[: match.start()] + mistyped(match[0], rng) + text[match.end() :]
    return text


def mistyped(word: str, rng: random.Random) -> str:
    """The word with one slip, anywhere in it; never the word itself."""
    typed = word
    while typed == word:
        typed = slip(word, rng.choice(SLIPS), rng.randrange(len(word)), rng)
    return typed


def slip(word: str, kind: str, place: int, rng: random.Random) -> str:
    """The letter at `place` swapped with the next one, dropped, doubled, replaced by a neighbour on the keyboard, or typed with one."""
    before, letter, after = word[:place], word[place], word[place + 1 :]
    if kind == "swap":
        return before + after[:1] + letter + after[1:]
    if kind == "drop":
        return before + after
    if kind == "double":
        return before + letter * 2 + after
    beside = _neighbour(letter, rng)
    return before + (beside if kind == "replace" else letter + beside) + after


def neighbours(rows: Sequence[str]) -> dict[str, str]:
    """For each key the letters on the keys around it; each row stands half a key to the right of the one above."""
    keys = {(row, column): key for row, line in enumerate(rows) for column, key in enumerate(line)}
    around = {key: [keys.get((row + down, column + right), "") for down, right in _AROUND] for (row, column), key in keys.items()}
    return {key: "".join(found for found in near if found.isalpha()) for key, near in around.items()}


NEIGHBOURS: Mapping[str, str] = neighbours(LATIN_ROWS) | neighbours(GREEK_ROWS)


def _neighbour(letter: str, rng: random.Random) -> str:
    found = rng.choice(NEIGHBOURS.get(without_diacritics(letter.lower()), letter))
    return found.upper() if letter.isupper() else found


def romanised(text: str, table: Mapping[str, str]) -> str:
    """Greek letters by the table, without accents; anything else is kept."""
    pattern = "|".join(f"({piece})(?!{_DIAERESIS})" if len(piece) > 1 else f"({piece}){_DIAERESIS}?" for piece in table)
    spellings = list(table.values())
    apart = _TWO_SOUNDS.sub(rf"\1\2{_DIAERESIS}", unicodedata.normalize("NFD", text))
    plain = _GREEK_ACCENT.sub("", apart)
    latin = re.sub(pattern, lambda match: _cased(match, spellings[(match.lastindex or 1) - 1]), plain, flags=re.IGNORECASE)
    return unicodedata.normalize("NFC", latin)


def _cased(match: re.Match[str], spelling: str) -> str:
    piece = match[0]
    if not piece[0].isupper():
        return spelling
    shouted = piece.isupper() and (len(piece) > 1 or match.string[match.end() : match.end() + 1].isupper())
    return spelling.upper() if shouted else spelling.capitalize()


def keyboard_greeklish(text: str) -> str:
    """Each letter by the Latin one on the same key. Final sigma, w, goes first: a search blind to case takes it for σ."""
    return romanised(text.replace("ς", "w"), KEYBOARD)


def mixed_greeklish(text: str, rng: random.Random) -> str:
    """One spelling of each letter or pair for the whole text, drawn from `CHOICES`."""
    return romanised(text, {piece: rng.choice(spellings) for piece, spellings in CHOICES.items()})


GREEKLISH = (
    Change("Greeklish, drawn as in training", 4.0, ("el",), transliterate),
    Change("Greeklish, ISO 843", 4.0, ("el",), lambda text, _: romanised(text, OFFICIAL)),
    Change("Greeklish, by look", 4.0, ("el",), lambda text, _: romanised(text, VISUAL)),
    Change("Greeklish, by sound", 4.0, ("el",), lambda text, _: romanised(text, PHONETIC)),
    Change("Greeklish, by keyboard", 4.0, ("el",), lambda text, _: keyboard_greeklish(text)),
    Change("Greeklish, mixed", 4.0, ("el",), mixed_greeklish),
)

CHANGES = (
    Change("no diacritics", 0.5, WITH_DIACRITICS, lambda text, _: without_diacritics(text)),
    Change("capitals", 0.5, LANGUAGES, lambda text, _: in_capitals(text)),
    Change("capitals without tonos", 0.5, ("el",), lambda text, _: in_capitals_without_tonos(text)),
    Change("typos in 10 % of words", 2.5, LANGUAGES, with_typos),
    *GREEKLISH,
)
