"""Touchpoint mentions in a text: the taxonomy's phrases, found by spaCy's PhraseMatcher over folded words and over lemmas.

Each word of a text has two forms. The *norm* is the word without case and accents, the *lemma* is its dictionary form, likewise
folded; a form that no phrase contains gives way to the other, so that a phrase may match partly by norm and partly by lemma. Words
with neither become the one token `_UNKNOWN`: spaCy's vocabulary then never meets a string that is not in the taxonomy, so it does not
grow with the texts, and threads only read it.

Phrases are not lemmatised. Greeklish has no dictionary: its lemma is the Greek word that sounds the same.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from spacy.attrs import LEMMA, NORM
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from cxsentiment.results import Language
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import EMAIL, URL, USER, fold
from cxsentiment.word_forms import Lemmas, OtherForms, Sounds, is_word

CACHED_WORDS: Final = 1 << 16
"""Words whose forms are remembered, for each language."""

MIN_SOUND_LETTERS: Final = 5
"""Letters that a Greeklish word needs to be a mention by its sound alone."""

_PROFILES: Final[Mapping[str, tuple[str, ...]]] = {
    "el": ("el", "el-Latn", "en"),
    "el-Latn": ("el-Latn", "el", "en"),
    "pl": ("pl", "en"),
    "ro": ("ro", "en"),
    "en": ("en",),
    "other": ("el", "pl", "ro", "en", "el-Latn"),
}
"""Phrase languages tried on a text, by its language; the first that has a phrase decides about its type."""

_ARTICLE: Final = re.compile(
    "a|an|the|my|your|our|their"
    "|ο|η|το|οι|τα|τον|την|του|τησ|των|τουσ|τισ|στο|στη|στην|στον|στα|στισ|στουσ|ενα|μια|ενασ"
    "|i|h|to|oi|ta|ton|tin|thn|tou|tis|ths|twn|sto|sti|stin|sthn"
    "|un|o|unui|unei|wasz|wasza|wasze|waszej|waszego"
)
"""Folded words that are left out of a mention which begins with them."""

_UNKNOWN: Final = "\x00"

# The hyphen before the ending of a foreign word ("site-ul", "SMS-ów") does not part it; any other hyphen does. Punctuation other than
# hyphens, slashes, apostrophes and full stops within a word is a token, which no phrase goes across.
_ENDING = "ul|ului|uri|urile|urilor|lui|ilor|ii|le|a|ei|i|y|u|ów|ow|em|om|owi|ie|ach|ami|mi"
_TOKEN = re.compile(
    rf"(?P<word>(?:[^\W_][\u0300-\u036f]*)+(?:(?<=[^\W\d_]{{3}})-(?:{_ENDING})(?![\w-]))?|[&%])"
    rf"|{URL}|{EMAIL}|{USER}|[^\w\s&%'’./-]|\.(?!\w)|(?<!\w)-(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase of the taxonomy at `text[start:end]`, with its touchpoint type and group."""

    start: int
    end: int
    type: str
    group: str


class TouchpointFinder:
    """Finds mentions of touchpoints; safe to share between threads, the same answer for a text in any batch.

    `taxonomy`: `Taxonomy.default()` when None. Phrases and dictionary of a language are loaded with its first text.
    """

    def __init__(self, taxonomy: Taxonomy | None = None) -> None:
        self._taxonomy = Taxonomy.default() if taxonomy is None else taxonomy
        self._matchers: dict[str, _Matcher] = {}
        self._lock = threading.Lock()

    @property
    def taxonomy(self) -> Taxonomy:
        """Where the phrases come from."""
        return self._taxonomy

    def find(self, texts: Sequence[str], languages: Sequence[Language]) -> list[tuple[Mention, ...]]:
        """Mentions in each cleaned text (`cxsentiment.text.clean`), in order of their start; they do not overlap.

        `languages` has the language of each text, which chooses the phrases tried on it: its own and the English ones, or all of
        them, without lemmas, for a language that the taxonomy does not have. Raises ValueError if the lengths differ.
        """
        pairs = zip(texts, languages, strict=True)
        return [self._matcher(_profile(language)).find(text) for text, language in pairs]

    def _matcher(self, profile: str) -> _Matcher:
        matcher = self._matchers.get(profile)
        if matcher is None:
            with self._lock:
                matcher = self._matchers.get(profile)
                if matcher is None:
                    matcher = self._matchers[profile] = _Matcher(self._taxonomy, profile)
        return matcher

    def __reduce__(self) -> tuple[type[TouchpointFinder], tuple[Taxonomy]]:
        return TouchpointFinder, (self._taxonomy,)


def _profile(language: Language) -> str:
    if language.code == "el" and language.script == "Latn":
        return "el-Latn"
    return language.code if language.code in _PROFILES else "other"


# ---- matching -------------------------------------------------------------------------------------------------------------------


class _Forms(NamedTuple):
    """Hashes of a word's norm and lemma; `exact` if the norm is the folded word itself."""

    norm: int
    lemma: int
    exact: bool


class _Token(NamedTuple):
    start: int
    end: int
    forms: _Forms


class _Match(NamedTuple):
    first: int
    last: int
    kind: int
    exact: bool


class _Matcher:
    """The phrases of one profile, ready to be looked for. Nothing in it changes after construction but the cache of word forms."""

    def __init__(self, taxonomy: Taxonomy, profile: str) -> None:
        phrases = _phrases(taxonomy, profile)
        self._vocab = Vocab()
        self._hashes = {word: self._vocab[word].orth for word in [_UNKNOWN, *dict.fromkeys(word for phrase in phrases for word in phrase)]}
        self._unknown = _Forms(self._hashes[_UNKNOWN], self._hashes[_UNKNOWN], False)
        self._longest_word = 2 * max(map(len, self._hashes), default=0) + 20
        self._articles = {number for word, number in self._hashes.items() if _ARTICLE.fullmatch(word)}
        self._min_letters = MIN_SOUND_LETTERS if profile == "el-Latn" else 0
        self._kinds = {self._vocab.strings.add(kind.name): (kind.name, kind.group) for kind in taxonomy.types.values()}
        self._ranks = {kind: rank for rank, kind in enumerate(self._kinds)}
        self._by_norm = PhraseMatcher(self._vocab, attr="NORM")
        self._by_lemma = PhraseMatcher(self._vocab, attr="LEMMA")
        for phrase, kind in phrases.items():
            hashes = [self._hashes[word] for word in phrase]
            pattern = self._doc([_Forms(word, word, True) for word in hashes])
            self._by_norm.add(kind, [pattern])
            self._by_lemma.add(kind, [pattern])
        self._other_forms = _other_forms(taxonomy, profile)
        self._forms = lru_cache(CACHED_WORDS)(self._forms_of)

    def find(self, text: str) -> tuple[Mention, ...]:
        tokens = self._tokens(text)
        if not tokens:
            return ()
        doc = self._doc([token.forms for token in tokens])
        matches = {_Match(first, last, kind, self._is_exact(tokens[first:last])) for kind, first, last in self._by_norm(doc)}
        matches |= {_Match(first, last, kind, False) for kind, first, last in self._by_lemma(doc)}
        chosen = self._without_overlap(tokens, [match for match in matches if self._is_long_enough(tokens, match)])
        return tuple(self._mention(tokens, match) for match in chosen)

    def _tokens(self, text: str) -> list[_Token]:
        """Tokens of the text, those between two that a phrase may have drawn together; none if no phrase has any of them."""
        tokens: list[_Token] = []
        unknown = self._unknown
        last = unknown
        for found in _TOKEN.finditer(text):
            start, end = found.span()
            forms = self._forms(found.group()) if found.lastgroup and end - start <= self._longest_word else unknown
            if forms is not unknown or last is not unknown:
                tokens.append(_Token(start, end, forms))
            last = forms
        return tokens

    def _doc(self, forms: Sequence[_Forms]) -> Doc:
        words: Any = [form.norm for form in forms]  # hashes, for which spaCy's stubs have no type
        attributes: Any = np.array([form[:2] for form in forms], np.uint64)
        return Doc(self._vocab, words=words).from_array([NORM, LEMMA], attributes)

    def _forms_of(self, word: str) -> _Forms:
        folded = fold(word)
        norm, lemma = self._other_forms(word.lower(), folded)
        exact = folded in self._hashes
        norm = folded if exact else norm
        if norm is None:
            return self._unknown
        return _Forms(self._hashes[norm], self._hashes[lemma or norm], exact)

    def _is_exact(self, tokens: Iterable[_Token]) -> bool:
        return all(token.forms.exact for token in tokens)

    def _is_long_enough(self, tokens: Sequence[_Token], match: _Match) -> bool:
        first = tokens[match.first]
        return match.exact or match.last - match.first > 1 or first.end - first.start >= self._min_letters

    def _without_overlap(self, tokens: Sequence[_Token], matches: list[_Match]) -> list[_Match]:
        """The longest matches, exact before others and early before late ones, that leave each other alone; in order."""

        def preference(match: _Match) -> tuple[int, bool, int, int]:
            return match.first - match.last, not match.exact, match.first, self._ranks[match.kind]

        taken = bytearray(len(tokens))
        chosen = []
        for match in sorted(matches, key=preference):
            if not any(taken[match.first : match.last]):
                taken[match.first : match.last] = b"\x01" * (match.last - match.first)
                chosen.append(match)
        return sorted(chosen)

    def _mention(self, tokens: Sequence[_Token], match: _Match) -> Mention:
        first = match.first
        while first < match.last - 1 and tokens[first].forms.norm in self._articles:
            first += 1
        return Mention(tokens[first].start, tokens[match.last - 1].end, *self._kinds[match.kind])


def _phrases(taxonomy: Taxonomy, profile: str) -> dict[tuple[str, ...], str]:
    """Folded words of each phrase -> its type. Where two languages have the same phrase, the first language decides.

    An English word that is also a word of the text's language, Polish "ale" (but) or Romanian "care" (which), is no phrase there.
    """
    phrases: dict[tuple[str, ...], str] = {}
    for language in _PROFILES[profile]:
        guarded = language == "en" and profile in ("pl", "ro")
        for words, kind in _phrases_of(taxonomy, language):
            if not (guarded and len(words) == 1 and is_word(words[0], profile)):
                phrases.setdefault(words, kind)
    return phrases


def _phrases_of(taxonomy: Taxonomy, language: str) -> Iterator[tuple[tuple[str, ...], str]]:
    for kind in taxonomy.types.values():
        for phrase in kind.phrases[language]:
            words = tuple(fold(found.group()) for found in _TOKEN.finditer(phrase) if found.lastgroup)
            if words:
                yield words, kind.name


def phrase_words(taxonomy: Taxonomy, language: str) -> frozenset[str]:
    """The folded words of a language's phrases."""
    return frozenset(word for words, _ in _phrases_of(taxonomy, language) for word in words)


def _other_forms(taxonomy: Taxonomy, profile: str) -> OtherForms:
    """Forms of a word beside the folded one. They are words of phrases in the text's own language, never of English ones."""
    if profile == "other":
        return lambda _word, _folded: (None, None)
    language = profile.partition("-")[0]
    vocabulary = phrase_words(taxonomy, language)
    return Sounds(vocabulary).forms if profile == "el-Latn" else Lemmas(language, vocabulary).forms
