"""The lexicon baseline: word lists and VADER's rules (Hutto and Gilbert 2014), in four languages; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.contenders.lexicon_rules import Hit, Strength, Token, hits, strength, tokens_of
from cxsentiment.benchmark.contenders.word_lists import WordList, packaged_lists, user_lists
from cxsentiment.errors import InputError
from cxsentiment.language import LanguageDetector
from cxsentiment.results import SENTIMENTS
from cxsentiment.text import fold
from cxsentiment.word_forms import lemma

LANGUAGES = ("el", "pl", "ro", "en")
BASE = {"negative": 0.25, "neutral": 0.75, "positive": 0.25, "mixed": 0.0}
"""Weights of the sentiments of a text in which no listed word stands."""

MIXED = 1.5
"""Times the strength of the weaker side: a text is mixed where that has over two thirds of the strength of the other."""

REMEMBERED = 100_000


class Lexicon:
    """Finds listed words and follows VADER's rules: negation, intensifiers, capitals, exclamation marks, "but", emoji, emoticons.

    A word is looked up as typed, folded, then by its dictionary form (simplemma). Which language's list to use is asked of our
    `LanguageDetector`, among the four. Probabilities are none in truth: the strength of the positive and of the negative words, 1.5 times
    the weaker of the two for mixed, and `BASE`, scaled to sum to 1. An emotion with n listed words that are not negated gets n / (n + 1).
    Texts in a language whose list has no emotions get None for them; texts in a language without a list, an error.
    """

    def __init__(self, words: str | Path | None = None, *, folder: str | Path | None = None, name: str = "lexicon") -> None:
        """`words`: a list of the user's own (see `user_lists`), beside those of `folder` (see `packaged_lists`).

        Raises InputError when there is no list at all, or the user's cannot be read.
        """
        self.name = name
        lists = packaged_lists(None if folder is None else Path(folder))
        for language, own in (user_lists(Path(words)) if words else {}).items():
            for each in [language] if language else LANGUAGES:
                lists[each] = lists.get(each, WordList({})).updated(own)
        unknown = sorted({*lists} - {*LANGUAGES})
        if unknown:
            raise InputError(f"{words} has words in {', '.join(unknown)}: the lexicon's rules are for {', '.join(LANGUAGES)}")
        if not lists:
            raise InputError(
                "no word list was found: give one (lexicon:WORDS.tsv with word, valence, language), or CXSENTIMENT_DATA with lexicons/"
            )
        self._lists = lists
        self._detector = LanguageDetector(LANGUAGES, threshold=0.0, priors={})
        self._listed = lru_cache(REMEMBERED)(self._looked_up)
        self.details = {
            "words": {language: len(words.valences) for language, words in sorted(lists.items())},
            "emotions": {language: list(words.tells) for language, words in sorted(lists.items())},
        }

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction for each text, in order."""
        languages = [found.code for found in self._detector.detect_batch(texts)]
        return [self._prediction(text, language) for text, language in zip(texts, languages, strict=True)]

    def _prediction(self, text: str, language: str) -> Prediction:
        words = tokens_of(text)
        language = language if language in LANGUAGES else "en"
        if language not in self._lists and any(not word.is_sign for word in words):
            return Prediction(error=f"no word list for {language}: give one with lexicon:WORDS.tsv" + _HINTS.get(language, ""))
        found = hits(words, language, lambda phrase: self._valence(phrase, language))
        told = probabilities(strength(text, words, found, language))
        emotions = self._emotions(words, found, language)
        return Prediction(
            sentiment=max(told, key=told.__getitem__),
            sentiment_probabilities=told,
            emotions=None if emotions is None else [label for label, share in emotions.items() if share >= 0.5],
            emotion_probabilities=emotions,
        )

    def _valence(self, phrase: Sequence[Token], language: str) -> float | None:
        key = self._key(phrase, language)
        return None if key is None else self._lists[language].valences.get(key, 0.0)

    def _key(self, phrase: Sequence[Token], language: str) -> str | None:
        """Under which the language's list has the words."""
        if language not in self._lists:
            return None
        if len(phrase) > 1:
            return self._lists[language].listed(" ".join(word.folded for word in phrase))
        return self._listed(phrase[0].written.lower(), language)

    def _looked_up(self, word: str, language: str) -> str | None:
        """Under which the list has a lower-case word: as typed, or its dictionary form."""
        words = self._lists[language]
        return words.listed(fold(word)) or words.listed(lemma(word, language))

    def _emotions(self, words: Sequence[Token], found: Sequence[Hit], language: str) -> Mapping[str, float] | None:
        if language not in self._lists or not self._lists[language].tells:
            return None
        counts = dict.fromkeys(self._lists[language].tells, 0)
        for hit in found:
            key = None if hit.is_negated else self._key(words[hit.first : hit.last], language)
            for label in self._lists[language].emotions.get(key or "", ()):
                counts[label] += 1
        return {label: count / (count + 1) for label, count in counts.items()}


def probabilities(found: Strength) -> dict[str, float]:
    """Pseudo-probabilities of the four sentiments, which sum to 1."""
    weaker = min(found.positive, found.negative)
    weights = {"negative": found.negative, "neutral": 0.0, "positive": found.positive, "mixed": MIXED * weaker}
    total = sum(weights.values()) + sum(BASE.values())
    return {label: (weights[label] + BASE[label]) / total for label in SENTIMENTS}


_HINTS = {"en": ", or install vaderSentiment (in the extra benchmark)"}
