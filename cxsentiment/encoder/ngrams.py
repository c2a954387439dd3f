"""What the wide branch sees: hashed character and word n-grams of a text, rebuilt from its token ids by the tokenizer's own pieces.

So the branch needs nothing but the ids that are computed anyway, on any device. Integer arithmetic wraps around and is the same everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch

from cxsentiment.text import fold

BOUNDARY = 1
UNREADABLE = 0x200000
LONGEST = 5
SENTENCE_PIECE, BYTE_LEVEL, WORD_PIECE, WORD_END = "▁", "Ġ", "##", "</w>"
WORD, PAIR = 7, 11


@dataclass(frozen=True, slots=True)
class Spelling:
    """The characters of every piece of a vocabulary: flat `codes`, and where each piece's begin and how many it has, [vocabulary] each.

    A word's beginning is a `BOUNDARY` of its own; a special token such as `<url>` is one private code.
    """

    codes: torch.Tensor
    starts: torch.Tensor
    counts: torch.Tensor

    @classmethod
    def of(cls, pieces: Sequence[str]) -> Spelling:
        """The spelling of pieces in order of their ids, of SentencePiece (`▁`), byte-level (`Ġ`), WordPiece (`##`) and `</w>` vocabularies.

        Which of them it is, the mark that most pieces carry says: in a vocabulary of another kind it is text.
        """
        marks = Counter(mark for piece in pieces for mark in (piece[:1], piece[:2], piece[-4:]))
        kind = max((SENTENCE_PIECE, BYTE_LEVEL, WORD_PIECE, WORD_END), key=marks.__getitem__)
        spelled = [_codes(piece, index, kind) for index, piece in enumerate(pieces)]
        counts = torch.tensor([len(codes) for codes in spelled])
        return cls(torch.tensor([code for codes in spelled for code in codes]), torch.cumsum(counts, 0) - counts, counts)


def characters(spelling: Spelling, flat: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Characters of all texts, each text closed by a boundary, and the text that each belongs to: two int64 [characters].

    Flat ids [tokens] int64 without special tokens, lengths [texts] int64.
    """
    device = flat.device
    texts = torch.arange(len(lengths), device=device)
    counts = spelling.counts[flat]
    firsts = torch.repeat_interleave(spelling.starts[flat] - (torch.cumsum(counts, 0) - counts), counts)
    codes = spelling.codes[firsts + torch.arange(len(firsts), device=device)]
    owners = torch.repeat_interleave(torch.repeat_interleave(texts, lengths), counts)
    owners = torch.cat([owners, texts])
    order = torch.argsort(owners, stable=True)
    return torch.cat([codes, codes.new_full((len(lengths),), BOUNDARY)])[order], owners[order]


def ngram_counts(
    spelling: Spelling, flat: torch.Tensor, lengths: torch.Tensor, buckets: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """How often each text has each hashed n-gram: characters 2 to 5 within words, words 1 and 2.

    Ids and lengths as in `characters`. Returns texts and buckets, sorted, and counts: three int64 [distinct pairs].
    """
    codes, owners = characters(spelling, flat, lengths)
    found = [*_within_words(codes, owners), *_words(codes, owners)]
    keys = torch.cat([owner * buckets + key % buckets for key, owner in found])
    pairs, counts = torch.unique(keys, return_counts=True)
    return pairs // buckets, pairs % buckets, counts


def _within_words(codes: torch.Tensor, owners: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and texts of character n-grams; boundaries stand at their ends only, as in scikit-learn's `char_wb`."""
    boundary = codes == BOUNDARY
    crossing = torch.zeros_like(boundary)
    keys, found = codes, []
    for length in range(2, LONGEST + 1):
        room = len(codes) - length + 1
        if room <= 0:
            break
        if length > 2:
            crossing = crossing[:room] | boundary[length - 2 : length - 2 + room]
        keys = keys[:room] * 1_000_003 + codes[length - 1 :]
        wanted = (owners[:room] == owners[length - 1 :]) & ~crossing[:room]
        if length == 2:
            wanted &= ~(boundary[:room] & boundary[1:])
        found.append((_mix(keys[wanted] + length), owners[:room][wanted]))
    return found


def _words(codes: torch.Tensor, owners: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and texts of words, and of neighbouring words."""
    boundary = codes == BOUNDARY
    word = torch.cumsum(boundary, 0)
    places = torch.arange(len(codes), device=codes.device)
    starts = torch.where(boundary, places, -1).cummax(0).values  # -1: as if after a boundary, wherever in a batch the text stands
    values = _mix(codes * 998_244_353 + (places - starts) * 1_618_033_989).masked_fill(boundary, 0)
    keys = torch.zeros(len(codes) + 1, dtype=torch.int64, device=codes.device).scatter_add_(0, word, values)
    letters = torch.zeros_like(keys).scatter_add_(0, word, (~boundary).long())
    owner = torch.zeros_like(keys).scatter_(0, word[~boundary], owners[~boundary])
    keys, owner = keys[letters > 0], owner[letters > 0]
    together = owner[1:] == owner[:-1]
    pairs = keys[:-1] * 31 + keys[1:] * 1_000_003
    return [(_mix(keys + WORD), owner), (_mix(pairs + PAIR)[together], owner[1:][together])]


def _mix(keys: torch.Tensor) -> torch.Tensor:
    keys = keys & 0x7FFFFFFFFFFF
    keys = ((keys >> 15) ^ keys) * 0x2C1B3C6D & 0x7FFFFFFFFFFFFFFF
    return (keys >> 19) ^ keys


def _codes(piece: str, index: int, kind: str) -> list[int]:
    if len(piece) > 2 and (piece[0], piece[-1]) in (("<", ">"), ("[", "]")):
        return [UNREADABLE + index]
    if kind == WORD_END:
        return [*_letters(piece.removesuffix(kind)), *[BOUNDARY] * piece.endswith(kind)]
    if kind == WORD_PIECE:
        return [*[BOUNDARY] * (not piece.startswith(kind)), *_letters(piece.removeprefix(kind))]
    bare = piece.lstrip(kind)
    return [*[BOUNDARY] * piece.startswith(kind), *_letters(_from_bytes(bare) if kind == BYTE_LEVEL else bare)]


def _letters(text: str) -> list[int]:
    return [ord(character) for character in fold(text)]


def _from_bytes(piece: str) -> str:
    """The text of a byte-level piece, in which each character stands for a byte; the bytes of a letter that pieces share stay single."""
    table = _byte_alphabet()
    if not all(character in table for character in piece):
        return piece
    return bytes(table[character] for character in piece).decode("utf-8", "surrogateescape")


@cache
def _byte_alphabet() -> dict[str, int]:
    """Character -> byte, as in GPT-2: what can be printed in Latin-1 stands for itself, the other bytes follow from U+0100 on."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(0x100) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(0x100 + place): byte for place, byte in enumerate(others)}
