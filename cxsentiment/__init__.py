"""Understanding what customers say, in Greek, Polish, Romanian and English: language, sentiment, emotions, touchpoints."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cxsentiment.errors import CxError, InputError, MissingExtraError, ModelError, OptionError, OutputError, TaxonomyError
from cxsentiment.language import LanguageDetector
from cxsentiment.results import Analysis, Emotion, Language, LanguageSpan, Quality, Sentiment, Touchpoint
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.text import clean

if TYPE_CHECKING:
    from cxsentiment.analyzer import Analyzer
    from cxsentiment.frames import score_frame

__version__ = version("cxsentiment")

__all__ = [
    "Analysis",
    "Analyzer",
    "CxError",
    "Emotion",
    "InputError",
    "Language",
    "LanguageDetector",
    "LanguageSpan",
    "MissingExtraError",
    "ModelError",
    "OptionError",
    "OutputError",
    "Quality",
    "Sentiment",
    "Taxonomy",
    "TaxonomyError",
    "Touchpoint",
    "__version__",
    "clean",
    "score_frame",
]


def __getattr__(name: str) -> Any:
    """`Analyzer` and `score_frame` on first use: they bring torch, which language detection and reading results do without."""
    if name == "Analyzer":
        from cxsentiment.analyzer import Analyzer

        return Analyzer
    if name == "score_frame":
        from cxsentiment.frames import score_frame

        return score_frame
    raise AttributeError(f"module 'cxsentiment' has no attribute {name!r}")
