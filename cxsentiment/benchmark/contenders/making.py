"""From a specification such as `model:FOLDER` and its options to a contender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cxsentiment.benchmark.contender import Contender, Trainable
from cxsentiment.errors import OptionError

Make = Callable[[str, dict[str, Any]], Contender | Trainable]
Convert = Callable[[Any], Any]


def make_contender(spec: str, options: Mapping[str, Any] | None = None) -> Contender | Trainable:
    """A contender by its specification: a kind, and for some kinds a colon and what it is of.

    `default`, `model:FOLDER_OR_ID`, `linear`, `lexicon`, `lexicon:WORDS.tsv`, `embedding`, `embedding:FOLDER_OR_ID`,
    `zero-shot:FOLDER_OR_ID`, `chat:MODEL`, `language:NAME`, `python:package.module:Class`, `python:path/to/file.py:Class`. Options are
    those of the kind, as values or as text; those of `python` are passed on.

    Raises:
        OptionError: an unknown kind or option, or a value that does not fit.
        ModelError: a model that is not there or cannot be used.
        InputError: word lists that are not there or cannot be read.
        MissingExtraError: a package that is not installed.
    """
    name, _, of = spec.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise OptionError(f"unknown contender {spec!r}: use one of {', '.join(each.usage for each in KINDS.values())}")
    if bool(of) not in kind.takes:
        raise OptionError(f"contender {spec!r}: write it as {kind.usage}")
    return kind.make(of, _converted(spec, kind, options or {}))


@dataclass(frozen=True)
class _Kind:
    """How a kind is written, whether something may (True) or need not (False) follow its colon, its options, and how it is made."""

    usage: str
    takes: tuple[bool, ...]
    options: Mapping[str, Convert] | None
    make: Make


def _converted(spec: str, kind: _Kind, options: Mapping[str, Any]) -> dict[str, Any]:
    if kind.options is None:
        return dict(options)
    found = {}
    for name, value in options.items():
        if name not in kind.options:
            raise OptionError(f"contender {spec!r} has no option {name!r}; its options are {', '.join(sorted(kind.options))}")
        try:
            found[name] = kind.options[name](value)
        except (TypeError, ValueError):
            raise OptionError(f"contender {spec!r}: option {name} cannot be {value!r}") from None
    return found


# ---- values of options ------------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(value)
    return value


def _whole(value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _list(value: Any) -> list[str]:
    return [_text(one.strip()) for one in value.split(",")] if isinstance(value, str) else [_text(one) for one in value]


def _budget(value: Any) -> int | str:
    return "auto" if value == "auto" else _whole(value)


def _label_map(value: Any) -> dict[str, tuple[str, ...]]:
    from cxsentiment.label_map import read_label_map

    return read_label_map(value if isinstance(value, Mapping) else _text(value))


# ---- kinds --------------------------------------------------------------------------------------------------------------------------
# Each imports what it needs when it is made: torch, scikit-learn and transformers are slow to come.


def _default(_: str, options: dict[str, Any]) -> Contender:
    return _analyzer(None, {"name": "cxsentiment"} | options)


def _model(of: str, options: dict[str, Any]) -> Contender:
    return _analyzer(of, {"name": of} | options)


def _analyzer(model: str | None, options: dict[str, Any]) -> Contender:
    from cxsentiment.analyzer import Analyzer
    from cxsentiment.benchmark.contenders.ours import AnalyzerContender
    from cxsentiment.encoder.devices import choose_devices

    name = options.pop("name")
    devices = ", ".join(map(str, choose_devices(options.get("device", "auto"))))
    return AnalyzerContender(Analyzer.from_pretrained(model, **options), name, device=devices)


def _linear(_: str, options: dict[str, Any]) -> Trainable:
    from cxsentiment.benchmark.contenders.linear import Linear

    return Linear(**options)


def _lexicon(of: str, options: dict[str, Any]) -> Contender:
    from cxsentiment.benchmark.contenders.lexicon import Lexicon

    return Lexicon(of or None, **options)


def _embedding(of: str, options: dict[str, Any]) -> Trainable:
    from cxsentiment.benchmark.contenders.embedding import EmbeddingHead

    return EmbeddingHead(of or None, **options)


def _zero_shot(of: str, options: dict[str, Any]) -> Contender:
    from cxsentiment.benchmark.contenders.zero_shot import ZeroShot

    return ZeroShot(of, **options)


def _chat(of: str, options: dict[str, Any]) -> Contender:
    from cxsentiment.benchmark.contenders.chat import Chat

    return Chat(of, **options)


def _language(of: str, options: dict[str, Any]) -> Contender:
    from cxsentiment.benchmark.contenders.detectors import LanguageContender

    return LanguageContender(of, **options)


def _python(of: str, options: dict[str, Any]) -> Contender | Trainable:
    from cxsentiment.benchmark.contenders.python import load_python

    return load_python(of, **options)


_NAMED: Mapping[str, Convert] = {"name": _text}
_PLACED: Mapping[str, Convert] = {**_NAMED, "device": _text}
_BATCHED: Mapping[str, Convert] = {**_PLACED, "batch_size": _whole}
_ANALYZER: Mapping[str, Convert] = {**_PLACED, "dtype": _text, "token_budget": _budget}
_CHAT: Mapping[str, Convert] = {
    **_NAMED,
    "input_price": _number,
    "output_price": _number,
    "seed": _whole,
    "at_once": _whole,
    "timeout": _number,
    "attempts": _whole,
}

KINDS: Mapping[str, _Kind] = {
    "default": _Kind("default", (False,), _ANALYZER, _default),
    "model": _Kind("model:FOLDER_OR_ID", (True,), {**_ANALYZER, "label_map": _label_map}, _model),
    "linear": _Kind("linear", (False,), _NAMED, _linear),
    "lexicon": _Kind("lexicon[:WORDS.tsv]", (False, True), {**_NAMED, "folder": _text}, _lexicon),
    "embedding": _Kind("embedding[:FOLDER_OR_ID]", (False, True), _BATCHED, _embedding),
    "zero-shot": _Kind("zero-shot:FOLDER_OR_ID", (True,), {**_BATCHED, "tasks": _list, "language": _text}, _zero_shot),
    "chat": _Kind("chat:MODEL", (True,), _CHAT, _chat),
    "language": _Kind("language:NAME", (True,), {**_NAMED, "languages": _list}, _language),
    "python": _Kind("python:package.module:Class or python:path/to/file.py:Class", (True,), None, _python),
}
