"""From the network's logits of each token to touchpoint mentions with their feeling, and how they go together with phrases. Pure.

Token logits [tokens, TOKEN_LOGITS]: outside, each of `TOUCHPOINTS`, whether a mention begins, the four polarities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxsentiment.heads import Calibration, Floats, softmax
from cxsentiment.results import POLARITIES, TOUCHPOINTS

if TYPE_CHECKING:
    from cxsentiment.encoder.tokenise import TokenisedText
    from cxsentiment.touchpoints import Mention

TAGS = 1 + len(TOUCHPOINTS)
BEGINS = TAGS
FIRST_POLARITY = TAGS + 1
TOKEN_LOGITS = FIRST_POLARITY + len(POLARITIES)
ITSELF: Mapping[str, str] = MappingProxyType({name: name for name in TOUCHPOINTS})

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tagged:
    """A mention: characters [start, end), tokens [first, last), and its type."""

    start: int
    end: int
    first: int
    last: int
    type: str


def mentions_of(
    texts: Sequence[str],
    tokenised: Sequence[TokenisedText],
    logits: Floats,
    phrases: Sequence[Sequence[Mention]],
    calibration: Calibration,
    learnt: Mapping[str, str] = ITSELF,
) -> list[list[Tagged]]:
    """All mentions in each cleaned text, in order: the network's and those that the taxonomy's phrases add.

    Token logits [tokens, TOKEN_LOGITS] of all texts, text after text; each text has at least one token. `learnt`: the taxonomy's type for
    each of the network's (see `Taxonomy.learnt`); one that is missing counts as no touchpoint.
    """
    ends = np.cumsum([len(text.ids) for text in tokenised])
    firsts = ends - [len(text.ids) for text in tokenised]
    found: list[list[Tagged]] = [[] for _ in texts]
    seen = np.flatnonzero(_may_mention(logits, firsts, calibration.outside_bias, learnt)).tolist()
    if seen:
        rows = np.concatenate([np.arange(firsts[index], ends[index]) for index in seen])
        parts = tagged(
            [texts[index] for index in seen], logits[rows], [_offsets(tokenised[index]) for index in seen], calibration.outside_bias, learnt
        )
        for index, part in zip(seen, parts, strict=True):
            found[index] = part
    marked = [index for index, some in enumerate(phrases) if some]
    if marked:
        rows = np.concatenate([np.arange(firsts[index], ends[index]) for index in marked])
        inside = 1.0 - type_shares(logits[rows], 0.0, learnt)[:, 0]
        shares = np.split(inside, np.cumsum([len(tokenised[index].ids) for index in marked])[:-1])
        for index, share in zip(marked, shares, strict=True):
            found[index] = merged(found[index], phrases[index], tokenised[index], share, calibration.phrase_share, learnt)
    return found


def _offsets(text: TokenisedText) -> Ints:
    if text.offsets is None:
        raise ValueError("the text must be tokenised with offsets")
    return text.offsets


def _may_mention(logits: Floats, firsts: Ints, outside_bias: float, learnt: Mapping[str, str]) -> npt.NDArray[np.bool_]:
    """Whether the network may see a mention in each text [texts]; false only where `tagged` finds none.

    `firsts` [texts] is each text's first token. The mean over a word can be above that of no touchpoint only if one of its tokens is.
    """
    if not _is_unchanged(learnt):
        return np.ones(len(firsts), np.bool_)
    inside = logits[:, 1:TAGS].max(axis=1) >= logits[:, 0] + outside_bias
    found: npt.NDArray[np.bool_] = np.logical_or.reduceat(inside, firsts)
    return found


def _is_unchanged(learnt: Mapping[str, str]) -> bool:
    return learnt is ITSELF or (len(learnt) == len(TOUCHPOINTS) and all(name == own for own, name in learnt.items()))


def tagged(
    texts: Sequence[str], logits: Floats, offsets: Sequence[Ints], outside_bias: float, learnt: Mapping[str, str] = ITSELF
) -> list[list[Tagged]]:
    """The mentions in each text, in order; token logits [tokens, TOKEN_LOGITS] of all texts, and each text's tokens' places [tokens, 2].

    Tokens of one word count together. Neighbouring words of one type are one mention, unless a new one begins.
    """
    found: list[list[Tagged]] = [[] for _ in texts]
    counts = [len(some) for some in offsets]
    if not sum(counts):
        return found
    bases = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
    first_tokens = np.cumsum(counts) - counts
    joined = "\n".join(texts)
    everywhere = np.concatenate([some + base for some, base in zip(offsets, bases, strict=True)])
    words = word_starts(joined, everywhere)
    ends = np.array([*words[1:], len(everywhere)])
    means: Floats = (np.add.reduceat(logits[:, :TAGS], words, axis=0) / (ends - words)[:, None]).astype(np.float32)
    kinds = type_shares(means, outside_bias, learnt).argmax(axis=1)
    begins = (np.maximum.reduceat(logits[:, BEGINS], words) > 0.0) | np.isin(words, first_tokens)
    begins[1:] |= kinds[1:] != kinds[:-1]
    heads = np.flatnonzero(begins)
    stops = np.append(heads[1:], len(words))
    names = _names(learnt)
    held = np.flatnonzero(kinds[heads])
    places = zip(words[heads[held]].tolist(), ends[stops[held] - 1].tolist(), kinds[heads[held]].tolist(), strict=True)
    rows = np.searchsorted(first_tokens, words[heads[held]], "right") - 1
    for (first, last, kind), row in zip(places, rows.tolist(), strict=True):
        start, end = int(everywhere[first, 0]), int(everywhere[last - 1, 1])
        words_there = joined[start:end].strip()  # a piece may hold the space beside its word
        if any(map(str.isalnum, words_there)):
            start = joined.index(words_there, start) - int(bases[row])
            token = int(first_tokens[row])
            found[row].append(Tagged(start, start + len(words_there), first - token, last - token, names[kind - 1]))
    return found


def word_starts(text: str, offsets: Ints) -> Ints:
    """The tokens at which a word begins: those that do not go on with the letters or digits of the token before.

    Tokens that share a character, as pieces of bytes do, are of one word.
    """
    starts, ends = offsets[1:, 0], offsets[:-1, 1]
    letters = np.array([False, *map(str.isalnum, text), False])  # of the character before each place
    joined = (starts < ends) | ((starts == ends) & letters[starts] & letters[np.minimum(starts, len(text)) + 1])
    return np.flatnonzero(np.concatenate([[True], ~joined]))


def type_shares(logits: Floats, outside_bias: float, learnt: Mapping[str, str] = ITSELF) -> Floats:
    """Probabilities [tokens, 1 + types] of no touchpoint and of each of the taxonomy's learnt types, in their order there.

    A type that merges several of the network's has the sum of theirs; types that the taxonomy does not have count as none.
    """
    tags = logits[:, :TAGS].astype(np.float32)
    tags[:, 0] += outside_bias
    shares = softmax(tags)
    if _is_unchanged(learnt):
        return shares
    names = _names(learnt)
    gathered = np.zeros((len(shares), 1 + len(names)), np.float32)
    gathered[:, 0] = shares[:, 0]
    for column, name in enumerate(TOUCHPOINTS, 1):
        gathered[:, 1 + names.index(learnt[name]) if name in learnt else 0] += shares[:, column]
    return gathered


def merged(
    found: Sequence[Tagged],
    phrases: Sequence[Mention],
    text: TokenisedText,
    inside: Floats,
    phrase_share: float,
    learnt: Mapping[str, str],
) -> list[Tagged]:
    """One text's mentions of the network and those that the taxonomy's phrases add, in order.

    Where both speak of the same words, the network decides on the type, for it sees the sentence; a phrase of a type that is not `learnt`,
    one that a user added, comes before it. Elsewhere a phrase counts if the network, before its bias, thinks that one of its words may be
    part of a mention: `inside` [tokens] is that probability.
    """
    known = set(learnt.values())
    kept = list(found)
    for phrase in phrases:
        first, last = text.tokens_of(phrase.start, phrase.end)
        beside = [one for one in kept if one.start < phrase.end and phrase.start < one.end]
        own = phrase.type not in known
        if own:
            kept = [one for one in kept if one not in beside]
        if own or (not beside and inside[first:last].max() >= phrase_share):
            kept.append(Tagged(phrase.start, phrase.end, first, last, phrase.type))
    return sorted(kept, key=lambda one: one.start)


def _names(learnt: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(learnt.values()))


def polarity_logits(logits: Floats, spans: Sequence[tuple[int, int]]) -> Floats:
    """Polarity logits [spans, 4] of stretches of tokens [first, last)."""
    if not spans:
        return np.zeros((0, len(POLARITIES)), np.float32)
    return np.stack([logits[first:last, FIRST_POLARITY:].sum(axis=0) / np.float32(last - first) for first, last in spans])
