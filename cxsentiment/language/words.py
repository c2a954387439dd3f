"""From texts to words as the scorer knows them: noise out, one case, one form; a batch of texts in a few passes over one string."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from cxsentiment.language.letters import strip_noise

MOST_WORDS = 250
"""Words of a text that are looked at; the rest of a longer text is not."""

LONGEST_WORD = 40

_END = "\0"
_DIGIT = r"[034689]"
"""Digits that stand for Greek letters in Greeklish."""

_WORD = re.compile(rf"(?:(?<![^\W_]){_DIGIT})?[^\W\d_][\w\u0300-\u036f]*(?:['’][^\W\d_]+)*")
_TOKEN = re.compile(rf"(?:(?<![^\W_]){_DIGIT})?[^\W\d_]+(?:(?:'|{_DIGIT})[^\W\d_]+)*|\0")
_LENGTHENED = re.compile(r"([^\W\d_])\1{2,}")
_LAUGH = re.compile(r"(([^\W\d_]{2})\2)\2+")
_MARKS = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\ufe0f]+")
_FORMS = {"ş": "ș", "ţ": "ț", "ς": "σ", "’": "'", "ʼ": "'", "`": "'"}


def words_of(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text, in order: small letters, at most two of the same in a row, cut to `LONGEST_WORD`; no addresses or tags.

    A digit that stands for a Greek letter belongs to its word.

    >>> words_of(["Suuuuper!! 10/10", "https://example.ro", "8elw"])
    [['suuper'], [], ['8elw']]
    """
    return split_words([strip_noise(text) for text in texts])


def split_words(texts: Sequence[str]) -> list[list[str]]:
    """The same for texts that `strip_noise` has been through."""
    joined = normal_form(_END.join([*texts, ""]))
    found: list[list[str]] = []
    words: list[str] = []
    for token in _TOKEN.findall(joined):
        if token == _END:
            found.append(words[:MOST_WORDS])
            words = []
        else:
            words.append(token[:LONGEST_WORD])
    return found


def words_at(text: str) -> list[tuple[int, int]]:
    """Where the words of a text without noise (see `hide_noise`) stand: (start, end)."""
    return [match.span() for match in _WORD.finditer(text)]


def normal_form(text: str) -> str:
    """One form for all ways of typing a letter (NFKC), in small letters, lengthened words and laughs shortened; accents are kept."""
    text = unicodedata.normalize("NFKC", text).lower()
    if not text.isascii():
        text = _MARKS.sub("", text)
        for letter, usual in _FORMS.items():
            text = text.replace(letter, usual)
    return _LAUGH.sub(r"\1", _LENGTHENED.sub(r"\1\1", text))
