"""A text as our model and the phrases read it: cleaned, its language known, Greeklish in Greek letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cxsentiment.language import LanguageDetector
from cxsentiment.language.greek import restore
from cxsentiment.results import Language
from cxsentiment.text import CleanText, clean
from cxsentiment.touchpoints import Mention


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text on its way to a model: cleaned, with its language and the taxonomy's phrases in it."""

    clean: CleanText
    language: Language
    phrases: tuple[Mention, ...]


def read(texts: Sequence[str], detector: LanguageDetector) -> list[tuple[CleanText, Language]]:
    """Each text cleaned, with its language, in order; the map back to the original holds through every change."""
    cleaned = [clean(text) for text in texts]
    languages = detector.detect_batch([one.text for one in cleaned])
    return [
        (one.rewritten(restore(one.text)) if is_greeklish(language) else one, language)
        for one, language in zip(cleaned, languages, strict=True)
    ]


def is_greeklish(language: Language) -> bool:
    """Whether a text is Greek in Latin letters."""
    return language.code == "el" and language.script == "Latn"
