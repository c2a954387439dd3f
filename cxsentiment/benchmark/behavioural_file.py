"""Reads a file of behavioural tests, one of ours (`cxsentiment/benchmark/behaviour/LANGUAGE.toml`) or a user's own.

An own file has the same form. It may hold any of the tests of `behavioural_table.WRITTEN`, by their names, and others, which must name
the capability that they test::

    language = "en"

    [slots]                                        # values of {name} in the templates; each slot must be used
    agent = ["the agent", "your colleague"]
    town = ["Leeds", "York", "Hull"]

    [[tests]]                                      # the label of each sentence must be one of `expect`
    name = "call-backs"
    capability = "our call centre"
    expect = ["negative"]
    templates = ["I was promised a call-back by {agent}, and nobody called."]

    [[tests]]                                      # the label must be the same for any two values of the slot `swap`
    name = "branches swapped"
    capability = "our call centre"
    swap = "town"
    templates = ["{agent} in {town} was rude."]    # or, instead of swap and templates: groups = [["one text", "another", ...], ...]

    [[tests]]                                      # the polarity must move so: "up", "down", "not up" or "not down"
    name = "apology"
    capability = "our call centre"
    direction = "up"
    pairs = [["The parcel is lost.", "The parcel is lost, but they sent a new one at once, wonderful!"]]

    [sentences]                                    # optional: plain sentences by label, which program changes (typos, capitals, ...)
    negative = ["The parcel came late and the box was torn."]

    [additions]                                    # optional: what is added to these sentences; `links` are links, @mentions, #hashtags
    before = ["I ordered on Monday."]
    after = ["Sent from York."]
    links = ["https://example.com/order", "@example", "#parcel"]

`run_cases(predict, cases_of(read(Path("ours.toml"))))` runs it.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxsentiment.benchmark.behavioural_table import ADDED, CHANGED, DIRECTIONAL, DIRECTIONS, SAME, WRITTEN, Expectation, kind_of
from cxsentiment.errors import InputError, OptionError
from cxsentiment.results import SENTIMENTS

FOLDER = Path(__file__).parent / "behaviour"
SLOT = re.compile(r"\{(\w+)\}")
FORMS = ({"expect", "templates"}, {"swap", "templates"}, {"groups"}, {"direction", "pairs"})
_WRITTEN = {test.name: test for test in WRITTEN}
_MADE = {test.name for test in (*CHANGED, *ADDED)}
_LANGUAGE = re.compile("[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class BehaviouralTest:
    """A written test: either `templates`, of which `swap` may name the slot to swap, or whole texts in `groups` (or pairs)."""

    capability: str
    name: str
    expect: Expectation
    templates: tuple[str, ...] = ()
    swap: str | None = None
    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def kind(self) -> str:
        """Minimum functionality, invariance or directional."""
        return kind_of(self.expect)


@dataclass(frozen=True, slots=True)
class BehaviourFile:
    """What a file holds.

    `sentences` by label. `additions` by what they are: `before`, `after`, `link`, `mention`, `hashtag`.
    """

    language: str
    tests: tuple[BehaviouralTest, ...]
    slots: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sentences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    additions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def packaged(language: str) -> BehaviourFile:
    """Our file of that language. Raises OptionError where there is none."""
    path = FOLDER / f"{language}.toml"
    known = sorted(one.stem for one in FOLDER.glob("*.toml"))
    if language not in known:
        raise OptionError(f"there are no behavioural tests in language {language!r}; there are in {', '.join(known) or 'none'}")
    return read(path)


def read(path: Path) -> BehaviourFile:
    """The file, checked. Raises InputError that names the file, and the test where one is wrong."""
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}") from None
    try:
        return _file(plain)
    except _WrongError as error:
        raise InputError(f"{path}: {error}") from None


class _WrongError(Exception):
    """What is wrong, still without the name of the file."""


def _require(fine: bool, message: str) -> None:
    if not fine:
        raise _WrongError(message)


def _file(plain: Mapping[str, Any]) -> BehaviourFile:
    _only(plain, {"language", "slots", "tests", "sentences", "additions"}, "the file")
    language = plain.get("language")
    _require(isinstance(language, str) and bool(_LANGUAGE.fullmatch(language)), 'language must be an ISO 639 code, such as "pl"')
    slots = {name: _texts(values, f"slot {name!r}") for name, values in _table(plain, "slots").items()}
    sentences = _labelled(_table(plain, "sentences"))
    additions = _additions(_table(plain, "additions"))
    listed = plain.get("tests", [])
    _require(isinstance(listed, list) and all(isinstance(one, dict) for one in listed), "tests must be written as [[tests]]")
    tests = tuple(_test(one, slots) for one in listed)
    repeated = [name for name, count in Counter(test.name for test in tests).items() if count > 1]
    _require(not repeated, f"test {', '.join(map(repr, repeated))} is there more than once; names must be unique")
    _require(bool(tests or sentences), "there are neither tests nor sentences")
    used = {slot for test in tests for template in test.templates for slot in SLOT.findall(template)}
    unused = sorted(slots.keys() - used)
    _require(not unused, f"no template has slot {', '.join(map(repr, unused))}; use or delete it")
    return BehaviourFile(str(language), tests, slots, sentences, additions)


def _test(plain: Mapping[str, Any], slots: Mapping[str, Sequence[str]]) -> BehaviouralTest:
    name = plain.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _WrongError("a test has no name")
    where = f"test {name!r}"
    _require(name not in _MADE, f"{where}: the program makes the test of this name; choose another")
    keys = plain.keys() - {"name", "capability"}
    if keys not in FORMS:
        forms = "; ".join(" and ".join(sorted(form)) for form in FORMS)
        raise _WrongError(f"{where} has {', '.join(sorted(keys)) or 'no texts'}; a test has one of: {forms}")
    expect = _expectation(plain, where)
    capability = _capability(name, plain.get("capability"), expect)
    if "templates" not in plain:
        groups = _groups(plain["pairs" if "pairs" in plain else "groups"], kind_of(expect) == DIRECTIONAL, where)
        return BehaviouralTest(capability, name, expect, groups=groups)
    templates = _texts(plain["templates"], f"{where}: templates")
    for template in templates:
        _check_slots(template, slots, where)
    if "swap" in plain:
        _check_swap(plain["swap"], templates, slots, where)
    return BehaviouralTest(capability, name, expect, templates, plain.get("swap"))


def _expectation(plain: Mapping[str, Any], where: str) -> Expectation:
    if "expect" in plain:
        expect = _texts(plain["expect"], f"{where}: expect")
        _require(set(expect) <= set(SENTIMENTS), f"{where}: expect must be some of {', '.join(SENTIMENTS)}, not {', '.join(expect)}")
        return expect
    if "direction" in plain:
        direction = plain["direction"]
        _require(direction in DIRECTIONS, f"{where}: direction must be one of {', '.join(DIRECTIONS)}, not {direction!r}")
        return str(direction)
    return SAME


def _capability(name: str, given: object, expect: Expectation) -> str:
    """That of the table; of a test that is not there the one given."""
    known = _WRITTEN.get(name)
    if known is None:
        if not isinstance(given, str) or not given.strip():
            raise _WrongError(f"test {name!r} is none of the known ones: name the capability that it tests, or mend its name")
        return given
    _require(given in (None, known.capability), f"test {name!r} belongs to the capability {known.capability!r}: leave capability out")
    as_known = expect == known.expect if isinstance(expect, str) else set(expect) == set(known.expect)
    wanted = known.expect if isinstance(known.expect, str) else " or ".join(known.expect)
    _require(as_known, f"test {name!r} ({known.kind}) must expect {wanted}; give a test with another expectation a name of its own")
    return known.capability


def _check_slots(template: str, slots: Mapping[str, Sequence[str]], where: str) -> None:
    undefined = [slot for slot in SLOT.findall(template) if slot not in slots]
    _require(not undefined, f"{where}: slot {', '.join(map(repr, undefined))} of {template!r} is not defined in [slots]")
    _require(not re.search("[{}]", SLOT.sub("", template)), f"{where}: a brace in {template!r} belongs to no {{slot}}")


def _check_swap(swap: object, templates: Sequence[str], slots: Mapping[str, Sequence[str]], where: str) -> None:
    if not isinstance(swap, str) or swap not in slots:
        raise _WrongError(f"{where}: swap names {swap!r}, which is not defined in [slots]")
    _require(len(slots[swap]) > 1, f"{where}: slot {swap!r} has one value; swapping needs two")
    for template in templates:
        _require(SLOT.findall(template).count(swap) == 1, f"{where}: {template!r} must have {{{swap}}} exactly once")


def _groups(plain: object, pairs: bool, where: str) -> tuple[tuple[str, ...], ...]:
    called = "pair" if pairs else "group"
    _require(isinstance(plain, list) and bool(plain), f"{where}: {called}s must be a list of lists of texts, at least one")
    assert isinstance(plain, list)
    groups = tuple(_texts(group, f"{where}: {called} {number}") for number, group in enumerate(plain, 1))
    for number, group in enumerate(groups, 1):
        _require(len(group) == 2 if pairs else len(group) > 1, f"{where}: {called} {number} has {len(group)} texts")
    _require(len(set(groups)) == len(groups), f"{where}: a {called} is there more than once")
    return groups


def _labelled(plain: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    _only(plain, SENTIMENTS, "[sentences]")
    return {label: _texts(texts, f"sentences, {label}") for label, texts in plain.items()}


def _additions(plain: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """`links` are told apart by how they begin."""
    _only(plain, ("before", "after", "links"), "[additions]")
    found = {name: _texts(texts, f"additions, {name}") for name, texts in plain.items()}
    kinds: dict[str, list[str]] = {}
    for text in found.pop("links", ()):
        kinds.setdefault({"@": "mention", "#": "hashtag"}.get(text[0], "link"), []).append(text)
    return found | {kind: tuple(texts) for kind, texts in kinds.items()}


def _table(plain: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = plain.get(name, {})
    if not isinstance(table, dict):
        raise _WrongError(f"{name} must be written as [{name}]")
    return table


def _texts(plain: object, where: str) -> tuple[str, ...]:
    """A list of at least one text, none empty or repeated."""
    if not isinstance(plain, list) or not plain or not all(isinstance(text, str) and text.strip() for text in plain):
        raise _WrongError(f"{where} must be a list of texts, none of them empty")
    repeated = [text for text, count in Counter(plain).items() if count > 1]
    _require(not repeated, f"{where}: {', '.join(map(repr, repeated))} is there more than once")
    return tuple(plain)


def _only(plain: Mapping[str, Any], known: Sequence[str] | set[str], where: str) -> None:
    unknown = sorted(plain.keys() - set(known))
    _require(not unknown, f"{where} has the unknown key {', '.join(map(repr, unknown))}; known are {', '.join(sorted(known))}")
