"""Make the word lists that Greeklish is read with: how often customers and other writers use each Greek and each English word.

    CXSENTIMENT_DATA=../shared/data python -m cxsentiment.training.word_counts

Sources: training documents, raw and parallel text. Only counts are kept, no text.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator

from cxsentiment.language.greek import ENGLISH_WORDS, GREEK_WORDS
from cxsentiment.text import fold
from cxsentiment.training.corpus import DataFolder, own_comments

_WORD = {"el": re.compile(r"[α-ω]+"), "en": re.compile(r"[a-z]+")}
KEPT = {"el": 60_000, "en": 15_000}
RAREST = 2


def texts(data: DataFolder, lang: str) -> Iterator[str]:
    """All training text of a language."""
    yield from (document.text for document in data.documents("train") if document.lang == lang)
    yield from (document.text for _, document in [*data.written(), *own_comments()] if document.lang == lang)
    yield from (text for raw_lang, text, _ in data.raw_texts() if raw_lang == lang)
    yield from (english if lang == "en" else text for english, text, other in data.sentence_pairs if lang in ("en", other))


def word_counts(data: DataFolder, lang: str) -> list[tuple[str, int]]:
    """The language's words, accents and case gone, with their counts, most frequent first."""
    counts: Counter[str] = Counter()
    for text in texts(data, lang):
        counts.update(_WORD[lang].findall(fold(text)))
    found = sorted(((word, count) for word, count in counts.items() if count >= RAREST), key=lambda item: (-item[1], item[0]))
    return found[: KEPT[lang]]


def main() -> None:
    """Read the data folder and write both lists into the package."""
    data = DataFolder.find()
    for lang, path in (("el", GREEK_WORDS), ("en", ENGLISH_WORDS)):
        found = word_counts(data, lang)
        lines = "".join(f"{word} {count}\n" for word, count in found)
        path.write_bytes(gzip.compress(lines.encode(), 9, mtime=0))
        print(f"{path}: {len(found)} words, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
