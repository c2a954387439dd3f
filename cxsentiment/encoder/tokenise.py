"""Cleaned texts to ragged token ids, with the characters that each token covers where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from cxsentiment.errors import ModelError


class TokenisedText:
    """Token ids [tokens] int32 of one text, without special tokens. Where their characters are is worked out when it is asked for.

    `offsets` [tokens, 2] are those positions, or the encoding that knows them, or None when nobody will ask.
    """

    __slots__ = ("_offsets", "ids")

    def __init__(self, ids: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64] | Encoding | None) -> None:
        self.ids = ids
        self._offsets = offsets

    @property
    def offsets(self) -> npt.NDArray[np.int64] | None:
        """Character positions [tokens, 2] of the tokens; None where they were not asked for."""
        if isinstance(self._offsets, Encoding):
            self._offsets = np.array(self._offsets.offsets, np.int64).reshape(-1, 2)
        return self._offsets

    def tokens_of(self, start: int, end: int) -> tuple[int, int]:
        """The tokens [first, last) that touch the characters [start, end); at least one where there are any tokens."""
        offsets = self.offsets
        if offsets is None or not len(self.ids):
            return 0, len(self.ids)
        first = int(np.searchsorted(offsets[:, 1], start, "right"))
        last = int(np.searchsorted(offsets[:, 0], end, "left"))
        first = min(first, len(self.ids) - 1)
        return first, max(last, first + 1)


class TextTokeniser:
    """A `tokenizers` tokenizer read from `tokenizer.json`. Thread-safe: its state never changes."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.cls_id, self.sep_id = special_ids(tokenizer)

    @property
    def pieces(self) -> list[str]:
        """All pieces of the vocabulary in order of their ids."""
        return pieces_of(self._tokenizer)

    @classmethod
    def read(cls, path: Path) -> TextTokeniser:
        """Reads `tokenizer.json`. Raises ModelError when it cannot be read as a tokenizer."""
        try:
            return cls(Tokenizer.from_file(str(path)))
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"{path} cannot be read as a tokenizer: {error}") from None

    def __call__(self, texts: Sequence[str], with_offsets: Sequence[bool]) -> list[TokenisedText]:
        """Tokenises cleaned texts, in order; character offsets only where `with_offsets` is true (they cost time)."""
        plain = [text for text, wanted in zip(texts, with_offsets, strict=True) if not wanted]
        mapped = [text for text, wanted in zip(texts, with_offsets, strict=True) if wanted]
        fast = iter(self._tokenizer.encode_batch_fast(plain, add_special_tokens=False))
        full = iter(self._tokenizer.encode_batch(mapped, add_special_tokens=False))
        return [_tokenised(one := next(full), one) if wanted else _tokenised(next(fast), None) for wanted in with_offsets]


def pieces_of(tokenizer: Tokenizer) -> list[str]:
    """All pieces of a vocabulary in order of their ids."""
    vocabulary = tokenizer.get_vocab()
    pieces = [""] * (max(vocabulary.values()) + 1)
    for piece, index in vocabulary.items():
        pieces[index] = piece
    return pieces


def special_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """The ids before and after every text: those that the tokenizer itself puts there, or else [CLS] and [SEP].

    Raises ModelError when there are none.
    """
    named = (tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]"))
    own = tokenizer.encode("").ids
    around = own or [found for found in named if found is not None]
    beside_a_letter = tokenizer.encode("a").ids if own else around
    if len(around) != 2 or [beside_a_letter[0], beside_a_letter[-1]] != around:
        raise ModelError("the tokenizer puts no two special tokens around a text, as encoders have them ([CLS] and [SEP], <s> and </s>)")
    return around[0], around[1]


def _tokenised(encoding: Encoding, offsets: Encoding | None) -> TokenisedText:
    return TokenisedText(np.array(encoding.ids, np.int32), offsets)
