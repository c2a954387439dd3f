"""Runs the network: device, precision, batches. The only file that touches CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from cxsentiment.encoder.batch import Ints, Windows, own_tokens, plan, split
from cxsentiment.encoder.foreign import ForeignEncoder
from cxsentiment.encoder.model import FOREIGN, CxModel, EncoderConfig, ForeignConfig, Logits, pool
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.errors import ModelError, OptionError
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.weights import TOKENIZER, Manifest, load_arrays

WINDOW = 158
OVERLAP = 32
TEXTS_PER_HEAD_BATCH = 1024
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

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
    def score(self, texts: Sequence[TokenisedText]) -> RawScores:
        """One forward pass over all windows of the texts, in batches under the token budget. Every text must have a token."""
        windows = split([len(text.ids) for text in texts], WINDOW, OVERLAP)
        states = _WindowStates(len(windows), sum(len(text.ids) for text in texts), self.model.config.hidden, self.device)
        for batch in plan(windows.lengths, self.token_budget):
            self._forward(batch, texts, windows, states)
        return self._heads(texts, windows, states)

    def _forward(self, batch: Ints, texts: Sequence[TokenisedText], windows: Windows, states: _WindowStates) -> None:
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
        rows, columns, places = (torch.from_numpy(part).to(self.device) for part in own_tokens(windows, batch))
        states.tokens[places] = self.model.heads.tokens(hidden[rows, columns].float())

    def _heads(self, texts: Sequence[TokenisedText], windows: Windows, states: _WindowStates) -> RawScores:
        counts = np.bincount(windows.text, minlength=len(texts))
        tokens = np.bincount(windows.text, weights=windows.lengths + 2, minlength=len(texts))
        segments = torch.from_numpy(counts).to(self.device)
        total = torch.segment_reduce(states.total, "sum", lengths=segments)
        largest = torch.segment_reduce(states.largest, "max", lengths=segments)
        mean = total / torch.from_numpy(tokens).to(self.device, torch.float32)[:, None]
        pooled = torch.cat([mean, largest], dim=1)
        parts: list[Logits] = []
        for start in range(0, len(texts), TEXTS_PER_HEAD_BATCH):
            some = texts[start : start + TEXTS_PER_HEAD_BATCH]
            flat = torch.from_numpy(np.concatenate([text.ids for text in some])).to(self.device)
            lengths = torch.tensor([len(text.ids) for text in some], device=self.device)
            parts.append(self.model.text_logits(pooled[start : start + TEXTS_PER_HEAD_BATCH], flat, lengths))
        of_texts = {field.name: torch.cat([getattr(part, field.name) for part in parts]).cpu().numpy() for field in fields(Logits)}
        return RawScores(**of_texts, tokens=states.tokens.cpu().numpy(), windows=counts)


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


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 on CUDA and float32 on the CPU. Raises OptionError for an unknown precision."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise OptionError(f"unknown dtype {name!r}: use auto, {', '.join(DTYPES)}")
    return DTYPES[name]
