"""Word lists with the feeling of words: those of the data folder, VADER's English one if installed, and a user's own. All folded.

Valences are brought to VADER's scale, from -4 to 4, on which a plain good word has about 2.
"""

from __future__ import annotations

import csv
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cxsentiment.benchmark.contenders.extras import package_folder
from cxsentiment.errors import InputError
from cxsentiment.results import EMOTIONS
from cxsentiment.text import fold
from cxsentiment.training.corpus import DEFAULT_DATA

LARGEST = 4.0
PLAIN = 2.0
"""Valence of a word that a list calls positive without saying how much."""

EMOTION_RATING = 3.0
"""Mean rating from 1 to 5 from which a word of the Greek list has an emotion."""

VADER_PACKAGE, VADER_FILE = "vaderSentiment", "vader_lexicon.txt"
VADER_CASES = (":", ";", "=", "8", "<", ">", "(", ")", "^", "*", "/", "\\", "|", "{", "}", "[", "]", "%", "&", "$", "#", "@", "+")
"""VADER's emoticons begin with one of these or hold one: they are no words, and the rules have emoticons of their own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one list says of a word or phrase (as written): valence from -4 to 4, None if it says none; emotions, None if it has none."""

    word: str
    valence: float | None
    emotions: frozenset[str] | None = None


@dataclass(frozen=True)
class WordList:
    """Folded word (or words, with single spaces) -> valence, and -> emotions. `tells` are the emotions that the lists annotate."""

    valences: Mapping[str, float]
    emotions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tells: tuple[str, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> WordList:
        """Entries that fold to the same word: valences are averaged, emotions are those of at least half of the entries."""
        valences: dict[str, list[float]] = defaultdict(list)
        emotions: dict[str, list[frozenset[str]]] = defaultdict(list)
        for entry in entries:
            word = " ".join(fold(entry.word).split())
            if word and entry.valence is not None:
                valences[word].append(entry.valence)
            if word and entry.emotions is not None:
                emotions[word].append(entry.emotions)
        told = {word: _of_half(sets) for word, sets in emotions.items()}
        tells = frozenset().union(*told.values()) if told else frozenset()
        return cls(
            {word: sum(found) / len(found) for word, found in valences.items()},
            {word: found for word, found in told.items() if found},
            tuple(label for label in EMOTIONS if label in tells),
        )

    def listed(self, word: str) -> str | None:
        """The folded word or phrase, if it is listed."""
        return word if word in self.valences or word in self.emotions else None

    def updated(self, other: WordList) -> WordList:
        """With the other's words, which take the place of its own."""
        tells = tuple(label for label in EMOTIONS if label in {*self.tells, *other.tells})
        return WordList({**self.valences, **other.valences}, {**self.emotions, **other.emotions}, tells)


Row = Mapping[str, str]

_ENDINGS = re.compile(r"[\s,/(]+-|[,/(]")
"""Where the feminine and neuter of a Greek adjective begin: "άδειος -α -ο"."""


def packaged_lists(folder: Path | None = None) -> dict[str, WordList]:
    """Lists by language: those in the folder (None: `lexicons` of the data folder), and VADER's if `vaderSentiment` is installed.

    No English list is in the folder: without that package English has none.
    """
    place = folder or Path(os.environ.get("CXSENTIMENT_DATA", DEFAULT_DATA)) / "lexicons"
    found: dict[str, WordList] = {}
    for name, (language, read) in READERS.items():
        if (place / name).is_file():
            found.setdefault(language, WordList({}))
            found[language] = WordList.of(read(_rows(place / name))).updated(found[language])
    vader = package_folder(VADER_PACKAGE)
    if vader is not None and (vader / VADER_FILE).is_file():
        found["en"] = WordList.of(_vader(vader / VADER_FILE))
    return found


def user_lists(path: Path) -> dict[str, WordList]:
    """A user's list, TSV or CSV: word, valence, and (optional) language; "" holds the words of all languages.

    A first line without a number for a valence is a heading. If all valences are within [-1, 1] they are multiplied by 4; else they must be
    within [-4, 4]. Raises InputError naming the line that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the word list {path} cannot be read: {error}") from None
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    entries: list[tuple[str, str, float]] = []
    for number, cells in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1):
        if not any(cell.strip() for cell in cells):
            continue
        valence = _number(cells[1]) if len(cells) in (2, 3) else None
        if valence is not None and abs(valence) <= LARGEST:
            entries.append((cells[2].strip() if len(cells) == 3 else "", cells[0], valence))
        elif number > 1 or valence is not None:
            raise InputError(f"{path}, line {number}: not a word, a valence in [-1, 1] or [-4, 4], and perhaps a language: {cells!r:.80}")
    if not entries:
        raise InputError(f"the word list {path} has no words: give lines of word, valence, and (optional) language")
    scale = LARGEST if max(abs(valence) for _, _, valence in entries) <= 1.0 else 1.0
    by_language: dict[str, list[Entry]] = defaultdict(list)
    for language, word, valence in entries:
        by_language[language].append(Entry(word, scale * valence))
    return {language: WordList.of(some) for language, some in by_language.items()}


# ---- the lists of the data folder -----------------------------------------------------------------------------------------------


def _mklab(rows: Iterable[Row]) -> Iterator[Entry]:
    """Greek, up to four raters: polarity (their mean), and each emotion rated from 1 to 5 (a mean of at least 3 counts)."""
    signs = {"POS": PLAIN, "NEG": -PLAIN, "BOTH": 0.0}
    emotions = {"anger": "Anger", "disgust": "Disgust", "fear": "Fear", "joy": "Happiness", "sadness": "Sadness", "surprise": "Surprise"}
    for row in rows:
        polarities = [signs[rated] for rater in "1234" if (rated := row[f"Polarity{rater}"]) in signs]
        ratings = {label: [_number(row[f"{name}{rater}"]) for rater in "1234"] for label, name in emotions.items()}
        means = {label: _mean([one for one in given if one]) for label, given in ratings.items()}
        felt = frozenset(label for label, mean in means.items() if mean is not None and mean >= EMOTION_RATING)
        yield Entry(_ENDINGS.split(row["Term"], maxsplit=1)[0], _mean(polarities), felt)


def _greek_signs(rows: Iterable[Row]) -> Iterator[Entry]:
    for row in rows:
        yield Entry(row["word"], PLAIN if row["polarity"] == "positive" else -PLAIN)


def _polish_afinn(rows: Iterable[Row]) -> Iterator[Entry]:
    """From -5 to 5."""
    for row in rows:
        yield Entry(row["word"], float(row["valence"]) * LARGEST / 5)


def _plwordnet(rows: Iterable[Row]) -> Iterator[Entry]:
    """Polish: mean markedness in [-1, 1] (weak .5, strong 1), and how many of the n raters saw each emotion."""
    for row in rows:
        votes = [one.split(":") for one in row["emotions"].split(",") if one]
        felt = frozenset(label for label, count in votes if int(count) * 2 >= int(row["n"]))
        yield Entry(row["word"], LARGEST * float(row["markedness_mean"]), felt & {*EMOTIONS})


def _roemolex(rows: Iterable[Row]) -> Iterator[Entry]:
    """Romanian: positive, negative and eight emotions, 0 or 1."""
    for row in rows:
        felt = frozenset(label for label in EMOTIONS if row.get(label) == "1")
        yield Entry(row["word"], PLAIN * (int(row["positive"]) - int(row["negative"])), felt)


def _vader(path: Path) -> Iterator[Entry]:
    """VADER's words; its emoticons are left out."""
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition("\t")
        if word and not any(mark in word for mark in VADER_CASES):
            yield Entry(word, float(rest.split("\t")[0]))


READERS: Mapping[str, tuple[str, Callable[[Iterable[Row]], Iterator[Entry]]]] = {
    "el_mklab_sentiment_emotion.tsv": ("el", _mklab),
    "el_pos_neg_words_nkryst.tsv": ("el", _greek_signs),
    "pl_afinn_baael.tsv": ("pl", _polish_afinn),
    "pl_plwordnet_emo.tsv": ("pl", _plwordnet),
    "roemolex_v3.tsv": ("ro", _roemolex),
}
"""File -> its language and how to read it; of several files of a language the first that has a word decides."""

HEADINGS: Mapping[str, list[str]] = {"pl_afinn_baael.tsv": ["word", "valence"]}
"""Of files that have none."""


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, fieldnames=HEADINGS.get(path.name), delimiter="\t", quoting=csv.QUOTE_NONE, restval="")


def _of_half(sets: list[frozenset[str]]) -> frozenset[str]:
    return frozenset(label for label in EMOTIONS if 2 * sum(label in one for one in sets) >= len(sets))


def _mean(numbers: list[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
