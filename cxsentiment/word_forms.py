"""Forms under which a phrase may have a word: its lemma, its spelling with diacritics, the Greek word that a Greeklish one sounds like."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations, islice, product
from pathlib import Path
from typing import Final

from simplemma.strategies import DictionaryLookupStrategy
from simplemma.strategies.dictionaries import LOW_MEMORY_DICTIONARY_FACTORY, DefaultDictionaryFactory

from cxsentiment.text import fold

_DICTIONARY: Final = DictionaryLookupStrategy(LOW_MEMORY_DICTIONARY_FACTORY)
"""simplemma's dictionaries, read when first asked for: 80 MB for all four languages. Its default ones take 1.5 GB."""

LANGUAGES: Final = ("el", "pl", "ro", "en")
PHRASE_FORMS: Final = Path(__file__).with_name("phrase_forms.txt.gz")
"""All forms of the words of the packaged taxonomy: lines of language, word, forms (made by `training.lemma_forms`)."""

OtherForms = Callable[[str, str], tuple[str | None, str | None]]
"""(lower-case word, folded word) -> (norm to use if no phrase has the folded word, lemma); None where no phrase has such a word."""

_RESTORED: Final[Mapping[str, Mapping[str, str]]] = {
    "el": dict(zip("αεηιουω", "άέήίόύώ", strict=True)),
    "pl": {"a": "ą", "c": "ć", "e": "ę", "l": "ł", "n": "ń", "o": "ó", "s": "ś", "z": "żź"},
    "ro": {"a": "ăâ", "i": "î", "s": "ș", "t": "ț"},
}
"""Letters that stand for others where people type without diacritics."""

_RESTORED_LETTERS: Final[Mapping[str, int]] = {"el": 1, "pl": 3, "ro": 4}
_MOST_SPELLINGS: Final = 100
_STEM: Final = 3
_VOWEL_PAIR = re.compile("[αοευ]ι|[αεο]υ")
_DIAERESIS: Final = {"ι": "ϊ", "υ": "ϋ"}


def is_word(folded: str, language: str) -> bool:
    """Whether simplemma's dictionary of a language has the word as it stands."""
    return _DICTIONARY.get_lemma(folded, language) is not None


def lemma(word: str, language: str) -> str:
    """The folded dictionary form of a lower-case word, or the folded word where the language has no dictionary here."""
    found = _DICTIONARY.get_lemma(word, language) if language in _RESTORED or language == "en" else None
    return fold(found or word)


class Lemmas:
    """Lemmas from simplemma's dictionary of one language, as far as they are in the vocabulary of the phrases."""

    def __init__(self, language: str, vocabulary: frozenset[str]) -> None:
        self._language = language
        self._vocabulary = vocabulary
        known = _phrase_forms(language)
        self._known = known.forms if vocabulary <= known.words else None
        if self._known is None:
            is_word("", language)  # reads the dictionary now: threads that share this would each read it
        self._stems = {word[:_STEM] for word in vocabulary}

    @property
    def is_listed(self) -> bool:
        """Whether the packaged list has the whole vocabulary; else every word is looked up in the dictionary, which takes longer."""
        return self._known is not None

    def forms(self, word: str, folded: str) -> tuple[str | None, str | None]:
        """See `OtherForms`."""
        stem, hyphen, _ = folded.partition("-")
        if hyphen and stem in self._vocabulary:
            return stem, stem
        lemma = self._lemma(word.partition("-")[0], stem)
        return lemma, lemma

    def _lemma(self, word: str, folded: str) -> str | None:
        for spelling in (word, *self._spellings(word, folded)):
            if (found := self._found(spelling)) in self._vocabulary:
                return found
        return None

    def _found(self, spelling: str) -> str | None:
        """The folded lemma of a spelling. The packaged list has those of its words; a user's new words are in the dictionary only."""
        if self._known is not None:
            return self._known.get(spelling)
        lemma = _DICTIONARY.get_lemma(spelling, self._language)
        return None if lemma is None else fold(lemma)

    def _spellings(self, word: str, folded: str) -> Iterator[str]:
        """Ways in which a word typed without diacritics may be meant."""
        plain = word.replace("ς", "σ") == folded
        if plain and folded[:_STEM] in self._stems and self._language in _RESTORED:
            yield from islice(_with_diacritics(word, self._language), _MOST_SPELLINGS)


@dataclass(frozen=True, slots=True)
class _PhraseForms:
    """The words of one language in the packaged list, and form -> word."""

    words: frozenset[str]
    forms: Mapping[str, str]


@cache
def _phrase_forms(language: str) -> _PhraseForms:
    lines = (line.split(" ") for line in gzip.decompress(PHRASE_FORMS.read_bytes()).decode().splitlines())
    found = {word: forms for own, word, *forms in lines if own == language}
    return _PhraseForms(frozenset(found), {form: word for word, forms in found.items() for form in forms})


def _with_diacritics(word: str, language: str) -> Iterator[str]:
    """The word with one, two, ... letters changed to those of `_RESTORED`."""
    letters = _RESTORED[language]
    words = [word]
    if language == "el":
        words += [f"{word[: pair.end() - 1]}{_DIAERESIS[pair[0][1]]}{word[pair.end() :]}" for pair in _VOWEL_PAIR.finditer(word)]
    for count in range(1, _RESTORED_LETTERS[language] + 1):
        for base in words:
            for changed in combinations([place for place, letter in enumerate(base) if letter in letters], count):
                for restored in product(*(letters[base[place]] for place in changed)):
                    spelling = list(base)
                    for place, letter in zip(changed, restored, strict=True):
                        spelling[place] = letter
                    yield "".join(spelling)


# ---- Greeklish ------------------------------------------------------------------------------------------------------------------

_GREEK_SOUNDS: Final[Mapping[str, str]] = {
    **{"ου": "u", "αι": "e", "ει": "i", "οι": "i", "υι": "i", "αυ": "av", "ευ": "ev", "μπ": "v", "ντ": "d", "γκ": "g", "γγ": "g"},
    **dict(zip("αβγδεζηθικλμνξοπρστυφχω", "avgdezi8iklmnxoprstivxo", strict=True)),
    "ψ": "ps",
}
_LATIN_SOUNDS: Final[Mapping[str, tuple[str, ...]]] = {
    **{"ou": ("u",), "oy": ("u", "oi"), "ai": ("e",), "ei": ("i",), "oi": ("i",), "yi": ("i",), "ui": ("i",), "au": ("av",), "af": ("av",)},
    **{"eu": ("ev",), "ef": ("ev",), "mp": ("v",), "nt": ("d",), "gk": ("g",), "gg": ("g",), "ng": ("g",), "gh": ("g", "gi")},
    **{"th": ("8", "ti"), "ks": ("x",), "ch": ("x",), "kh": ("x", "ki"), "dh": ("d", "di"), "ph": ("v", "pi"), "ps": ("ps",)},
    **{"b": ("v",), "c": ("k",), "f": ("v",), "h": ("i", "x"), "q": ("k",), "u": ("i", "u"), "w": ("o",), "y": ("i",)},
    **{"3": ("x",), "4": ("ps",), "9": ("8",)},
}
"""Sounds of Latin letters where they are not the letter itself. ξ and χ, both often x, are one, and so are β, φ and μπ."""

_GREEK_PIECE = re.compile("|".join([*(piece for piece in _GREEK_SOUNDS if len(piece) == 2), "."]))
_LATIN_PIECE = re.compile("|".join([*(piece for piece in _LATIN_SOUNDS if len(piece) == 2), "."]))
_REPEATED = re.compile(r"(.)\1+")
_MOST_SOUNDS: Final = 32


class Sounds:
    """Greek words of the phrases, and their inflected forms, by sound."""

    def __init__(self, vocabulary: frozenset[str]) -> None:
        self._words: dict[str, str] = {}
        self._lemmas: dict[str, str] = {}
        for word in sorted(vocabulary):
            if not word.isascii():
                self._words.setdefault(_greek_sound(word), word)
        for form, lemma in sorted(_forms_of(vocabulary)):
            self._lemmas.setdefault(_greek_sound(fold(form)), lemma)

    def forms(self, _word: str, folded: str) -> tuple[str | None, str | None]:
        """See `OtherForms`."""
        for sound in _latin_sounds(folded):
            word, lemma = self._words.get(sound), self._lemmas.get(sound)
            if word or lemma:
                return word or lemma, lemma or word
        return None, None


def _forms_of(vocabulary: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Greek forms and the words of the vocabulary that they are of."""
    known = _phrase_forms("el")
    if vocabulary <= known.words:
        yield from ((form, word) for form, word in known.forms.items() if word in vocabulary)
        return
    folded = lru_cache(None)(fold)
    # Read through once and dropped: the stream that serves look-ups is slow to read through.
    for form, lemma in DefaultDictionaryFactory().get_dictionary("el").items():
        if folded(lemma) in vocabulary:
            yield form, folded(lemma)


def _greek_sound(folded: str) -> str:
    return _REPEATED.sub(r"\1", _GREEK_PIECE.sub(lambda found: _GREEK_SOUNDS.get(found.group(), found.group()), folded))


def _latin_sounds(folded: str) -> Iterator[str]:
    """What Latin letters may stand for, likeliest first."""
    options = [_LATIN_SOUNDS.get(piece, (piece,)) for piece in _LATIN_PIECE.findall(folded)]
    for pieces in islice(product(*options), _MOST_SOUNDS):
        yield _REPEATED.sub(r"\1", "".join(pieces))
