"""From texts to letters: noise out, one case, one alphabet; a batch of texts becomes one flat array of letter numbers."""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxsentiment.language.script import IGNORED, SCRIPTS, dominant_scripts, in_script, script_table

MAX_LETTERS = 2000
"""Letters and word gaps of a text that are looked at; the rest of a longer text is not."""

MAX_CHARACTERS = 4 * MAX_LETTERS

SPACE = 0
"""Number of the word gap."""

OTHER = 1
"""Number of every letter that is in no profile."""

_TAG = re.compile(r"</?[a-z][^<>\0]{0,64}>", re.IGNORECASE)
"""HTML tags; <url>, <email>, <user> of our cleaning."""

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s\0]*", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_HANDLE = re.compile(r"(?<!\w)@\w{1,64}")
_DOMAIN_SIGN = re.compile(r"\.(?:com|net|org|eu|gr|pl|ro|uk|io)\b", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.(?:com|net|org|eu|gr|pl|ro|uk|io)\b(?!\.\w)(?:/[^\s\0]*)?", re.IGNORECASE
)
_LETTERLIKE = re.compile("[\u2100-\u214f\u2460-\u24ff\U0001f100-\U0001f1ff]")
"""Signs that look like letters: ™, 🅰."""

_GAPS = re.compile(r"[\s\d_!-/:-@\[-`{-~\u2000-\u2bff\U0001f000-\U0001faff]{2,}")


@dataclass(frozen=True, slots=True)
class Letters:
    """Letters of several texts, one after the other, without those of other scripts than the text's own.

    `numbers`, `texts`, `positions`: shape [letters]: number of the letter, which text, place in the text. Words are separated by
    one `SPACE`. `scripts`: shape [texts], indices into `SCRIPTS`.
    """

    numbers: NDArray[np.int64]
    texts: NDArray[np.int64]
    positions: NDArray[np.int64]
    scripts: NDArray[np.int64]


def folding() -> Callable[[str], str]:
    """langdetect's `NGram.normalize`: the letter under which it counts a character (ș as ş, Hangul as one letter, ...)."""
    # By name because langdetect has no type hints.
    normalize: Callable[[str], str] = importlib.import_module("langdetect.utils.ngram").NGram.normalize
    return normalize


def strip_noise(text: str) -> str:
    """Text without addresses, handles, tags and signs that look like letters; a long one cut to `MAX_CHARACTERS`."""
    text = _without_noise(text, lambda _: " ")
    if len(text) > MAX_CHARACTERS:
        text = _GAPS.sub(" ", text)[:MAX_CHARACTERS]
    return text


def hide_noise(text: str) -> str:
    """The text with a space for each character of what `strip_noise` takes out."""
    return _without_noise(text, lambda match: " " * len(match[0]))


def _without_noise(text: str, fill: Callable[[re.Match[str]], str]) -> str:
    """Each kind of noise is looked for only where a sign of it is in the text: most texts have none."""
    if "\0" in text:
        text = text.replace("\0", " ")
    if "<" in text:
        text = _TAG.sub(fill, text)
    if "://" in text or "www." in text.lower():
        text = _ADDRESS.sub(fill, text)
    if "@" in text:
        text = _HANDLE.sub(fill, text)
        if "@" in text:
            text = _EMAIL.sub(fill, text)
    if "." in text and _DOMAIN_SIGN.search(text):
        text = _DOMAIN.sub(fill, text)
    return text if text.isascii() else _LETTERLIKE.sub(fill, text)


def read_letters(texts: Sequence[str], alphabet: NDArray[np.int64]) -> Letters:
    """Letters of the texts, numbered by `alphabet` (number of each code point, shape [0x110000])."""
    points, classes, text_of, scripts = _classified(list(map(strip_noise, texts)))
    own = in_script(classes, scripts[text_of])
    numbers = np.where(own, alphabet[points], SPACE)
    present = np.flatnonzero(classes != IGNORED)
    present = present[~_repeated(np.where(own, points, 0)[present])]
    numbers, text_of = _single_gaps(numbers[present], text_of[present])
    positions = np.arange(len(numbers)) - np.searchsorted(text_of, np.arange(len(texts)))[text_of]
    near = positions < MAX_LETTERS
    return Letters(numbers[near], text_of[near], positions[near], scripts)


def scripts_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """Script of each text without noise (see `strip_noise`): indices into `SCRIPTS`, shape [texts]."""
    return _classified(texts)[3]


def _classified(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Code points, their script classes and which text each belongs to, shape [characters]; script of each text, shape [texts]."""
    joined = unicodedata.normalize("NFKC", "\0".join(texts) + "\0").lower()
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    classes = script_table()[points]
    text_of = np.cumsum(points == 0)
    text_of -= points == 0
    counts = np.bincount(text_of * len(SCRIPTS) + classes, minlength=len(texts) * len(SCRIPTS))
    return points, classes, text_of, dominant_scripts(counts.reshape(len(texts), len(SCRIPTS)))


def _repeated(points: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Letters that lengthen a word ("suuuuper": from the third in a row) or a laugh ("xaxaxaxa": from the third pair); 0 is no letter."""
    same = np.zeros((2, len(points)), bool)
    for distance, row in enumerate(same, 1):
        np.equal(points[distance:], points[:-distance], out=row[distance:])
    same &= points != 0
    once, twice = same
    repeated = np.zeros(len(points), bool)
    repeated[2:] = once[2:] & once[1:-1]
    # The last six are ababab when each of the last four is the one two before it.
    repeated[5:] |= twice[5:] & twice[4:-1] & twice[3:-2] & twice[2:-3]
    return repeated


def _single_gaps(numbers: NDArray[np.int64], text_of: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    after_gap = np.empty(len(numbers), bool)
    after_gap[:1] = True
    np.equal(numbers[:-1], SPACE, out=after_gap[1:])
    kept = (numbers != SPACE) | ~after_gap
    return numbers[kept], text_of[kept]
