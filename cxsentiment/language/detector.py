"""Which language a text is in: naive Bayes over 1- to 3-grams of letters, among the languages of the text's script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.language.letters import SPACE, Letters, read_letters
from cxsentiment.language.profiles import FIXED_POINT, GramTable, available_languages, gram_table
from cxsentiment.language.script import HANI, SCRIPTS
from cxsentiment.results import Language

UNDETERMINED = "und"

DEFAULT_PRIORS: Mapping[str, float] = MappingProxyType({"el": 20.0, "en": 20.0, "pl": 20.0, "ro": 20.0})
"""Weights before a letter is seen; a language that is not named has 1. With all candidates the four have 61 % together."""

DEFAULT_THRESHOLD = 0.3
"""Probability below which the answer is `und`."""

TEMPERATURE = 4.0
"""Divides the log-likelihood: each letter is counted in three overlapping grams and neighbours depend on each other, so the plain
product is over-confident. Tuned on the training rows of the language data set for the probability of the right language."""

_CHUNK_TEXTS = 4096
_CHUNK_CHARACTERS = 500_000


class LanguageDetector:
    """Detects languages; immutable, safe to share between threads, the same answer for a text in any batch.

    `languages`: candidates as ISO 639-1 codes, all of `available_languages()` when None. `threshold`: probability below which the
    answer is `und`. `priors`: weights of languages relative to 1 for those not named, `DEFAULT_PRIORS` when None, `{}` for equal ones.

    Raises `OptionError` for an unknown language, a threshold outside [0, 1] or a weight that is not positive.

    The text's script is decided first and leaves the languages of that script; a script of one language decides it. Greek in Latin
    letters is `Language("el", ..., "Latn")`. Probabilities are among the candidates. Of a long text the first `MAX_LETTERS` letters
    are read.
    """

    __slots__ = ("_languages", "_priors", "_threshold")

    def __init__(
        self,
        languages: Sequence[str] | None = None,
        threshold: float = DEFAULT_THRESHOLD,
        priors: Mapping[str, float] | None = None,
    ) -> None:
        self._languages = available_languages() if languages is None else _checked_languages(languages)
        if not 0.0 <= threshold <= 1.0:
            raise OptionError(f"threshold is {threshold}; give a probability from 0 to 1")
        self._threshold = float(threshold)
        self._priors = _checked_priors(DEFAULT_PRIORS if priors is None else priors)

    @property
    def languages(self) -> tuple[str, ...]:
        """Candidates, sorted."""
        return self._languages

    def restrict(self, languages: Sequence[str]) -> LanguageDetector:
        """The same detector with other candidates."""
        return LanguageDetector(languages, self._threshold, self._priors)

    def detect(self, text: str) -> Language:
        """Language of one text; `und` with score 0.0 where there are no letters, no candidate, or no probable one."""
        return self.detect_batch([text])[0]

    def detect_batch(self, texts: Sequence[str]) -> list[Language]:
        """Language of each text, in order."""
        found: list[Language] = []
        for chunk in _chunks(texts):
            found.extend(self._detect_chunk(chunk))
        return found

    def _detect_chunk(self, texts: Sequence[str]) -> list[Language]:
        table = gram_table()
        letters = read_letters(texts, table.alphabet)
        found = [Language(UNDETERMINED, 0.0, SCRIPTS[script]) for script in letters.scripts.tolist()]
        for script in np.unique(letters.scripts).tolist():
            profiles = self._profiles_of(table, script)
            if not profiles:
                continue
            members = np.flatnonzero(letters.scripts == script)
            codes = sorted({table.codes[profile] for profile in profiles})
            best, scores = self._best(table, letters, members, profiles, codes)
            for text, code, score in zip(members.tolist(), best.tolist(), scores.tolist(), strict=True):
                if score >= self._threshold and score > 0.0:
                    found[text] = Language(codes[code], score, SCRIPTS[script])
        return found

    def _profiles_of(self, table: GramTable, script: int) -> list[int]:
        names = {SCRIPTS[script], "Jpan"} if script == HANI else {SCRIPTS[script]}
        pairs = enumerate(zip(table.codes, table.scripts, strict=True))
        return [place for place, (code, name) in pairs if name in names and code in self._languages]

    def _best(
        self, table: GramTable, letters: Letters, members: NDArray[np.int64], profiles: list[int], codes: list[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Place in `codes` and probability of the likeliest language of each member; probability 0 where nothing was known."""
        if len(codes) == 1:
            return np.zeros(len(members), np.int64), np.ones(len(members))
        evidence = log_likelihoods(table, letters, members, profiles)
        priors = np.log([self._priors.get(table.codes[profile], 1.0) * table.shares[profile] for profile in profiles])
        logits = evidence / TEMPERATURE + priors[:, None]
        weights = np.exp(logits - logits.max(axis=0))
        totals = np.zeros((len(codes), len(members)))
        for profile, weight in zip(profiles, weights, strict=True):
            totals[codes.index(table.codes[profile])] += weight
        best = totals.argmax(axis=0)
        # Row by row: numpy adds a single column in another order than a wide array, and a text alone must score as in a batch.
        scores = totals[best, np.arange(len(members))] / sum(totals, start=np.zeros(len(members)))
        return best, np.where(evidence.any(axis=0), np.minimum(scores, 1.0), 0.0)


def log_likelihoods(table: GramTable, letters: Letters, members: NDArray[np.int64], profiles: list[int]) -> NDArray[np.float64]:
    """langdetect's log-likelihood of each member text under each profile, less a constant of the text.

    `members`: which texts, ascending, each with at least one letter. Result: shape [profiles, members], natural logarithms.
    """
    chosen = np.isin(letters.texts, members, kind="table")
    previous = _shifted(letters, 1)
    before = np.where(previous == SPACE, SPACE, _shifted(letters, 2))
    rows = table.index.rows(before[chosen], previous[chosen], letters.numbers[chosen])
    starts = np.searchsorted(letters.texts[chosen], members)
    sums = np.empty((len(profiles), len(members)), np.int32)
    for place, profile in enumerate(profiles):
        np.add.reduceat(table.weights[profile].take(rows), starts, out=sums[place])
    return sums / FIXED_POINT


def _shifted(letters: Letters, distance: int) -> NDArray[np.int64]:
    """The letter `distance` before each, a gap before the first of a text."""
    shifted = np.full_like(letters.numbers, SPACE)
    shifted[distance:] = letters.numbers[:-distance]
    shifted[letters.positions < distance] = SPACE
    return shifted


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Stretches of at most `_CHUNK_TEXTS` texts and, but for the last of each, `_CHUNK_CHARACTERS` characters."""
    start, characters = 0, 0
    for place, text in enumerate(texts):
        characters += len(text)
        if characters >= _CHUNK_CHARACTERS or place - start + 1 >= _CHUNK_TEXTS:
            yield texts[start : place + 1]
            start, characters = place + 1, 0
    if start < len(texts):
        yield texts[start:]


def _checked_languages(languages: Sequence[str]) -> tuple[str, ...]:
    given = {languages} if isinstance(languages, str) else set(languages)
    unknown = sorted(given - set(available_languages()))
    if unknown or not given:
        what = f"no language profile for {', '.join(map(repr, unknown))}" if unknown else "no candidate languages given"
        raise OptionError(f"{what}; choose from {', '.join(available_languages())}")
    return tuple(sorted(given))


def _checked_priors(priors: Mapping[str, float]) -> Mapping[str, float]:
    _checked_languages(tuple(priors) or available_languages())
    for code, weight in priors.items():
        if not (weight > 0.0 and math.isfinite(weight)):
            raise OptionError(f"prior of {code!r} is {weight}; give a positive number (1 is the weight of a language not named)")
    return dict(priors)
