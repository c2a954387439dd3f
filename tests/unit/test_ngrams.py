"""The wide branch's n-grams against a count in plain Python, and what must not change them."""

from collections import Counter
from itertools import pairwise

import pytest
import torch

from cxsentiment.encoder.model import CxModel, EncoderConfig
from cxsentiment.encoder.ngrams import BOUNDARY, Spelling, characters, ngram_counts
from cxsentiment.encoder.tokenise import pieces_of
from tests.conftest import SENTENCES, tiny_tokenizer

BUCKETS = 2**40


def ragged(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    ids = [encoding.ids for encoding in tiny_tokenizer().encode_batch(texts, add_special_tokens=False)]
    return torch.tensor([token for one in ids for token in one], dtype=torch.int64), torch.tensor([len(one) for one in ids])


@pytest.fixture(scope="module")
def spelling() -> Spelling:
    return Spelling.of(pieces_of(tiny_tokenizer()))


def by_hand(text: str) -> int:
    """How many distinct character and word n-grams a text of plain words has."""
    grams: Counter[tuple[str, ...]] = Counter()
    words = text.split()
    for word in words:
        padded = f" {word} "
        grams.update(("c", padded[at : at + size]) for size in range(2, 6) for at in range(len(padded) - size + 1))
    grams.update(("w", word) for word in words)
    grams.update(("p", first, second) for first, second in pairwise(words))
    return len(grams)


@pytest.mark.parametrize("text", ["the courier was rude", "app app app", "a", "obsluga bardzo mila mila"])
def test_ngrams_are_those_counted_by_hand(spelling: Spelling, text: str) -> None:
    _, buckets, counts = ngram_counts(spelling, *ragged([text]), BUCKETS)
    assert len(buckets) == by_hand(text)
    longest = max(Counter(text.split()).values())
    assert int(counts.max()) >= longest


def test_a_text_has_the_same_ngrams_alone_and_among_others(spelling: Spelling) -> None:
    texts = [*SENTENCES, "", "ok"]
    owners, buckets, counts = ngram_counts(spelling, *ragged(texts), BUCKETS)
    for index, text in enumerate(texts):
        _, alone, alone_counts = ngram_counts(spelling, *ragged([text]), BUCKETS)
        assert torch.equal(buckets[owners == index], alone)
        assert torch.equal(counts[owners == index], alone_counts)


def test_characters_are_the_folded_text(spelling: Spelling) -> None:
    codes, owners = characters(spelling, *ragged(["Miła OBSŁUGA", "άργησε"]))
    said = "".join(" " if code == BOUNDARY else chr(code) for code in codes.tolist())
    assert said == " mila obsluga  αργησε "
    assert owners.tolist() == [0] * 14 + [1] * 8


def test_words_count_in_their_order(spelling: Spelling) -> None:
    _, one, _ = ngram_counts(spelling, *ragged(["rude courier"]), BUCKETS)
    _, other, _ = ngram_counts(spelling, *ragged(["courier rude"]), BUCKETS)
    assert len(set(one.tolist()) ^ set(other.tolist())) == 2


@pytest.mark.parametrize(
    ("pieces", "spelled"),
    [
        (["[PAD]", "the", "##se", "Them"], [[], "␣the", "se", "␣them"]),
        (["<s>", "Ġthe", "se"], [[], "␣the", "se"]),
        (["<s>", "▁Łó", "▁"], [[], "␣lo", "␣"]),
    ],
)
def test_pieces_of_other_vocabularies(pieces: list[str], spelled: list[str]) -> None:
    spelling = Spelling.of(pieces)
    for index, expected in enumerate(spelled):
        first, count = int(spelling.starts[index]), int(spelling.counts[index])
        codes = spelling.codes[first : first + count].tolist()
        if not expected:
            assert codes == [0x200000 + index]
        else:
            assert codes == [BOUNDARY if letter == "␣" else ord(letter) for letter in expected]


def test_weights_have_unit_length_and_nothing_said_weighs_nothing() -> None:
    tokenizer = tiny_tokenizer()
    model = CxModel(EncoderConfig(tokenizer.get_vocab_size(), 8, 1, 2, 8, 16, wide_buckets=256), Spelling.of(pieces_of(tokenizer)))
    torch.nn.init.ones_(model.wide.table)
    with torch.inference_mode():
        sentiment, emotions = model.wide(*ragged(["ok", "", "the courier was rude " * 4]))
    assert sentiment.shape == (3, 4)
    assert emotions.shape == (3, 15)
    assert sentiment[1].abs().max() == 0
    assert torch.isfinite(sentiment).all()
    assert sentiment[2, 0] > sentiment[0, 0] > 0
