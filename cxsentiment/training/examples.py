"""Documents as the model learns from them: ids, set-valued targets, spans of tokens; and the augmented copies."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer

from cxsentiment.encoder.tokenise import special_ids
from cxsentiment.language import LanguageDetector
from cxsentiment.language.greek import in_greek
from cxsentiment.language.greeklish import transliterate
from cxsentiment.reading import read
from cxsentiment.results import EMOTIONS, INTENTS, POLARITIES, RELATIONS, SENTIMENTS, STAGES, TOUCHPOINTS
from cxsentiment.story import JUDGEMENTS
from cxsentiment.text import CleanText, clean
from cxsentiment.training.augment import with_typos
from cxsentiment.training.corpus import CONTRAST, OWN, WRITTEN, YOURS, DataFolder, Document, Span, Story, is_held_out, own_comments
from cxsentiment.training.labels import FOUR, JOINED, JOINED_COMMENTS, SCHEMES, Scheme, copies
from cxsentiment.training.patterns import pattern_documents
from cxsentiment.training.weak import with_phrases

MAX_LENGTH = 160
HEAD_SHARE = 2 / 3
GREEKLISH_SHARE = 0.5
READ_BACK_SHARE = 0.5
TYPO_SHARE = 0.12
JOINED_PER_LANGUAGE = 1500
LONGEST_JOINED = 110
MIXED_PAIRS, NEUTRAL_PAIRS, CONNECTED = 0.5, 0.2, 0.6
COMMENTS = (WRITTEN, OWN, CONTRAST)
READ_AS_TYPED = (*COMMENTS, YOURS)
CONTRASTING = {
    "el": ("αλλά", "όμως", "ωστόσο"),
    "pl": ("ale", "jednak", "za to"),
    "ro": ("dar", "însă", "totuși"),
    "en": ("but", "however", "though"),
}
ADDITION = {"el": ("και",), "pl": ("i", "a"), "ro": ("și", "iar"), "en": ("and",)}
LABEL_BALANCE = 0.4
UNKNOWN = -100
"""Index that `cross_entropy` leaves out."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text with its targets.

    `ids` are the encoder's (special tokens, cut to MAX_LENGTH), `flat` the wide branch's (all tokens of the text). `scheme` and `allowed`
    are masks over the four sentiments, `emotions` and `known` values and mask over the fifteen emotions; `spans` are (first token,
    end token, polarity index, type index) in `ids`, -100 where unknown, all there are if `marked`; `stage` and `relation` are 0 for none
    and -100 where unknown, as `flags` (judgements and intents) are if `told` is not set. `somewhere` has groups of type indices, of each of
    which one is mentioned.
    """

    ids: tuple[int, ...]
    flat: tuple[int, ...]
    scheme: tuple[bool, ...]
    allowed: tuple[bool, ...]
    emotions: tuple[float, ...]
    known: tuple[bool, ...]
    spans: tuple[tuple[int, int, int, int], ...]
    weight: float
    marked: bool
    somewhere: tuple[tuple[int, ...], ...]
    told: bool
    stage: int
    relation: int
    flags: tuple[float, ...]


@dataclass(frozen=True)
class Targets:
    """The targets of a batch as tensors: masks [batch, 4], emotions and their mask [batch, 15], flags [batch, 14], all else [batch]."""

    scheme: torch.Tensor
    allowed: torch.Tensor
    emotions: torch.Tensor
    known: torch.Tensor
    weight: torch.Tensor
    told: torch.Tensor
    stage: torch.Tensor
    relation: torch.Tensor
    flags: torch.Tensor

    @classmethod
    def of(cls, examples: Sequence[Example], device: torch.device | None = None) -> Targets:
        """Stacks the examples' targets, on the device (None: the CPU)."""
        return cls(*(torch.tensor([getattr(example, field.name) for example in examples], device=device) for field in fields(cls)))


def training_documents(data: DataFolder) -> list[Document]:
    """All documents that may train the model."""
    written = [document for _, document in data.written() if not is_held_out(document.text)]
    own = [document for _, document in own_comments()]
    others = [document for document in data.documents("train") if document.dataset in SCHEMES]
    return with_phrases(others) + written + own + pattern_documents()


def one_round(documents: Sequence[Document], seed: int, others: float = 1.0) -> list[Document]:
    """The documents of one round: repeated or cut as their schemes say, some with typos, Greeklish copies, and joined contrasts.

    Of documents without touchpoints marked the share `others` takes part.
    """
    rng = random.Random(seed)
    by_set: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        by_set[document.dataset].append(document)
    chosen: list[Document] = []
    for name, members in by_set.items():
        rng.shuffle(members)
        for position, document in enumerate(members):
            repeats = copies(SCHEMES[name], position, rng.random())
            if not (document.marked or document.spans or document.somewhere) and rng.random() >= others:
                continue
            chosen += [document if copy == 0 and name in COMMENTS else _varied(document, rng) for copy in range(repeats)]
            if document.lang == "el":
                chosen += [greeklish(document, rng) for _ in range(repeats) if rng.random() < GREEKLISH_SHARE]
    return chosen + _joined(documents, rng)


def examples(documents: Sequence[Document], tokenizer: Tokenizer, schemes: Mapping[str, Scheme] = SCHEMES) -> list[Example]:
    """The documents as the model learns from them; `schemes` say how to read each data set."""
    cleaned = _read(documents)
    encoded = _encoded(documents, [text.text for text in cleaned], tokenizer)
    balance = _label_balance(documents)
    special = special_ids(tokenizer)
    found = []
    for document, text, encoding in zip(documents, cleaned, encoded, strict=True):
        scheme = schemes[document.dataset]
        allowed = scheme.allowed_sentiments(document)
        labels = FOUR if scheme.star_neutral else scheme.sentiments
        emotions = scheme.emotion_targets(document)
        weight = (0.25 + 0.75 * document.quality) * balance.get((document.dataset, document.sentiment), 1.0)
        spans = _token_spans(document, text, encoding)
        found.append(
            Example(
                ids=inside_window(encoding.ids, special),
                flat=tuple(encoding.ids),
                scheme=tuple(bool(allowed) and label in labels for label in SENTIMENTS),
                allowed=tuple(label in allowed for label in SENTIMENTS),
                emotions=tuple(emotions.get(label, 0.0) for label in EMOTIONS),
                known=tuple(label in emotions for label in EMOTIONS),
                spans=spans,
                weight=weight,
                marked=document.marked and len(encoding.ids) <= MAX_LENGTH - 2,
                somewhere=tuple(tuple(TOUCHPOINTS.index(name) for name in names) for names in document.somewhere),
                told=document.story is not None,
                **_story_targets(document.story),
            )
        )
    return found


def inside_window(ids: Sequence[int], special: tuple[int, int]) -> tuple[int, ...]:
    """Ids between the two special ones; of a long text the first two thirds and the last third of a window."""
    room = MAX_LENGTH - 2
    if len(ids) > room:
        first = int(room * HEAD_SHARE)
        ids = [*ids[:first], *ids[len(ids) - (room - first) :]]
    return (special[0], *ids, special[1])


def _read(documents: Sequence[Document]) -> list[CleanText]:
    """The texts cleaned; annotated Greek comments as the model will read them, Greeklish among them in Greek letters.

    Other sets' Greeklish copies stay as they are: what is mixed with another language may not be recognised.
    """
    cleaned = [clean(document.text) for document in documents]
    greek = [index for index, document in enumerate(documents) if document.lang == "el" and document.dataset in READ_AS_TYPED]
    for index, (text, _) in zip(greek, read([documents[index].text for index in greek], LanguageDetector()), strict=True):
        cleaned[index] = text
    return cleaned


def _encoded(documents: Sequence[Document], texts: Sequence[str], tokenizer: Tokenizer) -> list[Encoding]:
    """Encodings of the texts, with character offsets (which cost time) only where a document has spans."""
    marked = [index for index, document in enumerate(documents) if document.spans]
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    for index, encoding in zip(marked, tokenizer.encode_batch([texts[index] for index in marked], add_special_tokens=False), strict=True):
        encoded[index] = encoding
    return encoded


def _token_spans(document: Document, text: CleanText, encoding: Encoding) -> tuple[tuple[int, int, int, int], ...]:
    if not document.spans or len(encoding.ids) > MAX_LENGTH - 2:
        return ()
    begins = np.array([begin for begin, _ in encoding.offsets])
    found = []
    for span in document.spans:
        start, end = text.place(span.start, span.end)
        first, last = int(np.searchsorted(begins, start, "right")) - 1, int(np.searchsorted(begins, end, "left"))
        if 0 <= first < last:
            kind = UNKNOWN if span.type is None else TOUCHPOINTS.index(span.type)
            polarity = UNKNOWN if span.polarity is None else POLARITIES.index(span.polarity)
            found.append((first + 1, last + 1, polarity, kind))
    return tuple(found)


def _story_targets(story: Story | None) -> dict[str, Any]:
    """`stage`, `relation` and `flags` of an example."""
    if story is None:
        return {"stage": UNKNOWN, "relation": UNKNOWN, "flags": (0.0,) * (len(JUDGEMENTS) + len(INTENTS))}
    return {
        "stage": 1 + STAGES.index(story.stage) if story.stage else 0,
        "relation": 1 + RELATIONS.index(story.relation) if story.relation else 0,
        "flags": (*(float(one in story.judgements) for one in JUDGEMENTS), *(float(intent in story.intents) for intent in INTENTS)),
    }


def _label_balance(documents: Iterable[Document]) -> dict[tuple[str, str | None], float]:
    """Rare labels of a set weigh a little more: macro-averaged scores count each label alike."""
    counts = Counter((document.dataset, document.sentiment) for document in documents if document.sentiment)
    sizes: dict[str, list[int]] = defaultdict(list)
    for (name, _), count in counts.items():
        sizes[name].append(count)
    return {
        (name, label): float(np.clip((np.mean(sizes[name]) / count) ** LABEL_BALANCE, 0.6, 2.5)) for (name, label), count in counts.items()
    }


def greeklish(document: Document, rng: random.Random) -> Document:
    """The Greek document in Latin letters, in a style drawn at random, or as it is then read back; without its spans."""
    typed = transliterate(document.text, rng)
    return replace(document, text=in_greek(typed) if rng.random() < READ_BACK_SHARE else typed, spans=(), marked=False)


def _varied(document: Document, rng: random.Random) -> Document:
    return replace(document, text=with_typos(document.text, rng), spans=(), marked=False) if rng.random() < TYPO_SHARE else document


def _joined(documents: Sequence[Document], rng: random.Random) -> list[Document]:
    """Pairs of short texts: opposite ones are mixed, like ones stay what they are, and a neutral one changes nothing.

    Half of them are annotated comments, whose emotions and spans go together too.
    """
    found = []
    for lang in CONTRASTING:
        short = [document for document in documents if document.lang == lang and document.sentiment and len(document.text) < LONGEST_JOINED]
        comments = [document for document in short if document.dataset in COMMENTS]
        for pool, name in ((short, JOINED), (comments, JOINED_COMMENTS)):
            by_label = {label: [document for document in pool if document.sentiment == label] for label in SENTIMENTS}
            for _ in range(JOINED_PER_LANGUAGE if by_label["positive"] and by_label["negative"] else 0):
                found.append(_pair(by_label, name, rng))
    return found


def _pair(by_label: Mapping[str, Sequence[Document]], name: str, rng: random.Random) -> Document:
    """Two documents in one, drawn so that half of the pairs are mixed."""
    polar = ["positive", "negative"]
    rng.shuffle(polar)
    words: Mapping[str, Sequence[str]] = CONTRASTING
    draw, label = rng.random(), "mixed"
    if draw >= MIXED_PAIRS:
        words, label = ADDITION, polar[0]
        polar = [label, label]
        if name == JOINED_COMMENTS and draw >= 1.0 - NEUTRAL_PAIRS and by_label["neutral"]:
            polar[rng.randrange(2)] = "neutral"
    first, second = (rng.choice(by_label[one]) for one in polar)
    start = first.text.rstrip(" .!")
    start += f", {rng.choice(words[first.lang])} " if rng.random() < CONNECTED and "neutral" not in polar else ". "
    emotions: tuple[str, ...] | None = None
    spans: tuple[Span, ...] = ()
    if name == JOINED_COMMENTS:
        emotions = tuple({*(first.emotions or ()), *(second.emotions or ())})
        moved = (replace(span, start=span.start + len(start), end=span.end + len(start)) for span in second.spans)
        spans = (*(span for span in first.spans if span.end <= len(start)), *moved)
    return Document(start + second.text, first.lang, name, label, None, emotions, spans, 0.5, marked=name == JOINED_COMMENTS)
