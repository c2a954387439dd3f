"""How much sentiment macro-F1 is lost when texts are typed differently: no diacritics, capitals, typos, Greek in Latin letters.

`python -m benchmarks.robustness [--model FOLDER] [--per-set N] [--seed 1]`

Dev texts of each set (and held-out annotated comments) are scored as they are and changed, with the same calibration. The changes
share no code with the training's own typos and Greeklish, save the one style named as seen in training.
"""

from __future__ import annotations

import argparse
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from benchmarks.results import save
from cxsentiment.heads import Calibration
from cxsentiment.language.greeklish import transliterate
from cxsentiment.text import EMAIL, URL, USER, clean_string
from cxsentiment.training.corpus import DataFolder, Document
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import Measured, dev_documents, judge, load_model, raw_scores, score_sets, verdicts

LANGUAGES = ("el", "pl", "ro", "en")
WITH_DIACRITICS = ("el", "pl", "ro")
TYPO_SHARE = 0.1
SHORTEST_MISTYPED = 3
SLIPS = ("swap", "drop", "double", "replace", "insert")
HEADER = "| change | lang | sets | n | before | after | difference in points | labels changed | target | reached |\n" + "|---" * 10 + "|"

LATIN_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
GREEK_ROWS = (";ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ")
_AROUND = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))

_UNDISPUTED = dict(zip("αγδεζικλμνοπρστ", "agdeziklmnoprst", strict=True))
_BEFORE_VOICELESS = r"υ(?=[θκξπστφχψ]|\b)"
_AV_AF = {
    **{f"α{_BEFORE_VOICELESS}": "af", f"ε{_BEFORE_VOICELESS}": "ef", f"η{_BEFORE_VOICELESS}": "if"},
    **{"αυ": "av", "ευ": "ev", "ηυ": "iv"},
}

OFFICIAL: Mapping[str, str] = {
    **_AV_AF,
    **{"ου": "ou", r"\bμπ": "b", r"μπ\b": "b", "μπ": "mp", "γγ": "ng", "γξ": "nx", "γχ": "nch"},
    **{"β": "v", "η": "i", "θ": "th", "ξ": "x", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps", "ω": "o"},
    **_UNDISPUTED,
}
"""ISO 843:1997 (ELOT 743), transcription, without the accents. Keys of all tables are patterns, tried in order."""

VISUAL: Mapping[str, str] = {
    **{"β": "b", "η": "h", "θ": "8", "ξ": "3", "υ": "u", "φ": "f", "χ": "x", "ψ": "4", "ω": "w"},
    **_UNDISPUTED,
}
"""Letter by letter, by look."""

PHONETIC: Mapping[str, str] = {
    **_AV_AF,
    **{"ου": "u", "αι": "e", "ει": "i", "οι": "i", "υι": "i", "μπ": "b", "ντ": "d", "γγ": "ng", "γκ": "g", "τζ": "j"},
    **{"β": "v", "η": "i", "θ": "th", "ξ": "ks", "υ": "i", "φ": "f", "χ": "h", "ψ": "ps", "ω": "o"},
    **_UNDISPUTED,
}
"""By sound, as an English reader would write it down."""

KEYBOARD: Mapping[str, str] = {
    greek: latin
    for greek_row, latin_row in zip(GREEK_ROWS, LATIN_ROWS, strict=True)
    for greek, latin in zip(greek_row, latin_row, strict=True)
    if greek not in ";ς"
}
"""Each letter by the Latin one on the same key of the standard Greek layout; `keyboard_greeklish` adds ς."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    **{"ου": ("ou", "u", "oy"), "αι": ("ai", "e", "ae"), "ει": ("ei", "i"), "οι": ("oi", "i"), "αυ": ("au", "av", "af")},
    **{"ευ": ("eu", "ev", "ef"), "μπ": ("mp", "b", "mb"), "ντ": ("nt", "d", "nd"), "γκ": ("gk", "g", "gg"), "γγ": ("gg", "ng", "g")},
    **{"τζ": ("tz", "j")},
    **{letter: (latin,) for letter, latin in _UNDISPUTED.items()},
    **{"β": ("v", "b"), "γ": ("g", "gh", "y"), "δ": ("d", "dh"), "η": ("i", "h", "e"), "κ": ("k", "c"), "υ": ("y", "u", "i")},
    **{"θ": ("th", "8", "9", "0", "u"), "ξ": ("x", "ks", "3", "j"), "φ": ("f", "ph"), "χ": ("x", "h", "ch", "kh")},
    **{"ψ": ("ps", "4", "c"), "ω": ("o", "w", "v")},
}
"""Spellings in use, rare ones as likely as common ones."""

_ACCENTS = "\u0300\u0301\u0313\u0314\u0342\u0345"
_DIAERESIS = "\u0308"
_STROKES = str.maketrans("łŁ", "lL")
_PLACEHOLDER = re.compile(f"({URL}|{EMAIL}|{USER})")
_WORD = re.compile(rf"{_PLACEHOLDER.pattern}|[^\W\d_]+")
_TWO_SOUNDS = re.compile(f"([αεοη])\u0301([ιυ])(?!{_DIAERESIS})", re.IGNORECASE)
_GREEK_ACCENT = re.compile(f"(?<=[α-ωΑ-Ω{_DIAERESIS}{_ACCENTS}])[{_ACCENTS}]")


@dataclass(frozen=True, slots=True)
class Change:
    """One way of typing otherwise: the languages it concerns and the macro-F1 points that may at most be lost."""

    name: str
    target: float
    languages: tuple[str, ...]
    apply: Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Row:
    """Macro-F1 (averaged over a language's sets) before and after a change; `changed` is the share of texts with another label."""

    change: str
    target: float
    lang: str
    sets: int
    size: int
    before: float
    after: float
    changed: float

    @property
    def difference(self) -> float:
        """Points of macro-F1 won (above 0) or lost (below 0)."""
        return 100 * (self.after - self.before)

    @property
    def reached(self) -> bool:
        """Whether no more is lost than the target allows."""
        return self.difference >= -self.target - 1e-9


def main() -> None:
    """Prints the table and writes it to benchmarks/results/robustness.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model")
    parser.add_argument("--per-set", type=int, default=300, help="texts of each set, drawn with the seed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    manifest, runtime, tokeniser = load_model(options.model)
    drawn = draw(dev_documents(DataFolder.find()), options.per_set, options.seed)
    before = {lang: raw_scores(runtime, tokeniser, [document for document in drawn if document.lang == lang]) for lang in LANGUAGES}
    rows = []
    for change in CHANGES:
        for lang in change.languages:
            after = raw_scores(runtime, tokeniser, changed(before[lang].documents, change, options.seed))
            rows.append(compare(change, lang, before[lang], after, manifest.calibration))
    styles = {change.name for change in GREEKLISH}
    rows.append(average("Greeklish, average of the styles", [row for row in rows if row.change in styles]))
    print(HEADER)
    for row in rows:
        print(line(row))
    kept = [asdict(row) | {"difference": row.difference, "reached": row.reached} for row in rows]
    save("robustness", {"model": f"{manifest.name} {manifest.version}", "per_set": options.per_set, "seed": options.seed, "rows": kept})


def draw(documents: Sequence[Document], per_set: int, seed: int) -> list[Document]:
    """Up to `per_set` texts of each set and language that has sentiment labels, cleaned, without spans and emotions."""
    sets: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for document in documents:
        if document.sentiment is not None and SCHEMES[document.dataset].sentiments:
            sets[document.dataset, document.lang].append(document)
    drawn = []
    for (name, lang), members in sorted(sets.items()):
        drawn += random.Random(f"{seed} {name} {lang}").sample(members, min(per_set, len(members)))
    return [replace(document, text=clean_string(document.text), spans=(), emotions=None) for document in drawn]


def changed(documents: Sequence[Document], change: Change, seed: int) -> list[Document]:
    """The documents with their texts changed; what is drawn for a text depends on it, the change and the seed alone."""
    texts = [change.apply(document.text, random.Random(f"{seed} {change.name} {document.text}")) for document in documents]
    return [replace(document, text=text) for document, text in zip(documents, texts, strict=True)]


def compare(change: Change, lang: str, before: Measured, after: Measured, calibration: Calibration) -> Row:
    """The figures of one change in one language."""
    both = [judge(measured, calibration) for measured in (before, after)]
    scores = [[score.macro_f1 for score in score_sets(judged)] for judged in both]
    first, second = (verdicts(judged) for judged in both)
    different = float(np.mean([old.given != new.given for old, new in zip(first, second, strict=True)]))
    f1_before, f1_after = (float(np.mean(values)) for values in scores)
    return Row(change.name, change.target, lang, len(scores[0]), len(first), f1_before, f1_after, different)


def average(name: str, rows: Sequence[Row]) -> Row:
    """The mean of rows of one language and target, which share what was before."""
    return replace(
        rows[0],
        change=name,
        after=float(np.mean([row.after for row in rows])),
        changed=float(np.mean([row.changed for row in rows])),
    )


def line(row: Row) -> str:
    """A row of the markdown table."""
    figures = f"{row.before:.4f} | {row.after:.4f} | {row.difference:+.2f} | {row.changed:.1%}"
    verdict = "yes" if row.reached else "no"
    return f"| {row.change} | {row.lang} | {row.sets} | {row.size} | {figures} | at most {row.target:g} lost | {verdict} |"


def without_diacritics(text: str) -> str:
    """Letters without marks, ł as l."""
    decomposed = unicodedata.normalize("NFD", text.translate(_STROKES))
    return unicodedata.normalize("NFC", "".join(character for character in decomposed if not unicodedata.combining(character)))


def in_capitals(text: str) -> str:
    """Upper case, Greek tonos kept. What stands for a link or an address is put in by cleaning, not typed, and stays."""
    return "".join(part if _PLACEHOLDER.fullmatch(part) else part.upper() for part in _PLACEHOLDER.split(text))


def in_capitals_without_tonos(text: str) -> str:
    """Upper case as Greek is printed: no tonos, diaeresis kept."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", in_capitals(text)).replace("\u0301", ""))


def with_typos(text: str, rng: random.Random) -> str:
    """The text with one slip in each of 10 % of its words (rounded up or down by chance), all of them of three or more letters."""
    words = [match for match in _WORD.finditer(text) if not match[1]]
    long = [match for match in words if len(match[0]) >= SHORTEST_MISTYPED]
    count = min(int(TYPO_SHARE * len(words) + rng.random()), len(long))
    for match in sorted(rng.sample(long, count), key=lambda match: -match.start()):
        text = text[: match.start()] + mistyped(match[0], rng) + text[match.end() :]
    return text


def mistyped(word: str, rng: random.Random) -> str:
    """The word with one slip, anywhere in it; never the word itself."""
    typed = word
    while typed == word:
        typed = slip(word, rng.choice(SLIPS), rng.randrange(len(word)), rng)
    return typed


def slip(word: str, kind: str, place: int, rng: random.Random) -> str:
    """The letter at `place` swapped with the next one, dropped, doubled, replaced by a neighbour on the keyboard, or typed with one."""
    before, letter, after = word[:place], word[place], word[place + 1 :]
    if kind == "swap":
        return before + after[:1] + letter + after[1:]
    if kind == "drop":
        return before + after
    if kind == "double":
        return before + letter * 2 + after
    beside = _neighbour(letter, rng)
    return before + (beside if kind == "replace" else letter + beside) + after


def neighbours(rows: Sequence[str]) -> dict[str, str]:
    """For each key the letters on the keys around it; each row stands half a key to the right of the one above."""
    keys = {(row, column): key for row, line in enumerate(rows) for column, key in enumerate(line)}
    around = {key: [keys.get((row + down, column + right), "") for down, right in _AROUND] for (row, column), key in keys.items()}
    return {key: "".join(found for found in near if found.isalpha()) for key, near in around.items()}


NEIGHBOURS: Mapping[str, str] = neighbours(LATIN_ROWS) | neighbours(GREEK_ROWS)


def _neighbour(letter: str, rng: random.Random) -> str:
    found = rng.choice(NEIGHBOURS.get(without_diacritics(letter.lower()), letter))
    return found.upper() if letter.isupper() else found


def romanised(text: str, table: Mapping[str, str]) -> str:
    """Greek letters by the table, without accents; anything else is kept."""
    pattern = "|".join(f"({piece})(?!{_DIAERESIS})" if len(piece) > 1 else f"({piece}){_DIAERESIS}?" for piece in table)
    spellings = list(table.values())
    apart = _TWO_SOUNDS.sub(rf"\1\2{_DIAERESIS}", unicodedata.normalize("NFD", text))
    plain = _GREEK_ACCENT.sub("", apart)
    latin = re.sub(pattern, lambda match: _cased(match, spellings[(match.lastindex or 1) - 1]), plain, flags=re.IGNORECASE)
    return unicodedata.normalize("NFC", latin)


def _cased(match: re.Match[str], spelling: str) -> str:
    piece = match[0]
    if not piece[0].isupper():
        return spelling
    shouted = piece.isupper() and (len(piece) > 1 or match.string[match.end() : match.end() + 1].isupper())
    return spelling.upper() if shouted else spelling.capitalize()


def keyboard_greeklish(text: str) -> str:
    """Each letter by the Latin one on the same key. Final sigma, w, goes first: a search blind to case takes it for σ."""
    return romanised(text.replace("ς", "w"), KEYBOARD)


def mixed_greeklish(text: str, rng: random.Random) -> str:
    """One spelling of each letter or pair for the whole text, drawn from `CHOICES`."""
    return romanised(text, {piece: rng.choice(spellings) for piece, spellings in CHOICES.items()})


GREEKLISH = (
    Change("Greeklish, drawn as in training", 4.0, ("el",), transliterate),
    Change("Greeklish, ISO 843", 4.0, ("el",), lambda text, _: romanised(text, OFFICIAL)),
    Change("Greeklish, by look", 4.0, ("el",), lambda text, _: romanised(text, VISUAL)),
    Change("Greeklish, by sound", 4.0, ("el",), lambda text, _: romanised(text, PHONETIC)),
    Change("Greeklish, by keyboard", 4.0, ("el",), lambda text, _: keyboard_greeklish(text)),
    Change("Greeklish, mixed", 4.0, ("el",), mixed_greeklish),
)

CHANGES = (
    Change("no diacritics", 0.5, WITH_DIACRITICS, lambda text, _: without_diacritics(text)),
    Change("capitals", 0.5, LANGUAGES, lambda text, _: in_capitals(text)),
    Change("capitals without tonos", 0.5, ("el",), lambda text, _: in_capitals_without_tonos(text)),
    Change("typos in 10 % of words", 2.5, LANGUAGES, with_typos),
    *GREEKLISH,
)


if __name__ == "__main__":
    main()
