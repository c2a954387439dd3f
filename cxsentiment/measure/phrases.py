"""Words and pairs of words that set groups of comments apart from the others: see `distinctive_phrases`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cxsentiment.errors import OptionError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import TOUCHPOINT_DIMENSIONS, cases, check_dimensions
from cxsentiment.measure.scanning import quoted
from cxsentiment.measure.words import FEWEST_COMMENTS, Integers, Phrases, count_phrases, is_negation, words_of

Floats = NDArray[np.float64]

SAMPLE: Final = 200_000
"""Comments that are read at most."""

PRIOR: Final = 500.0
"""Weight of the prior, in occurrences of phrases; in few comments a fifth of those that there are (`_prior`)."""

CLEAR: Final = 1.96
"""The least z of a phrase that is told."""

_WHOLE_SHARE: Final = 0.6
"""Share of a word's comments that have it within one pair, from which on the word is left to the pair."""
_OWN_SHARE: Final = 0.01
"""Share of a touchpoint's mentions that have a word, from which on the word names the touchpoint."""

_COLUMNS: Final = {
    "phrase": pa.string(),
    "comments": pa.int64(),
    "share": pa.float64(),
    "elsewhere": pa.float64(),
    "log_odds": pa.float64(),
    "z": pa.float64(),
}

_SENTIMENT: Final = "sentiment"


@dataclass(frozen=True, slots=True)
class DistinctivePhrase:
    """A phrase of a group: `comments` of the group have it, a share of them; `elsewhere` is its share of the others.

    `log_odds` is the difference of the log-odds of the phrase here and there, `z` that over its standard error.
    """

    phrase: str
    comments: int
    share: float
    elsewhere: float
    log_odds: float
    z: float


def distinctive_phrases(
    scored: Scored,
    by: str | Sequence[str] = "touchpoint",
    *,
    within: str | Sequence[str] = (),
    limit: int = 10,
    sample: int = SAMPLE,
    seed: int = 0,
) -> pa.Table:
    """What the comments of each group say more often than the other comments of the same language.

    Words and pairs are counted as `count_phrases` does, each once a comment, and compared by the weighted log-odds ratio with an
    informative Dirichlet prior (`log_odds_ratio`). Told are those with z of 1.96 and more in at least three comments, by z; of phrases
    that share a word the clearest. Words that only name the touchpoint of the group are left out.

    Args:
        scored: The archive.
        by: Dimensions of the groups, as in `summary`, and `sentiment`: with touchpoints, the feeling towards them.
        within: Those of `by` in which the groups are compared: `by=("touchpoint", "sentiment"), within="touchpoint"` tells what the
            unhappy say of a touchpoint that others who mention it do not.
        limit: Phrases of a group and language.
        sample: Read at most so many comments, drawn by `seed`. The metadata of the table's schema say how many were read (`read`) of
            how many (`of`).
        seed: For another sample.

    Returns:
        Columns: those of `by`, language, phrase, comments, share, elsewhere, log_odds, z (see `DistinctivePhrase`).

    Raises:
        OptionError: for a dimension that is none, none at all, or a `within` that is not among them.
        InputError: if the archive has no texts or lacks what a dimension needs.
    """
    names = _dimensions(scored, by)
    shared = _within(names, within)
    if limit < 0 or sample < 1:
        raise OptionError(f"limit must not be negative and sample must be at least 1, not {limit} and {sample}")
    scored.need_text()
    read = _read(scored, names, sample, seed)
    found: list[tuple[int, DistinctivePhrase]] = []
    for language in sorted(set(read.languages)):
        phrases, number = read.phrases(language)
        groups = {place: number[read.rows_of(place)] for place in read.groups_of(language)}
        blocks = _blocks(read.members, shared, groups)
        for place, group in groups.items():
            own = frozenset(phrases.lemma_of.get(word, word) for word in read.own(place, language))
            found += [(place, phrase) for phrase in distinctive(phrases, group, blocks.get(place), own=own, limit=limit)]
    return _table(sorted(found, key=lambda item: item[0]), read, names)


def log_odds_ratio(inside: Integers, outside: Integers, prior: float = PRIOR) -> tuple[Floats, Floats]:
    """How much likelier each phrase is here than there: log-odds ratio and z, both of shape (phrases,).

    `inside` and `outside`, shape (phrases,), count a phrase here and there. The prior gives each phrase the share that it has in both
    together, with the weight of `prior` occurrences, so that what is rare is not taken for telling.

    Source: Monroe, Colaresi and Quinn (2008), Fightin' Words, Political Analysis 16 (4), equations 16, 20 and 22.
    """
    both = inside + outside
    if not both.sum():
        return np.zeros(len(both)), np.zeros(len(both))
    alpha = prior * both / both.sum()
    here, there = inside + alpha, outside + alpha
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.log(here / (here.sum() - here)) - np.log(there / (there.sum() - there))
        z = difference / np.sqrt(1 / here + 1 / there)
    return np.nan_to_num(difference, posinf=0.0, neginf=0.0), np.nan_to_num(z, posinf=0.0, neginf=0.0)


def distinctive(
    phrases: Phrases,
    group: Integers,
    block: Integers | None = None,
    *,
    own: frozenset[str] = frozenset(),
    limit: int = 10,
    clear: float = CLEAR,
) -> list[DistinctivePhrase]:
    """The phrases that set a group of comments apart, clearest first.

    Args:
        phrases: What is in all the comments.
        group: Numbers of the group's comments, ascending.
        block: Those of the comments with which it is compared, the group itself among them; None for all.
        own: Lemmas that only name what the group is about; no phrase consists of them.
        limit: How many at most.
        clear: The least z of a phrase that is told.
    """
    inside, all_counts = phrases.counts(group), phrases.counts(block)
    outside = all_counts - inside
    ratios, z = log_odds_ratio(inside, outside, _prior(all_counts))
    others = (phrases.comments if block is None else len(block)) - len(group)
    order = np.lexsort((np.arange(len(z)), -z)).tolist()
    candidates = [place for place in order if z[place] >= clear and inside[place] >= FEWEST_COMMENTS]
    told: list[DistinctivePhrase] = []
    for place in _chosen(candidates, phrases, inside, own, limit):
        shares = inside[place] / len(group), outside[place] / others if others else 0.0
        told.append(DistinctivePhrase(phrases.spellings[place], int(inside[place]), *map(float, (*shares, ratios[place], z[place]))))
    return sorted(told, key=lambda phrase: -phrase.z)


def _prior(counts: Integers) -> float:
    """The prior's weight beside so many occurrences: one that outweighs them would leave nothing to tell."""
    return float(min(PRIOR, max(counts.sum() / 5, 1.0)))


def _chosen(candidates: Sequence[int], phrases: Phrases, inside: Integers, own: frozenset[str], limit: int) -> list[int]:
    """The first candidates that share no word; in place of a word that nearly always stands in one pair, that pair."""
    words = {place: {word for word in phrases.lemmas[place] if not is_negation(word, phrases.language)} for place in candidates}
    whole: dict[str, int] = {}
    for place in candidates:
        if len(phrases.lemmas[place]) > 1:
            for word in words[place]:
                whole[word] = max(whole.get(word, place), place, key=lambda pair: inside[pair])
    chosen: list[int] = []
    taken: set[str] = set()
    for place in candidates:
        if len(chosen) == limit:
            break
        first, *rest = phrases.lemmas[place]
        pair = whole.get(first, place)
        options = [place] if rest or inside[pair] < _WHOLE_SHARE * inside[place] else [pair, place]
        best = next((option for option in options if not words[option] <= own and not words[option] & taken), None)
        if best is not None:
            chosen.append(best)
            taken |= words[best]
    return chosen


# ---- what is read of an archive -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Read:
    """Texts with their row numbers and languages; and `members`: the columns of the groups, language, and `rows`, lists of row numbers."""

    rows: Integers
    languages: Sequence[str]
    texts: Sequence[str]
    members: pa.Table
    mentioned: Mapping[tuple[str | None, str], frozenset[str]]
    touched: str | None
    of: int

    def phrases(self, language: str) -> tuple[Phrases, Integers]:
        """What the texts of a language have in them, and the number that each row has among those texts."""
        chosen = [place for place, own in enumerate(self.languages) if own == language]
        number = np.full(len(self.rows), -1, np.int64)
        number[chosen] = np.arange(len(chosen))
        return count_phrases([self.texts[place] for place in chosen], language), number

    def groups_of(self, language: str) -> list[int]:
        """Places in `members`."""
        return [place for place, own in enumerate(self.members["cx_language"].to_pylist()) if own == language]

    def rows_of(self, place: int) -> Integers:
        """Ascending places in `rows`."""
        found: Integers = np.searchsorted(self.rows, self.members["rows"][place].values.to_numpy())
        return found

    def own(self, place: int, language: str) -> frozenset[str]:
        """Folded words by which the touchpoint of a group is named."""
        touchpoint = self.members[self.touched][place].as_py() if self.touched else None
        return self.mentioned.get((touchpoint, language), frozenset())


def _dimensions(scored: Scored, by: str | Sequence[str]) -> tuple[str, ...]:
    names = (by,) if isinstance(by, str) else tuple(by)
    if not names:
        raise OptionError("by must name at least one dimension, such as touchpoint, month or sentiment")
    if names.count(_SENTIMENT) > 1:
        raise OptionError(f"the dimension {_SENTIMENT!r} stands there twice")
    check_dimensions(scored, [name for name in names if name != _SENTIMENT])
    return names


def _within(names: Sequence[str], within: str | Sequence[str]) -> tuple[str, ...]:
    shared = (within,) if isinstance(within, str) else tuple(within)
    for name in shared:
        if name not in names:
            raise OptionError(f"within names {name!r}, which is not in by: {', '.join(names)}")
    return shared


def _read(scored: Scored, names: Sequence[str], sample: int, seed: int) -> _Read:
    of = int(scored.query("SELECT count(*) AS n FROM comments WHERE text IS NOT NULL")["n"][0].as_py())
    drawn = f"ORDER BY hash(row_id, {int(seed)}), row_id LIMIT {int(sample)}" if of > sample else ""
    chosen = f"row_id IN (SELECT row_id FROM comments WHERE text IS NOT NULL {drawn})"
    language = "coalesce(language, 'und')"
    texts = scored.query(f"SELECT row_id, {language} AS language, text FROM comments WHERE {chosen} ORDER BY row_id")
    columns = ", ".join(f"feeling AS {_SENTIMENT}" if name == _SENTIMENT else quoted(name) for name in names)
    known = " AND ".join("feeling IS NOT NULL" if name == _SENTIMENT else f"{quoted(name)} IS NOT NULL" for name in names)
    members = scored.query(
        f"SELECT {columns}, cx_language, list(row_id ORDER BY row_id) AS rows "
        f"FROM ({cases([name for name in names if name != _SENTIMENT], {'cx_language': language})}) "
        f"WHERE {chosen} AND {known} GROUP BY ALL ORDER BY {', '.join(map(quoted, names))}, cx_language"
    )
    touched = next((name for name in TOUCHPOINT_DIMENSIONS if name in names), None)
    return _Read(
        texts["row_id"].to_numpy(),
        texts["language"].to_pylist(),
        texts["text"].to_pylist(),
        members,
        _mentioned(scored, touched, chosen) if touched else {},
        touched,
        of,
    )


def _mentioned(scored: Scored, touched: str, chosen: str) -> dict[tuple[str | None, str], frozenset[str]]:
    """Touchpoint (or group) and language -> folded words that stand in many of its mentions."""
    column = {"touchpoint": "type", "group": "touchpoint_group"}[touched]
    spans = scored.query(
        f"SELECT {column} AS named, coalesce(language, 'und') AS language, lower(span) AS span, count(*) AS mentions "
        f"FROM mentions JOIN comments USING (row_id) WHERE {chosen} AND span IS NOT NULL GROUP BY ALL"
    )
    mentions: Counter[tuple[str | None, str]] = Counter()
    words: defaultdict[tuple[str | None, str], Counter[str]] = defaultdict(Counter)
    for named, language, span, count in zip(*(column.to_pylist() for column in spans.columns), strict=True):
        mentions[named, language] += count
        words[named, language].update(dict.fromkeys(words_of(span), count))
    return {
        key: frozenset(word for word, count in counted.items() if count >= max(FEWEST_COMMENTS, _OWN_SHARE * mentions[key]))
        for key, counted in words.items()
    }


def _blocks(members: pa.Table, shared: Sequence[str], groups: Mapping[int, Integers]) -> dict[int, Integers]:
    """For each group the comments of all that share its values of these dimensions; nothing where there are none."""
    if not shared:
        return {}
    columns = [members[name].to_pylist() for name in shared]
    values = {place: tuple(column[place] for column in columns) for place in groups}
    united = {value: np.unique(np.concatenate([groups[place] for place in groups if values[place] == value])) for value in values.values()}
    return {place: united[value] for place, value in values.items()}


def _table(found: Sequence[tuple[int, DistinctivePhrase]], read: _Read, names: Sequence[str]) -> pa.Table:
    places = pa.array([place for place, _ in found], pa.int64())
    table = read.members.select([*names, "cx_language"]).take(places)
    table = table.drop_columns("cx_language") if "language" in names else table.rename_columns([*names, "language"])
    for name, kind in _COLUMNS.items():
        table = table.append_column(name, pa.array([getattr(phrase, name) for _, phrase in found], kind))
    return table.replace_schema_metadata({"read": str(len(read.rows)), "of": str(read.of)})
