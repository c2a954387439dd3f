"""A component for spaCy pipelines: `nlp.add_pipe("cxsentiment")`.

It sets on every document

- `doc._.cx`: the `Analysis` of `doc.text`; None if there is none;
- `doc.spans["cx"]`: a span for each touchpoint, labelled with its type, drawn out to whole tokens (`doc._.cx` has the exact characters);
- `span._.cx_polarity`, `span._.cx_group` and `span._.cx_score` for these; None for other spans.

All of it is kept as plain data in `doc.user_data`, so it comes back from `Doc.to_bytes` and from `DocBin(store_user_data=True)`, once
`set_extensions` has been called there. A saved pipeline names the model in its config; the model itself is not saved with it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span

from cxsentiment import results
from cxsentiment.errors import OptionError
from cxsentiment.results import Analysis, Emotion, Quality, Sentiment, Touchpoint
from cxsentiment.taxonomy import Taxonomy

if TYPE_CHECKING:
    from cxsentiment.analyzer import Analyzer

NAME: Final = "cxsentiment"
_KEY: Final = ("._.", "cx", None, None)
"""Where spaCy keeps the extension `doc._.cx`: it knows it by this when documents are copied, joined and saved."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The component's config. `taxonomy` is the path of a file; the others but `spans_key` are those of `Analyzer.from_pretrained`."""

    model: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    taxonomy: str | None = None
    spans_key: str = "cx"
    unsure_labels: bool = False
    cache_size: int = 16_384

    def analyzer(self) -> Analyzer:
        """The analyzer they ask for."""
        from cxsentiment.analyzer import Analyzer

        return Analyzer.from_pretrained(
            self.model,
            self.device,
            self.dtype,
            taxonomy=None if self.taxonomy is None else Taxonomy.load(self.taxonomy),
            unsure_labels=self.unsure_labels,
            cache_size=self.cache_size,
        )


@Language.factory(NAME, default_config=asdict(Settings()), assigns=["doc._.cx", "doc.spans"])
def make(
    nlp: Language,
    name: str,
    model: str | None,
    device: str,
    dtype: str,
    taxonomy: str | None,
    spans_key: str,
    unsure_labels: bool,
    cache_size: int,
) -> CxComponent:
    """What `nlp.add_pipe("cxsentiment", config=...)` calls; spaCy finds it by the entry point `spacy_factories`."""
    return CxComponent(name, Settings(model, device, dtype, taxonomy, spans_key, unsure_labels, cache_size))


class CxComponent(Pipe):
    """Annotates documents with what an analyzer finds in them. Its model is loaded when it is made."""

    def __init__(self, name: str, settings: Settings) -> None:
        set_extensions()
        self.name = name
        self._settings = settings
        self._analyzer = settings.analyzer()
        self._process = os.getpid()

    def __call__(self, doc: Doc) -> Doc:
        """Annotates one document in place."""
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotates documents lazily, in order, a batch at a time. What goes wrong with a batch goes to the error handler."""
        handle: Callable[..., None] = self.get_error_handler()
        waiting = iter(stream)
        while docs := list(islice(waiting, batch_size)):
            try:
                self._annotate(docs)
            except Exception as error:
                handle(self.name, self, docs, error)
            else:
                yield from docs

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Nothing: the pipeline's config says all."""
        return b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> CxComponent:
        """The component as its config made it."""
        return self

    def to_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> None:
        """Writes nothing: the pipeline's config says all."""

    def from_disk(self, path: Any, *, exclude: Iterable[str] = ()) -> CxComponent:
        """The component as its config made it."""
        return self

    def __reduce__(self) -> tuple[type[CxComponent], tuple[str, Settings]]:
        return CxComponent, (self.name, self._settings)

    def _annotate(self, docs: Sequence[Doc]) -> None:
        # The threads that the model computes with do not live on in a forked process: it would wait for them for ever.
        if os.getpid() != self._process:
            raise OptionError("cxsentiment uses all cores or GPUs from one process: call nlp.pipe with n_process=1")
        for doc, analysis in zip(docs, self._analyzer([doc.text for doc in docs]), strict=True):
            doc._.cx = analysis
            doc.spans[self._settings.spans_key] = list(_spans(doc, analysis.touchpoints))


# ---- documents --------------------------------------------------------------------------------------------------------------------


def set_extensions() -> None:
    """Makes `doc._.cx` and `span._.cx_polarity`, `cx_group`, `cx_score` known to spaCy, to read saved documents where no component is.

    Raises ValueError if extensions of these names are there already that are not ours.
    """
    _set(Doc, "cx", getter=_analysis_of, setter=_keep_analysis)
    for field, getter in _SPAN_GETTERS.items():
        _set(Span, f"cx_{field}", getter=getter, setter=None)


def _set(where: type[Doc] | type[Span], name: str, **ours: Any) -> None:
    if not (where.has_extension(name) and where.get_extension(name)[2:] == tuple(ours.values())):
        where.set_extension(name, **ours)


def _spans(doc: Doc, touchpoints: Iterable[Touchpoint]) -> Iterator[Span]:
    """A span for each touchpoint. Its values are kept under its tokens and its type; a second one of both has an id of its own."""
    seen: Counter[tuple[int, int, str]] = Counter()
    for touchpoint in touchpoints:
        span = doc.char_span(touchpoint.start, touchpoint.end, touchpoint.type, alignment_mode="expand")
        if span is not None:
            place = (span.start, span.end, touchpoint.type)
            seen[place] += 1
            if seen[place] > 1:
                span.id_ = f"{touchpoint.type} {seen[place]}"
            plain = {"polarity": touchpoint.polarity, "group": touchpoint.group, "score": touchpoint.score}
            data = _data(doc)
            data[_key(span)] = {**data.get(_key(span), {}), span.id_ or span.label_: plain}
            yield span


def _data(doc: Doc) -> dict[Any, Any]:
    return doc.user_data  # spaCy's stubs know only strings as keys


def _key(span: Span) -> tuple[str, str, int, int]:
    return ("._.", "cx_touchpoints", span.start_char, span.end_char)


def _getter(field: str) -> Callable[[Span], Any]:
    def value(span: Span) -> Any:
        kept = _data(span.doc).get(_key(span), {})
        return (kept.get(span.id_) or kept.get(span.label_, {})).get(field)

    return value


_SPAN_GETTERS: Final = {field: _getter(field) for field in ("polarity", "group", "score")}


def _keep_analysis(doc: Doc, analysis: Analysis | None) -> None:
    _data(doc)[_KEY] = None if analysis is None else analysis.to_dict()


def _analysis_of(doc: Doc) -> Analysis | None:
    plain = _data(doc).get(_KEY)
    if plain is None:
        return None
    nested = {
        "language": results.Language(**plain["language"]),
        "sentiment": Sentiment(**plain["sentiment"]),
        "emotions": tuple(Emotion(**one) for one in plain["emotions"]),
        "emotion_probabilities": tuple(Emotion(label, one) for label, one in plain["emotion_probabilities"].items()),
        "touchpoints": tuple(Touchpoint(**one) for one in plain["touchpoints"]),
        "qualities": tuple(Quality(**one) for one in plain["qualities"]),
        "intents": tuple(plain["intents"]),
    }
    return Analysis(**{**plain, **nested})
