"""The network: an encoder (our compact BERT-style one, or see `foreign`), a wide branch of hashed n-grams, and the heads on both."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from cxsentiment.encoder.attention import Packed, Padded, SelfAttention
from cxsentiment.encoder.ngrams import Spelling, ngram_counts
from cxsentiment.results import EMOTIONS, SENTIMENTS
from cxsentiment.story import STORY_LOGITS
from cxsentiment.tags import TOKEN_LOGITS

PAD_ID = 0
FOREIGN = "transformers"


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
    wide_buckets: int = 2**20
    dropout: float = 0.1
    norm_epsilon: float = 1e-12


@dataclass(frozen=True, slots=True)
class ForeignConfig:
    """Sizes of a network around a Hugging Face encoder with states of width `hidden`; that encoder's own stand in its `config.json`."""

    hidden: int
    head_hidden: int = 256
    wide_buckets: int = 2**20
    dropout: float = 0.1
    architecture: str = FOREIGN


Config = EncoderConfig | ForeignConfig


@dataclass(frozen=True, slots=True)
class Logits:
    """Raw scores of both branches: sentiment [texts, 4] and emotions [texts, 15] each; and story logits [texts, STORY_LOGITS]."""

    sentiment: torch.Tensor
    emotions: torch.Tensor
    wide_sentiment: torch.Tensor
    wide_emotions: torch.Tensor
    story: torch.Tensor


class TextEncoder(nn.Module):
    """What the rest asks of an encoder: token ids -> contextual states, which must not depend on padding."""

    @property
    def embeddings(self) -> torch.Tensor:
        """The pieces' embeddings [vocabulary, width]."""
        raise NotImplementedError

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Ids [batch, length] (padded with `PAD_ID`), lengths [batch] -> states [batch, length, hidden]."""
        raise NotImplementedError

    def packed(self, ids: torch.Tensor, layout: Packed) -> torch.Tensor:
        """Ids [tokens] of sequences one after the other -> states [tokens, hidden]. Here: run after run of equally long ones."""
        states = []
        for first, count, length in layout.runs:
            lengths = torch.full((count,), length, device=ids.device)
            states.append(self(ids[first : first + count * length].view(count, length), lengths).flatten(0, 1))
        return torch.cat(states)


class Layer(nn.Module):
    """One post-norm transformer layer, as in BERT."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = SelfAttention(config.hidden, config.heads)
        self.attention_norm = nn.LayerNorm(config.hidden, eps=config.norm_epsilon)
        self.up = nn.Linear(config.hidden, config.intermediate)
        self.down = nn.Linear(config.intermediate, config.hidden)
        self.output_norm = nn.LayerNorm(config.hidden, eps=config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: torch.Tensor, layout: Padded | Packed) -> torch.Tensor:
        """States as the layout says -> the same shape."""
        states = self.attention_norm(states + self.dropout(self.attention(states, layout)))
        widened = functional.gelu(self.up(states))
        output: torch.Tensor = self.output_norm(states + self.dropout(self.down(widened)))
        return output


class Encoder(TextEncoder):
    """Our own encoder. Positions start at zero for every sequence."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocabulary, config.hidden)
        self.positions = nn.Embedding(config.positions, config.hidden)
        self.norm = nn.LayerNorm(config.hidden, eps=config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))

    @property
    def embeddings(self) -> torch.Tensor:
        """The pieces' embeddings [vocabulary, hidden]."""
        return self.words.weight

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Ids [batch, length] (padded with `PAD_ID`), lengths [batch] -> states [batch, length, hidden]."""
        length = ids.shape[1]
        mask = None if bool((lengths == length).all()) else token_mask(lengths, length)[:, None, None, :]
        return self._through(self.words(ids) + self.positions.weight[:length], Padded(mask))

    def packed(self, ids: torch.Tensor, layout: Packed) -> torch.Tensor:
        """Ids [tokens] of sequences one after the other -> states [tokens, hidden]."""
        starts = layout.starts.long()
        places = torch.arange(len(ids), device=ids.device) - torch.repeat_interleave(starts[:-1], starts.diff(), output_size=len(ids))
        return self._through(self.words(ids) + self.positions(places), layout)

    def _through(self, states: torch.Tensor, layout: Padded | Packed) -> torch.Tensor:
        states = self.dropout(self.norm(states))
        for layer in self.layers:
            states = layer(states, layout)
        return states


class WideBranch(nn.Module):
    """A linear model beside the encoder, on TF-IDF of hashed character and word n-grams: remembers wordings that the encoder smooths over.

    `table` holds one row of label weights [4 + 15] a bucket, `rarity` the inverse document frequency of each bucket.
    """

    def __init__(self, config: Config, spelling: Spelling) -> None:
        super().__init__()
        labels = len(SENTIMENTS) + len(EMOTIONS)
        self.table = nn.Parameter(torch.zeros(config.wide_buckets, labels))
        self.rarity = nn.Parameter(torch.ones(config.wide_buckets), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(labels))
        self.codes: torch.Tensor
        self.starts: torch.Tensor
        self.counts: torch.Tensor
        for name in ("codes", "starts", "counts"):
            self.register_buffer(name, getattr(spelling, name), persistent=False)

    def forward(self, flat: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Flat ids of whole texts without special tokens [tokens], lengths [texts] -> logits [texts, 4] and [texts, 15]."""
        texts, buckets, counts = self.ngrams(flat, lengths)
        weights = tf_idf(texts, counts, self.rarity[buckets], len(lengths))
        held = torch.bincount(texts, minlength=len(lengths))
        logits = weighted_rows(self.table, buckets, weights, held) + self.bias
        return logits[:, : len(SENTIMENTS)], logits[:, len(SENTIMENTS) :]

    def ngrams(self, flat: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Texts, buckets and counts of all n-grams, see `ngram_counts`."""
        return ngram_counts(Spelling(self.codes, self.starts, self.counts), flat, lengths, len(self.table))


class Heads(nn.Module):
    """Sentiment, emotion and story logits (see `story`) from a text's pooled states, touchpoint logits (see `tags`) from each token's."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        pooled = 2 * config.hidden
        self.sentiment = _head(pooled, config, len(SENTIMENTS))
        self.emotions = _head(pooled, config, len(EMOTIONS))
        self.story = _head(pooled, config, STORY_LOGITS)
        self.tokens = _head(config.hidden, config, TOKEN_LOGITS)


class CxModel(nn.Module):
    """Encoder, wide branch and heads: everything that a model's weights hold. The encoder is our own unless one is given."""

    def __init__(self, config: Config, spelling: Spelling, encoder: TextEncoder | None = None) -> None:
        super().__init__()
        if encoder is None:
            if not isinstance(config, EncoderConfig):
                raise TypeError("these are the sizes of a network around another encoder, which must be given")
            encoder = Encoder(config)
        self.config = config
        self.encoder = encoder
        self.wide = WideBranch(config, spelling)
        self.heads = Heads(config)

    def text_logits(self, pooled: torch.Tensor, flat: torch.Tensor, lengths: torch.Tensor) -> Logits:
        """Logits of whole texts from their pooled states [texts, 2 * hidden] and their flat ids (see `WideBranch`)."""
        wide_sentiment, wide_emotions = self.wide(flat, lengths)
        return Logits(self.heads.sentiment(pooled), self.heads.emotions(pooled), wide_sentiment, wide_emotions, self.heads.story(pooled))


def token_mask(lengths: torch.Tensor, length: int) -> torch.Tensor:
    """Bool [batch, length], true where a token stands."""
    return torch.arange(length, device=lengths.device)[None, :] < lengths[:, None]


def pool(states: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sum and maximum over each sequence's tokens, in float32: two [batch, hidden]. Windows of one text merge by adding and by maximum."""
    mask = token_mask(lengths, states.shape[1])[:, :, None]
    states = states.float()
    return (states * mask).sum(1), states.masked_fill(~mask, -torch.inf).amax(1)


def pool_packed(states: torch.Tensor, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same for sequences one after the other: states [tokens, hidden], starts [sequences + 1] -> two [sequences, hidden]."""
    states, lengths = states.float(), starts.long().diff()
    return segments(states, lengths, "sum"), segments(states, lengths, "max")


def segments(values: torch.Tensor, lengths: torch.Tensor, kind: str) -> torch.Tensor:
    """Sum or max (`kind`) of neighbouring rows: values [rows, width], lengths [segments], which must fill the rows -> [segments, width]."""
    return torch.segment_reduce(values, kind, lengths=lengths, unsafe=True)  # checked, a device would have to be waited for


def tf_idf(texts: torch.Tensor, counts: torch.Tensor, rarity: torch.Tensor, size: int) -> torch.Tensor:
    """(1 + log count) * rarity of each text's n-grams, scaled to unit length a text; all [n-grams], `size` texts."""
    weights = (1.0 + counts.to(torch.float32).log()) * rarity
    norms = weights.new_zeros(size).index_add_(0, texts, weights.square())
    return weights / norms[texts].clamp(min=1e-12).sqrt()


def weighted_rows(table: torch.Tensor, rows: torch.Tensor, weights: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
    """Weighted sums of a table's rows [buckets, labels] -> [texts, labels]; `held` [texts] says how many rows each text has."""
    return functional.embedding_bag(rows, table, torch.cumsum(held, 0) - held, mode="sum", per_sample_weights=weights)


def _head(width: int, config: Config, labels: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(config.dropout), nn.Linear(width, config.head_hidden), nn.GELU(), nn.Linear(config.head_hidden, labels))
