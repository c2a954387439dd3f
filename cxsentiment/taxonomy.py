"""The touchpoint taxonomy: types, groups, labels and phrases.

The packaged one is `Taxonomy.default()`; one of your own, which may extend it, is loaded with `Taxonomy.load(path)`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from cxsentiment.errors import TaxonomyError

LABEL_LANGUAGES = ("el", "pl", "ro", "en")
PHRASE_LANGUAGES = ("el", "el-Latn", "pl", "ro", "en")
"""Keys under `phrases`; `el-Latn` is Greek in Latin letters."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of touchpoint types; `labels` has every language of `LABEL_LANGUAGES`."""

    name: str
    description: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TouchpointType:
    """One touchpoint type; `labels` has every language of `LABEL_LANGUAGES`, `phrases` every one of `PHRASE_LANGUAGES`.

    `learnt`: the model's types (`results.TOUCHPOINTS`) that are this one; none for a type that only phrases can find.
    """

    name: str
    group: str
    description: str
    labels: Mapping[str, str]
    phrases: Mapping[str, tuple[str, ...]]
    learnt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExperienceModule:
    """What an experience speaks to: emotions, touchpoint types and phrases that tell it; labels and phrases as of a type.

    A word of a phrase may end in `*`, for any ending.
    """

    name: str
    description: str
    labels: Mapping[str, str]
    emotions: tuple[str, ...]
    touchpoints: tuple[str, ...]
    phrases: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Taxonomy:
    """Touchpoint types and their groups, and experience modules, by name and in the order of the file."""

    name: str
    version: str
    groups: Mapping[str, Group]
    types: Mapping[str, TouchpointType]
    modules: Mapping[str, ExperienceModule] = field(default_factory=dict)

    @classmethod
    def default(cls) -> Taxonomy:
        """The taxonomy that ships with the package, read once."""
        return _default()

    @classmethod
    def load(cls, path: str | Path) -> Taxonomy:
        """Reads a taxonomy file: a complete one in the format of the packaged `taxonomy.toml`, or one that extends that.

        With `extends = "default"` at its top, a file says only what is different: types and groups of its own are added, one that is there
        already gets what the file says (its phrases come to those it has), a type with `merges = ["staff", "sales"]` takes the place of
        these, and those in `remove = ["legal"]` are left out. Experience modules are added and changed like types. A label that is
        missing is taken from `labels.en`; `phrases` may leave languages out.

        Raises TaxonomyError with the file, the line and the key.
        """
        from cxsentiment.taxonomy_file import parse, position

        content = b""
        try:
            content = Path(path).read_bytes()
            return parse(content, _packaged())
        except OSError as error:
            raise TaxonomyError(f"{path}: cannot be read ({error.strerror or error}); give the path of a taxonomy file") from error
        except TaxonomyError as error:
            raise TaxonomyError(f"{path}{position(content, str(error))}: {error}") from error

    def group_of(self, type_name: str) -> str:
        """Name of the group of a type. Raises TaxonomyError for a type that is not in the taxonomy."""
        if type_name not in self.types:
            raise TaxonomyError(f"no touchpoint type {type_name!r}; choose from {', '.join(self.types)}")
        return self.types[type_name].group

    @cached_property
    def learnt(self) -> Mapping[str, str]:
        """The type here for each of the model's types that the taxonomy has."""
        return {name: kind.name for kind in self.types.values() for name in kind.learnt}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content that scoring depends on, in hexadecimal.

        Comments, layout and the order of phrases in the file do not change it, nor do experience modules, which serve measuring.
        """
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
    from cxsentiment.taxonomy_file import parse

    return parse(_packaged(), _packaged())


def _packaged() -> bytes:
    return (files("cxsentiment") / "taxonomy.toml").read_bytes()


def _sorted_phrases(kind: dict[str, Any]) -> dict[str, Any]:
    return {**kind, "phrases": {language: sorted(phrases) for language, phrases in kind["phrases"].items()}}
