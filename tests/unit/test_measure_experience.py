"""Experience modules: in the taxonomy file, and measured."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("duckdb")

from cxsentiment.errors import TaxonomyError
from cxsentiment.measure import experience_modules, open_scored
from cxsentiment.measure.experience import NEVER, phrase_pattern
from cxsentiment.results import error_row, to_arrow
from cxsentiment.taxonomy import LABEL_LANGUAGES, PHRASE_LANGUAGES, Taxonomy
from cxsentiment.text import fold

MODULES = ("sensory", "emotional", "intellectual", "behavioural", "relational")
OWN = """
extends = "default"
remove = ["food"]
[types.people]
merges = ["staff", "sales"]
description = "All of them."
labels.en = "People"
[modules.sensory]
phrases.en = ["crunch*"]
[modules.playful]
description = "Play."
labels.en = "Playful"
emotions = ["joy"]
touchpoints = ["people"]
phrases.pl = ["zabaw*", "gra na czas"]
"""


def loaded(tmp_path: Path, content: str) -> Taxonomy:
    path = tmp_path / "own.toml"
    path.write_text(content, encoding="utf-8")
    return Taxonomy.load(path)


def test_packaged_modules() -> None:
    taxonomy = Taxonomy.default()
    assert tuple(taxonomy.modules) == MODULES
    for module in taxonomy.modules.values():
        assert tuple(module.labels) == LABEL_LANGUAGES
        assert tuple(module.phrases) == PHRASE_LANGUAGES
        assert all(len(set(map(fold, module.phrases[one]))) == len(module.phrases[one]) >= 9 for one in PHRASE_LANGUAGES), module.name
        assert module.emotions or module.touchpoints


def test_own_modules(tmp_path: Path) -> None:
    taxonomy, default = loaded(tmp_path, OWN), Taxonomy.default()
    assert tuple(taxonomy.modules) == (*MODULES, "playful")
    assert taxonomy.modules["sensory"].touchpoints == ("facility", "packaging")
    assert taxonomy.modules["sensory"].phrases["en"] == (*default.modules["sensory"].phrases["en"], "crunch*")
    assert taxonomy.modules["sensory"].phrases["pl"] == default.modules["sensory"].phrases["pl"]
    assert taxonomy.modules["relational"].touchpoints == ("people", "loyalty", "social_media")
    assert taxonomy.modules["playful"].labels == dict.fromkeys(LABEL_LANGUAGES, "Playful")


def test_modules_do_not_change_what_scoring_depends_on(tmp_path: Path) -> None:
    changed = loaded(tmp_path, 'extends = "default"\n[modules.sensory]\nphrases.en = ["crunch*"]')
    assert changed.modules != Taxonomy.default().modules
    assert changed.fingerprint == Taxonomy.default().fingerprint


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["joy"]', '["glee"]', r"line 13: modules.playful.emotions: no emotion 'glee'; choose from joy, "),
        ('["people"]', '["staff"]', "modules.playful.touchpoints: no touchpoint type 'staff'; choose from store"),
        ('"zabaw*"', '"za*bawa"', r"modules.playful.phrases.pl\[0\]: 'za\*bawa'; \* stands at the end of a word"),
        ('"zabaw*"', '"za*"', "of three letters or more"),
        ('"zabaw*"', '"*"', "no letter or digit"),
        ('phrases.pl = ["zabaw*", "gra na czas"]', 'phrases.de = ["spiel"]', "unknown language"),
        ('phrases.pl = ["zabaw*", "gra na czas"]', "phrases = 1", "modules.playful.phrases: an integer where a table"),
        ('phrases.pl = ["zabaw*", "gra na czas"]', "phrases.pl = 1", "modules.playful.phrases.pl: an integer where an array"),
        ('description = "Play."', "", "modules.playful.description: missing"),
        ('description = "Play."', 'colour = "red"\ndescription = "Play."', "modules.playful.colour: unknown key"),
        ("[modules.playful]", "[modules.Playful]", "lower-case ASCII"),
    ],
)
def test_bad_modules(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in OWN
    with pytest.raises(TaxonomyError, match=message):
        loaded(tmp_path, OWN.replace(old, new))


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("smaczn*", "Bardzo smaczne!", True),
        ("smaczn*", "niesmaczne", False),
        ("ładn*", "LADNY dzień", True),
        ("κάθε μέρα", "Το θέλω κάθε  μέρα.", True),
        ("κάθε μέρα", "ΚΑΘΕ-ΜΕΡΑ", True),
        ("κάθε μέρα", "κάθε καλή μέρα", False),
        ("νόστιμ*", "😋νοστιμότατος😋", True),
        ("i use", "I use it", True),
        ("i use", "I used it", False),
        ("mă bucur", "Ma bucur mult", True),
        ("wiern* klient*", "wierny klient", True),
        ("love", "", False),
        ("don't", "I don’t", True),
    ],
)
def test_phrases_are_found_in_folded_text(phrase: str, text: str, found: bool) -> None:
    assert bool(re.search(phrase_pattern([phrase]), fold(text))) == found


def test_phrases_without_a_letter_of_ours() -> None:
    assert phrase_pattern(["日本"]) == NEVER
    assert not re.search(r"[^\x00-\U0010ffff]", "anything")


def test_measured(tmp_path: Path) -> None:
    blank = error_row("") | {"cx_error": None, "cx_sentiment": "neutral", "cx_emotions": [], "cx_touchpoints": []}
    mention = {"start": 0, "end": 1, "text": "x", "type": "sales", "group": "people", "polarity": "+", "score": 0.5}
    comments = [
        ("pl", "ŚWIETNA ZABAWA", {}),
        ("en", "świetna zabawa", {}),
        ("en", "crunchy", {}),
        ("en", None, {"cx_emotions": ["joy"]}),
        ("pl", "", {"cx_touchpoints": [mention | {"type": "people"}, mention | {"type": "price"}]}),
        (None, "crunchy", {}),
    ]
    rows = to_arrow([blank | {"cx_language": language} | more for language, _, more in comments])
    path = tmp_path / "scored.parquet"
    pq.write_table(rows.add_column(0, "text", pa.array([text for _, text, _ in comments])), path)
    taxonomy = loaded(tmp_path, OWN)
    with open_scored(path) as scored:
        found = {row["module"]: row for row in experience_modules(scored, taxonomy=taxonomy).to_pylist()}
        by_language = experience_modules(scored, ["language"], taxonomy=taxonomy).to_pylist()
        by_touchpoint = experience_modules(scored, ["touchpoint"], taxonomy=taxonomy).to_pylist()
        assert experience_modules(scored)["module"].to_pylist() == list(MODULES)
        with pytest.raises(TaxonomyError, match=r"define at least one \[modules.NAME\]"):
            experience_modules(scored, taxonomy=Taxonomy("none", "1", {}, {}))
    assert list(found) == [*MODULES, "playful"]
    assert {name: row["comments"] for name, row in found.items()} == dict(zip((*MODULES, "playful"), (1, 1, 0, 0, 1, 3), strict=True))
    assert all(row["total"] == 6 and row["share"] == row["comments"] / 6 for row in found.values())
    playful = {row["language"]: (row["comments"], row["total"]) for row in by_language if row["module"] == "playful"}
    assert playful == {"pl": (2, 2), "en": (1, 3), None: (0, 1)}
    assert {(row["touchpoint"], row["comments"]) for row in by_touchpoint if row["module"] == "relational"} == {("people", 1), ("price", 1)}
