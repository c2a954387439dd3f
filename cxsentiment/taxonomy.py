"""The touchpoint taxonomy: types, groups, labels and phrases, read from one TOML file.

The packaged file is `Taxonomy.default()`; a changed copy of it is loaded with `Taxonomy.load(path)`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from cxsentiment.errors import TaxonomyError
from cxsentiment.text import fold

LABEL_LANGUAGES = ("el", "pl", "ro", "en")
PHRASE_LANGUAGES = ("el", "el-Latn", "pl", "ro", "en")
"""Keys under `phrases`; `el-Latn` is Greek in Latin letters."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOP_KEYS = ("name", "version", "groups", "types")
_GROUP_KEYS = ("description", "labels")
_TYPE_KEYS = ("group", "description", "labels", "phrases")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of touchpoint types; `labels` has every language of `LABEL_LANGUAGES`."""

    name: str
    description: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TouchpointType:
    """One touchpoint type; `labels` has every language of `LABEL_LANGUAGES`, `phrases` every one of `PHRASE_LANGUAGES`."""

    name: str
    group: str
    description: str
    labels: Mapping[str, str]
    phrases: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Taxonomy:
    """Touchpoint types and their groups, by name and in the order of the file."""

    name: str
    version: str
    groups: Mapping[str, Group]
    types: Mapping[str, TouchpointType]

    @classmethod
    def default(cls) -> Taxonomy:
        """The taxonomy that ships with the package, read once."""
        return _default()

    @classmethod
    def load(cls, path: str | Path) -> Taxonomy:
        """Reads a taxonomy file: a complete one, in the format of the packaged `taxonomy.toml`.

        A label that is missing is taken from `labels.en`, which must be there; `phrases` may leave languages out.

        Raises TaxonomyError with the file and the key, or the line if it is not valid TOML.
        """
        try:
            return _parsed(Path(path).read_bytes())
        except OSError as error:
            raise TaxonomyError(f"{path}: cannot be read ({error.strerror or error}); give the path of a taxonomy file") from error
        except TaxonomyError as error:
            raise TaxonomyError(f"{path}: {error}") from error

    def group_of(self, type_name: str) -> str:
        """Name of the group of a type. Raises TaxonomyError for a type that is not in the taxonomy."""
        if type_name not in self.types:
            raise TaxonomyError(f"no touchpoint type {type_name!r}; choose from {', '.join(self.types)}")
        return self.types[type_name].group

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content, in hexadecimal; comments, layout and the order of phrases in the file do not change it."""
        content = {
            "name": self.name,
            "version": self.version,
            "groups": [asdict(group) for group in self.groups.values()],
            "types": [_sorted_phrases(asdict(kind)) for kind in self.types.values()],
        }
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


@cache
def _default() -> Taxonomy:
    return _parsed((files("cxsentiment") / "taxonomy.toml").read_bytes())


def _sorted_phrases(kind: dict[str, Any]) -> dict[str, Any]:
    return {**kind, "phrases": {language: sorted(phrases) for language, phrases in kind["phrases"].items()}}


# ---- reading the file -----------------------------------------------------------------------------------------------------------


def _parsed(content: bytes) -> Taxonomy:
    try:
        # A byte order mark is what Windows editors put before UTF-8.
        table = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TaxonomyError(f"not UTF-8 (line {line}, byte {error.start}); save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise TaxonomyError(f"not valid TOML: {error}") from error
    except RecursionError as error:
        raise TaxonomyError("not valid TOML: arrays or tables nested too deeply") from error
    _check_keys("", table, required=_TOP_KEYS)
    groups = {name: _group(name, value) for name, value in _named_tables("groups", table["groups"])}
    types = {name: _type(name, value, groups) for name, value in _named_tables("types", table["types"])}
    _check_phrases_unique(types)
    return Taxonomy(_text("name", table["name"]), _text("version", table["version"]), groups, types)


def _group(name: str, value: Any) -> Group:
    key = f"groups.{name}"
    table = _check_keys(key, value, required=_GROUP_KEYS)
    return Group(name, _text(f"{key}.description", table["description"]), _labels(f"{key}.labels", table["labels"]))


def _type(name: str, value: Any, groups: Mapping[str, Group]) -> TouchpointType:
    key = f"types.{name}"
    table = _check_keys(key, value, required=_TYPE_KEYS)
    group = _text(f"{key}.group", table["group"])
    if group not in groups:
        raise TaxonomyError(f"{key}.group: no group {group!r}; choose from {', '.join(groups)}, or define [groups.{group}]")
    description = _text(f"{key}.description", table["description"])
    labels = _labels(f"{key}.labels", table["labels"])
    return TouchpointType(name, group, description, labels, _phrases(f"{key}.phrases", table["phrases"]))


def _labels(key: str, value: Any) -> dict[str, str]:
    table = _check_keys(key, value, required=("en",), optional=LABEL_LANGUAGES, what="language")
    given = {language: _text(f"{key}.{language}", label) for language, label in table.items()}
    return {language: given.get(language, given["en"]) for language in LABEL_LANGUAGES}


def _phrases(key: str, value: Any) -> dict[str, tuple[str, ...]]:
    table = _check_keys(key, value, optional=PHRASE_LANGUAGES, what="language")
    for language, phrases in table.items():
        if not isinstance(phrases, list):
            raise TaxonomyError(f"{key}.{language}: {_kind(phrases)} where an array of strings is needed")
        for place, phrase in enumerate(phrases):
            _text(f"{key}.{language}[{place}]", phrase)
            if not any(character.isalnum() for character in phrase):
                raise TaxonomyError(f"{key}.{language}[{place}]: {phrase!r} has no letter or digit to look for")
    return {language: tuple(table.get(language, ())) for language in PHRASE_LANGUAGES}


def _check_phrases_unique(types: Mapping[str, TouchpointType]) -> None:
    """The same phrase may stand under one type only, within a language; case, accents and spacing make no other phrase of it."""
    for language in PHRASE_LANGUAGES:
        owners: dict[str, tuple[str, str]] = {}
        for kind in types.values():
            for phrase in kind.phrases[language]:
                other, spelling = owners.setdefault(" ".join(fold(phrase).split()), (kind.name, phrase))
                if other != kind.name:
                    as_spelled = "" if spelling == phrase else f" (as {spelling!r})"
                    key = f"types.{kind.name}.phrases.{language}"
                    raise TaxonomyError(
                        f"{key}: {phrase!r} is also in types.{other}.phrases.{language}{as_spelled}; keep it in one of them"
                    )


def _named_tables(key: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise TaxonomyError(f"{key}: {_kind(value)} where a table is needed")
    if not value:
        raise TaxonomyError(f"{key}: empty; define at least one [{key}.NAME]")
    for name in value:
        if not _NAME.fullmatch(name):
            raise TaxonomyError(f"{key}.{name}: a name must be lower-case ASCII letters, digits and underscores, a letter first")
    return list(value.items())


def _check_keys(key: str, value: Any, *, required: Sequence[str] = (), optional: Sequence[str] = (), what: str = "key") -> dict[str, Any]:
    """The value as a table that has all `required` keys and no other than those and the `optional` ones."""
    if not isinstance(value, dict):
        raise TaxonomyError(f"{key}: {_kind(value)} where a table is needed")
    allowed = tuple(dict.fromkeys((*optional, *required)))
    path = f"{key}." if key else ""
    for name in value:
        if name not in allowed:
            raise TaxonomyError(f"{path}{name}: unknown {what}; choose from {', '.join(allowed)}")
    for name in required:
        if name not in value:
            raise TaxonomyError(f"{path}{name}: missing")
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TaxonomyError(f"{key}: {_kind(value)} where a string is needed")
    if not value.strip():
        raise TaxonomyError(f"{key}: empty")
    return value


def _kind(value: Any) -> str:
    """What a TOML value is, in the words of the TOML specification."""
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table"}
    return names.get(type(value), "a date or time")
