"""Reading a taxonomy file, and saying what is wrong with one, and where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from cxsentiment.errors import TaxonomyError
from cxsentiment.results import EMOTIONS, TOUCHPOINTS
from cxsentiment.taxonomy import LABEL_LANGUAGES, PHRASE_LANGUAGES, ExperienceModule, Group, Taxonomy, TouchpointType
from cxsentiment.text import fold

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOP_KEYS = ("name", "version", "groups", "types")
_GROUP_KEYS = ("description", "labels")
_TYPE_KEYS = ("group", "description", "labels", "phrases")
_MODULE_KEYS = ("description", "labels")
_MODULE_LISTS = ("emotions", "touchpoints", "phrases")
_MISPLACED_STAR = re.compile(r"(?<![^\W_]{3})\*|\*(?=\S)")
_KEY = re.compile(r"([A-Za-z0-9_.-]+)(?:\[\d+\])?: ")
_HEADER = re.compile(r"\s*\[\s*([A-Za-z0-9_. -]+?)\s*\]")
_ASSIGNED = re.compile(r"\s*([A-Za-z0-9_. -]+?)\s*=")


def parse(content: bytes, packaged: bytes) -> Taxonomy:
    """The taxonomy that a file describes; `packaged` is what it may extend. Raises TaxonomyError whose text begins with the key."""
    table = _toml(content)
    if "extends" in table:
        table = _extended(_toml(packaged), table)
    _check_keys("", table, required=_TOP_KEYS, optional=(*_TOP_KEYS, "modules"))
    groups = {name: _group(name, value) for name, value in _named_tables("groups", table["groups"])}
    types = {name: _type(name, value, groups) for name, value in _named_tables("types", table["types"])}
    _check_phrases_unique(types)
    _check_learnt_unique(types)
    given = _named_tables("modules", table["modules"]) if "modules" in table else ()
    modules = {name: _module(name, value, types) for name, value in given}
    return Taxonomy(_text("name", table["name"]), _text("version", table["version"]), groups, types, modules)


def _toml(content: bytes) -> dict[str, Any]:
    try:
        # A byte order mark is what Windows editors put before UTF-8.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TaxonomyError(f"not UTF-8 (line {line}, byte {error.start}); save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise TaxonomyError(f"not valid TOML: {error}") from error
    except RecursionError as error:
        raise TaxonomyError("not valid TOML: arrays or tables nested too deeply") from error


def _extended(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The packaged tables with the changes of a file that extends them."""
    _check_keys("", changes, required=("extends",), optional=(*_TOP_KEYS, "modules", "remove"))
    if changes["extends"] != "default":
        raise TaxonomyError(f'extends: {changes["extends"]!r} is no taxonomy; only "default", the packaged one, can be extended')
    groups, types = dict(base["groups"]), dict(base["types"])
    for name, value in _named_tables("groups", changes["groups"]) if "groups" in changes else ():
        groups[name] = _changed(groups.get(name, {}), _table(f"groups.{name}", value))
    for name in _names("remove", changes.get("remove", []), types):
        del types[name]
    for name, value in _named_tables("types", changes["types"]) if "types" in changes else ():
        _change_type(types, name, dict(_table(f"types.{name}", value)))
    _take_over_phrases(types, changes.get("types", {}))
    used = {value.get("group") for value in types.values() if isinstance(value, dict)}
    kept = {name: value for name, value in groups.items() if name in used or name in changes.get("groups", {})}
    named = {key: changes.get(key, base[key]) for key in ("name", "version")}
    return {**named, "groups": kept, "types": types, "modules": _changed_modules(base, changes, types)}


def _changed_modules(base: Mapping[str, Any], changes: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """The packaged modules, of the types that are left or have taken the place of others, and those of a file that extends them."""
    merged = {one: name for name, value in changes.get("types", {}).items() for one in value.get("merges", ())}
    modules: dict[str, Any] = {}
    for name, value in base.get("modules", {}).items():
        touchpoints = dict.fromkeys(merged.get(one, one) for one in value.get("touchpoints", ()))
        modules[name] = {**value, "touchpoints": [one for one in touchpoints if one in types]}
    for name, value in _named_tables("modules", changes["modules"]) if "modules" in changes else ():
        table, before = _table(f"modules.{name}", value), modules.get(name, {})
        phrases = _table(f"modules.{name}.phrases", table.get("phrases", {}))
        known = before.get("phrases", {})
        both = {language: _added(known.get(language, []), phrases.get(language, [])) for language in (*known, *phrases)}
        modules[name] = {**_changed(before, table), "phrases": both}
    return modules


def _added(known: list[Any], given: Any) -> Any:
    return [*known, *(one for one in given if one not in known)] if isinstance(given, list) else given


def _change_type(types: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    """Adds a type, changes one, or puts one in the place of those that it merges."""
    key = f"types.{name}"
    merged = {one: types.pop(one) for one in _names(f"{key}.merges", value.pop("merges", []), types)}
    before: dict[str, Any] = types.get(name) or next(iter(merged.values()), {})
    known = [*([name] if name in types else []), *merged]
    phrases = dict(_table(f"{key}.phrases", value.get("phrases", {})))
    for source in (types.get(name), *merged.values()):
        for language, given in (source or {}).get("phrases", {}).items():
            own = phrases.get(language, [])
            phrases[language] = [*own, *(one for one in given if one not in own)] if isinstance(own, list) else own
    learnt = [one for one in known if one in TOUCHPOINTS]
    types[name] = {**_changed({**before, "learnt": learnt}, value), "phrases": phrases}


def _changed(before: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """A group or type with what a file says of it; of the labels, the languages that it gives."""
    labels = value.get("labels", {})
    kept = before.get("labels", {}) if isinstance(labels, dict) else {}
    return {**before, **value, **({"labels": {**kept, **labels}} if kept else {})}


def _take_over_phrases(types: dict[str, Any], changed: Mapping[str, Any]) -> None:
    """Takes the phrases that a file gives to its types away from the packaged types that had them."""
    for language in PHRASE_LANGUAGES:
        given = [table.get("phrases", {}) for table in changed.values() if isinstance(table, dict)]
        lists = [phrases.get(language, []) for phrases in given if isinstance(phrases, dict)]
        taken = {_folded(phrase) for phrases in lists if isinstance(phrases, list) for phrase in phrases if isinstance(phrase, str)}
        for name in [name for name in types if name not in changed] if taken else ():
            phrases = types[name]["phrases"]
            kept = [phrase for phrase in phrases.get(language, []) if _folded(phrase) not in taken]
            types[name] = {**types[name], "phrases": {**phrases, language: kept}}


def _names(key: str, value: Any, known: Mapping[str, Any], what: str = "touchpoint type") -> list[str]:
    """Names that there are."""
    if not isinstance(value, list):
        raise TaxonomyError(f"{key}: {_kind(value)} where an array of names is needed")
    for place, name in enumerate(value):
        if not isinstance(name, str) or name not in known:
            raise TaxonomyError(f"{key}: no {what} {name!r}; choose from {', '.join(known)}")
        if name in value[:place]:
            raise TaxonomyError(f"{key}: {name!r} stands there twice")
    return value


def position(content: bytes, message: str) -> str:
    r"""Where in a file the key stands that a message begins with, as ", line 7"; empty where the key is not in the file.

    >>> position(b'name = "x"\n[types.app]\ngroup = 1\n', "types.app.group: an integer where a string is needed")
    ', line 3'
    """
    found = _KEY.match(message)
    if not found:
        return ""
    wanted, header, best = found[1].split("."), [], (0, 0)
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        table, assigned = _HEADER.match(line), _ASSIGNED.match(line)
        if table:
            header = [part.strip() for part in table[1].split(".")]
        path = header if table else [*header, *(part.strip() for part in assigned[1].split("."))] if assigned else []
        if path and path == wanted[: len(path)] and len(path) > best[0]:
            best = len(path), number
    return f", line {best[1]}" if best[1] else ""


def _group(name: str, value: Any) -> Group:
    key = f"groups.{name}"
    table = _check_keys(key, value, required=_GROUP_KEYS)
    return Group(name, _text(f"{key}.description", table["description"]), _labels(f"{key}.labels", table["labels"]))


def _type(name: str, value: Any, groups: Mapping[str, Group]) -> TouchpointType:
    key = f"types.{name}"
    table = _check_keys(key, value, required=_TYPE_KEYS, optional=("learnt",))
    group = _text(f"{key}.group", table["group"])
    if group not in groups:
        raise TaxonomyError(f"{key}.group: no group {group!r}; choose from {', '.join(groups)}, or define [groups.{group}]")
    description = _text(f"{key}.description", table["description"])
    labels = _labels(f"{key}.labels", table["labels"])
    phrases = _phrases(f"{key}.phrases", table["phrases"])
    return TouchpointType(name, group, description, labels, phrases, _learnt(f"{key}.learnt", name, table))


def _module(name: str, value: Any, types: Mapping[str, Any]) -> ExperienceModule:
    key = f"modules.{name}"
    table = _check_keys(key, value, required=_MODULE_KEYS, optional=_MODULE_LISTS)
    phrases = _phrases(f"{key}.phrases", table.get("phrases", {}))
    for language, found in phrases.items():
        for place, phrase in enumerate(found):
            if _MISPLACED_STAR.search(phrase):
                raise TaxonomyError(
                    f"{key}.phrases.{language}[{place}]: {phrase!r}; * stands at the end of a word of three letters or more"
                )
    return ExperienceModule(
        name,
        _text(f"{key}.description", table["description"]),
        _labels(f"{key}.labels", table["labels"]),
        tuple(_names(f"{key}.emotions", table.get("emotions", []), dict.fromkeys(EMOTIONS), "emotion")),
        tuple(_names(f"{key}.touchpoints", table.get("touchpoints", []), types)),
        phrases,
    )


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


def _learnt(key: str, name: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    """The model's types that a type is: those it says, or the one of its name."""
    if "learnt" not in table:
        return (name,) if name in TOUCHPOINTS else ()
    return tuple(_names(key, table["learnt"], dict.fromkeys(TOUCHPOINTS)))


def _check_learnt_unique(types: Mapping[str, TouchpointType]) -> None:
    owners: dict[str, str] = {}
    for kind in types.values():
        for name in kind.learnt:
            if owners.setdefault(name, kind.name) != kind.name:
                raise TaxonomyError(f"types.{kind.name}.learnt: {name!r} is also learnt as {owners[name]!r}; keep it in one of them")


def _check_phrases_unique(types: Mapping[str, TouchpointType]) -> None:
    """The same phrase may stand under one type only, within a language; case, accents and spacing make no other phrase of it."""
    for language in PHRASE_LANGUAGES:
        owners: dict[str, tuple[str, str]] = {}
        for kind in types.values():
            for phrase in kind.phrases[language]:
                other, spelling = owners.setdefault(_folded(phrase), (kind.name, phrase))
                if other != kind.name:
                    as_spelled = "" if spelling == phrase else f" (as {spelling!r})"
                    key = f"types.{kind.name}.phrases.{language}"
                    raise TaxonomyError(
                        f"{key}: {phrase!r} is also in types.{other}.phrases.{language}{as_spelled}; keep it in one of them"
                    )


def _folded(phrase: str) -> str:
    return " ".join(fold(phrase).split())


def _named_tables(key: str, value: Any) -> list[tuple[str, Any]]:
    if not _table(key, value):
        raise TaxonomyError(f"{key}: empty; define at least one [{key}.NAME]")
    for name in value:
        if not _NAME.fullmatch(name):
            raise TaxonomyError(f"{key}.{name}: a name must be lower-case ASCII letters, digits and underscores, a letter first")
    return list(value.items())


def _check_keys(key: str, value: Any, *, required: Sequence[str] = (), optional: Sequence[str] = (), what: str = "key") -> dict[str, Any]:
    """The value as a table that has all `required` keys and no other than those and the `optional` ones."""
    table = _table(key, value)
    allowed = tuple(dict.fromkeys((*optional, *required)))
    path = f"{key}." if key else ""
    for name in table:
        if name not in allowed:
            raise TaxonomyError(f"{path}{name}: unknown {what}; choose from {', '.join(allowed)}")
    for name in required:
        if name not in table:
            raise TaxonomyError(f"{path}{name}: missing")
    return table


def _table(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TaxonomyError(f"{key}: {_kind(value)} where a table is needed")
    table: dict[str, Any] = value
    return table


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
