"""Which words and pairs of words stand in which comments. Pure."""

from __future__ import annotations

import re
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxsentiment.stop_words import stop_words
from cxsentiment.text import clean_string, fold
from cxsentiment.word_forms import lemma

Integers = NDArray[np.int64]

FEWEST_COMMENTS: Final = 3
"""Phrases of fewer comments are not counted: they could point at one customer."""

_SHORTEST_WORD: Final = 3
_LONGEST_WORD: Final = 40
_WORD = re.compile(r"<(?:url|email|user)>|[^\W\d_]+(?:['’][^\W\d_]+)*|[.!?;:,()\n]")
_BREAK: Final = -1
"""Stands between words that make no pair: punctuation, and words that do not count."""

_NEGATIONS: Final = {
    "el": "δεν δε μην μη χωρις ουτε ποτε den dn min mhn xwris xoris",
    "pl": "nie bez nigdy ani brak",
    "ro": "nu fara nici niciodata",
    "en": "not no never without cannot",
}
"""Words that are counted only in a pair with the word after them: "nie działa"."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """The words and pairs of a list of comments in one language, those of at least `FEWEST_COMMENTS` comments.

    `spellings` are the phrases as they are typed most often, `lemmas` the dictionary forms of their words, by which they were counted.
    `comment` and `phrase`, both of shape (occurrences,), say that comment i has phrase j: each such pair once, ordered by comment.
    """

    spellings: tuple[str, ...]
    lemmas: tuple[tuple[str, ...], ...]
    comment: Integers
    phrase: Integers
    comments: int
    language: str
    lemma_of: Mapping[str, str]
    """Folded word -> the form that it was counted by."""

    def counts(self, comments: Integers | None = None) -> Integers:
        """Shape (phrases,): how many of these comments (ascending numbers; None for all) have each phrase."""
        phrase = self.phrase
        if comments is not None:
            first, last = (np.searchsorted(self.comment, comments, side) for side in ("left", "right"))
            sizes = last - first
            phrase = phrase[np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())]
        return np.bincount(phrase, minlength=len(self.spellings))


def words_of(text: str) -> list[str]:
    """The folded words of a text, those of one letter left out."""
    return [fold(word) for word in _tokens(text) if len(word) > 1]


def is_negation(folded: str, language: str) -> bool:
    """Whether a folded word turns the meaning of the next one."""
    return folded in _negations(language) or (language == "en" and folded.endswith("n't"))


@cache
def _negations(language: str) -> frozenset[str]:
    return frozenset(map(fold, _NEGATIONS.get(language, "").split()))


def count_phrases(texts: Sequence[str], language: str) -> Phrases:
    """Words of three letters and more that are no stop words, and pairs of neighbouring ones; the first of a pair may be a negation.

    Words are counted by the dictionary form of the way in which they are typed most often, whatever their case and accents. Links,
    addresses and names of users do not count. The order of the texts does not matter but for the numbers of the comments.
    """
    forms, form, comment = _read(texts)
    lemma_of = _lemmas(forms, form, language)
    lemmas = sorted(set(lemma_of.values()))
    number = {found: place for place, found in enumerate(lemmas)}
    # The last entries are what the index -1, a break or a stop word, finds.
    key = np.array([*(number.get(lemma_of.get(fold(word), ""), _BREAK) for word in forms), _BREAK])[form]
    is_word = key >= 0
    alone = is_word & ~np.array([*(is_negation(word, language) for word in lemmas), True])[key]
    second = np.flatnonzero(is_word[:-1] & alone[1:] & (comment[:-1] == comment[1:])) + 1
    size = max(len(lemmas), 1)
    places = np.concatenate([np.flatnonzero(alone), second])
    # A word's code is its key, a pair's lies above all keys.
    codes = np.concatenate([key[alone], size + key[second - 1] * size + key[second]])
    typed = np.concatenate([form[alone], len(forms) + form[second - 1] * len(forms) + form[second]])
    kept, phrase, comment = _frequent(codes, comment[places])
    spellings = [_phrase(code, forms) for code in _most_typed(codes, typed, kept)]
    return Phrases(
        tuple(map(" ".join, spellings)),
        tuple(_phrase(code, lemmas) for code in kept.tolist()),
        comment,
        phrase,
        len(texts),
        language,
        lemma_of,
    )


def _phrase(code: int, words: Sequence[str]) -> tuple[str, ...]:
    if code < len(words):
        return (words[code],)
    first, second = divmod(code - len(words), len(words))
    return words[first], words[second]


def _read(texts: Sequence[str]) -> tuple[list[str], Integers, Integers]:
    """The different words in alphabetical order, and for each word and break of the texts its number (or `_BREAK`) and its comment."""
    numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers))
    form, sizes = array("q"), array("q")
    for text in texts:
        found = list(_tokens(text))
        form.extend(numbers[word] if word else _BREAK for word in found)
        sizes.append(len(found))
    forms = sorted(numbers)
    place = np.empty(len(forms) + 1, np.int64)
    place[[numbers[word] for word in forms]] = np.arange(len(forms))
    place[-1] = _BREAK
    return forms, place[np.array(form, np.int64)], np.repeat(np.arange(len(texts)), np.array(sizes, np.int64))


def _tokens(text: str) -> Iterator[str]:
    """Words in lower case, and an empty string for each break between them."""
    for word in _WORD.findall(clean_string(text)):
        yield word.lower().replace("’", "'") if word[0].isalpha() and len(word) <= _LONGEST_WORD else ""


def _lemmas(forms: Sequence[str], form: Integers, language: str) -> dict[str, str]:
    """Folded word -> lemma of the commonest of the forms that differ by accents only; stop words are left out.

    Looking lemmas up takes long, so that rare words are their own.
    """
    counts = np.bincount(form[form >= 0], minlength=len(forms)).tolist()
    spelled: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(forms):
        spelled[fold(word)].append(place)
    stop = stop_words(language, greeklish=True)
    lemmas: dict[str, str] = {}
    for folded, places in spelled.items():
        if is_negation(folded, language):
            lemmas[folded] = folded
        elif len(folded) >= _SHORTEST_WORD and folded not in stop:
            is_rare = sum(counts[place] for place in places) < FEWEST_COMMENTS
            lemmas[folded] = folded if is_rare else _lemma(forms[max(places, key=counts.__getitem__)], language)
    return lemmas


_lemma = lru_cache(maxsize=1 << 17)(lemma)


def _frequent(codes: Integers, comment: Integers) -> tuple[Integers, Integers, Integers]:
    """Codes that stand in enough comments, ascending; and the different pairs of such a code's number and a comment, by comment."""
    different, phrase = np.unique(codes, return_inverse=True)
    width = max(len(different), 1)
    pairs = np.unique(comment * width + phrase)
    comment, phrase = pairs // width, pairs % width
    enough = np.bincount(phrase, minlength=len(different)) >= FEWEST_COMMENTS
    number = np.cumsum(enough) - 1
    chosen = enough[phrase]
    return different[enough], number[phrase[chosen]], comment[chosen]


def _most_typed(codes: Integers, typed: Integers, kept: Integers) -> list[int]:
    """How each kept code is typed most often; of two that are typed as often the first in the alphabet."""
    chosen = np.isin(codes, kept)
    codes, typed = codes[chosen], typed[chosen]
    order = np.lexsort((typed, codes))
    codes, typed = codes[order], typed[order]
    first = np.flatnonzero(np.concatenate([[True], (codes[1:] != codes[:-1]) | (typed[1:] != typed[:-1])])) if len(codes) else codes
    times = np.diff(np.append(first, len(codes)))
    codes, typed = codes[first], typed[first]
    order = np.lexsort((typed, -times, codes))
    _, best = np.unique(codes[order], return_index=True)
    found: list[int] = typed[order][best].tolist()
    return found
