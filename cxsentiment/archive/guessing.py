"""Which one-byte encoding a text is in, by how often languages use the letters that its bytes would be.

One byte is κ in one encoding, ę in another and ê in a third, and most bytes are something in all of them. So each encoding is tried, and
every letter beyond ASCII is weighed with its neighbours by langdetect's counts of letter pairs and triples, line by line, in the language
that suits the line best. The encoding with the greatest weight is taken if the result looks like writing at all and no other comes close.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

_LATIN_1: Final = ("en", "ca", "da", "de", "es", "fi", "fr", "it", "nl", "no", "pt", "sv")
_LATIN_2: Final = ("pl", "ro", "cs", "hr", "hu", "sk", "sl")
_BALTIC: Final = ("et", "lt", "lv")
_LATIN: Final = tuple(dict.fromkeys((*_LATIN_1, *_LATIN_2, *_BALTIC, "tr")))
_GREEK: Final = ("el",)
_LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "cp1252": _LATIN_1,
    "cp1253": _GREEK,
    "cp1250": _LATIN_2,
    "iso8859-7": _GREEK,
    "iso8859-2": _LATIN_2,
    "cp737": _GREEK,
    "cp852": _LATIN_2,
    "cp1251": ("bg", "mk", "ru", "uk"),
    "cp1254": ("tr",),
    "cp1257": _BALTIC,
    "koi8-r": ("ru", "uk"),
    "cp1255": ("he",),
    "cp1256": ("ar", "fa"),
}
"""The encodings that are tried, and the languages that are written in each. Among equals the first one is taken."""

_USUAL: Final = frozenset(("el", "pl", "ro", "en"))
_OLD: Final = frozenset(("cp737", "cp852"))
"""Of MS-DOS: rare by now."""

_SIGNS: Final = frozenset("‘’‚“”„«»‹›–—…•·€£§©®°™´½¼¾²³¿¡")
_OPENING_SIGNS: Final = frozenset("¿¡")
_WITHIN_WORDS: Final = frozenset("’·")
_INVISIBLE: Final = frozenset("\u00a0\u00ad")

_SIGN, _OPENING_SIGN, _SIGN_IN_WORD, _OTHER, _NOTHING = 2.0, 8.0, -2.0, -8.0, -7.0
"""Weights, in nats, of a usual sign, of one before a word, of one with letters on both sides, of what is no writing (¶, frames, control
characters), and of a byte that is nothing."""
_ALONE, _MIXED_WORD, _CAPITAL_WITHIN = -2.0, -12.0, -6.0
"""Of a letter that stands alone, of one of another script beside a Latin one, of a capital after a small letter."""
_OTHER_LANGUAGE, _SWITCH, _OLD_ENCODING = -3.0, -6.0, -3.0
"""Of a line in another language than ours, of one whose plain letters are in another language than the rest, of an old encoding."""

_LEAST_LETTER, _LEAST_LATIN_LETTER, _LEAST_SIGN, _LEAST_SIGN_BESIDE_LETTERS = 10.5, 2.0, 1.5, -0.5
"""Weights of the average letter and sign from which on it may be writing. Only in Latin script do letters beyond ASCII stand apart."""
_LEAST_LEAD: Final = 1.0
"""How much greater the weight must be than that of each encoding in which the text reads differently."""

_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_LINE_BYTES: Final = 2_000
_LEAD_IN: Final = 200
SAMPLE_BYTES: Final = 1 << 16
"""As much is looked at."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line in one encoding: how well it suits a language at best, and the part in it of letters and signs beyond ASCII."""

    text: str
    weight: float
    letters: float
    signs: float


@dataclass(frozen=True, slots=True)
class _Tried:
    encoding: str
    lines: tuple[_Line, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(line.text for line in self.lines)

    @property
    def weight(self) -> float:
        return sum(line.weight for line in self.lines) + (_OLD_ENCODING if self.encoding in _OLD else 0.0)

    @property
    def plausible(self) -> bool:
        beyond = [letter for text in self.texts for letter in text if not letter.isascii()]
        letters = [letter for letter in beyond if letter.isalpha()]
        signs = sum(line.signs for line in self.lines)
        if not letters:
            return signs >= _LEAST_SIGN * len(beyond)
        least = _LEAST_LETTER if any(map(_is_other_script, letters)) else _LEAST_LATIN_LETTER
        return sum(line.letters for line in self.lines) >= least * len(letters) and signs >= _LEAST_SIGN_BESIDE_LETTERS * len(beyond)


def guess_encoding(lines: Sequence[bytes]) -> str | None:
    """The encoding that lines with bytes beyond ASCII are most likely in, None if that is not clear.

    Known are cp1253, iso8859-7 and cp737 (Greek), cp1250, iso8859-2 and cp852 (Polish, Romanian and neighbours), cp1252 (English and
    Western European languages), and, so that they are not taken for one of these, encodings of other languages.
    """
    lines = _cut(lines)
    if not lines:
        return None
    plain = [_plain_weights(line) for line in lines]
    tried = [_try(encoding, lines, plain) for encoding in _LANGUAGES]
    best = max(tried, key=lambda found: found.weight)
    lead = min((best.weight - other.weight for other in tried if other.texts != best.texts), default=_LEAST_LEAD)
    return best.encoding if best.plausible and lead >= _LEAST_LEAD else None


def _cut(lines: Sequence[bytes]) -> list[bytes]:
    """The part of each line from shortly before its first byte beyond ASCII, as far as the sample goes."""
    found: list[bytes] = []
    left = SAMPLE_BYTES
    for line in lines:
        first = _BEYOND_ASCII.search(line)
        if first is not None and left > 0:
            start = max(0, first.start() - _LEAD_IN)
            found.append(line[start : start + _LINE_BYTES])
            left -= len(found[-1])
    return found


def _try(encoding: str, lines: Sequence[bytes], plain: Sequence[Mapping[str, float]]) -> _Tried:
    texts = [line.decode(encoding, "replace") for line in lines]
    return _Tried(encoding, tuple(_weigh(text, _LANGUAGES[encoding], weights) for text, weights in zip(texts, plain, strict=True)))


def _weigh(text: str, languages: Sequence[str], plain: Mapping[str, float]) -> _Line:
    letters, signs = _read(text)
    most_plain = max(plain.values())
    if not letters:
        return _Line(text, most_plain + signs, 0.0, signs)
    found = {language: _weight(letters, language) for language in languages}
    best = max(found, key=lambda language: found[language] + _prior(language, _LATIN_1))
    # Beside Greek, plain letters are those of foreign words.
    weight = most_plain + found[best] + _prior(best, _LATIN_1) + (_SWITCH if best in plain else 0.0)
    for language in found.keys() & plain.keys():
        whole = plain[language] + found[language] + _prior(language)
        weight, best = max((weight, best), (whole, language))
    return _Line(text, weight + signs, found[best], signs)


def _prior(language: str, also: Sequence[str] = ()) -> float:
    return 0.0 if language in _USUAL or language in also else _OTHER_LANGUAGE


def _plain_weights(line: bytes) -> dict[str, float]:
    """How well the letters within ASCII suit each language of Latin script."""
    text = "".join(chr(byte) if byte < 128 else " " for byte in line).lower()
    padded = f" {text} "
    letters = [
        "".join(letter if letter.isalpha() else " " for letter in padded[place : place + 3])
        for place in range(len(text))
        if text[place].isalpha()
    ]
    return {language: _weight(letters, language) for language in _LATIN}


def _read(text: str) -> tuple[list[str], float]:
    """Each letter beyond ASCII with its neighbours (a space for what is no letter), and the weight of all other characters beyond it."""
    letters: list[str] = []
    signs = 0.0
    padded = f" {text} "
    for place, letter in enumerate(text):
        if letter.isascii():
            continue
        before, after = padded[place], padded[place + 2]
        if letter.isalpha():
            letters.append("".join(one if one.isalpha() else " " for one in (before, letter, after)).lower())
            signs += _CAPITAL_WITHIN * (before.islower() and letter.isupper())
            if _is_other_script(letter):
                signs += _MIXED_WORD * sum(other.isascii() and other.isalpha() for other in (before, after))
        elif letter in _OPENING_SIGNS and after.isalpha() and not before.isalpha():
            signs += _OPENING_SIGN
        elif letter in _SIGNS:
            signs += _SIGN_IN_WORD if before.isalpha() and after.isalpha() and letter not in _WITHIN_WORDS else _SIGN
        elif letter not in _INVISIBLE:
            signs += _NOTHING if letter == "\ufffd" else _OTHER
    return letters, signs


def _is_other_script(letter: str) -> bool:
    """Whether it is Greek, Cyrillic, Hebrew or Arabic."""
    return "\u0370" <= letter < "\u0780"


def _weight(letters: Sequence[str], language: str) -> float:
    return sum(map(_weights(language).__getitem__, letters))


class _Weights(dict[str, float]):
    """Of a letter between two others or spaces: log(p / floor) of the grams it is part of, in one language; reckoned when asked for."""

    def __init__(self, grams: Mapping[str, float], floor: float) -> None:
        super().__init__()
        self._grams, self._floor = grams, floor

    def __missing__(self, triple: str) -> float:
        # A letter that stands alone is a word by itself (η, à), or a sign taken for a letter.
        alone = triple[0] == triple[2] == " "
        parts = [triple] if alone else [triple, triple[:2], triple[1:], triple[1]]
        found = sum(float(np.log1p(self._grams.get(part, 0.0) / self._floor)) for part in parts) + (_ALONE if alone else 0.0)
        self[triple] = found
        return found


@cache
def _weights(language: str) -> _Weights:
    return _all_weights()[language]


@cache
def _all_weights() -> Mapping[str, _Weights]:
    from cxsentiment.language.profiles import FLOOR, read_profiles

    wanted = {language for languages in _LANGUAGES.values() for language in languages}
    return {profile.code: _Weights(profile.grams, FLOOR) for profile in read_profiles() if profile.code in wanted}
