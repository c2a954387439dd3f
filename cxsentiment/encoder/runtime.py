"""Runs the network: device, precision, batches. The only file that touches CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from cxsentiment.encoder.batch import Ints, Windows, plan, split
from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import FOREIGN, CxModel, EncoderConfig, ForeignConfig, pool
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import ModelError, OptionError
from cxsentiment.weights import TOKENIZER, Manifest, load_arrays

WINDOW = 158
OVERLAP = 32
TEXTS_PER_HEAD_BATCH = 1024
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """Tokens [first, last) of text number `text`."""

    text: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class RawScores:
    """Logits of a list of texts, on the CPU in float32.

    Sentiment and wide_sentiment [texts, 4], emotions and wide_emotions [texts, 15], polarity [spans, 4], windows [texts].
    """

    sentiment: Floats
    emotions: Floats
    wide_sentiment: Floats
    wide_emotions: Floats
    polarity: Floats
    windows: Ints


class Runtime:
    """A network on a device, in one precision. Thread-safe: it keeps no state between calls."""

    def __init__(self, model: CxModel, special: tuple[int, int], device: str, dtype: str, token_budget: int) -> None:
        if token_budget < 1:
            raise OptionError(f"token_budget must be at least 1, not {token_budget}")
        self.device = choose_device(device)
        self.dtype = choose_dtype(dtype, self.device)
        self.token_budget = token_budget
        self.special = special
        self.model = model.eval().requires_grad_(requires_grad=False).to(self.device)
        for weight in self.model.encoder.parameters():  # not its buffers: angles of rotary positions need float32
            weight.data = weight.to(self.dtype)

    @torch.inference_mode()
    def score(self, texts: Sequence[TokenisedText], spans: Sequence[TokenSpan]) -> RawScores:
        """One forward pass over all windows of the texts, in batches under the token budget. Every text must have a token."""
        windows = split([len(text.ids) for text in texts], WINDOW, OVERLAP)
        states = _WindowStates(len(windows), len(spans), self.model.config.hidden, self.device)
        owners = _spans_by_window(windows, spans)
        for batch in plan(windows.lengths, self.token_budget):
            self._forward(batch, texts, windows, owners, spans, states)
        return self._heads(texts, windows, spans, states)

    def _forward(
        self,
        batch: Ints,
        texts: Sequence[TokenisedText],
        windows: Windows,
        owners: dict[int, list[int]],
        spans: Sequence[TokenSpan],
        states: _WindowStates,
    ) -> None:
        cls_id, sep_id = self.special
        lengths = windows.lengths[batch] + 2
        ids = np.zeros((len(batch), lengths.max()), np.int64)
        for row, window in enumerate(batch):
            stretch = texts[windows.text[window]].ids[windows.start[window] : windows.end[window]]
            ids[row, : len(stretch) + 2] = (cls_id, *stretch, sep_id)
        on_device = torch.from_numpy(lengths).to(self.device)
        hidden = self.model.encoder(torch.from_numpy(ids).to(self.device), on_device)
        total, largest = pool(hidden, on_device)
        where = torch.from_numpy(batch).to(self.device)
        states.total[where], states.largest[where] = total, largest
        for row, window in enumerate(batch):
            for index in owners.get(int(window), ()):
                first = max(spans[index].first - int(windows.start[window]), 0) + 1
                last = min(spans[index].last, int(windows.end[window])) - int(windows.start[window]) + 1
                states.spans[index] = hidden[row, first:last].float().mean(0)

    def _heads(self, texts: Sequence[TokenisedText], windows: Windows, spans: Sequence[TokenSpan], states: _WindowStates) -> RawScores:
        counts = np.bincount(windows.text, minlength=len(texts))
        tokens = np.bincount(windows.text, weights=windows.lengths + 2, minlength=len(texts))
        segments = torch.from_numpy(counts).to(self.device)
        total = torch.segment_reduce(states.total, "sum", lengths=segments)
        largest = torch.segment_reduce(states.largest, "max", lengths=segments)
        mean = total / torch.from_numpy(tokens).to(self.device, torch.float32)[:, None]
        pooled = torch.cat([mean, largest], dim=1)
        parts: list[list[torch.Tensor]] = []
        for start in range(0, len(texts), TEXTS_PER_HEAD_BATCH):
            some = texts[start : start + TEXTS_PER_HEAD_BATCH]
            flat = torch.from_numpy(np.concatenate([text.ids for text in some])).to(self.device)
            lengths = torch.tensor([len(text.ids) for text in some], device=self.device)
            logits = self.model.text_logits(pooled[start : start + TEXTS_PER_HEAD_BATCH], flat, lengths)
            parts.append([logits.sentiment, logits.emotions, logits.wide_sentiment, logits.wide_emotions])
        sentiment, emotions, wide_sentiment, wide_emotions = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        owners = torch.tensor([span.text for span in spans], dtype=torch.int64, device=self.device)
        polarity = self.model.polarity_logits(states.spans, mean[owners]).cpu().numpy()
        return RawScores(sentiment, emotions, wide_sentiment, wide_emotions, polarity, counts)


def load_runtime(manifest: Manifest, device: str, dtype: str, token_budget: int) -> tuple[Runtime, TextTokeniser]:
    """Network and tokeniser of a (verified) model. Raises ModelError when the weights do not fit the network."""
    tokeniser = TextTokeniser.read(manifest.path / TOKENIZER)
    try:
        model = network(manifest, tokeniser)
        model.load_state_dict({name: torch.from_numpy(array) for name, array in load_arrays(manifest).items()})
    except (TypeError, RuntimeError) as error:
        message = str(error).splitlines()[0]
        raise ModelError(f"{manifest.path} does not fit this version of cxsentiment: {message}") from None
    return Runtime(model, (tokeniser.cls_id, tokeniser.sep_id), device, dtype, token_budget), tokeniser


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


class _WindowStates:
    """Pooled states of every window and mean states of every span, filled batch by batch."""

    def __init__(self, windows: int, spans: int, hidden: int, device: torch.device) -> None:
        self.total = torch.empty(windows, hidden, device=device)
        self.largest = torch.empty(windows, hidden, device=device)
        self.spans = torch.empty(spans, hidden, device=device)


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


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 on CUDA and float32 on the CPU. Raises OptionError for an unknown precision."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise OptionError(f"unknown dtype {name!r}: use auto, {', '.join(DTYPES)}")
    return DTYPES[name]


def _spans_by_window(windows: Windows, spans: Sequence[TokenSpan]) -> dict[int, list[int]]:
    """Window -> the spans read from it: the first of the text's windows that holds the whole span, or else its beginning."""
    firsts = np.searchsorted(windows.text, [span.text for span in spans], "left")
    found: dict[int, list[int]] = {}
    for index, (span, window) in enumerate(zip(spans, firsts.tolist(), strict=True)):
        chosen = window
        while chosen + 1 < len(windows) and windows.text[chosen + 1] == span.text and windows.end[chosen] < span.last:
            if windows.start[chosen + 1] > span.first:
                break
            chosen += 1
        found.setdefault(chosen, []).append(index)
    return found
