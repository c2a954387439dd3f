"""What holds for the mentions in any text."""

from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from cxsentiment.results import Language
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.touchpoints import TouchpointFinder

WORDS = [
    "the",
    "app",
    "apps",
    "live",
    "chat",
    "chat's",
    "Call-Center",
    "εφαρμογή",
    "ΕΦΑΡΜΟΓΩΝ",
    "το",
    "site-ul",
    "Ιστοσελίδες",
    "efarmogh",
    "<url>",
]
GLUE = ["", " ", ", ", "-", "&", "'", "\u0301", "\U0001f621", "_", ".", "\ud800", "\x00", "<", ">"]
PIECES = st.sampled_from([*WORDS, *GLUE])
TEXTS = st.lists(PIECES | st.text(st.characters(exclude_categories=()), max_size=4), max_size=14).map("".join)
LANGUAGES = st.sampled_from(
    [
        Language("el", 0.9, "Grek"),
        Language("el", 0.9, "Latn"),
        Language("ro", 0.9, "Latn"),
        Language("en", 0.9, "Latn"),
        Language("und", 0.0, "Zyyy"),
    ]
)


@cache
def finder() -> TouchpointFinder:
    default = Taxonomy.default()
    kept = {name: default.types[name] for name in ("mobile_app", "website", "chat", "call_centre")}
    short = {name: replace(kind, phrases={key: phrases[:12] for key, phrases in kind.phrases.items()}) for name, kind in kept.items()}
    return TouchpointFinder(replace(default, types=short))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(TEXTS, LANGUAGES), max_size=5))
def test_mentions_lie_in_the_text_in_order_and_apart(pairs: list[tuple[str, Language]]) -> None:
    found = finder().find([text for text, _ in pairs], [language for _, language in pairs])
    assert len(found) == len(pairs)
    for (text, _), mentions in zip(pairs, found, strict=True):
        end = 0
        for mention in mentions:
            assert end <= mention.start < mention.end <= len(text)
            assert "<url>" not in text[mention.start : mention.end]
            assert finder().taxonomy.group_of(mention.type) == mention.group
            end = mention.end


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(TEXTS, LANGUAGES), max_size=5))
def test_neighbours_and_order_change_nothing(pairs: list[tuple[str, Language]]) -> None:
    alone = [finder().find([text], [language])[0] for text, language in pairs]
    backwards = finder().find([text for text, _ in reversed(pairs)], [language for _, language in reversed(pairs)])
    assert backwards[::-1] == alone


@settings(deadline=None, max_examples=50)
@given(TEXTS, TEXTS)
def test_a_mention_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    text = f"{before} ! live chat ! {after}"
    (mentions,) = finder().find([text], [Language("en", 0.9, "Latn")])
    start = len(before) + 3
    assert (start, start + 9, "chat") in [(mention.start, mention.end, mention.type) for mention in mentions]
