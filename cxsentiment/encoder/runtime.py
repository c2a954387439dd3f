"""Runs the network: device, precision, batches, threads. The only file that touches CUDA."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from cxsentiment.encoder import kernels
from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.batch import Ids, Ints, Sequences, Windows, halves, own_tokens, pack, plan, split
from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.instruments import Instruments, Stats
from cxsentiment.encoder.model import FOREIGN, CxModel, Encoder, EncoderConfig, ForeignConfig, Logits, pool_packed
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.quantised import Ranges, integer_network
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import ModelError, OptionError
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.weights import RANGES, TOKENIZER, Manifest, load_arrays, load_ranges

WINDOW = 158
OVERLAP = 32
TEXTS_PER_HEAD_BATCH = 1024
GROUP = 32
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
INT8 = "int8"

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


@dataclass(frozen=True, slots=True)
class _Encoded:
    """States of a batch's tokens, special ones included [tokens, hidden], and each window's sum and maximum of them [windows, hidden]."""

    states: torch.Tensor
    total: torch.Tensor
    largest: torch.Tensor


class Runtime:
    """A network on a device, in one precision. Thread-safe.

    In int8 the encoder runs in the kernels, one batch a thread; all else, and what is read exactly, is in float32.
    """

    def __init__(
        self, model: CxModel, special: tuple[int, int], device: str, dtype: str, token_budget: int, ranges: Ranges | None = None
    ) -> None:
        if token_budget < 1:
            raise OptionError(f"token_budget must be at least 1, not {token_budget}")
        self.device = choose_device(device)
        self.precision = choose_precision(dtype, self.device, can_int8=ranges is not None and _fits_kernels(model))
        self.token_budget = token_budget
        self.special = special
        self.instruments = Instruments()
        self.model = model.eval().requires_grad_(requires_grad=False).to(self.device)
        self._kernels = _kernels(model, ranges) if ranges is not None and self.precision == INT8 else None
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._process = os.getpid()
        for weight in self.model.encoder.parameters():  # not its buffers: angles of rotary positions need float32
            weight.data = weight.to(DTYPES.get(self.precision, torch.float32))

    @property
    def is_rounded(self) -> bool:
        """Whether the encoder works with integers, so that close decisions should be read again, exactly."""
        return self._kernels is not None

    def stats(self) -> Stats:
        """What was done since the runtime was made."""
        return self.instruments.stats(self.precision, self.token_budget)

    @torch.inference_mode()
    def score(self, texts: Sequence[TokenisedText], *, exactly: bool = False) -> RawScores:
        """One forward pass over all windows of the texts, in batches under the token budget. Every text must have a token.

        With `exactly` in floating point even where the runtime works with integers.
        """
        with self.instruments.stage("forward"):
            flat = np.concatenate([text.ids for text in texts])
            windows = split([len(text.ids) for text in texts], WINDOW, OVERLAP)
            states = _WindowStates(len(windows), len(flat), self.model.config.hidden, self.device)
            batches = plan(windows.lengths + 2, self.token_budget)
            packed = [pack(flat, windows, batch, self.special) for batch in batches]
            integers = self._kernels is not None and not exactly
            found = self._in_integers(packed) if integers else map(self._in_floats, packed)
            for batch, sequences, encoded in zip(batches, packed, found, strict=True):
                self._collect(batch, sequences.starts, encoded, windows, states)
            self.instruments.count(batches=len(batches), tokens=int(windows.lengths.sum()) + 2 * len(windows))
            return self._heads(texts, flat, windows, states)

    def _in_floats(self, sequences: Sequences) -> _Encoded:
        """On running out of memory the budget becomes half of the batch, and each half runs by itself."""
        try:
            with self.instruments.stage("copy"):
                starts = torch.from_numpy(sequences.starts).to(self.device, torch.int32)
                ids = torch.from_numpy(sequences.ids).to(self.device)
            hidden = self.model.encoder.packed(ids, Packed(sequences.runs, starts))
            return _Encoded(hidden, *pool_packed(hidden, starts))
        except (torch.OutOfMemoryError, MemoryError):
            if len(sequences.starts) == 2:
                raise
            with self._lock:
                self.token_budget = min(self.token_budget, max(len(sequences.ids) // 2, WINDOW + 2))
        parts = [self._in_floats(half) for half in halves(sequences)]
        return _Encoded(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(_Encoded)))

    def _in_integers(self, batches: Sequence[Sequences]) -> Iterator[_Encoded]:
        """As many batches at once as torch would use threads; by groups, so that torch's own threads do not get in their way between."""
        with self._lock:
            if self._threads is None or self._process != os.getpid():  # a forked process has the pool, but not its threads
                self._threads, self._process = ThreadPoolExecutor(torch.get_num_threads(), "cxsentiment"), os.getpid()
            threads = self._threads
        for first in range(0, len(batches), GROUP):
            yield from list(threads.map(self._integers, batches[first : first + GROUP]))

    def _integers(self, sequences: Sequences) -> _Encoded:
        assert self._kernels is not None
        return _Encoded(*(torch.from_numpy(array) for array in self._kernels.encode(sequences.ids, sequences.starts)))

    def _collect(self, batch: Ints, starts: Ints, encoded: _Encoded, windows: Windows, states: _WindowStates) -> None:
        where = torch.from_numpy(batch).to(self.device)
        states.total[where], states.largest[where] = encoded.total, encoded.largest
        rows, columns, places = own_tokens(windows, batch)
        own = torch.from_numpy(starts[rows] + columns).to(self.device)
        states.tokens[torch.from_numpy(places).to(self.device)] = self.model.heads.tokens(encoded.states[own].float())

    def _heads(self, texts: Sequence[TokenisedText], flat: Ids, windows: Windows, states: _WindowStates) -> RawScores:
        counts = np.bincount(windows.text, minlength=len(texts))
        tokens = np.bincount(windows.text, weights=windows.lengths + 2, minlength=len(texts))
        total, largest = states.total, states.largest
        if len(windows) > len(texts):
            segments = torch.from_numpy(counts).to(self.device)
            total = torch.segment_reduce(total, "sum", lengths=segments)
            largest = torch.segment_reduce(largest, "max", lengths=segments)
        mean = total / torch.from_numpy(tokens).to(self.device, torch.float32)[:, None]
        pooled = torch.cat([mean, largest], dim=1)
        ends = np.cumsum([len(text.ids) for text in texts])
        parts: list[Logits] = []
        for start in range(0, len(texts), TEXTS_PER_HEAD_BATCH):
            stop = min(start + TEXTS_PER_HEAD_BATCH, len(texts))
            lengths = np.diff(ends[start:stop], prepend=ends[start - 1] if start else 0)
            some = torch.from_numpy(flat[ends[start] - lengths[0] : ends[stop - 1]]).to(self.device, torch.int64)
            parts.append(self.model.text_logits(pooled[start:stop], some, torch.from_numpy(lengths).to(self.device)))
        of_texts = {field.name: torch.cat([getattr(part, field.name) for part in parts]).cpu().numpy() for field in fields(Logits)}
        return RawScores(**of_texts, tokens=states.tokens.cpu().numpy(), windows=counts)


def load_runtime(manifest: Manifest, device: str, dtype: str, token_budget: int) -> tuple[Runtime, TextTokeniser]:
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


def _fits_kernels(model: CxModel) -> bool:
    config = model.config
    return isinstance(config, EncoderConfig) and kernels.supported() and kernels.fits(config.hidden, config.heads, config.intermediate)


def _kernels(model: CxModel, ranges: Ranges) -> kernels.Kernels:
    assert isinstance(model.encoder, Encoder)
    try:
        return kernels.Kernels(integer_network(model.encoder, ranges))
    except (KeyError, ValueError) as error:
        raise ModelError(f"the model's {RANGES} does not fit its encoder ({error}): make it again, or use dtype float32") from None


class _WindowStates:
    """Pooled states of every window and logits of every token, filled batch by batch."""

    def __init__(self, windows: int, tokens: int, hidden: int, device: torch.device) -> None:
        self.total = torch.empty(windows, hidden, device=device)
        self.largest = torch.empty(windows, hidden, device=device)
        self.tokens = torch.empty(tokens, TOKEN_LOGITS, device=device)


def choose_device(name: str) -> torch.device:
    """`auto` is the first CUDA device, or the CPU. Raises OptionError for a device that is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"unknown device {name!r}: use auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise OptionError(f"device {name!r} is not supported: use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError(f"device {name!r} asked for, but torch sees no CUDA device: use cpu or auto")
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise OptionError(f"device {name!r} asked for, but there are only {torch.cuda.device_count()} CUDA devices")
    return device


def choose_precision(name: str, device: torch.device, *, can_int8: bool) -> str:
    """`auto` is bfloat16 on CUDA; on the CPU int8 where it can be had, and else float32.

    Raises OptionError for a precision that is unknown or cannot be had.
    """
    if name == "auto":
        return "bfloat16" if device.type == "cuda" else INT8 if can_int8 else "float32"
    if name not in (*DTYPES, INT8):
        raise OptionError(f"unknown dtype {name!r}: use auto, {INT8}, {', '.join(DTYPES)}")
    if name == INT8 and (device.type == "cuda" or not can_int8):
        raise OptionError(
            "dtype int8 is for the CPU, needs a processor with AVX-512 VNNI, the compiled kernels, "
            "and a model of our own architecture with ranges.safetensors: use auto or float32"
        )
    return name
