"""How often each language uses each 1- to 3-gram of letters: langdetect's profiles, as one table that numpy can add up.

langdetect takes p(gram | language) = count / number of grams of that length, plus a floor of 0.5 / 10,000, and multiplies over the
grams of a text that any profile knows (Nakatani Shuyo, "Language Detection Library for Java", 2010). The table holds
log(p + floor) - log(floor), so that a gram unknown to a language adds nothing, in fixed point: whole numbers add up to the same
sum in any order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxsentiment.language.letters import OTHER, SPACE, folding
from cxsentiment.language.scorer import TRAINED
from cxsentiment.language.script import SCRIPTS, script_table

FLOOR = 0.5 / 10_000
"""langdetect's smoothing: ALPHA_DEFAULT / BASE_FREQ."""

FIXED_POINT = 1 << 15
"""Units of one nat in the table. The sum over `MAX_LETTERS` letters stays below 2**31 (a letter adds three grams, each < 9.91 nats)."""

LANGUAGE_SCRIPTS: Mapping[str, str] = {
    **dict.fromkeys(("bg", "mk", "ru", "uk"), "Cyrl"),
    **dict.fromkeys(("ar", "fa", "ur"), "Arab"),
    **dict.fromkeys(("hi", "mr", "ne"), "Deva"),
    **{"el": "Grek", "he": "Hebr", "bn": "Beng", "gu": "Gujr", "pa": "Guru", "kn": "Knda", "ml": "Mlym", "ta": "Taml"},
    **{"te": "Telu", "th": "Thai", "ko": "Hang", "ja": "Jpan", "zh": "Hani"},
}
"""Script of each profile that is not Latin. Japanese is also a candidate for a text in Chinese characters alone."""

_LETTER_BITS = 14
_ANY_LETTER = (1 << _LETTER_BITS) - 1
_HASH_BITS = 18
_HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_EMPTY = np.int64(-1)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile: its language, the script it is for, the probability of each gram."""

    code: str
    script: str
    grams: Mapping[str, float]


class GramIndex:
    """Rows of the gram table for triples of letters, by a hash table with linear probing over whole arrays."""

    __slots__ = ("_keys", "_rows", "_single")

    def __init__(self, keys: NDArray[np.int64], rows: NDArray[np.int64], single: NDArray[np.int64]) -> None:
        self._keys = np.full((1 << _HASH_BITS) + len(keys), _EMPTY)
        self._rows = np.zeros(len(self._keys), np.int64)
        self._single = single
        slots = _hash(keys)
        while len(keys):
            taken = self._keys[slots] != _EMPTY
            free, first = np.unique(np.where(taken, -1, slots), return_index=True)
            placed = first[free >= 0]
            self._keys[slots[placed]], self._rows[slots[placed]] = keys[placed], rows[placed]
            left = np.ones(len(keys), bool)
            left[placed] = False
            keys, rows, slots = keys[left], rows[left], slots[left] + 1

    def rows(self, before: NDArray[np.int64], previous: NDArray[np.int64], letter: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row for each letter after the two before it: of the known trigram, else the bigram, else the letter, else row 0."""
        pair = (previous << _LETTER_BITS) | letter
        rows = self._find((before << 2 * _LETTER_BITS) | pair)
        missed = np.flatnonzero(rows == 0)
        rows[missed] = self._find((_ANY_LETTER << 2 * _LETTER_BITS) | pair[missed])
        missed = missed[rows[missed] == 0]
        rows[missed] = self._single[letter[missed]]
        return rows

    def _find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        slots = _hash(keys)
        found = self._keys[slots]
        rows: NDArray[np.int64] = np.where(found == keys, self._rows[slots], 0)
        open_ = np.flatnonzero((found != keys) & (found != _EMPTY))
        while len(open_):
            slots[open_] += 1
            found = self._keys[slots[open_]]
            hit = found == keys[open_]
            rows[open_[hit]] = self._rows[slots[open_[hit]]]
            open_ = open_[~hit & (found != _EMPTY)]
        return rows


@dataclass(frozen=True, slots=True)
class GramTable:
    """All profiles as numbers.

    `codes`, `scripts`: those of each `Profile`. `alphabet`: letter number of each code point, shape [0x110000].
    `weights`: shape [profiles, rows], fixed-point log-odds against the floor, where a row is the sum for the one, two and three
    letters that end in the same place. `index` finds the rows.
    """

    codes: tuple[str, ...]
    scripts: tuple[str, ...]
    alphabet: NDArray[np.int64]
    weights: NDArray[np.int32]
    index: GramIndex


def _hash(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return ((keys.astype(np.uint64) * _HASH_FACTOR) >> np.uint64(64 - _HASH_BITS)).astype(np.int64)


@cache
def available_languages() -> tuple[str, ...]:
    """ISO 639-1 codes of the languages that can be told, sorted: those that the scorer has learnt and those of langdetect."""
    return tuple(sorted({_code(path) for path in _profile_files()}.union(*TRAINED.values())))


@cache
def profile_languages(script: str) -> frozenset[str]:
    """The languages in a script that langdetect has a profile of."""
    codes = {_code(path) for path in _profile_files()}
    return frozenset(code for code in codes if _script(code) == script)


def _profile_files() -> list[Any]:
    return sorted((path for path in (files("langdetect") / "profiles").iterdir() if path.is_file()), key=lambda path: path.name)


def _code(path: Any) -> str:
    """Language of a profile file: `zh` of `zh-cn`."""
    return str(path.name).split("-")[0]


def _script(code: str) -> str:
    return LANGUAGE_SCRIPTS.get(code, "Latn")


def read_profiles() -> list[Profile]:
    """langdetect's profiles, sorted by language; the two Chinese ones averaged into `zh`."""
    read: dict[str, list[dict[str, float]]] = {}
    for path in _profile_files():
        read.setdefault(_code(path), []).append(_probabilities(json.loads(path.read_bytes())))
    return [Profile(code, _script(code), _mean(parts)) for code, parts in sorted(read.items())]


def _probabilities(profile: Mapping[str, Any]) -> dict[str, float]:
    totals = profile["n_words"]
    return {gram: count / totals[len(gram) - 1] for gram, count in profile["freq"].items()}


def _mean(parts: list[dict[str, float]]) -> dict[str, float]:
    if len(parts) == 1:
        return parts[0]
    grams = {gram for part in parts for gram in part}
    return {gram: sum(part.get(gram, 0.0) for part in parts) / len(parts) for gram in sorted(grams)}


@cache
def gram_table() -> GramTable:
    """The table, read from the profiles once (about half a second)."""
    profiles = read_profiles()
    letters = _usable_letters({letter for profile in profiles for gram in profile.grams for letter in gram})
    numbers = {letter: number for number, letter in enumerate(sorted(letters), OTHER + 1)}
    numbers[" "] = SPACE
    known = numbers.keys()
    grams = sorted({gram for profile in profiles for gram in profile.grams if known >= set(gram)})
    rows = {gram: row for row, gram in enumerate(grams, 1)}
    weights = np.zeros((len(profiles), len(grams) + 1), np.float64)
    for column, profile in zip(weights, profiles, strict=True):
        pairs = [(rows[gram], probability) for gram, probability in profile.grams.items() if gram in rows]
        column[[row for row, _ in pairs]] = np.log1p(np.array([probability for _, probability in pairs]) / FLOOR)
    return GramTable(
        tuple(profile.code for profile in profiles),
        tuple(profile.script for profile in profiles),
        _alphabet(numbers),
        _with_shorter_grams(weights, rows),
        _gram_index(rows, numbers),
    )


def _usable_letters(letters: Iterable[str]) -> set[str]:
    """Those that a text still has after lower-casing and folding; grams with another never occur."""
    classes, fold = script_table(), folding()
    return {letter for letter in letters if SCRIPTS[classes[ord(letter)]][0] != "Z" and letter.lower() == letter == fold(letter)}


def _with_shorter_grams(weights: NDArray[np.float64], rows: Mapping[str, int]) -> NDArray[np.int32]:
    """Each gram's weight and those of the shorter grams at its end, in fixed point; profile by profile, for memory's sake."""
    shorter = {length: np.zeros(weights.shape[1], np.int64) for length in (1, 2)}
    for gram, row in rows.items():
        for length, places in shorter.items():
            # A gap alone is no gram, and is in no profile.
            places[row] = rows.get(gram[-length:], 0) if length < len(gram) else 0
    found = np.empty(weights.shape, np.int32)
    for own, sums in zip(weights, found, strict=True):
        sums[:] = np.rint((own + own[shorter[1]] + own[shorter[2]]) * FIXED_POINT)
    return found


def _gram_index(rows: Mapping[str, int], numbers: Mapping[str, int]) -> GramIndex:
    single = np.zeros(len(numbers) + OTHER, np.int64)
    keys, values = [], []
    for gram, row in rows.items():
        if len(gram) == 1:
            single[numbers[gram]] = row
            continue
        before, previous, letter = (_ANY_LETTER, *(numbers[part] for part in gram))[-3:]
        keys.append((before << 2 * _LETTER_BITS) | (previous << _LETTER_BITS) | letter)
        values.append(row)
    return GramIndex(np.array(keys, np.int64), np.array(values, np.int64), single)


def _alphabet(numbers: Mapping[str, int]) -> NDArray[np.int64]:
    fold = folding()
    alphabet = np.full(0x110000, OTHER, np.int64)
    # The profiles have no letters beyond the first plane.
    for point in np.flatnonzero(script_table()[:0x10000]).tolist():
        alphabet[point] = numbers.get(fold(chr(point)), OTHER)
    alphabet.flags.writeable = False
    return alphabet
