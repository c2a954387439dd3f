"""Comments that stand for many: what customers say of a touchpoint, in their own words. See `quotes`."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import PERIODS, dimension
from cxsentiment.measure.masking import mask
from cxsentiment.measure.scanning import literal
from cxsentiment.measure.words import words_of
from cxsentiment.results import POLARITIES

SHORTEST: Final = 20
LONGEST: Final = 240
"""Characters of a good quote."""

POOL: Final = 500
"""Comments of a touchpoint, polarity and language among which the quotes are chosen."""

CENTRAL: Final = 0.7
"""Weight of being like the others against being unlike the quotes already chosen."""

_MOST_TERMS: Final = 2_000
_SURROUNDINGS: Final = 1_000
"""Characters on either side of a mention that are looked at; what is cut there is out of sight in the quote."""
_CUT_WEIGHT: Final = 0.8
"""Of a part of a comment, against a whole one."""

_UNSEEN = re.compile(
    "[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff\\ufff9-\\ufffb]"
)
"""Control characters, and marks that turn the direction of the text around them."""
_SPACES = re.compile(r"\s+")

_SCHEMA: Final = pa.schema(
    [
        ("touchpoint", pa.string()),
        ("polarity", pa.string()),
        ("row_id", pa.int64()),
        ("language", pa.string()),
        ("day", pa.date32()),
        ("quote", pa.string()),
        ("whole", pa.bool_()),
    ]
)


@dataclass(frozen=True, slots=True)
class Passage:
    """What of a comment is shown, and whether that is all of it."""

    text: str
    whole: bool


def quotes(
    scored: Scored,
    touchpoint: str | Sequence[str] | None = None,
    *,
    period: str | None = None,
    polarities: Sequence[str] = ("-", "+"),
    limit: int = 3,
    pool: int = POOL,
    seed: int = 0,
    masked: bool = True,
) -> pa.Table:
    """Representative comments of each touchpoint: like many others, unlike each other.

    Languages take turns, the one with most comments (of the pool) first. Comments of 20 to 240 characters come before others; of a
    longer one the part around the mention is shown, with an ellipsis where it is cut. Line breaks become spaces; control characters and
    marks of direction go. Quotes are plain text: who puts them into HTML escapes them.

    Args:
        scored: The archive.
        touchpoint: Types of touchpoints, all if None.
        period: `day`, `week`, `month` or `quarter`: quotes of each for itself. Comments without a day are then left out.
        polarities: Feelings towards the touchpoint, of `-` `0` `+` `±`.
        limit: Quotes of a touchpoint and polarity; with four, each of four languages has its say.
        pool: They are chosen among so many comments of each language, drawn by `seed`.
        seed: For other quotes.
        masked: Whether `mask` hides what belongs to one person.

    Returns:
        Columns: touchpoint, that of the period (its first day), polarity, row_id, language, day, quote, whole (not cut). Ordered by
        touchpoint, period, then as in `polarities`, of each language the most typical quote first.

    Raises:
        OptionError: for a polarity or period that is none or a negative number.
        InputError: if the archive has no texts or no touchpoints, or no days for the periods.
        MissingExtraError: if `phonenumbers` is needed for masking and not installed.
    """
    if unknown := [polarity for polarity in polarities if polarity not in POLARITIES]:
        raise OptionError(f"there is no polarity {unknown[0]!r}; choose from {' '.join(POLARITIES)}")
    if limit < 0 or pool < 1:
        raise OptionError(f"limit must not be negative and pool must be at least 1, not {limit} and {pool}")
    if period is not None and period not in PERIODS:
        raise OptionError(f"there is no period {period!r}; choose from {', '.join(PERIODS)}")
    scored.need_text()
    scored.need("cx_touchpoints")
    if period is not None:
        scored.need_date()
    types = [touchpoint] if isinstance(touchpoint, str) else touchpoint
    groups: defaultdict[tuple[str, date, int], list[_Candidate]] = defaultdict(list)
    for candidate in _candidates(scored, types, period, polarities, pool, seed):
        groups[candidate.touchpoint, candidate.period or date.min, list(polarities).index(candidate.polarity)].append(candidate)
    chosen = [candidate for key in sorted(groups) for candidate in _in_turn(groups[key], limit)]
    table = pa.Table.from_pylist([candidate.row(masked=masked) for candidate in chosen], schema=_SCHEMA)
    if period is None or period in table.column_names:
        return table
    return table.add_column(1, period, pa.array([candidate.period for candidate in chosen], pa.date32()))


def _in_turn(candidates: Sequence[_Candidate], limit: int) -> list[_Candidate]:
    """The representative ones of each language, in turns."""
    by_language: defaultdict[str | None, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_language[candidate.language].append(candidate)
    queues = []
    for members in sorted(by_language.values(), key=len, reverse=True):
        passages = [candidate.passage(masked=False) for candidate in members]
        queues.append([members[place] for place in representative(passages, limit)])
    turns = itertools.chain.from_iterable(itertools.zip_longest(*queues))
    return [candidate for candidate in turns if candidate is not None][:limit]


def representative(passages: Sequence[Passage], limit: int) -> list[int]:
    """Places of the passages that are central (near the centroid of all) and diverse, the most central one first, no text twice.

    By maximal marginal relevance (Carbonell and Goldstein, 1998, SIGIR) over cosines of tf-idf vectors. Passages of 20 to 240
    characters are preferred, and those that are whole.
    """
    vectors = tf_idf([passage.text for passage in passages])
    centroid = vectors.sum(axis=0)
    central = vectors @ centroid / max(float(np.linalg.norm(centroid)), 1e-9)
    central *= [_fitness(passage) for passage in passages]
    different = _first_of_each([passage.text for passage in passages])
    nearest = np.zeros(len(passages))
    chosen: list[int] = []
    for _ in range(min(limit, len(different))):
        gain = CENTRAL * central[different] - (1 - CENTRAL) * nearest[different]
        best = different.pop(int(np.argmax(np.round(gain, 9))))
        chosen.append(best)
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return chosen


def tf_idf(texts: Sequence[str]) -> NDArray[np.float64]:
    """Shape (texts, terms): unit vectors, or zero, over the commonest words that stand in at least two of the texts."""
    counted = [Counter(words_of(text)) for text in texts]
    frequency = Counter(word for words in counted for word in words)
    terms = sorted((word for word, count in frequency.items() if count > 1), key=lambda word: (-frequency[word], word))[:_MOST_TERMS]
    place = {word: number for number, word in enumerate(terms)}
    vectors = np.zeros((len(texts), len(terms)))
    for row, words in enumerate(counted):
        for word, count in words.items():
            if word in place:
                vectors[row, place[word]] = (1 + np.log(count)) * np.log((1 + len(texts)) / frequency[word])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = vectors / np.where(norms > 0, norms, 1.0)
    return unit


def passage(text: str, start: int, end: int, *, masked: bool = True) -> Passage:
    """The part of a comment around the mention `text[start:end]`, of at most 240 characters and an ellipsis on either side."""
    start = min(max(start, 0), len(text))
    end = min(max(end, start), len(text), start + LONGEST)
    first, last = max(0, start - _SURROUNDINGS), min(len(text), end + _SURROUNDINGS)
    seen = text[first:last]
    start, end = start - first, end - first
    if masked and (hidden := mask(seen)) != seen:
        start, end = _moved(seen, hidden, start, end)
        seen = hidden
    before, mention, after = (_tidy(part) for part in (seen[:start], seen[start:end], seen[end:]))
    before, after = before.lstrip(), after.rstrip()
    cut_before, cut_after = first > 0, last < len(text)
    room = max(LONGEST - len(mention), 0)
    before_room = max(room // 2, room - len(after))
    if len(before) > before_room:
        before, cut_before = _from_word(before[len(before) - before_room :]), True
    after_room = room - len(before)
    if len(after) > after_room:
        after, cut_after = _to_word(after[:after_room]), True
    shown = f"{before}{mention}{after}".strip()
    return Passage(f"{'…' * cut_before}{shown}{'…' * cut_after}", not (cut_before or cut_after))


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", _UNSEEN.sub("", text))


def _from_word(text: str) -> str:
    """Without the part of a word at its beginning."""
    _, space, rest = text.partition(" ")
    return rest if space else text


def _to_word(text: str) -> str:
    rest, space, _ = text.rpartition(" ")
    return rest if space else text


def _moved(text: str, hidden: str, start: int, end: int) -> tuple[int, int]:
    """Where `text[start:end]` stands after masking: where its words stand nearest to that, if they still do."""
    expected = start * len(hidden) // len(text)
    found = [place.start() for place in re.finditer(re.escape(text[start:end]), hidden)] or [expected]
    nearest = min(found, key=lambda place: abs(place - expected))
    return nearest, min(nearest + end - start, len(hidden))


def _fitness(passage: Passage) -> float:
    return min(len(passage.text) / SHORTEST, 1.0) * (1.0 if passage.whole else _CUT_WEIGHT)


def _first_of_each(texts: Sequence[str]) -> list[int]:
    """Places of the different texts, whatever their punctuation, case and accents."""
    return list({" ".join(words_of(text)) or text: place for place, text in reversed(list(enumerate(texts)))}.values())[::-1]


# ---- what is read of an archive -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Candidate:
    touchpoint: str
    period: date | None
    polarity: str
    row_id: int
    language: str | None
    day: date | None
    text: str
    start: int
    end: int

    def passage(self, *, masked: bool) -> Passage:
        return passage(self.text, self.start, self.end, masked=masked)

    def row(self, *, masked: bool) -> dict[str, Any]:
        """As `_SCHEMA` has it."""
        shown = self.passage(masked=masked)
        columns = {name: getattr(self, name) for name in ("touchpoint", "polarity", "row_id", "language", "day")}
        return {**columns, "quote": shown.text, "whole": shown.whole}


def _candidates(
    scored: Scored, types: Sequence[str] | None, period: str | None, polarities: Sequence[str], pool: int, seed: int
) -> Iterator[_Candidate]:
    """Comments of each touchpoint, period and polarity with the first such mention, those of a good length first, else as drawn."""
    among = "" if types is None else f"AND item.type IN ({', '.join(map(literal, types)) or 'NULL'})"
    wanted = f"item.polarity IN ({', '.join(map(literal, polarities)) or 'NULL'}) {among}"
    good = f"length(text) BETWEEN {SHORTEST} AND {LONGEST}"
    when, dated = ("NULL::DATE", "") if period is None else (dimension(period), "AND day IS NOT NULL")
    mentions = f"""
        SELECT row_id, item.type AS touchpoint, item.polarity AS polarity, any_value(period) AS period, any_value(language) AS language,
            bool_or({good}) AS good, min(item.start) AS start, arg_min(item."end", item.start) AS stop
        FROM (SELECT row_id, text, language, {when} AS period, unnest(touchpoints) AS item FROM answers WHERE trim(text) <> '' {dated})
        WHERE {wanted} GROUP BY row_id, item.type, item.polarity"""
    order = f"PARTITION BY touchpoint, period, polarity, language ORDER BY good DESC, hash(row_id, {int(seed)}), row_id"
    drawn = f"SELECT * FROM ({mentions}) QUALIFY row_number() OVER ({order}) <= {int(pool)}"
    found = scored.query(
        "SELECT touchpoint, period, drawn.polarity AS polarity, row_id, comments.language AS language, day, text, start, "
        f'stop AS "end" FROM ({drawn}) AS drawn JOIN comments USING (row_id) ORDER BY touchpoint, period, drawn.polarity, row_id'
    )
    for row in found.to_pylist():
        yield _Candidate(**{**row, "start": row["start"] or 0, "end": row["end"] or 0})
