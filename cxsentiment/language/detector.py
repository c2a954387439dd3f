"""Which language a text is in, among those of its script: by the trained scorer, and by langdetect's profiles where that has not learnt."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.language.letters import SPACE, Letters, hide_noise, read_letters, scripts_of, strip_noise
from cxsentiment.language.profiles import FIXED_POINT, GramTable, available_languages, gram_table, profile_languages
from cxsentiment.language.scorer import OTHER, TRAINED, Scorer
from cxsentiment.language.script import HANI, SCRIPTS
from cxsentiment.language.words import split_words, words_at
from cxsentiment.results import Language, LanguageSpan

UNDETERMINED = "und"

DEFAULT_PRIORS: Mapping[str, float] = MappingProxyType({"el": 20.0, "en": 20.0, "pl": 20.0, "ro": 20.0})
"""Weights before a letter is seen; a language that is not named has 1. With all candidates the four have 61 % together."""

DEFAULT_THRESHOLD = 0.3
"""Probability below which the answer is `und`."""

TEMPERATURE = 4.0
"""Divides the log-likelihood: each letter is counted in three overlapping grams and neighbours depend on each other, so the plain
product is over-confident. Tuned on the training rows of the language data set for the probability of the right language."""

LEAST_SHARE = 0.02
"""Probability of all languages that the scorer has not learnt from which on langdetect's profiles are asked which one it is."""

SWITCH = 0.03
"""Probability that the next word is in another language, for `detect_spans`."""

LEAST_EMISSION, OTHER_SCRIPT = 1e-4, 1e-8
"""Least probability of a word in any language of its script, and in those of other scripts, for `detect_spans`."""

MOST_WORDS_IN_SPANS = 5000

_CHUNK_TEXTS = 4096
_CHUNK_CHARACTERS = 200_000


class LanguageDetector:
    """Detects languages; immutable, safe to share between threads, the same answer for a text in any batch.

    `languages`: candidates as ISO 639-1 codes, all of `available_languages()` when None. `threshold`: probability below which the
    answer is `und`. `priors`: weights of languages relative to 1 for those not named, `DEFAULT_PRIORS` when None, `{}` for equal ones.

    Raises `OptionError` for an unknown language, a threshold outside [0, 1] or a weight that is not positive.

    The text's script is decided first and leaves the languages of that script; a script of one language decides it. Greek in Latin
    letters is `Language("el", ..., "Latn")`. Probabilities are among the candidates. Of a long text the beginning is read (see
    `words.MOST_WORDS`, `letters.MAX_LETTERS`).
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

    def detect_spans(self, text: str) -> list[LanguageSpan]:
        """Stretches of a text that are in one language each, in order: where writers mix languages, which words are in which.

        A stretch goes from its first word to its last one. The likeliest sequence of languages over the words is taken, in which a
        change of language costs as much as `SWITCH` says. Stretches in no known language are left out.
        """
        plain = hide_noise(text)
        places = words_at(plain)[:MOST_WORDS_IN_SPANS]
        if not places:
            return []
        states, emissions = self._emissions([plain[start:end] for start, end in places])
        if not states:
            return []
        spans = []
        for state, run in groupby(zip(likeliest_path(emissions), places, strict=True), key=itemgetter(0)):
            words = [place for _, place in run]
            start, end = words[0][0], words[-1][1]
            code, script = states[state]
            codes, shares = self._probabilities([plain[start:end]], script, self._priors)
            score = float(shares[0, codes.index(code)])
            if score >= self._threshold:
                spans.append(LanguageSpan(start, end, Language(code, score, script)))
        return spans

    def _emissions(self, words: Sequence[str]) -> tuple[list[tuple[str, str]], NDArray[np.float64]]:
        """Languages with their scripts, and the logarithm of each one's probability for each word [words, languages]."""
        states: list[tuple[str, str]] = []
        columns = [np.zeros((len(words), 0))]
        for script, members, codes, shares in self._by_script(words, scripts_of(words), {}):
            states += [(code, script) for code in codes]
            column = np.full((len(words), len(codes)), OTHER_SCRIPT)
            column[members] = shares + LEAST_EMISSION
            columns.append(column)
        return states, np.log(np.concatenate(columns, axis=1))

    def _detect_chunk(self, texts: Sequence[str]) -> list[Language]:
        plain = [strip_noise(text) for text in texts]
        scripts = scripts_of(plain)
        found = [Language(UNDETERMINED, 0.0, SCRIPTS[script]) for script in scripts.tolist()]
        for script, members, codes, probabilities in self._by_script(plain, scripts, self._priors):
            best = probabilities.argmax(axis=1)
            scores = probabilities[np.arange(len(members)), best]
            for text, place, score in zip(members.tolist(), best.tolist(), scores.tolist(), strict=True):
                if score >= self._threshold and score > 0.0:
                    found[text] = Language(codes[place], score, script)
        return found

    def _by_script(
        self, texts: Sequence[str], scripts: NDArray[np.int64], priors: Mapping[str, float]
    ) -> Iterator[tuple[str, NDArray[np.int64], list[str], NDArray[np.float64]]]:
        """For each script with candidates: its name, the texts in it, the candidates, and their probabilities [texts, candidates]."""
        for script in np.unique(scripts).tolist():
            members = np.flatnonzero(scripts == script)
            codes, probabilities = self._probabilities([texts[member] for member in members.tolist()], SCRIPTS[script], priors)
            if codes:
                yield SCRIPTS[script], members, codes, probabilities

    def _probabilities(self, texts: Sequence[str], script: str, priors: Mapping[str, float]) -> tuple[list[str], NDArray[np.float64]]:
        """Candidates written in the script, and the probability of each for each text [texts, candidates]; 0 where nothing is known."""
        trained = {code: name for code, name in TRAINED.get(script, {}).items() if code in self._languages}
        if not trained:
            return self._by_profiles(texts, script, set(), priors)
        rest = profile_languages(script).intersection(self._languages).difference(trained)
        names = [*trained.values(), *([OTHER] if rest else [])]
        logits = Scorer.shared().logits(words := split_words(texts), names)
        logits += np.log([*(priors.get(code, 1.0) for code in trained), *([1.0] if rest else [])])
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = weights / in_order(weights.T)[:, None]
        probabilities[[not some for some in words]] = 0.0
        return self._with_others(texts, script, list(trained), probabilities, priors) if rest else (list(trained), probabilities)

    def _with_others(
        self, texts: Sequence[str], script: str, trained: list[str], probabilities: NDArray[np.float64], priors: Mapping[str, float]
    ) -> tuple[list[str], NDArray[np.float64]]:
        """Shares what belongs to languages that the scorer has not learnt out among them, by langdetect's profiles."""
        unclear = np.flatnonzero(probabilities[:, -1] > LEAST_SHARE)
        if not len(unclear):
            return trained, probabilities[:, :-1]
        codes, shares = self._by_profiles([texts[place] for place in unclear.tolist()], script, set(trained), priors)
        wide = np.zeros((len(texts), len(trained) + len(codes)))
        wide[:, : len(trained)] = probabilities[:, :-1]
        wide[unclear, len(trained) :] = shares * probabilities[unclear, -1:]
        return trained + codes, wide

    def _by_profiles(
        self, texts: Sequence[str], script: str, without: set[str], priors: Mapping[str, float]
    ) -> tuple[list[str], NDArray[np.float64]]:
        """The same from langdetect's profiles, for the candidates that are not in `without`."""
        table = gram_table()
        profiles = [place for place in self._profiles_of(table, SCRIPTS.index(script)) if table.codes[place] not in without]
        codes = [table.codes[profile] for profile in profiles]
        if not codes:
            return codes, np.zeros((len(texts), len(codes)))
        letters = read_letters(texts, table.alphabet)
        members = np.flatnonzero(letters.scripts == SCRIPTS.index(script))
        found = np.zeros((len(texts), len(codes)))
        found[members] = self._naive_bayes(table, letters, members, profiles, priors)
        return codes, found

    def _profiles_of(self, table: GramTable, script: int) -> list[int]:
        names = {SCRIPTS[script], "Jpan"} if script == HANI else {SCRIPTS[script]}
        pairs = enumerate(zip(table.codes, table.scripts, strict=True))
        return [place for place, (code, name) in pairs if name in names and code in self._languages]

    def _naive_bayes(
        self, table: GramTable, letters: Letters, members: NDArray[np.int64], profiles: list[int], priors: Mapping[str, float]
    ) -> NDArray[np.float64]:
        """Probability of each of the profiles for each member [members, profiles]; 0 where nothing was known."""
        if len(profiles) == 1:
            return np.ones((len(members), 1))
        evidence = log_likelihoods(table, letters, members, profiles)
        before = np.log([priors.get(table.codes[profile], 1.0) for profile in profiles])
        logits = evidence / TEMPERATURE + before[:, None]
        weights = np.exp(logits - logits.max(axis=0))
        shares = weights / in_order(weights)
        return np.where(evidence.any(axis=0), np.minimum(shares, 1.0), 0.0).T


def in_order(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the rows, one after the other [rows, texts] -> [texts].

    numpy adds a single column in another order than a wide array, and a text alone must score as in a batch.
    """
    return sum(rows, start=np.zeros(rows.shape[1]))


def likeliest_path(emissions: NDArray[np.float64]) -> list[int]:
    """State of each word on the likeliest path (Viterbi); log emissions [words, states]."""
    stay, change = math.log(1.0 - SWITCH), math.log(SWITCH / max(emissions.shape[1] - 1, 1))
    best = emissions[0]
    came_from = np.zeros(emissions.shape, np.int64)
    for place in range(1, len(emissions)):
        other = int(best.argmax())
        changed = best[other] + change > best + stay
        came_from[place] = np.where(changed, other, np.arange(len(best)))
        best = np.where(changed, best[other] + change, best + stay) + emissions[place]
    path = [int(best.argmax())]
    for place in range(len(emissions) - 1, 0, -1):
        path.append(int(came_from[place, path[-1]]))
    return path[::-1]


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
