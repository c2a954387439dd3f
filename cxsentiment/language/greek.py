"""Greeklish read as Greek: each word becomes the likeliest Greek word that can have been typed so.

A Greek word and a Latin spelling of it sound alike, so both are brought to a key of sounds; Latin letters that stand for several
sounds (`h`: η or χ) give several keys. Of the Greek words with one of the keys the frequent and well-fitting one is taken; a word that
English writers use is left as it is unless a Greek one is likelier; a word that is in neither list is spelled out letter by letter.
Greek is given as the encoder reads it, in small letters without accents.
"""

from __future__ import annotations

import gzip
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

from cxsentiment.text import CleanText

GREEK_WORDS = Path(__file__).parent / "greek_words.txt.gz"
ENGLISH_WORDS = Path(__file__).parent / "english_words.txt.gz"

ENGLISH_SHARE = 0.06
"""How often a word of a Greeklish text is English."""
MOST_KEYS = 128
MOST_LETTERS = 40
ALTERNATIVE_COST, STRANGE_COST = 0.8, 4.0

SOUNDS: Mapping[str, str] = {
    "ου": "u", "αι": "e", "ει": "i", "οι": "i", "υι": "i", "αυ": "af", "ευ": "ef", "μπ": "b", "ντ": "d", "γκ": "g", "γγ": "g", "κσ": "3",
    "πσ": "4", "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "8", "ι": "i", "κ": "k", "λ": "l", "μ": "m",
    "ν": "n", "ξ": "3", "ο": "o", "π": "p", "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "i", "φ": "f", "χ": "x", "ψ": "4", "ω": "o",
}  # fmt: skip
"""The sound of Greek letters and pairs, one sign a sound."""

READINGS: Mapping[str, tuple[str, ...]] = {
    "ou": ("u",), "oy": ("u",), "ai": ("e", "ai"), "ei": ("i", "ei"), "oi": ("i", "oi"), "au": ("af", "au"), "av": ("af", "av"),
    "eu": ("ef", "eu"), "ev": ("ef", "ev"), "ay": ("af", "ai"), "ey": ("ef", "ei"), "mp": ("b",), "nt": ("d",), "nd": ("d",),
    "gk": ("g",), "gg": ("g",), "ng": ("g",), "th": ("8", "ti"), "ch": ("x",), "kh": ("x", "ki"), "ph": ("f", "pi"), "gh": ("g", "gi"),
    "dh": ("d", "di"), "ks": ("3",), "ps": ("4",), "a": ("a",), "b": ("v", "b"), "c": ("k", "s", "4"), "d": ("d",), "e": ("e",),
    "f": ("f",), "g": ("g",), "h": ("i", "x"), "i": ("i",), "j": ("tz", "3", "z"), "k": ("k",), "l": ("l",), "m": ("m",), "n": ("n",),
    "o": ("o",), "p": ("p",), "q": ("k", "8"), "r": ("r",), "s": ("s",), "t": ("t",), "u": ("u", "i", "8"), "v": ("v", "o"),
    "w": ("o", "s"), "x": ("x", "3"), "y": ("i", "g"), "z": ("z",), "3": ("3",), "4": ("4",), "8": ("8",), "9": ("8",), "0": ("o",),
}  # fmt: skip
"""The sounds that Latin letters and pairs can stand for, the usual one first."""

SPELLED: Mapping[str, str] = {
    "ou": "ου", "oy": "ου", "ai": "αι", "ei": "ει", "oi": "οι", "au": "αυ", "ay": "αυ", "eu": "ευ", "ey": "ευ", "mp": "μπ", "nt": "ντ",
    "gk": "γκ", "gg": "γγ", "th": "θ", "ch": "χ", "kh": "χ", "ph": "φ", "ks": "ξ", "ps": "ψ", "a": "α", "b": "μπ", "c": "κ", "d": "δ",
    "e": "ε", "f": "φ", "g": "γ", "h": "η", "i": "ι", "j": "τζ", "k": "κ", "l": "λ", "m": "μ", "n": "ν", "o": "ο", "p": "π", "q": "κ",
    "r": "ρ", "s": "σ", "t": "τ", "u": "ου", "v": "β", "w": "ω", "x": "χ", "y": "υ", "z": "ζ", "3": "ξ", "4": "ψ", "8": "θ", "9": "θ",
    "0": "ο",
}  # fmt: skip
"""Greek for Latin letters and pairs where no word list helps."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "ου": ("ou", "u", "oy"), "αι": ("ai", "e"), "ει": ("ei", "i"), "οι": ("oi", "i"), "υι": ("ui", "yi", "i"),
    "αυ": ("au", "av", "af", "ay"), "ευ": ("eu", "ev", "ef", "ey"), "μπ": ("mp", "b"), "ντ": ("nt", "d", "nd"),
    "γκ": ("gk", "g", "ng"), "γγ": ("gg", "ng", "g"), "τζ": ("tz", "j"),
    "λλ": ("ll", "l"), "σσ": ("ss", "s"), "ρρ": ("rr", "r"), "νν": ("nn", "n"), "ππ": ("pp", "p"), "ττ": ("tt", "t"),
    "κκ": ("kk", "k"), "μμ": ("mm", "m"), "ββ": ("vv", "v"),
    "α": ("a",), "β": ("v", "b"), "γ": ("g", "gh", "y"), "δ": ("d", "dh"), "ε": ("e",), "ζ": ("z", "j"), "η": ("h", "i"),
    "θ": ("th", "8", "9", "q", "u"), "ι": ("i", "j"), "κ": ("k", "c", "q"), "λ": ("l",), "μ": ("m",), "ν": ("n",),
    "ξ": ("x", "ks", "3", "j"), "ο": ("o", "0"), "π": ("p",), "ρ": ("r",), "σ": ("s", "c", "w"), "τ": ("t",), "υ": ("y", "u", "i"),
    "φ": ("f", "ph"), "χ": ("x", "h", "ch", "kh"), "ψ": ("ps", "4", "c"), "ω": ("w", "o", "v"),
}  # fmt: skip
"""Latin spellings of Greek letters and pairs, the usual one first."""

_SOUND = re.compile("|".join([*(pair for pair in SOUNDS if len(pair) == 2), "."]))
_LATIN = re.compile("|".join([*(pair for pair in READINGS if len(pair) == 2), "."]))
_TYPED = re.compile(r"(?<![^\W_])(?:[a-z]|[3489](?=[a-z]))[a-z34890]*(?![^\W_])", re.IGNORECASE)
_FOREIGN = re.compile(r"ck|sch|sh|oo|ee|ff|cc|tion|wn|[bcdfgjklmpqrtvxz]$")
_LIKE_FIGURES = re.compile(r"[3489](?!a$).?$")


class _Words:
    """Both word lists: Greek words by key of sounds, and log probabilities."""

    def __init__(self) -> None:
        greek, english = _counts(GREEK_WORDS), _counts(ENGLISH_WORDS)
        total = math.log(sum(greek.values()))
        self.greek: dict[str, list[tuple[str, float]]] = {}
        for word, count in greek.items():
            self.greek.setdefault(key_of(word), []).append((word, math.log(count) - total))
        total = math.log(sum(english.values()) / ENGLISH_SHARE)
        self.english = {word: math.log(count) - total for word, count in english.items()}


def in_greek(text: str) -> str:
    """A Greeklish text with its words in Greek.

    >>> in_greek("den doulevei to wifi")
    'δεν δουλευει το wifi'
    """
    return CleanText(text, text).rewritten(restore(text)).text


def restore(text: str) -> list[tuple[int, int, str]]:
    """The words of a Greeklish text that become others: (start, end, Greek), in order, never overlapping.

    >>> restore("den doulevei to wifi")[0]
    (0, 3, 'δεν')
    """
    found = ((match.start(), match.end(), greek_word(match[0].casefold())) for match in _TYPED.finditer(text))
    return [(start, end, word) for start, end, word in found if word is not None]


@lru_cache(maxsize=50_000)
def greek_word(typed: str) -> str | None:
    """The Greek word behind a typed one in small letters, or None where it should stay as it is."""
    if _LIKE_FIGURES.match(typed):
        return None
    words = _words()
    fits = {word: probability - cost(word, typed) for key in keys_of(typed) for word, probability in words.greek.get(key, ())}
    english = words.english.get(typed, -math.inf)
    if fits:
        best = max(fits, key=lambda word: (fits[word], word))
        return best if fits[best] > english else None
    strange = len(typed) < 3 or not typed.isalpha() or _FOREIGN.search(typed)
    return None if strange or english > -math.inf else spelled_out(typed)


def key_of(word: str) -> str:
    """Key of sounds of a Greek word in small letters without accents."""
    return _single(_SOUND.sub(lambda match: SOUNDS.get(match[0], match[0]), word))


def keys_of(typed: str) -> list[str]:
    """Keys of the sounds that a typed word can stand for, the usual ones first."""
    readings = [READINGS.get(piece, (piece,)) for piece in _LATIN.findall(typed[:MOST_LETTERS])]
    for most in (3, 2, 1):
        readings = [choices[:most] for choices in readings]
        if math.prod(map(len, readings)) <= MOST_KEYS:
            break
    return list(dict.fromkeys(_single("".join(choice)) for choice in itertools.product(*readings)))


def cost(word: str, typed: str) -> float:
    """How strangely the Greek word would be spelled by the typed one: 0 for letter by letter in the usual way."""
    costs = [[math.inf] * (len(typed) + 1) for _ in range(len(word) + 1)]
    costs[0][0] = 0.0
    for place, position in itertools.product(range(len(word) + 1), range(len(typed) + 1)):
        for letters, signs, penalty in _steps(word[place : place + 2], typed[position : position + 3]):
            before = costs[place + letters][position + signs]
            costs[place + letters][position + signs] = min(before, costs[place][position] + penalty)
    return costs[-1][-1]


def _steps(word: str, typed: str) -> Iterator[tuple[int, int, float]]:
    """Ways on through a Greek and a typed word from here: how many letters of each, and what that costs."""
    for letters, signs in ((1, 1), (0, 1), (1, 0)):
        if letters <= len(word) and signs <= len(typed):
            yield letters, signs, STRANGE_COST
    for letters in range(1, len(word) + 1):
        for spelling, penalty in _options(word[:letters]):
            if typed.startswith(spelling):
                yield letters, len(spelling), penalty


def spelled_out(typed: str) -> str:
    """Greek letters for Latin ones where no word is known; `h` is χ before a vowel, else η."""
    found = []
    for match in _LATIN.finditer(typed):
        piece, following = match[0], typed[match.end() : match.end() + 1]
        if piece == "h" and following in set("aeiouyw"):
            found.append("χ")
        elif piece in SPELLED:
            found.append(SPELLED[piece])
        else:
            found.extend(SPELLED.get(letter, letter) for letter in piece)
    return "".join(found)


@cache
def _options(letters: str) -> tuple[tuple[str, float], ...]:
    """Latin spellings of a Greek letter or pair and what each costs."""
    usual = USUAL.get(letters, ())
    return tuple((spelling, 0.0 if index == 0 else ALTERNATIVE_COST) for index, spelling in enumerate(usual))


def _single(key: str) -> str:
    """The key without doubled consonants."""
    return re.sub(r"([^aeiou])\1+", r"\1", key)


@cache
def _words() -> _Words:
    return _Words()


def _counts(path: Path) -> dict[str, int]:
    lines = (line.split() for line in gzip.decompress(path.read_bytes()).decode().splitlines())
    return {word: int(count) for word, count in lines}
