"""What the report says, in Greek, Polish, Romanian and English: a file of words each; numbers, days, names of languages are Babel's."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from cxsentiment.errors import MissingExtraError, OptionError
from cxsentiment.printable import plain
from cxsentiment.taxonomy import Taxonomy

if TYPE_CHECKING:
    from babel import Locale

REPORT_LANGUAGES: Final = ("el", "pl", "ro", "en")
SMALL: Final = 0.0095
"""Shares below are told in tenths of a percent."""

MISSING: Final = "–"
"""Stands for a figure that there is not."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language; made by `Wording.of`. `taxonomy` names the touchpoints."""

    language: str
    words: Mapping[str, Mapping[str, str]]
    taxonomy: Taxonomy

    @classmethod
    def of(cls, language: str, taxonomy: Taxonomy | None = None) -> Wording:
        """Raises OptionError for a language that the report does not speak, MissingExtraError without Babel."""
        if language not in REPORT_LANGUAGES:
            raise OptionError(f"the report does not speak {language!r}; choose from {', '.join(REPORT_LANGUAGES)}")
        if find_spec("babel") is None:
            raise MissingExtraError("the report writes numbers and days with Babel: pip install 'cxsentiment[report]'")
        return cls(language, read_words(language), taxonomy or Taxonomy.default())

    def __call__(self, key: str, **values: object) -> str:
        """The words of `section.key`, the values put in."""
        section, name = key.split(".")
        return self.words[section][name].format(**values)

    def name(self, kind: str, value: str | None) -> str:
        """What a value of a dimension is called; null is the word for unknown.

        `kind` is sentiment, emotion, stage, quality, relation, intent, touchpoint, group, module, language, or anything else, whose values
        are their own names.
        """
        if value is None or (kind == "language" and value == "und"):
            return self("page.unknown")
        if kind == "language":
            return self.locale.languages.get(value) or plain(value)
        if kind in ("touchpoint", "group", "module"):
            labels = self._labels(kind).get(value)
            return plain(value) if labels is None else labels[self.language]
        return self.words.get("qualities" if kind == "quality" else f"{kind}s", {}).get(value, plain(value) or MISSING)

    def dimension(self, name: str) -> str:
        """What a dimension is called in the plural; a segment is called by its own name."""
        return self.words["dimensions"].get(name, plain(name))

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number with the separators of the language, a real minus sign, and so many digits after the point."""
        from babel.numbers import format_decimal

        if value is None or math.isnan(value):
            return MISSING
        return _signed(format_decimal(round(value, digits) + 0.0, "#,##0" + "." * bool(digits) + "0" * digits, locale=self.locale))

    def percent(self, share: float | None) -> str:
        """A share of 1 as whole percent; below one percent in tenths."""
        from babel.numbers import format_percent

        if share is None or math.isnan(share):
            return MISSING
        if 0.0 < abs(share) < SMALL:
            return _signed(format_percent(round(share, 3) + 0.0, _tenths(self.locale), locale=self.locale))
        return _signed(format_percent(round(share, 2) + 0.0, locale=self.locale))

    def points(self, net: float | None) -> str:
        """Net sentiment, or a difference of two, in points with its sign: 0.123 is +12."""
        if net is None or math.isnan(net):
            return MISSING
        whole = round(100 * net)
        return ("+" if whole > 0 else "") + self.number(whole)

    def day(self, day: date | None) -> str:
        """A day as it is usually written: 9 Nov 2026."""
        from babel.dates import format_date

        return MISSING if day is None else format_date(day, "medium", locale=self.locale)

    def span(self, first: date | None, last: date | None) -> str:
        """From a day to another."""
        return MISSING if first is None or last is None else f"{self.day(first)} – {self.day(last)}"

    def _labels(self, kind: str) -> Mapping[str, Mapping[str, str]]:
        taxonomy = self.taxonomy
        if kind == "touchpoint":
            return {name: one.labels for name, one in taxonomy.types.items()}
        if kind == "group":
            return {name: one.labels for name, one in taxonomy.groups.items()}
        return {name: one.labels for name, one in taxonomy.modules.items()}

    @property
    def locale(self) -> Locale:
        """Babel's, for charts and tables."""
        from babel import Locale

        return Locale.parse("en_GB" if self.language == "en" else self.language)


@cache
def read_words(language: str) -> Mapping[str, Mapping[str, str]]:
    """The words of a language by section."""
    file = resources.files("cxsentiment.report") / "words" / f"{language}.toml"
    words: dict[str, dict[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    return words


def _tenths(locale: Locale) -> str:
    """The pattern of percents with a tenth."""
    pattern: str = locale.percent_formats[None].pattern
    return pattern.replace("##0", "##0.0")


def _signed(number: str) -> str:
    return number.replace("-", "−")
