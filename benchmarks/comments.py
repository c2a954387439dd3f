"""Comments for measuring speed: real texts of natural length, with natural repetition."""

from __future__ import annotations

import random
from collections.abc import Sequence

from cxsentiment.training.corpus import DataFolder

SHORT_WORDS = 4
SHORT_SHARE = 0.15
LONGEST_TYPICAL = 200
LONG_SHARE = 0.1
NOT_COMMENTS = "xed"


class Comments:
    """Real texts of all data sets but films' subtitles, drawn evenly from the four languages.

    The data sets are freed of repeated texts and have more long reviews than archives of comments have. So 15 in 100 comments are short
    ones (up to four words), drawn with the odds 1, 1/2, 1/3, ... of a list in random order, as "ok" and "super" are; and of texts above 200
    characters one in ten is kept. That makes a median of 23 tokens, 95 % below 76, as is usual; 12 % of 20,000 have been said before.
    """

    def __init__(self, splits: Sequence[str] = ("train", "dev"), seed: int = 0) -> None:
        self._rng = random.Random(seed)
        folder = DataFolder.find()
        documents = [document for split in splits for document in folder.documents(split) if NOT_COMMENTS not in document.dataset]
        kept = [one for one in documents if len(one.text) <= LONGEST_TYPICAL or self._rng.random() < LONG_SHARE]
        texts = list(dict.fromkeys((one.lang, one.text) for one in kept))
        self._short = [text for _, text in texts if len(text.split()) <= SHORT_WORDS]
        self._rng.shuffle(self._short)
        languages = sorted({language for language, _ in texts})
        self._texts = {language: [text for code, text in texts if code == language] for language in languages}
        for some in self._texts.values():
            self._rng.shuffle(some)
        self._all = [text for _, text in texts]
        self._rng.shuffle(self._all)

    def draw(self, count: int, *, evenly: bool = True) -> list[str]:
        """So many comments; each longer one (of a language, where languages are to have equal shares) comes once before any comes again."""
        weights = [1.0 / rank for rank in range(1, len(self._short) + 1)]
        short = self._rng.choices(self._short, weights, k=round(SHORT_SHARE * count))
        pools = list(self._texts.values()) if evenly else [self._all]
        each = -(-(count - len(short)) // len(pools))
        longer = [text for some in pools for text in (some * -(-each // len(some)))[:each]]
        drawn = (longer + short)[:count]
        self._rng.shuffle(drawn)
        return drawn
