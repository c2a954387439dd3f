"""Runs our own network: encoder, heads on tokens and on texts; the encoder in floating point or in the integer kernels."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from cxsentiment.encoder import kernels
from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.batch import Ids, Ints, Sequences, Windows, cut, own_tokens, pack, split
from cxsentiment.encoder.core import OVERLAP, WINDOW, Core, Place, Tensors
from cxsentiment.encoder.devices import DTYPES, INT8, choose_devices, choose_precision
from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import FOREIGN, CxModel, Encoder, EncoderConfig, ForeignConfig, Logits, pool_packed, segments
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.quantised import STATES, Ranges, integer_network
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import ModelError
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.weights import RANGES, TOKENIZER, Manifest, load_arrays, load_ranges

TEXTS_PER_HEAD_BATCH = 1024
BATCHES_A_THREAD, SMALLEST_BATCH = 16, 192
"""A call's work is cut finer than the budget asks for, but not below so many tokens, so that no thread waits long for the last batch."""

NORM_EPSILON = 1e-12
"""Of the kernels' layer norms."""

TRIED = 16
"""Sequences of as many tokens, so many for each thread, are tried in both precisions."""

CLEARLY = 1.3
"""Integers are given up only where they take so much longer: answers should not hang on a moment's load."""

GROUP_TOKENS = 32_768
"""Tokens that go into one call of the kernels, whose threads share its batches."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RawScores:
    """Logits of a list of texts, on the CPU in float32.

    Sentiment and wide_sentiment [texts, 4], emotions and wide_emotions [texts, 15], story [texts, STORY_LOGITS], windows [texts];
    tokens [tokens, TOKEN_LOGITS], text after text.
    """

    sentiment: Floats
    emotions: Floats
    wide_sentiment: Floats
    wide_emotions: Floats
    story: Floats
    tokens: Floats
    windows: Ints

    def replaced(self, rows: Ints, lengths: Ints, others: RawScores) -> RawScores:
        """With other scores for the texts at `rows`; `lengths` [texts] in tokens."""
        parts = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, part in parts.items():
            where = np.flatnonzero(np.repeat(np.isin(np.arange(len(lengths)), rows), lengths)) if name == "tokens" else rows
            part[where] = getattr(others, name)
        return RawScores(**parts)


class Runtime(Core[CxModel]):
    """Our network in one precision.

    In int8 the encoder and the head on tokens run in the kernels; all else, and what is read exactly, is in float32.
    """

    def __init__(
        self, model: CxModel, special: tuple[int, int], device: str, dtype: str, token_budget: int | str, ranges: Ranges | None = None
    ) -> None:
        devices = choose_devices(device)
        precision = choose_precision(dtype, devices[0], can_int8=_can_int8(model, ranges))
        self.special = special
        self._kernels = _kernels(model, ranges) if ranges is not None and precision == INT8 else None
        if dtype == "auto" and self._kernels is not None and not _is_worth_it(self._kernels, model.eval()):
            self._kernels, precision = None, "float32"
        for weight in model.encoder.parameters():  # not its buffers: angles of rotary positions need float32
            weight.data = weight.to(DTYPES.get(precision, torch.float32))
        super().__init__(model, devices, precision, token_budget)

    @property
    def model(self) -> CxModel:
        """The network on the first device."""
        return self.network

    @property
    def is_rounded(self) -> bool:
        """Whether the encoder works with integers, so that close decisions should be read again, exactly."""
        return self._kernels is not None

    def score(self, texts: Sequence[TokenisedText], *, exactly: bool = False) -> RawScores:
        """One forward pass over all windows of the texts, in batches under the token budget. Every text must have a token.

        With `exactly` in floating point even where the runtime works with integers.
        """
        with self.place() as place, self.instruments.stage("forward"):
            flat = np.concatenate([text.ids for text in texts])
            windows = split([len(text.ids) for text in texts], WINDOW, OVERLAP)
            states = _WindowStates(len(windows), len(flat), place)
            encode = self._in_floats if exactly or self._kernels is None else self._in_integers
            for batches in self.shares(place, windows.lengths + 2, try_sizes=not exactly):
                for batch, sequences, encoded in encode(place, flat, windows, batches):
                    states.collect(batch, sequences.starts, encoded, windows)
            return self._heads(place, texts, flat, windows, states)

    def _in_floats(self, place: Place[CxModel], flat: Ids, windows: Windows, batches: list[Ints]) -> Iterator[_Encoded]:
        def work(ids: torch.Tensor, layout: Packed) -> Tensors:
            hidden = place.network.encoder.packed(ids, layout)
            return place.network.heads.tokens(hidden.float()), *pool_packed(hidden, layout.starts)

        for batch in batches:
            sequences = pack(flat, windows, batch, self.special)
            yield batch, sequences, self.run(place, sequences, work)

    def _in_integers(self, _: Place[CxModel], flat: Ids, windows: Windows, batches: list[Ints]) -> Iterator[_Encoded]:
        """Several batches in one call, which has as many threads as torch would use."""
        largest = max(int((windows.lengths[batch] + 2).sum()) for batch in batches)
        size = max(torch.get_num_threads(), GROUP_TOKENS // largest)
        for first in range(0, len(batches), size):
            held = np.concatenate(batches[first : first + size])
            sequences = pack(flat, windows, held, self.special)
            fair = len(sequences.ids) // (BATCHES_A_THREAD * torch.get_num_threads())
            yield held, sequences, self._through_kernels(sequences, min(largest, max(fair, SMALLEST_BATCH)))

    def _through_kernels(self, sequences: Sequences, budget: int) -> Tensors:
        """In batches of at most so many tokens; half as many where memory runs out."""
        assert self._kernels is not None
        cuts = cut(np.diff(sequences.starts), budget)
        try:
            found = self._kernels.encode(sequences.ids, sequences.starts, cuts, torch.get_num_threads())
            return tuple(torch.from_numpy(array) for array in found)
        except MemoryError:
            if budget // 2 < WINDOW + 2:
                raise
        self.budget.lower(budget // 2)
        return self._through_kernels(sequences, budget // 2)

    def _heads(
        self, place: Place[CxModel], texts: Sequence[TokenisedText], flat: Ids, windows: Windows, states: _WindowStates
    ) -> RawScores:
        counts = np.bincount(windows.text, minlength=len(texts))
        tokens = np.bincount(windows.text, weights=windows.lengths + 2, minlength=len(texts))
        total, largest = states.total, states.largest
        if len(windows) > len(texts):
            held = place.copied(counts)
            total, largest = segments(total, held, "sum"), segments(largest, held, "max")
        mean = total / place.copied(tokens, torch.float32)[:, None]
        pooled = torch.cat([mean, largest], dim=1)
        ends = np.cumsum([len(text.ids) for text in texts])
        parts: list[Logits] = []
        for start in range(0, len(texts), TEXTS_PER_HEAD_BATCH):
            stop = min(start + TEXTS_PER_HEAD_BATCH, len(texts))
            lengths = np.diff(ends[start:stop], prepend=ends[start - 1] if start else 0)
            some = place.copied(flat[ends[start] - lengths[0] : ends[stop - 1]], torch.int64)
            parts.append(place.network.text_logits(pooled[start:stop], some, place.copied(lengths)))
        of_texts = {field.name: torch.cat([getattr(part, field.name) for part in parts]).cpu().numpy() for field in fields(Logits)}
        return RawScores(**of_texts, tokens=states.tokens.cpu().numpy(), windows=counts)


def load_runtime(manifest: Manifest, device: str, dtype: str, token_budget: int | str) -> tuple[Runtime, TextTokeniser]:
    """Network and tokeniser of a (verified) model. Raises ModelError when the weights do not fit the network."""
    tokeniser = TextTokeniser.read(manifest.path / TOKENIZER)
    ranges = load_ranges(manifest)
    try:
        model = network(manifest, tokeniser)
        model.load_state_dict({name: torch.from_numpy(array) for name, array in load_arrays(manifest).items()})
    except (TypeError, RuntimeError) as error:
        message = str(error).splitlines()[0]
        raise ModelError(f"{manifest.path} does not fit this version of cxsentiment: {message}") from None
    return Runtime(model, (tokeniser.cls_id, tokeniser.sep_id), device, dtype, token_budget, ranges), tokeniser


def network(manifest: Manifest, tokeniser: TextTokeniser) -> CxModel:
    """The network that a manifest describes, with random weights.

    Raises TypeError when its sizes are not those of this version, and ModelError when its encoder is not known.
    """
    spelling = Spelling.of(tokeniser.pieces)
    if "architecture" not in manifest.encoder:
        return CxModel(EncoderConfig(**manifest.encoder), spelling)
    config = ForeignConfig(**manifest.encoder)
    if config.architecture != FOREIGN:
        raise ModelError(f"{manifest.path} needs a newer version of cxsentiment: its encoder is {config.architecture!r}")
    return CxModel(config, spelling, ForeignEncoder.read(manifest.path))


def _can_int8(model: CxModel, ranges: Ranges | None) -> bool:
    """Whether the kernels are there, can do this network, and have all ranges that they need (older files lack the last)."""
    config = model.config
    if not isinstance(config, EncoderConfig) or ranges is None or STATES not in ranges or config.norm_epsilon != NORM_EPSILON:
        return False
    return kernels.supported() and kernels.fits(config.hidden, config.heads, config.intermediate, config.head_hidden)


def _kernels(model: CxModel, ranges: Ranges) -> kernels.Kernels:
    assert isinstance(model.encoder, Encoder)
    try:
        return kernels.Kernels(integer_network(model.encoder, model.heads.tokens, ranges))
    except (KeyError, ValueError) as error:
        raise ModelError(f"the model's {RANGES} does not fit its encoder ({error}): make it again, or use dtype float32") from None


@torch.inference_mode()
def _is_worth_it(integers: kernels.Kernels, model: CxModel) -> bool:
    """Whether the kernels are not clearly slower than floating point here: the best of three on small batches, enough for all threads."""
    threads = torch.get_num_threads()
    count = TRIED * max(threads, 2)
    ids = np.arange(count * TRIED, dtype=np.int32) % len(model.encoder.embeddings)
    starts = np.arange(0, count * TRIED + 1, TRIED)
    cuts = np.arange(0, count + 1, TRIED // 4)
    layout = Packed(Sequences(ids, starts).runs, torch.from_numpy(starts).int())

    def seconds(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, number=1, repeat=3))

    exact = seconds(lambda: model.encoder.packed(torch.from_numpy(ids), layout))
    return seconds(lambda: integers.encode(ids, starts, cuts, threads)) < CLEARLY * exact


_Encoded = tuple[Ints, Sequences, Tensors]
"""Windows; the sequences that they are; logits of their tokens, sum and maximum of each window's states."""


class _WindowStates:
    """Pooled states of every window and logits of every token, filled batch by batch."""

    def __init__(self, windows: int, tokens: int, place: Place[CxModel]) -> None:
        hidden, device = place.network.config.hidden, place.device
        self._place = place
        self.total = torch.empty(windows, hidden, device=device)
        self.largest = torch.empty(windows, hidden, device=device)
        self.tokens = torch.empty(tokens, TOKEN_LOGITS, device=device)

    def collect(self, batch: Ints, starts: Ints, encoded: Tensors, windows: Windows) -> None:
        """Puts a batch's results in their places; of tokens that two windows share, those of the window that answers for them."""
        logits, total, largest = encoded
        where = self._place.copied(batch)
        self.total[where], self.largest[where] = total, largest
        rows, columns, places = own_tokens(windows, batch)
        self.tokens[self._place.copied(places)] = logits[self._place.copied(starts[rows] + columns)]
