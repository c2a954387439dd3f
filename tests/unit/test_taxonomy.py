"""The packaged taxonomy, and what is said about files that cannot be one."""

import pickle
from pathlib import Path

import pytest

from cxsentiment.errors import TaxonomyError
from cxsentiment.taxonomy import LABEL_LANGUAGES, PHRASE_LANGUAGES, Taxonomy
from tests.conftest import WALLET

GROUPS = {
    "channels": "store website mobile_app call_centre email chat social_media notifications self_service",
    "people": "staff sales technical_support management",
    "departments": "complaints billing legal",
    "journey": "advertising information price promotion ordering payment booking waiting delivery packaging installation account"
    " contract returns repair cancellation loyalty",
    "core": "product service facility food",
}

SMALL = """
name = "mine"
version = "3"
[groups.core]
description = "What is bought."
labels.en = "Core"
labels.pl = "Rdzeń"
[types.gadget]
group = "core"
description = "A gadget."
labels.en = "Gadget"
phrases.en = ["gadget", "clever thing"]
[types.gizmo]
group = "core"
description = "A gizmo."
labels.en = "Gizmo"
phrases.pl = ["gizmo", "żarówka"]
"""


def load(tmp_path: Path, content: str | bytes) -> Taxonomy:
    path = tmp_path / "mine.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return Taxonomy.load(path)


def test_packaged_types_and_groups() -> None:
    taxonomy = Taxonomy.default()
    assert list(taxonomy.groups) == list(GROUPS)
    assert list(taxonomy.types) == [name for names in GROUPS.values() for name in names.split()]
    assert all(taxonomy.group_of(name) == group for group, names in GROUPS.items() for name in names.split())


def test_packaged_types_have_labels_and_phrases_in_every_language() -> None:
    for kind in Taxonomy.default().types.values():
        assert tuple(kind.labels) == LABEL_LANGUAGES
        assert tuple(kind.phrases) == PHRASE_LANGUAGES
        assert all(len(kind.phrases[language]) >= 20 for language in LABEL_LANGUAGES), kind.name
        assert kind.phrases["el-Latn"]
        assert all(phrase.isascii() for phrase in kind.phrases["el-Latn"])


def test_default_is_read_once() -> None:
    assert Taxonomy.default() is Taxonomy.default()


def test_unknown_type_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(TaxonomyError, match=r"'shop'.*store, website"):
        Taxonomy.default().group_of("shop")


def test_own_file(tmp_path: Path) -> None:
    taxonomy = load(tmp_path, SMALL)
    assert (taxonomy.name, taxonomy.version) == ("mine", "3")
    assert taxonomy.group_of("gizmo") == "core"
    assert taxonomy.types["gadget"].phrases["en"] == ("gadget", "clever thing")
    assert taxonomy.types["gadget"].phrases["el"] == ()
    assert taxonomy.groups["core"].labels == {"el": "Core", "pl": "Rdzeń", "ro": "Core", "en": "Core"}


def test_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + SMALL.encode()) == load(tmp_path, SMALL)


def test_pickles() -> None:
    assert pickle.loads(pickle.dumps(Taxonomy.default())) == Taxonomy.default()


def test_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    plain = load(tmp_path, SMALL).fingerprint
    assert len(plain) == 64
    assert int(plain, 16)
    assert (
        load(tmp_path, "# a comment\n" + SMALL.replace('"gadget", "clever thing"', '\n  "clever thing",\n  "gadget",\n')).fingerprint
        == plain
    )
    assert load(tmp_path, SMALL.replace("clever", "smart")).fingerprint != plain
    assert load(tmp_path, SMALL.replace('"3"', '"4"')).fingerprint != plain


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version = "3"', "version = ", r"not valid TOML: .*line 3"),
        ('version = "3"', "", r"version: missing"),
        ('version = "3"', "version = 3", r"version: an integer where a string"),
        ("[types.gadget]", "[types.gadget]\n[types.gadget]", r"not valid TOML: .*line 9"),
        ('description = "A gadget."', "", r"types\.gadget\.description: missing"),
        ('description = "A gadget."', 'description = "  "', r"types\.gadget\.description: empty"),
        ('labels.en = "Gizmo"', 'labels.pl = "Gizmo"', r"types\.gizmo\.labels\.en: missing"),
        ('labels.en = "Gizmo"', 'labels.en = "Gizmo"\nlabels.de = "G"', r"types\.gizmo\.labels\.de: unknown language.*el, pl, ro, en"),
        ('labels.en = "Gizmo"', 'labels = "Gizmo"', r"types\.gizmo\.labels: a string where a table"),
        ('labels.en = "Gizmo"', 'labels.en = "Gizmo"\nphrase.en = []', r"types\.gizmo\.phrase: unknown key; choose from .*phrases"),
        ('group = "core"\ndescription = "A gizmo."', 'group = "cor"\ndescription = "A"', r"types\.gizmo\.group: no group 'cor'; .*core"),
        ("phrases.pl", "phrases.de", r"types\.gizmo\.phrases\.de: unknown language; choose from el, el-Latn, pl, ro, en"),
        ("phrases.pl = [", "phrases.pl = [7, ", r"types\.gizmo\.phrases\.pl\[0\]: an integer where a string"),
        ('"żarówka"', '""', r"types\.gizmo\.phrases\.pl\[1\]: empty"),
        ('"żarówka"', '"!?"', r"types\.gizmo\.phrases\.pl\[1\]: '!\?' has no letter"),
        ('["gizmo", "żarówka"]', '"gizmo"', r"types\.gizmo\.phrases\.pl: a string where an array"),
        ('phrases.pl = ["gizmo"', 'phrases.en = ["gadget"', r"types\.gizmo\.phrases\.en: 'gadget' is also in types\.gadget\.phrases\.en;"),
        ('phrases.pl = ["gizmo"', 'phrases.en = ["Clever  Thing"', r"is also in types\.gadget\.phrases\.en \(as 'clever thing'\)"),
        ("[types.gizmo]", "[types.Gizmo]", r"types\.Gizmo: a name must be lower-case"),
    ],
)
def test_bad_content_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(TaxonomyError, match=rf"mine\.toml(, line \d+)?: {message}" if not message.startswith("is also") else message):
        load(tmp_path, SMALL.replace(old, new))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "name: missing"),
        ('name = "a"\nversion = "1"\ngroups = []\ntypes = {}', "groups: an array where a table"),
        ('name = "a"\nversion = "1"\ngroups = {}\ntypes = {}', r"groups: empty; define at least one \[groups.NAME\]"),
        ('name = "a"\nversion = "1"\nextra = 1979-05-27', "extra: unknown key; choose from name, version, groups, types, modules"),
        ('name = "a"\nversion = "1"\n[groups]\na = 1979-05-27\n[types]', "groups.a: a date or time where a table"),
        ("name = " + "[" * 5000, "not valid TOML"),
        (SMALL.encode("iso-8859-16", "replace").replace(b"A gizmo", b"A giz\xb3mo"), r"not UTF-8 \(line"),
        (SMALL.encode("utf-16"), "not UTF-8"),
    ],
)
def test_bad_files(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(TaxonomyError, match=message):
        load(tmp_path, content)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"nowhere\.toml: cannot be read \(No such file"):
        Taxonomy.load(tmp_path / "nowhere.toml")
    with pytest.raises(TaxonomyError, match="cannot be read"):
        Taxonomy.load(str(tmp_path))


# ---- files that extend the packaged taxonomy ----------------------------------------------------------------------------------------


def test_a_file_that_extends_adds_a_type(tmp_path: Path) -> None:
    taxonomy = load(tmp_path, WALLET)
    assert list(taxonomy.types) == [*Taxonomy.default().types, "wallet"]
    assert taxonomy.types["wallet"].learnt == ()
    assert taxonomy.learnt == Taxonomy.default().learnt
    assert taxonomy.fingerprint != Taxonomy.default().fingerprint


def test_a_file_that_extends_changes_merges_and_removes(tmp_path: Path) -> None:
    changes = """
extends = "default"
name = "ours"
remove = ["legal"]
[types.store]
labels.en = "Branch"
phrases.en = ["our hub"]
[types.people]
merges = ["staff", "sales"]
labels.en = "People"
"""
    taxonomy = load(tmp_path, changes)
    packaged = Taxonomy.default()
    assert taxonomy.name == "ours"
    assert set(packaged.types) - set(taxonomy.types) == {"legal", "staff", "sales"}
    assert taxonomy.types["store"].labels["en"] == "Branch"
    assert taxonomy.types["store"].phrases["en"] == ("our hub", *packaged.types["store"].phrases["en"])
    people = taxonomy.types["people"]
    assert set(people.phrases["el"]) == {*packaged.types["staff"].phrases["el"], *packaged.types["sales"].phrases["el"]}
    assert (people.group, people.labels["en"]) == ("people", "People")
    assert people.learnt == ("staff", "sales")
    assert taxonomy.learnt["sales"] == "people"
    assert "legal" not in taxonomy.learnt


def test_a_complete_file_may_say_what_its_types_are_to_the_model(tmp_path: Path) -> None:
    assert load(tmp_path, SMALL).learnt == {}
    said = SMALL.replace('description = "A gadget."', 'description = "A gadget."\nlearnt = ["product", "food"]')
    assert load(tmp_path, said).learnt == {"product": "gadget", "food": "gadget"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('extends = "mine"', r", line 1: extends: 'mine' is no taxonomy; only \"default\""),
        ('extends = "default"\nremove = ["nothing"]', r", line 2: remove: no touchpoint type 'nothing'; choose from store"),
        ('extends = "default"\n[types.a]\nmerges = "staff"', r", line 3: types\.a\.merges: a string where an array"),
        ('extends = "default"\n[types.a]\ngroup = "x"\nmerges = ["staff"]', r", line 3: types\.a\.group: no group 'x'"),
        ('extends = "default"\n[types.a]\ngroup = "core"', r", line 2: types\.a\.description: missing"),
        ('extends = "default"\nextra = 1', r", line 2: extra: unknown key"),
        (WALLET + 'learnt = ["shop"]', r", line 8: types\.wallet\.learnt: no touchpoint type 'shop'"),
        (WALLET + 'learnt = ["staff"]', r", line 8: types\.wallet\.learnt: 'staff' is also learnt as 'staff'"),
    ],
)
def test_what_is_wrong_with_an_extending_file_is_named_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TaxonomyError, match=rf"mine\.toml{message}"):
        load(tmp_path, content)


def test_a_phrase_of_a_packaged_type_goes_over_to_a_type_of_the_file(tmp_path: Path) -> None:
    taxonomy = load(tmp_path, WALLET.replace('["e-wallet"]', '["Mobile App"]'))
    assert taxonomy.types["wallet"].phrases["en"] == ("Mobile App",)
    assert "mobile app" in Taxonomy.default().types["mobile_app"].phrases["en"]
    assert "mobile app" not in taxonomy.types["mobile_app"].phrases["en"]
    assert taxonomy.types["mobile_app"].phrases["el"] == Taxonomy.default().types["mobile_app"].phrases["el"]


def test_labels_that_a_file_does_not_give_stay(tmp_path: Path) -> None:
    taxonomy = load(tmp_path, 'extends = "default"\n[types.store]\nlabels.el = "Υποκατάστημα"\n[groups.core]\nlabels.en = "Heart"\n')
    packaged = Taxonomy.default()
    assert taxonomy.types["store"].labels == {**packaged.types["store"].labels, "el": "Υποκατάστημα"}
    assert taxonomy.groups["core"].labels == {**packaged.groups["core"].labels, "en": "Heart"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('remove = ["legal", "legal"]', "remove: 'legal' stands there twice"),
        ('[types.people]\nmerges = ["staff", "staff"]', r"types\.people\.merges: 'staff' stands there twice"),
    ],
)
def test_a_name_that_stands_twice_is_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(TaxonomyError, match=rf"mine\.toml, line \d: {message}"):
        load(tmp_path, f'extends = "default"\n{line}\n')
