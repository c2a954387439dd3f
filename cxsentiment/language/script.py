"""Writing systems: which script each character belongs to, and which script a text is written in.

Script codes are ISO 15924. The table is by Unicode block (UAX #24 gives the full property; the differences are rare letters).
"""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

NO_LETTERS = "Zyyy"
"""Script of a text without letters."""

SCRIPT_RANGES: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("Latn", ((0x41, 0x2AF), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xFB00, 0xFB06))),
    ("Grek", ((0x370, 0x3FF), (0x1F00, 0x1FFF))),
    ("Cyrl", ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F))),
    ("Armn", ((0x530, 0x58F),)),
    ("Hebr", ((0x590, 0x5FF), (0xFB1D, 0xFB4F))),
    ("Arab", ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE))),
    ("Syrc", ((0x700, 0x74F),)),
    ("Thaa", ((0x780, 0x7BF),)),
    ("Deva", ((0x900, 0x97F), (0xA8E0, 0xA8FF))),
    ("Beng", ((0x980, 0x9FF),)),
    ("Guru", ((0xA00, 0xA7F),)),
    ("Gujr", ((0xA80, 0xAFF),)),
    ("Orya", ((0xB00, 0xB7F),)),
    ("Taml", ((0xB80, 0xBFF),)),
    ("Telu", ((0xC00, 0xC7F),)),
    ("Knda", ((0xC80, 0xCFF),)),
    ("Mlym", ((0xD00, 0xD7F),)),
    ("Sinh", ((0xD80, 0xDFF),)),
    ("Thai", ((0xE00, 0xE7F),)),
    ("Laoo", ((0xE80, 0xEFF),)),
    ("Tibt", ((0xF00, 0xFFF),)),
    ("Mymr", ((0x1000, 0x109F),)),
    ("Geor", ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F))),
    ("Hang", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF))),
    ("Ethi", ((0x1200, 0x139F),)),
    ("Cher", ((0x13A0, 0x13FF), (0xAB70, 0xABBF))),
    ("Khmr", ((0x1780, 0x17FF),)),
    ("Mong", ((0x1800, 0x18AF),)),
    ("Bopo", ((0x3100, 0x312F),)),
    ("Hani", ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))),
    ("Jpan", ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))),
)
"""Script code and the code points (first, last) of its blocks; only letters and marks in them count."""

NOT_A_LETTER = 0
IGNORED = 1
"""Class of characters that are passed over as if absent: combining marks on their own, the soft hyphen."""

SCRIPTS: tuple[str, ...] = (NO_LETTERS, "Zinh", *(script for script, _ in SCRIPT_RANGES), "Zzzz")
"""Script code of each class in `script_table()`; `Zzzz` is any letter outside `SCRIPT_RANGES`."""

LATIN, HANI, JAPANESE = SCRIPTS.index("Latn"), SCRIPTS.index("Hani"), SCRIPTS.index("Jpan")

LATIN_WEIGHT = 1 / 3
"""Weight of a Latin letter against one of another script: writers of Greek or Cyrillic use Latin names and words, hardly the reverse."""

KANA_SHARE = 0.1
"""Kana for each Chinese character from which on the characters are read as Japanese."""


@cache
def script_table() -> NDArray[np.uint8]:
    """Class of each code point, shape [0x110000]: an index into `SCRIPTS`."""
    table = np.zeros(0x110000, np.uint8)
    # Letters and marks of the whole range; planes above the third hold none but private ones and tags.
    for point in range(0x323B0):
        category = unicodedata.category(chr(point))[0]
        if category == "L":
            table[point] = len(SCRIPTS) - 1
        elif category == "M":
            table[point] = IGNORED
    for script, ranges in SCRIPT_RANGES:
        for first, last in ranges:
            block = table[first : last + 1]
            block[block != NOT_A_LETTER] = SCRIPTS.index(script)
    table[0xAD] = IGNORED
    table.flags.writeable = False
    return table


def dominant_scripts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Script of each text from its letters of each class, shape [texts, len(SCRIPTS)] -> [texts], indices into `SCRIPTS`.

    The script with most letters wins (a Latin letter counts `LATIN_WEIGHT`, so ties with Latin go to the other script).
    Chinese characters beside kana count as Japanese.
    """
    weights = counts.astype(np.float64)
    weights[:, [NOT_A_LETTER, IGNORED]] = 0.0
    weights[:, LATIN] *= LATIN_WEIGHT
    japanese = (weights[:, JAPANESE] > 0) & (weights[:, JAPANESE] >= KANA_SHARE * weights[:, HANI])
    weights[japanese, JAPANESE] += weights[japanese, HANI]
    weights[japanese, HANI] = 0.0
    # argmax takes the first of equals and `NOT_A_LETTER` is first: a text without letters keeps that class.
    dominant: NDArray[np.int64] = weights.argmax(axis=1).astype(np.int64)
    return dominant


def in_script(classes: NDArray[np.uint8], dominant: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each character (its class) is a letter of the script that its text is written in."""
    same: NDArray[np.bool_] = classes == dominant
    with_characters = (dominant == JAPANESE) & (classes == HANI)
    own: NDArray[np.bool_] = (same | with_characters) & (classes > IGNORED)
    return own
