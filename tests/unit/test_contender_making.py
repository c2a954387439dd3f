"""Contenders from specifications, and those that users write."""

import subprocess
import sys
from pathlib import Path

import pytest

from cxsentiment import OptionError
from cxsentiment.benchmark.contender import Contender, Trainable
from cxsentiment.benchmark.contenders import make_contender
from cxsentiment.benchmark.contenders.python import load_python
from tests.tiny_bases import write_classifier

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_contender.py"

OWN = """
class Own:
    def __init__(self, name="own", word="good"):
        self.name, self.word = name, word
    def predict(self, texts):
        return []
class Learner:
    name = "learner"
    def fit(self, examples, task, seed):
        return Own()
class Nameless:
    def predict(self, texts):
        return []
class Mute:
    name = "mute"
made = Own("made")
number = 3
def maker(word):
    return Own("maker", word)
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN, "utf-8")
    return path


def test_kinds_are_made(tiny_model: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.csv"
    words.write_text("good,1,en\n", "utf-8")
    model = make_contender(f"model:{tiny_model}", {"device": "cpu", "token_budget": "256", "name": "tiny"})
    assert model.name == "tiny"
    assert isinstance(model, Contender)
    assert isinstance(make_contender("linear"), Trainable)
    assert isinstance(make_contender(f"lexicon:{words}", {"folder": str(tmp_path)}), Contender)
    embedding = make_contender(f"embedding:{tiny_model}", {"device": "cpu", "batch_size": 4})
    assert isinstance(embedding, Trainable)
    language = make_contender("language:cxsentiment", {"languages": "el, pl"})
    assert isinstance(language, Contender)
    assert language.predict(["dobry"])[0].language == "pl"


@pytest.mark.parametrize(
    "label_map", [{"A": "negative", "B": "positive+joy"}, "A=negative,B=positive+joy", {"A": ["negative"], "B": ["positive", "joy"]}]
)
def test_labels_of_foreign_models_can_be_mapped(tmp_path: Path, label_map: object) -> None:
    folder = write_classifier(tmp_path / "theirs", "bert", ("A", "B"))
    contender = make_contender(f"model:{folder}", {"device": "cpu", "label_map": label_map})
    assert isinstance(contender, Contender)
    assert set(contender.predict(["great"])[0].emotion_probabilities or ()) == {"joy"}


@pytest.mark.parametrize("spec", ["", "guess", "guess:x", "gpt-4"])
def test_an_unknown_kind_is_refused_with_those_that_exist(spec: str) -> None:
    with pytest.raises(OptionError, match=r"unknown contender .*default, model:FOLDER_OR_ID, linear, lexicon"):
        make_contender(spec)


@pytest.mark.parametrize(
    ("spec", "usage"), [("model", "model:FOLDER"), ("chat:", "chat:MODEL"), ("linear:x", "linear"), ("default:x", "default")]
)
def test_what_follows_the_colon(spec: str, usage: str) -> None:
    with pytest.raises(OptionError, match=f"write it as {usage}"):
        make_contender(spec)


def test_unknown_options_and_values_are_refused() -> None:
    with pytest.raises(OptionError, match=r"no option 'colour'; its options are at_once, attempts, input_price, name"):
        make_contender("chat:some", {"colour": "red"})
    for spec, options in [
        ("chat:some", {"input_price": "cheap"}),
        ("chat:some", {"at_once": 1.5}),
        ("embedding:x", {"batch_size": True}),
        ("linear", {"name": ""}),
        ("model:x", {"label_map": 3}),
        ("language:cxsentiment", {"languages": 3}),
    ]:
        with pytest.raises(OptionError, match=f"option {next(iter(options))} cannot be"):
            make_contender(spec, options)


def test_a_label_map_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(OptionError, match="label map 'A': give pairs such as LABEL_0=negative"):
        make_contender("model:x", {"label_map": "A"})


def test_making_baselines_does_not_bring_torch() -> None:
    made = "import sys; from cxsentiment.benchmark.contenders import make_contender; make_contender('linear')"
    subprocess.run([sys.executable, "-c", f"{made}; assert 'torch' not in sys.modules"], check=True)


def test_the_example_runs() -> None:
    contender = make_contender(f"python:{EXAMPLE}:Counting")
    assert isinstance(contender, Contender)
    assert [one.sentiment for one in contender.predict(["great!", "rude staff", "it came"])] == ["positive", "negative", "neutral"]
    body = EXAMPLE.read_text("utf-8").partition("class ")[2]
    assert len(body.splitlines()) <= 15


def test_users_classes(own: Path) -> None:
    assert load_python(f"{own}:Own", name="mine").name == "mine"
    assert load_python(f"{own}:made").name == "made"
    assert load_python(f"{own}:maker", word="bad").name == "maker"
    assert isinstance(load_python(f"{own}:Learner"), Trainable)
    assert load_python("cxsentiment.benchmark.contenders.linear:Linear", name="l").name == "l"


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("Other", {}, "has no Other; it has Learner, Mute, Nameless, Own"),
        ("Own", {"colour": 1}, "with options colour"),
        ("made", {"name": "x"}, "takes no options"),
        ("Nameless", {}, "has no name"),
        ("Mute", {}, "neither predict nor fit"),
        ("number", {}, "is int, not a class"),
    ],
)
def test_what_is_no_contender_is_refused(own: Path, name: str, options: dict[str, object], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        load_python(f"{own}:{name}", **options)


def test_code_that_does_not_load_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0", "utf-8")
    for place, match in [
        (f"{tmp_path}/broken.py:Own", "ZeroDivisionError"),
        (f"{tmp_path}/nothing.py:Own", "no file"),
        ("no.such.module:Own", "no module"),
        ("Own", "give package"),
    ]:
        with pytest.raises(OptionError, match=match):
            load_python(place)
