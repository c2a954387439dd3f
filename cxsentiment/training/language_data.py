"""What the language scorer learns from: texts of each class, and word lists with frequencies.

Texts are the training rows of `language_id.parquet`, customers' texts and raw text of el, pl, ro, en; lists are those of wordfreq
(Speer 2022), or of langdetect's counts of letters where it has none.
"""

from __future__ import annotations

import heapq
import json
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

import pyarrow.parquet as pq

from cxsentiment.language.greeklish import transliterate
from cxsentiment.language.scorer import CLASSES, OTHER, TRAINED
from cxsentiment.language.words import normal_form, words_of
from cxsentiment.training.corpus import DataFolder, own_comments

OURS = ("el", "pl", "ro", "en")
CYRILLIC = tuple(TRAINED["Cyrl"].values())
WORD_LISTS: Mapping[str, str] = {"bs": "sh", "hr": "sh", "sr": "sh", "sr-Cyrl": "sr", "no": "nb"}
"""wordfreq's name of a language where it is another one."""

OTHER_LISTS = ("is", "id", "ms", "fil", "vi")
OTHER_PROFILES = ("af", "cy", "id", "so", "sw", "tl", "vi")
SAME_NAME: Mapping[str, str] = {"nb": "no"}
MOST_TEXTS = 40_000
MOST_LISTED, MOST_LISTED_OF_OURS, MOST_ROMANISED = 120_000, 400_000, 150_000
SPELLINGS_A_WORD, FREQUENT = 8, 40_000
DRAWN_WORDS = 30_000
UNCOUNTED = 0.75
"""Taken from each count of a word in a text (absolute discounting): what was met once is rarer than that."""

HELD_OUT = 20
"""One in so many texts is held out."""

PLAIN: Mapping[str, float] = {
    "pl": 0.25, "ro": 0.3, "cs": 0.1, "sk": 0.1, "hu": 0.1, "tr": 0.1, "hr": 0.15, "bs": 0.15, "sr": 0.1, "sl": 0.1, "lt": 0.05,
    "lv": 0.05, "es": 0.1, "pt": 0.1, "fr": 0.08, "ca": 0.05, "it": 0.05, "de": 0.05, "sv": 0.05, "da": 0.03, "no": 0.03, "fi": 0.03,
    "et": 0.05, "sq": 0.15,
}  # fmt: skip
"""How often each language is typed without diacritics."""

_SCRIPT = {
    "Latn": re.compile(r"[a-z'\u00df-\u024f\u1e00-\u1eff]+"),
    "Cyrl": re.compile(r"[\u0400-\u052f']+"),
    "Grek": re.compile(r"[α-ωά-ώϊϋΐΰ]+"),
}
_NO_LETTER_MARK = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "ß": "s", "æ": "a"})


def class_texts(data: DataFolder, rng: random.Random) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Texts of each class to learn from, and others (one in `HELD_OUT` of `language_id.parquet`) to fit the temperature on."""
    rows = pq.read_table(data.path / "language_id.parquet", columns=["lang", "text"], filters=[("split", "=", "train")])
    found: dict[str, list[str]] = defaultdict(list)
    held_out: dict[str, list[str]] = defaultdict(list)
    for lang, text in zip(rows["lang"].to_pylist(), rows["text"].to_pylist(), strict=True):
        name = SAME_NAME.get(lang, lang)
        name = "sr-Cyrl" if name == "sr" and _SCRIPT["Cyrl"].search(text.lower()) else name
        (held_out if rng.random() < 1 / HELD_OUT else found)[name].append(text)
    for lang, texts in _customers_texts(data).items():
        rng.shuffle(texts)
        found[lang] += texts[:MOST_TEXTS]
    greek = [text for text in found["el"] if not re.search("[a-zA-Z]", text)]
    found["el-Latn"] += [transliterate(text, rng) for text in rng.choices(greek, k=MOST_TEXTS)]
    held_out["el-Latn"] += [transliterate(text, rng) for text in held_out["el"]]
    return found, {name: texts for name, texts in held_out.items() if name in CLASSES}


def _customers_texts(data: DataFolder) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for lang, text, _ in data.raw_texts():
        found[lang].append(text)
    for document in [*data.documents("train"), *(document for _, document in own_comments())]:
        found[document.lang].append(document.text)
    return {lang: found[lang] for lang in OURS}


def word_shares(name: str, texts: Sequence[str], rng: random.Random) -> dict[str, float]:
    """The class's words as they are typed, with diacritics or without, and the share of each in running text."""
    shares = _romanised_shares(rng) if name == "el-Latn" else _listed_shares(name)
    if name == OTHER:
        for lang in OTHER_PROFILES:
            made = [word for word in pseudo_words(lang, DRAWN_WORDS, rng) if _SCRIPT["Latn"].fullmatch(word)]
            shares |= {word: shares.get(word, 0.0) + 1.0 / len(made) for word in made}
    shares = shares or _counted_shares(texts)
    typed: dict[str, float] = defaultdict(float)
    plain = PLAIN.get(name, 0.0)
    total = sum(shares.values())
    for word, share in shares.items():
        typed[word] += share / total * (1.0 - plain)
        if plain:
            typed[without_diacritics(word)] += share / total * plain
    return dict(typed)


def _romanised_shares(rng: random.Random) -> dict[str, float]:
    """Greek words in Latin letters, each in some of its spellings."""
    shares: dict[str, float] = defaultdict(float)
    for place, (word, share) in enumerate(listed("el")[:MOST_ROMANISED]):
        if _SCRIPT["Grek"].fullmatch(word):
            spellings = SPELLINGS_A_WORD if place < FREQUENT else 2
            for _ in range(spellings):
                shares[transliterate(word, rng)] += share / spellings
    return {word: share for word, share in shares.items() if words_of([word]) == [[word]]}


def _listed_shares(name: str) -> dict[str, float]:
    script = _SCRIPT["Cyrl" if name in CYRILLIC else "Latn"]
    shares: dict[str, float] = defaultdict(float)
    for lang in OTHER_LISTS if name == OTHER else (WORD_LISTS.get(name, name),):
        for word, share in listed(lang):
            if script.fullmatch(word):
                shares[word] += share
    return dict(shares)


def _counted_shares(texts: Sequence[str]) -> dict[str, float]:
    counts: dict[str, float] = defaultdict(lambda: -UNCOUNTED)
    for words in words_of(texts):
        for word in words:
            counts[word] += 1.0
    return dict(counts)


def listed(lang: str) -> list[tuple[str, float]]:
    """The language's most frequent words and their shares of all text, the most frequent first; none where wordfreq has no list."""
    import wordfreq  # extra `train`

    if lang not in wordfreq.available_languages():
        return []
    most = MOST_LISTED_OF_OURS if lang in OURS else MOST_LISTED
    frequent = heapq.nlargest(most, wordfreq.get_frequency_dict(lang).items(), key=lambda item: item[1])
    return [(normal_form(word), share) for word, share in frequent]


def pseudo_words(lang: str, count: int, rng: random.Random) -> Iterator[str]:
    """Words drawn letter by letter from langdetect's counts of a language's 1- to 3-grams."""
    grams = json.loads((files("langdetect") / "profiles" / lang).read_text(encoding="utf-8"))["freq"]
    following: dict[str, tuple[list[str], list[int]]] = defaultdict(lambda: ([], []))
    for gram, frequency in grams.items():
        if len(gram) > 1:
            letters, weights = following[gram[:-1]]
            letters.append(gram[-1])
            weights.append(frequency)
    for _ in range(count):
        word = " "
        while len(word) < 14:
            letters, weights = following.get(word[-2:]) or following.get(word[-1:]) or ([" "], [1])
            word += rng.choices(letters, weights)[0]
            if word[-1] == " ":
                break
        if len(word) > 3:
            yield normal_form(word.strip())


def without_diacritics(word: str) -> str:
    """The word as it is typed where a keyboard has no diacritics."""
    apart = unicodedata.normalize("NFD", word.translate(_NO_LETTER_MARK))
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if not unicodedata.combining(letter))) or word
