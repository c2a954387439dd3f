"""The registry of data sets: what is read, what is refused, and that the packaged one says what the training says."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxsentiment.benchmark.contender import Example, Mention
from cxsentiment.benchmark.datasets import (
    DataSet,
    Registry,
    Row,
    checksum,
    examples_of,
    packaged_registry,
    read_registry,
    read_rows,
    sample,
)
from cxsentiment.errors import InputError
from cxsentiment.results import EMOTIONS, SENTIMENTS
from cxsentiment.training.corpus import CONTRAST, OWN, PATTERNS, WRITTEN, is_held_out
from cxsentiment.training.labels import JOINED, JOINED_COMMENTS, SCHEMES

CSV = """nr,comment,label,feelings,stars,lang,split
a1,Kurier był bardzo miły,1,"happy, calm",5,polish,test
a2,The line was cut off twice,0,angry,1,en,test
a3,Nic szczególnego,2,,3,polish,test
a4,   ,1,happy,5,polish,test
a5,Nobody rated this one,,calm,,en,test
b1,Świetny sklep,1,happy,5,polish,train
b2,Never again,0,angry,2,en,train
b3,Left out,0,angry,1,en,spam
"""
TOML = """
[sets.mine]
file = "mine.csv"
text = "comment"
id = "nr"
language = { column = "lang", values = { polish = "pl" } }
rows = { split = "test" }
train = { split = ["train", "dev"] }
languages = true
[sets.mine.sentiment]
column = "label"
values = { "0" = "negative", "1" = "positive", "2" = "neutral" }
labels = { negative = "negative", neutral = "neutral", mixed = "neutral", positive = "positive" }
[sets.mine.emotions]
column = "feelings"
labels = { happy = "joy", angry = "anger", calm = "" }
[sets.mine.stars]
column = "stars"
"""
LEAST = '[sets.mine]\nfile = "mine.csv"\nlanguage = "pl"\ntext = "comment"\n'


def registry(folder: Path, toml: str = TOML, csv: str = CSV) -> Registry:
    (folder / "mine.csv").write_text(csv, encoding="utf-8")
    (folder / "mine.toml").write_text(toml, encoding="utf-8")
    return read_registry([folder / "mine.toml"], packaged=False)


def mine(folder: Path, toml: str = TOML, csv: str = CSV) -> DataSet:
    return registry(folder, toml, csv).sets["mine"]


# ---- a set of one's own ---------------------------------------------------------------------------------------------------------


def test_one_entry_describes_a_csv(tmp_path: Path) -> None:
    data_set = mine(tmp_path)
    assert (data_set.title, data_set.tasks) == ("mine", ("sentiment", "stars", "emotions", "language"))
    assert read_rows(data_set) == [
        Row("a1", "Kurier był bardzo miły", "pl", "positive", 5.0, ("joy",)),
        Row("a2", "The line was cut off twice", "en", "negative", 1.0, ("anger",)),
        Row("a3", "Nic szczególnego", "pl", "neutral", 3.0, ()),
        Row("a5", "Nobody rated this one", "en", None, None, ()),
    ]
    assert [row.id for row in read_rows(data_set, train=True)] == ["b1", "b2"]


def test_without_rows_all_are_measured_on_and_without_train_none_teaches(tmp_path: Path) -> None:
    data_set = mine(tmp_path, LEAST + 'sentiment = { column = "label", values = { 0 = "negative", 1 = "positive", 2 = "neutral" } }')
    assert [row.id for row in read_rows(data_set)] == ["0", "1", "2", "4", "5", "6", "7"]
    assert {row.language for row in read_rows(data_set)} == {"pl"}
    assert read_rows(data_set, train=True) == []


def test_a_text_without_a_language_is_undetermined(tmp_path: Path) -> None:
    rows = read_rows(mine(tmp_path, csv=CSV.replace(",3,polish,", ",3,,")))
    assert {row.id: row.language for row in rows} == {"a1": "pl", "a2": "en", "a3": "und", "a5": "en"}


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    data_set = mine(tmp_path, TOML.replace("mine.csv", "mine.parquet"))
    header, *lines = (line.replace('"happy, calm"', "happy+calm").split(",") for line in CSV.splitlines())
    table = {name: [line[place].replace("+", ", ") or None for line in lines] for place, name in enumerate(header)}
    pq.write_table(pa.table(table), tmp_path / "mine.parquet")
    rows = read_rows(data_set)
    assert [(row.id, row.sentiment) for row in rows] == [("a1", "positive"), ("a2", "negative"), ("a3", "neutral"), ("a5", None)]
    assert [row.emotions for row in rows] == [("joy",), ("anger",), None, ()]
    assert [row.id for row in read_rows(data_set, train=True)] == ["b1", "b2"]


def test_parquet_that_is_none_is_refused(tmp_path: Path) -> None:
    data_set = mine(tmp_path, TOML.replace("mine.csv", "mine.parquet"))
    (tmp_path / "mine.parquet").write_text("no Parquet", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.parquet of data set mine cannot be read"):
        read_rows(data_set)


def test_three_stars_may_be_mixed(tmp_path: Path) -> None:
    data_set = mine(tmp_path)
    assert {our for our, theirs in data_set.sentiment_labels.items() if theirs == "neutral"} == {"neutral", "mixed"}
    examples = examples_of(data_set, read_rows(data_set))
    assert [one.sentiment for one in examples] == ["positive", "negative", "neutral", None]
    assert {one.sentiments for one in examples} == {("negative", "neutral", "positive")}


def test_emotions_are_ours_and_those_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    data_set = mine(tmp_path)
    scheme = tuple(label for label in EMOTIONS if label in {"joy", "anger"})
    assert data_set.emotion_scheme == scheme
    first = examples_of(data_set, read_rows(data_set))[0]
    labels = ("negative", "neutral", "positive")
    assert first == Example("Kurier był bardzo miły", "pl", "mine", "positive", labels, ("joy",), scheme)


def test_the_data_folder_comes_before_the_place_of_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_set = mine(tmp_path)
    assert data_set.path() == tmp_path / "mine.csv"
    other, named = tmp_path / "other", tmp_path / "named"
    for folder in (other, named):
        folder.mkdir()
        (folder / "mine.csv").write_text(CSV, encoding="utf-8")
    monkeypatch.setenv("CXSENTIMENT_DATA", str(other))
    assert data_set.path() == other / "mine.csv"
    assert data_set.path(named) == named / "mine.csv"


def test_a_later_entry_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(LEAST.replace("mine]", "skytrax]") + 'stars = { column = "stars" }', encoding="utf-8")
    found = read_registry([tmp_path / "mine.toml"])
    assert found.sets["skytrax"].file == "mine.csv"
    assert found.sets["sst5"].file == "documents.parquet"


# ---- annotated comments ---------------------------------------------------------------------------------------------------------


def test_marked_comments_are_split_into_those_measured_on_and_those_learnt_from(tmp_path: Path) -> None:
    (tmp_path / "comments").mkdir()
    lines = [f"[Aplikacja]{{mobile_app:-}} nie działa, zgłoszenie {number}\tnegative\tanger,sadness\t-\t-\t-\t-" for number in range(60)]
    (tmp_path / "comments" / "pl_one.tsv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    (tmp_path / "comments" / "en_one.tsv").write_text("Fine\tpositive\t-\t-\t-\t-\t-\n", encoding="utf-8")
    data_set = mine(tmp_path, '[sets.mine]\nfile = "comments"\nformat = "marked"\nlanguage = "pl"\n')
    assert data_set.tasks == ("sentiment", "emotions", "touchpoints")
    held, taught = read_rows(data_set), read_rows(data_set, train=True)
    assert {row.language for row in held + taught} == {"pl"}
    assert all(is_held_out(row.text) for row in held)
    assert held
    assert not any(is_held_out(row.text) for row in taught)
    assert sorted(row.id for row in held + taught) == sorted(f"pl_one {number}" for number in range(60))
    first = held[0]
    assert first.text.startswith("Aplikacja nie działa")
    assert first.mentions == (Mention(0, 9, "mobile_app", "-"),)
    assert (first.sentiment, first.emotions, first.stars) == ("negative", ("anger", "sadness"), None)


# ---- what is refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[sets.mine", "is not TOML"),
        ("sets = 3", "sets must be a table"),
        ("[sets]\nmine = 3", "set mine: a table is needed"),
        (LEAST + 'colour = "red"', "unknown key 'colour'; known are emotions, file"),
        ('[sets.mine]\nlanguage = "pl"', "file is missing"),
        ('[sets.mine]\nfile = "mine.csv"', "language is missing"),
        ('[sets.mine]\nfile = "mine.csv"\nlanguage = { values = { polish = "pl" } }', "language must be a code"),
        (LEAST + 'format = "binary"', "format 'binary' is unknown; there are table, marked"),
        (LEAST + 'rows = "test"', "rows must be a table"),
        (LEAST + 'sentiment = "label"', r"\[sentiment\] needs a column"),
        (LEAST + 'sentiment = { columns = "label" }', r"\[sentiment\] needs a column"),
        (LEAST + 'sentiment = { column = "label", labels = ["negative"] }', r"\[sentiment\]: labels must be a table"),
        (LEAST + 'sentiment = { column = "label", values = "negative" }', r"\[sentiment\]: values must be a table"),
        (LEAST + 'sentiment = { column = "label", labels = { bad = "negative" } }', "'bad' is none of ours: negative"),
        (LEAST + 'emotions = { column = "feelings", labels = { happy = "happiness" } }', "'happiness' is none of ours: "),
        ('[files."mine.csv"]\nmd5 = "0"', "needs a sha256"),
    ],
)
def test_entries_that_are_wrong_are_refused(tmp_path: Path, toml: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        registry(tmp_path, toml)
    assert str(tmp_path / "mine.toml") in str(caught.value)


def test_a_registry_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_registry([tmp_path / "nothing.toml"])


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    data_set = mine(tmp_path)
    (tmp_path / "mine.csv").unlink()
    assert not data_set.is_there(tmp_path)
    with pytest.raises(InputError, match=r"the file of data set mine is not there: .* or .*; name the folder with --data"):
        read_rows(data_set, tmp_path / "elsewhere")


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    found = registry(tmp_path)
    assert [one.name for one in found.choose(["mine"], ["stars", "touchpoints"])] == ["mine"]
    assert found.choose([], ["touchpoints"]) == []
    with pytest.raises(InputError, match="no data set is called 'yours'; there are: mine"):
        found.choose(["yours"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('column = "stars"', 'column = "marks"', "mine.csv of data set mine has no column 'marks'; its columns are: nr, comment"),
        ('text = "comment"', 'text = "words"', "words"),
        ('rows = { split = "test" }', 'rows = { part = "test" }', "no column 'part'"),
        ('"2" = "neutral"', '"2" = "indifferent"', "has the sentiment 'indifferent', and its labels are negative, neutral, positive"),
        ("happy = ", "glad = ", r"has the emotion 'happy', which \[emotions\] labels does not name"),
    ],
)
def test_columns_and_labels_that_the_file_does_not_have_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_rows(mine(tmp_path, TOML.replace(old, new)))


@pytest.mark.parametrize("stars", ["0", "6", "4.5", "nan", "five"])
def test_stars_are_whole_numbers(tmp_path: Path, stars: str) -> None:
    with pytest.raises(InputError, match="stars; they are whole numbers from 1 to 5"):
        read_rows(mine(tmp_path, csv=CSV.replace(",3,polish", f",{stars},polish")))


# ---- samples and checksums ------------------------------------------------------------------------------------------------------


def test_samples_are_the_same_rows_in_their_order() -> None:
    rows = [Row(str(number), f"text {number}", "en") for number in range(200)]
    drawn = sample(rows, 20, 1)
    assert len(drawn) == 20
    assert drawn == sorted(drawn, key=rows.index)
    assert drawn == sample(rows, 20, 1)
    assert drawn != sample(rows, 20, 2)
    assert set(drawn) < set(sample(rows, 40, 1))
    assert set(sample(rows[::-1], 20, 1)) == set(drawn)
    assert sample(rows, 0, 1) == rows == sample(rows, 200, 1)


def test_checksums_of_a_file_and_of_a_folder_with_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.tsv").write_bytes(b"abc")
    assert checksum(tmp_path / "one" / "a.tsv") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert checksum(tmp_path / "one") == checksum(tmp_path / "two")
    (tmp_path / "two" / "a.tsv").rename(tmp_path / "two" / "b.tsv")
    assert checksum(tmp_path / "one") != checksum(tmp_path / "two")


# ---- the packaged registry ------------------------------------------------------------------------------------------------------

PACKAGED = read_registry()
NOT_MEASURED = {WRITTEN, OWN, CONTRAST, PATTERNS, JOINED, JOINED_COMMENTS}
"""Annotated comments have an entry for each language; the others are made for training."""


def test_the_packaged_registry_has_every_labelled_set_and_each_has_tasks() -> None:
    assert packaged_registry().name == "datasets.toml"
    assert {name for name, scheme in SCHEMES.items() if scheme.sentiments or scheme.emotions} - NOT_MEASURED <= set(PACKAGED.sets)
    for name, data_set in PACKAGED.sets.items():
        assert data_set.tasks, name
        assert data_set.licence, name
        assert data_set.source, name
        assert data_set.title != name
        assert data_set.file in PACKAGED.checksums, name


@pytest.mark.parametrize("name", [name for name in SCHEMES if name in PACKAGED.sets])
def test_the_packaged_registry_says_what_the_training_says(name: str) -> None:
    data_set, scheme = PACKAGED.sets[name], SCHEMES[name]
    assert (data_set.sentiment is not None) == bool(scheme.sentiments)
    if data_set.sentiment is not None:
        assert set(data_set.sentiment_labels.values()) == set(scheme.sentiments)
        assert (data_set.sentiment_labels.get("mixed") == "neutral") == scheme.star_neutral
        assert {our for our, theirs in data_set.sentiment_labels.items() if our != theirs} <= {"mixed"}
    assert (data_set.emotions is not None) == bool(scheme.emotions)
    if data_set.emotions is not None:
        assert set(data_set.emotion_scheme) == set(scheme.emotions)
        for theirs, ours in data_set.emotion_labels.items():
            known = scheme.emotion_names.get(theirs, theirs)
            assert ours == (known if known in scheme.emotions else ""), theirs
    assert data_set.rows == {"dataset": name, "split": "dev"}
    assert data_set.train == {"dataset": name, "split": "train"}


@pytest.mark.parametrize("language", ["el", "pl", "ro", "en"])
def test_annotated_comments_of_the_packaged_registry_have_all_our_labels(language: str) -> None:
    data_set = PACKAGED.sets[f"written_{language}"]
    assert data_set.language == language
    assert set(data_set.sentiment_labels) == set(SENTIMENTS) == set(SCHEMES[WRITTEN].sentiments)
    assert set(data_set.emotion_scheme) == set(EMOTIONS) == set(SCHEMES[WRITTEN].emotions)
