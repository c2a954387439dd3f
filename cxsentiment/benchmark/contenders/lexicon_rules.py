"""VADER's rules over words with valences (Hutto and Gilbert 2014), for four languages. Pure; the constants are VADER's.

Words are folded: lower case, without accents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cxsentiment.text import fold

NEGATION, CAPITALS, EXCLAMATION, BOOST = -0.74, 0.733, 0.292, 0.293
MOST_EXCLAMATIONS = 4
REACH = 3
"""Words before a word that may negate or strengthen it."""

BOOST_BY_DISTANCE = (1.0, 0.95, 0.9)
BEFORE_BUT, AFTER_BUT = 0.5, 1.5
LONGEST_PHRASE = 4


def _words_of(**languages: str) -> Mapping[str, frozenset[str]]:
    return MappingProxyType({language: frozenset(map(fold, words.split())) for language, words in languages.items()})


NEGATIONS = _words_of(
    el="δεν δε μην μη ουτε χωρις ποτε διχως",
    pl="nie nigdy ani bez zaden zadna zadne zadnej zadnego nic",
    ro="nu nici fara niciodata n-am n-a n-au n-ai n-ati n-are nimic",
    en="not no never none nor neither nothing nowhere without cannot rarely seldom hardly",
)
_NEGATED_ENDINGS = ("n't", "n’t")
_NEGATED_PLAIN = re.compile(r"(?:ai|are|ca|could|did|does|do|had|has|have|is|must|should|was|were|wo|would)nt")

INTENSIFIERS = _words_of(
    el="πολυ παρα εξαιρετικα απολυτα εντελως τελειως τρομερα υπερβολικα τοσο πιο ιδιαιτερα",
    pl="bardzo strasznie mega naprawde calkowicie totalnie niezwykle wyjatkowo tak zbyt szczegolnie",
    ro="foarte extrem extraordinar prea tare total complet deosebit atat chiar mult",
    en="very really so extremely absolutely completely totally incredibly highly too especially most utterly quite",
)
DAMPENERS = _words_of(
    el="λιγο λιγακι σχεδον καπως μαλλον μετρια",
    pl="troche lekko nieco raczej dosc prawie",
    ro="putin cam oarecum aproape usor",
    en="slightly somewhat little partly almost barely kinda sorta marginally",
)
BUTS = _words_of(
    el="αλλα ομως ωστοσο μα",
    pl="ale lecz jednak natomiast",
    ro="dar insa totusi",
    en="but however yet",
)
SIGNS: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys("😀😃😄😁😊🙂😍🥰😘🤩😋👍👏💪🙏❤💕💖💯🎉🔥⭐🌟😻☺♥", 2.0),
        **dict.fromkeys("😞😔😟😕🙁☹😣😖😫😩😢😭😤😠😡🤬👎💔🤮🤢😒🙄💩😱😾", -2.0),
        **dict.fromkeys((":)", ":-)", ":D", ":-D", ";)", ";-)", "=)", ":))", ":)))", "<3", ":*"), 2.0),
        **dict.fromkeys((":(", ":-(", ":((", ":(((", ":/", ":-/", ":'(", "=("), -2.0),
    }
)
"""Emoji and emoticons."""

_EMOTICONS = "|".join(re.escape(one) for one in sorted((one for one in SIGNS if len(one) > 1), key=len, reverse=True))
_TOKEN = re.compile(rf"(?P<sign>{_EMOTICONS}|[{''.join(one for one in SIGNS if len(one) == 1)}])|[^\W_]+(?:['’-][^\W_]+)*")

Valence = Callable[[Sequence["Token"]], float | None]
"""Words that stand together -> the valence of the phrase that they are, None where it is not listed."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word as written, folded, or an emoji or emoticon."""

    written: str
    folded: str
    is_sign: bool


@dataclass(frozen=True, slots=True)
class Strength:
    """Sum of the valences of positive and of negative words after the rules, both at least 0."""

    positive: float
    negative: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A listed word or phrase: tokens [first, last), its valence before the rules, and whether it is negated."""

    first: int
    last: int
    valence: float
    is_negated: bool


def tokens_of(text: str) -> list[Token]:
    """Words, emoji and emoticons in order."""
    found = ((one.group(), one.group("sign") is not None) for one in _TOKEN.finditer(text))
    return [Token(written, written if is_sign else fold(written), is_sign) for written, is_sign in found]


def hits(tokens: Sequence[Token], language: str, valence_of: Valence) -> list[Hit]:
    """Listed words and phrases, the longest first at each place. Words that negate, strengthen or say "but" have no feeling themselves."""
    silent = NEGATIONS[language] | INTENSIFIERS[language] | DAMPENERS[language] | BUTS[language]
    found = []
    place = 0
    while place < len(tokens):
        hit = _hit(tokens, place, silent, valence_of, language)
        if hit is not None:
            found.append(hit)
        place = place + 1 if hit is None else hit.last
    return found


def strength(text: str, tokens: Sequence[Token], found: Sequence[Hit], language: str) -> Strength:
    """What the hits come to: negated, strengthened, in capitals, before or after "but", with exclamation marks."""
    capitals = _is_emphasis(tokens)
    but = next((place for place, token in enumerate(tokens) if token.folded in BUTS[language]), None)
    valences = [_after_rules(tokens, hit, language, capitals=capitals) * _share(hit, but) for hit in found]
    positive, negative = sum(one for one in valences if one > 0), -sum(one for one in valences if one < 0)
    emphasis = EXCLAMATION * min(text.count("!"), MOST_EXCLAMATIONS)
    return Strength(positive + emphasis * (positive > negative), negative + emphasis * (negative > positive))


def _hit(tokens: Sequence[Token], place: int, silent: frozenset[str], valence_of: Valence, language: str) -> Hit | None:
    token = tokens[place]
    if token.is_sign:
        return Hit(place, place + 1, SIGNS[token.written], is_negated=False)
    for size in range(min(LONGEST_PHRASE, len(tokens) - place), 0, -1):
        if size == 1 and token.folded in silent:
            return None
        valence = valence_of(tokens[place : place + size])
        if valence is not None:
            before = tokens[max(place - REACH, 0) : place]
            return Hit(place, place + size, valence, any(is_negation(one.folded, language) for one in before))
    return None


def is_negation(folded: str, language: str) -> bool:
    """Whether the word negates what follows."""
    if folded in NEGATIONS[language]:
        return True
    return language == "en" and (folded.endswith(_NEGATED_ENDINGS) or _NEGATED_PLAIN.fullmatch(folded) is not None)


def _after_rules(tokens: Sequence[Token], hit: Hit, language: str, *, capitals: bool) -> float:
    size, sign = abs(hit.valence), 1.0 if hit.valence >= 0 else -1.0
    if not size:
        return 0.0
    written = tokens[hit.first].written
    if capitals and written.isupper() and len(written) > 1:
        size += CAPITALS
    for distance, share in enumerate(BOOST_BY_DISTANCE, 1):
        before = tokens[hit.first - distance].folded if hit.first >= distance else ""
        size += BOOST * share * ((before in INTENSIFIERS[language]) - (before in DAMPENERS[language]))
    return sign * size * (NEGATION if hit.is_negated else 1.0)


def _share(hit: Hit, but: int | None) -> float:
    if but is None:
        return 1.0
    return BEFORE_BUT if hit.first < but else AFTER_BUT


def _is_emphasis(tokens: Sequence[Token]) -> bool:
    """Whether some words, but not all, are in capitals: only then do capitals say something."""
    capitals = [token.written.isupper() for token in tokens if not token.is_sign and len(token.written) > 1]
    return any(capitals) and not all(capitals)
