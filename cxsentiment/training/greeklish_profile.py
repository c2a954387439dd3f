"""Make `cxsentiment/language/greeklish.json`: how often Greeklish uses each 1- to 3-gram of letters, in langdetect's format.

    CXSENTIMENT_DATA=../shared/data python -m cxsentiment.training.greeklish_profile

Sources: the Greeklish training rows of `language_id.parquet`, and its Greek training rows in several Latin spellings each.
Only counts are kept, no text.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from cxsentiment.language.greeklish import transliterate

TARGET = Path(__file__).parents[1] / "language" / "greeklish.json"
SPELLINGS_PER_TEXT = 2
MAX_GRAMS = 3600
"""Most frequent grams kept; langdetect's own profiles have 1,900 to 7,500."""

_FOREIGN = re.compile(r"[^\W\d_]", re.ASCII)


def training_texts(table: Path, rng: random.Random) -> Iterator[str]:
    """Greeklish texts: the given ones, and Greek ones transliterated in styles drawn from `rng`."""
    rows = pq.read_table(table, columns=["lang", "text"], filters=[("split", "=", "train"), ("lang", "in", ["el", "el-Latn"])])
    for language, text in zip(rows["lang"].to_pylist(), rows["text"].to_pylist(), strict=True):
        if language == "el-Latn":
            yield text
        elif not _FOREIGN.search(text):
            for _ in range(SPELLINGS_PER_TEXT):
                yield transliterate(text, rng)


def count_grams(texts: Iterable[str]) -> dict[str, Any]:
    """Profile in langdetect's format (`freq`, `n_words`, `name`) of lower-cased texts, cut to the `MAX_GRAMS` most frequent."""
    profile = importlib.import_module("langdetect.utils.lang_profile").LangProfile("el-Latn")
    for text in texts:
        profile.update(text.lower() + " ")
    frequent = sorted(profile.freq.items(), key=lambda item: (-item[1], item[0]))[:MAX_GRAMS]
    return {"freq": dict(sorted(frequent)), "n_words": profile.n_words, "name": "el-Latn"}


def main() -> None:
    """Read the data set and write the profile into the package."""
    data = Path(os.environ.get("CXSENTIMENT_DATA", "../shared/data"))
    profile = count_grams(training_texts(data / "language_id.parquet", random.Random(0)))
    TARGET.write_text(json.dumps(profile, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(profile['freq'])} grams, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
