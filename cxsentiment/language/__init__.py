"""Which language a text is in: `LanguageDetector`."""

from cxsentiment.language.detector import DEFAULT_PRIORS, LanguageDetector
from cxsentiment.language.greeklish import transliterate
from cxsentiment.language.profiles import available_languages

__all__ = ["DEFAULT_PRIORS", "LanguageDetector", "available_languages", "transliterate"]
