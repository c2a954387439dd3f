"""Word lists and VADER's rules."""

from pathlib import Path

import pytest

from cxsentiment import InputError
from cxsentiment.benchmark.contenders import lexicon_rules, word_lists
from cxsentiment.benchmark.contenders.lexicon import Lexicon
from cxsentiment.benchmark.contenders.lexicon_rules import SIGNS, hits, strength, tokens_of
from cxsentiment.benchmark.contenders.word_lists import packaged_lists, user_lists

VALENCES = {"good": 2.0, "bad": -2.0, "γρηγοροσ": 2.0, "customer service": 1.0}


@pytest.fixture(autouse=True)
def without_vader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_lists, "package_folder", lambda _: None)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.tsv"
    path.write_text("word\tvalence\tlanguage\ngood\t0.5\ten\nbad\t-0.5\ten\nświetny\t0.75\tpl\nγρήγορος\t0.5\tel\nbun\t.5\tro\n", "utf-8")
    return path


@pytest.fixture
def lexicon(words: Path, tmp_path: Path) -> Lexicon:
    return Lexicon(words, folder=tmp_path)


def score(text: str, language: str = "en") -> float:
    """Positive less negative strength."""
    tokens = tokens_of(text)
    found = hits(tokens, language, lambda phrase: VALENCES.get(" ".join(word.folded for word in phrase)))
    told = strength(text, tokens, found, language)
    return told.positive - told.negative


def test_words_are_counted_and_rules_change_them() -> None:
    assert score("it is good") == 2.0
    assert score("it is not good") == pytest.approx(2.0 * lexicon_rules.NEGATION)
    assert score("it isn't really that good") == pytest.approx(-0.74 * (2 + 0.95 * 0.293))
    assert score("it did not come in time and is good") == 2.0  # too far away
    assert score("isnt good") == score("not good")
    assert score("very good") > score("good") > score("somewhat good")
    assert score("this is GOOD") > score("this is good")
    assert score("THIS IS GOOD") == score("this is good")  # only some in capitals say something
    assert score("good!!") > score("good!") > score("good")
    assert score("bad!!") < score("bad")
    assert score("good" + "!" * 4) == score("good" + "!" * 9)


def test_what_stands_behind_but_counts_more() -> None:
    assert score("good but bad") == pytest.approx(0.5 * 2 - 1.5 * 2)
    assert score("γρήγορος αλλά :(", "el") < 0 < score("γρήγορος και :)", "el")


def test_emoji_and_phrases() -> None:
    assert score("👍") == 2.0
    assert score("nie :(", "pl") == SIGNS[":("]  # a sign is not negated
    assert score("customer service") == 1.0
    assert score("nothing listed") == 0.0
    assert score("") == 0.0


def test_every_language_has_its_tables() -> None:
    for table in (lexicon_rules.NEGATIONS, lexicon_rules.INTENSIFIERS, lexicon_rules.DAMPENERS, lexicon_rules.BUTS):
        assert set(table) == {"el", "pl", "ro", "en"}
        for listed in table.values():
            assert all(tokens_of(word)[0].folded == word for word in listed)


def test_a_lexicon_reads_inflected_forms_and_spellings(lexicon: Lexicon) -> None:
    texts = [
        "the staff is very good",
        "Obsługa jest świetna",
        "η παράδοση ήταν γρήγορη",
        "un produs foarte bun",
        "this is really bad",
        "it came",
    ]
    predictions = lexicon.predict(texts)
    assert [one.sentiment for one in predictions] == ["positive"] * 4 + ["negative", "neutral"]
    for one in predictions:
        assert sum((one.sentiment_probabilities or {}).values()) == pytest.approx(1)
        assert one.emotions is None  # the list has none
    assert lexicon.predict(["the food was good and the waiter was bad"])[0].sentiment == "mixed"
    assert lexicon.details["words"] == {"el": 1, "en": 2, "pl": 1, "ro": 1}


def test_a_language_without_a_list_is_an_error_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("super,3,pl\nźle,-2,pl\n", "utf-8")
    polish, english, sign = Lexicon(path, folder=tmp_path).predict(["obsługa jest super", "the staff is very good", "👍"])
    assert polish.sentiment == "positive"
    assert english.sentiment is None
    assert "vaderSentiment" in str(english.error)
    assert sign.sentiment == "positive"


def test_users_lists(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("Ωραία,3.1\nwoe,-0.5,en\n", "utf-8")
    found = user_lists(path)
    assert found[""].valences == {"ωραια": 3.1}
    assert found["en"].valences == {"woe": -0.5}  # 3.1 says that the scale goes to 4
    path.write_text("word,valence\nfine,0.5\nFINE,1\n", "utf-8")
    assert user_lists(path)[""].valences == {"fine": 3.0}


@pytest.mark.parametrize(
    ("text", "match"), [("good,1\nbad,awful\n", "line 2"), ("good,7\n", "line 1"), ("", "no words"), ("a,1,en,x\nb,1,en,x\n", "line 2")]
)
def test_a_bad_list_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "words.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=match):
        user_lists(path)


def test_no_list_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CXSENTIMENT_DATA"):
        Lexicon(folder=tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        Lexicon(tmp_path / "nothing.tsv", folder=tmp_path)
    (tmp_path / "german.csv").write_text("gut,1,de\n", "utf-8")
    with pytest.raises(InputError, match="words in de"):
        Lexicon(tmp_path / "german.csv", folder=tmp_path)


def test_the_lists_of_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "roemolex_v3.tsv").write_text(
        "word\tpos\tpositive\tnegative\tanger\tjoy\tfear\nbine\tAdverb\t1\t0\t0\t1\t0\nfrică\tNoun\t0\t1\t0\t0\t1\n", "utf-8"
    )
    (tmp_path / "pl_plwordnet_emo.tsv").write_text(
        "word\tmarkedness_mean\tn\temotions\ndobry\t0.5\t4\ttrust:4,joy:1\nzły\t-1.0\t2\t\n", "utf-8"
    )
    (tmp_path / "pl_afinn_baael.tsv").write_text("dobry\t5\n", "utf-8")
    (tmp_path / "el_pos_neg_words_nkryst.tsv").write_text("word\tpolarity\nάδειος\tpositive\nκακός\tnegative\n", "utf-8")
    names = [f"{kind}{rater}" for kind in ("Polarity", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise") for rater in "1234"]
    cells = ["NEG", "N/A", "NEG", "BOTH"] + ["1", "N/A", "1", "2"] * 4 + ["4", "3", "3", "N/A"] + ["N/A"] * 4
    (tmp_path / "el_mklab_sentiment_emotion.tsv").write_text(
        "\t".join(["Term", *names]) + "\n" + "\t".join(["άδειος -α -ο", *cells]), "utf-8"
    )
    found = packaged_lists(tmp_path)
    assert found["ro"].valences == {"bine": 2.0, "frica": -2.0}
    assert found["ro"].emotions == {"bine": {"joy"}, "frica": {"fear"}}
    assert found["ro"].tells == ("joy", "fear")
    assert found["pl"].valences == {"dobry": 4.0, "zly": -4.0}  # the first list decides
    assert found["pl"].emotions == {"dobry": {"trust"}}
    assert found["el"].valences == {"αδειοσ": pytest.approx(-4 / 3), "κακοσ": -2.0}
    assert found["el"].emotions == {"αδειοσ": {"sadness"}}
    assert "en" not in found


def test_emotions_of_listed_words(tmp_path: Path) -> None:
    (tmp_path / "roemolex_v3.tsv").write_text(
        "word\tpos\tpositive\tnegative\tanger\tjoy\nbucurie\tNoun\t1\t0\t0\t1\nfurie\tNoun\t0\t1\t1\t0\n", "utf-8"
    )
    joy, neither = Lexicon(folder=tmp_path).predict(["Am primit produsul cu multă bucurie", "Am primit produsul fără bucurie astăzi"])
    assert joy.emotions == ["joy"]
    assert joy.emotion_probabilities == {"joy": 0.5, "anger": 0.0}
    assert neither.emotions == []


def test_vaders_words_are_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vader_lexicon.txt").write_text(":)\t2.0\t0.5\t[1]\ngreat\t3.1\t0.7\t[3]\nabandon\t-1.9\t0.5\t[-1]\n", "utf-8")
    monkeypatch.setattr(word_lists, "package_folder", lambda _: tmp_path)
    assert packaged_lists(tmp_path)["en"].valences == {"great": 3.1, "abandon": -1.9}
