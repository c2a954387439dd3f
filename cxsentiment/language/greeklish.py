"""Greeklish: Greek in Latin letters. There is no standard; people write by sound, by look, by keyboard, or by all three."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Mapping

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "ου": ("ou", "ou", "ou", "u"),
    "αι": ("ai", "ai", "e"),
    "ει": ("ei", "ei", "i"),
    "οι": ("oi", "oi", "i"),
    "ευ": ("eu", "ev", "ef"),
    "αυ": ("au", "av", "af"),
    "μπ": ("mp", "mp", "b"),
    "ντ": ("nt", "nt", "d"),
    "γκ": ("gk", "gk", "g"),
    "γγ": ("gg", "gg", "ng"),
    "α": ("a",),
    "β": ("v", "v", "b"),
    "γ": ("g", "g", "g", "gh"),
    "δ": ("d", "d", "d", "dh"),
    "ε": ("e",),
    "ζ": ("z",),
    "η": ("i", "h"),
    "θ": ("th", "th", "8", "9"),
    "ι": ("i",),
    "κ": ("k",),
    "λ": ("l",),
    "μ": ("m",),
    "ν": ("n",),
    "ξ": ("ks", "x", "3"),
    "ο": ("o",),
    "π": ("p",),
    "ρ": ("r",),
    "σ": ("s",),
    "τ": ("t",),
    "υ": ("y", "u", "i"),
    "φ": ("f", "f", "ph"),
    "χ": ("x", "h", "ch"),
    "ψ": ("ps", "ps", "4"),
    "ω": ("o", "w"),
}
"""Spellings of each Greek letter or pair; one is chosen for a whole text. Repeated ones are likelier."""

_ACCENTS = {"\u0300", "\u0301", "\u0342", "\u0313", "\u0314", "\u0345"}
_DIAERESIS = "\u0308"
_PIECE = re.compile("|".join([*(key for key in SPELLINGS if len(key) == 2), "[α-ω]"]), re.IGNORECASE)
_ACCENTED_PAIR = re.compile(r"([αεο])\u0301(?=[ιυ])", re.IGNORECASE)
_BREAK = "\u2060"


def transliterate(text: str, rng: random.Random) -> str:
    """Greek text in Latin letters, without accents, in one style drawn from `SPELLINGS`; anything but Greek letters is kept.

    >>> transliterate("Καλημέρα", random.Random(1))  # doctest: +SKIP
    'Kalhmera'
    """
    style = {piece: rng.choice(spellings) for piece, spellings in SPELLINGS.items()}
    plain = _without_accents(text)
    return _PIECE.sub(lambda match: _spell(match, style), plain).replace(_BREAK, "")


def _without_accents(text: str) -> str:
    """Letters without accents; pairs that an accent or diaeresis shows to be two sounds are kept apart by `_BREAK`."""
    apart = _ACCENTED_PAIR.sub(rf"\1{_BREAK}", unicodedata.normalize("NFD", text))
    apart = re.sub(rf"([ιυΙΥ])(\u0301?{_DIAERESIS}\u0301?)", rf"{_BREAK}\1", apart)
    return unicodedata.normalize("NFC", "".join(character for character in apart if character not in _ACCENTS))


def _spell(match: re.Match[str], style: Mapping[str, str]) -> str:
    piece = match.group()
    spelling = style[piece.casefold()]
    if not piece[0].isupper():
        return spelling
    following = match.string[match.end() : match.end() + 1]
    shouted = piece[-1].isupper() and (len(piece) > 1 or following.isupper())
    return spelling.upper() if shouted else spelling.capitalize()
