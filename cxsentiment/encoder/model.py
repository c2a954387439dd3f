"""The network: a compact BERT-style encoder, a wide branch of hashed n-grams beside it, and the heads on both."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from cxsentiment.encoder.attention import SelfAttention
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS

PAD_ID = 0
NGRAM_MULTIPLIERS = (1_000_003, 998_244_353, 1_618_033_989)


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Sizes of the network; the defaults are those of the shipped model."""

    vocabulary: int
    hidden: int = 384
    layers: int = 6
    heads: int = 12
    intermediate: int = 1536
    positions: int = 512
    head_hidden: int = 256
    wide_buckets: int = 2**19
    wide_width: int = 16
    dropout: float = 0.1


@dataclass(frozen=True, slots=True)
class Logits:
    """Raw scores of both branches: sentiment [texts, 4] and emotions [texts, 15] each."""

    sentiment: torch.Tensor
    emotions: torch.Tensor
    wide_sentiment: torch.Tensor
    wide_emotions: torch.Tensor


class Layer(nn.Module):
    """One post-norm transformer layer, as in BERT."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.hidden, config.heads)
        self.attention_norm = nn.LayerNorm(config.hidden, eps=1e-12)
        self.up = nn.Linear(config.hidden, config.intermediate)
        self.down = nn.Linear(config.intermediate, config.hidden)
        self.output_norm = nn.LayerNorm(config.hidden, eps=1e-12)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """States [batch, length, hidden] -> the same shape."""
        states = self.attention_norm(states + self.dropout(self.attention(states, mask)))
        widened = functional.gelu(self.up(states))
        output: torch.Tensor = self.output_norm(states + self.dropout(self.down(widened)))
        return output


class Encoder(nn.Module):
    """Token ids -> contextual states. Positions start at zero for every sequence."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocabulary, config.hidden)
        self.positions = nn.Embedding(config.positions, config.hidden)
        self.norm = nn.LayerNorm(config.hidden, eps=1e-12)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Ids [batch, length] (padded with `PAD_ID`), lengths [batch] -> states [batch, length, hidden]."""
        length = ids.shape[1]
        states = self.words(ids) + self.positions.weight[:length]
        states = self.dropout(self.norm(states))
        mask = None if bool((lengths == length).all()) else token_mask(lengths, length)[:, None, None, :]
        for layer in self.layers:
            states = layer(states, mask)
        final: torch.Tensor = states
        return final


class WideBranch(nn.Module):
    """A bag of hashed 1- to 3-grams of token ids, with linear heads on its sum: remembers wordings that the encoder smooths over."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.buckets = config.wide_buckets
        self.table = nn.EmbeddingBag(config.wide_buckets, config.wide_width, mode="sum", sparse=True)
        self.sentiment = nn.Linear(config.wide_width, len(SENTIMENTS))
        self.emotions = nn.Linear(config.wide_width, len(EMOTIONS))

    def forward(self, flat: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Flat ids of whole texts without special tokens [tokens], lengths [texts] -> logits [texts, 4] and [texts, 15]."""
        grams, counts = hashed_ngrams(flat, lengths, self.buckets)
        offsets = torch.cumsum(counts, 0) - counts
        bags = self.table(grams, offsets) / counts.clamp(min=1).sqrt()[:, None]
        return self.sentiment(bags), self.emotions(bags)


class Heads(nn.Module):
    """Sentiment and emotion logits from a text's pooled states, polarity logits from a span's."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        pooled = 2 * config.hidden
        self.sentiment = _head(pooled, config, len(SENTIMENTS))
        self.emotions = _head(pooled, config, len(EMOTIONS))
        self.polarity = _head(pooled, config, len(POLARITIES))


class CxModel(nn.Module):
    """Encoder, wide branch and heads: everything that the default model's weights hold."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.wide = WideBranch(config)
        self.heads = Heads(config)

    def text_logits(self, pooled: torch.Tensor, flat: torch.Tensor, lengths: torch.Tensor) -> Logits:
        """Logits of whole texts from their pooled states [texts, 2 * hidden] and their flat ids (see `WideBranch`)."""
        wide_sentiment, wide_emotions = self.wide(flat, lengths)
        return Logits(self.heads.sentiment(pooled), self.heads.emotions(pooled), wide_sentiment, wide_emotions)

    def polarity_logits(self, spans: torch.Tensor, pooled: torch.Tensor) -> torch.Tensor:
        """Polarity logits [spans, 4] from mean states of the spans [spans, hidden] and their texts' mean states [spans, hidden]."""
        logits: torch.Tensor = self.heads.polarity(torch.cat([spans, pooled], dim=1))
        return logits


def token_mask(lengths: torch.Tensor, length: int) -> torch.Tensor:
    """Bool [batch, length], true where a token stands."""
    return torch.arange(length, device=lengths.device)[None, :] < lengths[:, None]


def pool(states: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum and maximum over each sequence's tokens, in float32: two [batch, hidden]. Windows of one text merge by adding and by maximum."""
    mask = token_mask(lengths, states.shape[1])[:, :, None]
    states = states.float()
    return (states * mask).sum(1), states.masked_fill(~mask, -torch.inf).amax(1)


def hashed_ngrams(flat: torch.Tensor, lengths: torch.Tensor, buckets: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Hashed 1- to 3-grams of each text, text after text, and how many each has.

    Flat ids [tokens] int64, lengths [texts] int64 -> buckets' indices [grams] int64, counts [texts] int64.
    """
    texts = torch.repeat_interleave(torch.arange(len(lengths), device=flat.device), lengths)
    keys, owners = [], []
    partial = torch.zeros_like(flat)
    for order, multiplier in enumerate(NGRAM_MULTIPLIERS):
        if len(flat) <= order:
            break
        partial = partial[: len(flat) - order] * 31 + (flat[order:] + 1) * multiplier
        whole = texts[order:] == texts[: len(flat) - order]
        keys.append(_mix(partial[whole] + order) % buckets)
        owners.append(texts[order:][whole])
    if not keys:
        return flat, lengths
    owner = torch.cat(owners)
    order_of_text = torch.argsort(owner, stable=True)
    return torch.cat(keys)[order_of_text], torch.bincount(owner, minlength=len(lengths))


def _mix(keys: torch.Tensor) -> torch.Tensor:
    keys = keys & 0x7FFFFFFFFFFF
    keys = ((keys >> 15) ^ keys) * 0x2C1B3C6D & 0x7FFFFFFFFFFFFFFF
    return ((keys >> 19) ^ keys) & 0x7FFFFFFFFFFFFFFF


def _head(width: int, config: EncoderConfig, labels: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(config.dropout), nn.Linear(width, config.head_hidden), nn.GELU(), nn.Linear(config.head_hidden, labels))
