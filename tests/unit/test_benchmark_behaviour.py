from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from cxsentiment.benchmark import behavioural_file
from cxsentiment.benchmark.behavioural import judge_case, run_behaviour, run_cases
from cxsentiment.benchmark.behavioural_cases import Case, cases, cases_of
from cxsentiment.benchmark.behavioural_file import BehaviourFile, read
from cxsentiment.benchmark.behavioural_table import kind_of
from cxsentiment.benchmark.contender import Prediction
from cxsentiment.errors import InputError, OptionError

OWN = """
language = "en"

[slots]
agent = ["The agent", "The clerk"]
town = ["Leeds", "York", "Hull"]
number = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]

[[tests]]
name = "positive words"
expect = ["positive"]
templates = ["{agent} was kind.", "Order {number} in {number} boxes from {town}: great.", "Great."]

[[tests]]
name = "branches swapped"
capability = "branches"
swap = "town"
templates = ["{agent} in {town} was rude.", "I live in {town}."]

[[tests]]
name = "gender swapped"
groups = [["He was rude.", "She was rude.", "They were rude."], ["He came.", "She came."]]

[[tests]]
name = "happy emoji decides"
direction = "up"
pairs = [["It came.", "It came. 😍"], ["It is blue.", "It is blue. 🎉"]]

[sentences]
negative = ["The parcel came late.", "Nobody ever answers."]
neutral = ["it is blue"]

[additions]
before = ["I ordered on Monday."]
links = ["https://example.com", "@example", "#parcel", "@other"]
"""


def own_file(folder: Path, content: str = OWN) -> BehaviourFile:
    path = folder / "ours.toml"
    path.write_text(content, encoding="utf-8")
    return read(path)


def said(*labels: str | None) -> list[Prediction]:
    return [Prediction(sentiment=label) for label in labels]


def leaning(*polarities: float) -> list[Prediction]:
    """Predictions of these polarities."""
    return [
        Prediction("positive" if one > 0 else "negative", {"positive": max(one, 0), "negative": max(-one, 0), "neutral": 1 - abs(one)})
        for one in polarities
    ]


def case(expect: tuple[str, ...] | str, texts: tuple[str, ...] = ("one", "two"), test: str = "a test", language: str = "en") -> Case:
    return Case("a capability", test, kind_of(expect), language, texts, expect)


def of_test(found: Sequence[Case], name: str) -> list[tuple[str, ...]]:
    return [one.texts for one in found if one.test == name]


# ---- rules ------------------------------------------------------------------------------------------------------------------------


def test_minimum_functionality_wants_one_of_the_labels() -> None:
    either = case(("positive", "mixed"), ("one",))
    passed = {label: judge_case(either, said(label)) for label in ("positive", "mixed", "neutral", "negative", None)}
    assert passed == {"positive": True, "mixed": True, "neutral": False, "negative": False, None: False}


def test_invariance_wants_equal_labels_and_answers() -> None:
    assert judge_case(case("same"), said("negative", "negative"))
    assert not judge_case(case("same"), said("negative", "neutral"))
    assert not judge_case(case("same"), said(None, None))
    assert not judge_case(case("same"), [Prediction(sentiment="neutral"), Prediction(error="refused")])


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        (0.2, 0.2001, True),
        (0.2, 0.2, False),
        (0.2, 0.1, False),
        (-0.95, -0.95, False),  # at the other end
        (0.9, 0.9, False),  # not beyond
        (0.91, 0.91, True),
        (0.95, 0.9, True),  # falls back by the 0.05 allowed
        (0.95, 0.89, False),
    ],
)
def test_up_and_down_are_strict_save_at_the_end(before: float, after: float, passed: bool) -> None:
    assert judge_case(case("up"), leaning(before, after)) is passed
    assert judge_case(case("down"), leaning(-before, -after)) is passed


@pytest.mark.parametrize(("before", "after", "passed"), [(0.5, 0.9, True), (0.5, 0.4, True), (0.5, 0.39, False), (1.0, 0.89, False)])
def test_not_up_and_not_down_allow_a_tenth(before: float, after: float, passed: bool) -> None:
    assert judge_case(case("not down"), leaning(before, after)) is passed
    assert judge_case(case("not up"), leaning(-before, -after)) is passed


def test_directions_of_labels_alone() -> None:
    outcomes = {
        (first, second): judge_case(case("up"), said(first, second))
        for first in ("negative", "neutral", "positive")
        for second in ("negative", "neutral", "positive")
    }
    assert {pair for pair, passed in outcomes.items() if passed} == {
        ("negative", "neutral"),
        ("negative", "positive"),
        ("neutral", "positive"),
        ("positive", "positive"),
    }
    assert judge_case(case("not up"), said("mixed", "neutral"))
    assert not judge_case(case("not up"), said("negative", None))


def test_a_case_needs_a_prediction_for_each_text() -> None:
    with pytest.raises(InputError, match="'a test' has 2 texts, but there are 1"):
        judge_case(case("same"), said("neutral"))


# ---- cases ------------------------------------------------------------------------------------------------------------------------


def test_templates_are_drawn_evenly_whatever_the_size_of_their_slots(tmp_path: Path) -> None:
    texts = of_test(cases_of(own_file(tmp_path), per_test=5), "positive words")
    assert Counter(text[0].split()[0] for text in texts).keys() == {"The", "Order", "Great."}
    assert sum(text[0].startswith("Order") for text in texts) == 2  # of 30 that the template gives
    every = of_test(cases_of(own_file(tmp_path), per_test=100), "positive words")
    assert len(set(every)) == len(every) == 2 + 30 + 1
    assert ("Order 7 in 7 boxes from Hull: great.",) in every


def test_every_value_of_a_slot_has_its_turn(tmp_path: Path) -> None:
    file = own_file(tmp_path)
    drawn = [text[0] for seed in range(300) for text in of_test(cases_of(file, 3, seed), "positive words") if text[0].startswith("Order")]
    towns = Counter(text.split()[-2] for text in drawn)
    assert len(drawn) == 300
    assert all(count == pytest.approx(100, abs=30) for count in towns.values())
    assert len(towns) == 3


def test_swapped_texts_differ_in_the_swapped_slot_alone(tmp_path: Path) -> None:
    found = [one for one in cases_of(own_file(tmp_path), per_test=100) if one.test == "branches swapped"]
    assert {(one.capability, one.kind, one.expect) for one in found} == {("branches", "invariance", "same")}
    assert len({frozenset(one.texts) for one in found}) == len(found) == (2 + 1) * 3
    for first, second in (one.texts for one in found):
        different = [(old, new) for old, new in zip(first.split(), second.split(), strict=True) if old != new]
        assert len(different) == 1
        assert {word.strip(".") for word in different[0]} < {"Leeds", "York", "Hull"}
    few = of_test(cases_of(own_file(tmp_path), per_test=4), "branches swapped")
    assert sum(texts[0].startswith("I live") for texts in few) == 2


def test_groups_are_compared_with_their_first_and_pairs_kept(tmp_path: Path) -> None:
    found = cases_of(own_file(tmp_path))
    assert set(of_test(found, "gender swapped")) == {
        ("He was rude.", "She was rude."),
        ("He was rude.", "They were rude."),
        ("He came.", "She came."),
    }
    assert set(of_test(found, "happy emoji decides")) == {("It came.", "It came. 😍"), ("It is blue.", "It is blue. 🎉")}
    assert {text[0] for text in of_test(cases_of(own_file(tmp_path), per_test=2), "gender swapped")} == {"He was rude.", "He came."}


def test_tests_made_of_sentences(tmp_path: Path) -> None:
    found = cases_of(own_file(tmp_path))
    lower = of_test(found, "lower case without punctuation")
    assert set(lower) == {("The parcel came late.", "the parcel came late"), ("Nobody ever answers.", "nobody ever answers")}
    assert ("it is blue", "I ordered on Monday. it is blue") in of_test(found, "irrelevant sentence before")
    assert ("it is blue", "it is blue #parcel") in of_test(found, "hashtag added")
    assert {text[1].split()[-1] for text in of_test(found, "mention added")} == {"@example", "@other"}
    assert not of_test(found, "irrelevant sentence after")  # there is none to add
    assert not of_test(found, "Greeklish, by look")
    assert len(of_test(cases_of(own_file(tmp_path), per_test=2), "link added")) == 2


def test_equal_seeds_give_equal_cases(tmp_path: Path) -> None:
    file = own_file(tmp_path)
    assert cases_of(file, 5, 7) == cases_of(file, 5, 7)
    assert cases_of(file, 5, 7) != cases_of(file, 5, 8)
    assert cases("en", 5, 7) == cases("en", 5, 7)


def test_a_test_is_drawn_alike_whatever_stands_beside_it(tmp_path: Path) -> None:
    whole = cases_of(own_file(tmp_path), 4)
    start, end = OWN.index('[[tests]]\nname = "branches'), OWN.index('[[tests]]\nname = "gender')
    less = cases_of(own_file(tmp_path, OWN[:start] + OWN[end:]), 4)
    assert less == [one for one in whole if one.test != "branches swapped"]


# ---- reading ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('language = "en"', "", "language must be"),
        ('language = "en"', 'language = "English"', "language must be"),
        ("[sentences]", "[sentence]", "unknown key 'sentence'"),
        ("[sentences]", "[[sentences]]", r"sentences must be written as \[sentences\]"),
        ("negative = [", "bad = [", r"\[sentences\] has the unknown key 'bad'"),
        ('"Nobody ever answers."', '""', "sentences, negative must be a list of texts"),
        ("links = [", "link = [", r"\[additions\] has the unknown key 'link'"),
        ('name = "branches swapped"', "", "a test has no name"),
        ('name = "branches swapped"', 'name = "one typo"', "test 'one typo': the program makes"),
        ('name = "branches swapped"', 'name = "positive words"', "test 'positive words' belongs to the capability 'vocabulary'"),
        ('name = "branches swapped"\ncapability = "branches"', 'name = "gender swapped"', "'gender swapped' is there more than once"),
        ('capability = "branches"', "", "test 'branches swapped' is none of the known ones"),
        ('swap = "town"', "", "test 'branches swapped' has templates; a test has one of"),
        ('swap = "town"', 'swap = "city"', "test 'branches swapped': swap names 'city'"),
        ('"I live in {town}."', '"I live."', "must have {town} exactly once"),
        ('"I live in {town}."', '"From {town} to {town}."', "must have {town} exactly once"),
        ('"I live in {town}."', '"I {feel} {town}."', "slot 'feel' of 'I {feel} {town}.' is not defined"),
        ('"I live in {town}."', '"I live in {town}}."', "a brace in"),
        ('["Leeds", "York", "Hull"]', '["Leeds"]', "slot 'town' has one value"),
        ('["Leeds", "York", "Hull"]', '["Leeds", "Leeds"]', "slot 'town': 'Leeds' is there more than once"),
        ('["Leeds", "York", "Hull"]', '"Leeds"', "slot 'town' must be a list of texts"),
        ("[slots]", '[slots]\nunused = ["a"]', "no template has slot 'unused'"),
        ('expect = ["positive"]', 'expect = ["good"]', "test 'positive words': expect must be some of negative, neutral"),
        ('expect = ["positive"]', 'expect = ["neutral"]', r"test 'positive words' \(minimum functionality\) must expect positive"),
        ('direction = "up"', 'direction = "sideways"', "test 'happy emoji decides': direction must be one of"),
        ('direction = "up"', 'direction = "not down"', "test 'happy emoji decides' .directional. must expect up"),
        ('["It came.", "It came. 😍"]', '["It came."]', "test 'happy emoji decides': pair 1 has 1 texts"),
        ('["He came.", "She came."]', '["He came."]', "test 'gender swapped': group 2 has 1 texts"),
        ('["He came.", "She came."]', '["He came.", "He came."]', "test 'gender swapped': group 2: 'He came.' is there more than once"),
        ('language = "en"', "language = en", "is not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in OWN
    with pytest.raises(InputError, match=message) as caught:
        own_file(tmp_path, OWN.replace(old, new, 1))
    assert str(tmp_path / "ours.toml") in str(caught.value)


def test_the_example_of_an_own_file_is_one(tmp_path: Path) -> None:
    example = dedent(str(behavioural_file.__doc__).split("::\n")[1].split("`run_cases")[0])
    assert {one.test for one in cases_of(own_file(tmp_path, example))} > {"call-backs", "branches swapped", "apology", "link added"}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.toml"):
        read(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes("language = 'łó'".encode("iso-8859-2"))
    with pytest.raises(InputError, match="not UTF-8"):
        read(tmp_path / "latin.toml")
    (tmp_path / "empty.toml").write_text('language = "en"', encoding="utf-8")
    with pytest.raises(InputError, match="neither tests nor sentences"):
        read(tmp_path / "empty.toml")
    with pytest.raises(OptionError, match=r"language 'xx'; there are in .*en"):
        cases("xx")


# ---- running ----------------------------------------------------------------------------------------------------------------------


def test_each_text_is_predicted_once_and_some_failures_are_kept() -> None:
    asked: list[tuple[str, list[str]]] = []

    def predict(texts: Sequence[str], language: str) -> list[Prediction]:
        asked.append((language, list(texts)))
        return [Prediction(sentiment="negative" if "bad" in text else "positive") for text in texts]

    given = [case("same", ("fine", f"bad {number}")) for number in range(7)] + [case("same", ("fine", "good"))]
    given += [case(("negative", "mixed"), ("fine",), "another test"), case("down", ("fine", "fine"), "a third", "pl")]
    results = run_cases(predict, given)
    assert asked == [("en", ["fine", *(f"bad {number}" for number in range(7)), "good"]), ("pl", ["fine"])]
    assert [(one.test, one.kind, one.language, one.cases, one.failures) for one in results] == [
        ("a test", "invariance", "en", 8, 7),
        ("another test", "minimum functionality", "en", 1, 1),
        ("a third", "directional", "pl", 1, 1),
    ]
    assert [list(one.texts) for one in results[0].examples] == [["fine", f"bad {number}"] for number in range(5)]
    assert [(one.expected, one.said) for one in (result.examples[0] for result in results)] == [
        ("same", ["positive", "negative"]),
        ("negative or mixed", ["positive"]),
        ("down", ["positive (+1.000)", "positive (+1.000)"]),
    ]


def test_refusals_are_told() -> None:
    answers = {"one": Prediction(error="timed out"), "two": Prediction()}
    (result,) = run_cases(lambda texts, _: [answers[text] for text in texts], [case("up")])
    assert result.failures == 1
    assert result.examples[0].said == ["no answer: timed out", "no answer"]


def test_a_contender_must_give_one_prediction_for_each_text() -> None:
    with pytest.raises(InputError, match="1 predictions for 2 texts in 'en'"):
        run_cases(lambda texts, _: said("neutral"), [case("same")])


def test_our_tests_are_run_language_by_language() -> None:
    results = run_behaviour(lambda texts, _: said(*["positive"] * len(texts)), ("en", "el"), per_test=3)
    assert list(dict.fromkeys(one.language for one in results)) == ["en", "el"]
    failing = {one.test for one in results if one.language == "el" and one.failures}
    assert "negative words" in failing
    assert not failing & {"positive words", "capitals", "Greeklish, by look", "link added", "intensified praise"}
    assert all(one.cases == 3 for one in results)
