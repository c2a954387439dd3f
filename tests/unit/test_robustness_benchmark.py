import numpy as np
import pytest

from benchmarks.robustness import Row, average, changed, compare, draw, line
from cxsentiment.benchmark.changes import CHANGES, Change, with_typos
from cxsentiment.encoder.runtime import RawScores
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS
from cxsentiment.story import STORY_LOGITS
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.training.corpus import Document, Span
from cxsentiment.training.measure import Measured
from tests.conftest import some_calibration


def document(text: str, dataset: str = "sart", sentiment: str | None = "positive", lang: str = "ro") -> Document:
    return Document(text, lang, dataset, sentiment, None, ("joy",), (Span(0, 2, "+"),), 1.0)


def measured(labels: list[str], documents: list[Document]) -> Measured:
    logits = np.array([[5.0 * (label == name) for name in SENTIMENTS] for label in labels], np.float32)
    emotions, size = np.zeros((len(labels), len(EMOTIONS)), np.float32), len(labels)
    story, tokens = np.zeros((size, STORY_LOGITS), np.float32), np.zeros((0, TOKEN_LOGITS), np.float32)
    raw = RawScores(logits, emotions, np.zeros_like(logits), emotions, story, tokens, np.ones(size, np.int64))
    return Measured(documents, raw, np.full(size, 5), np.zeros((0, len(POLARITIES)), np.float32), [None] * size)


def test_draws_do_not_depend_on_the_other_texts() -> None:
    texts = [f"livrarea numărul {number} a întârziat foarte mult și nimeni nu răspunde" for number in range(20)]
    typos = next(change for change in CHANGES if change.apply is with_typos)
    whole = changed([document(text) for text in texts], typos, 1)
    assert changed([document(texts[7])], typos, 1) == [whole[7]]
    assert [one.text for one in whole] != [one.text for one in changed([document(text) for text in texts], typos, 2)]


def test_texts_are_drawn_set_by_set_and_cleaned() -> None:
    documents = [document(f"recenzie&nbsp;{number}") for number in range(9)]
    documents += [document("fără etichetă", sentiment=None), document("doar emoții", dataset="redv1")]
    drawn = draw([*documents, document("komentarz", dataset="pl_ceneo_reviews", lang="pl")], 4, 1)
    assert [one.dataset for one in drawn] == ["pl_ceneo_reviews"] + ["sart"] * 4
    assert all(one.spans == () and one.emotions is None and "&" not in one.text for one in drawn)
    assert drawn == draw([*documents, document("komentarz", dataset="pl_ceneo_reviews", lang="pl")], 4, 1)


def test_compare_averages_over_sets_and_counts_changed_labels_within_schemes() -> None:
    documents = [document("a"), document("b", sentiment="negative"), document("c", dataset="ro_sent")]
    change = Change("none", 0.5, ("ro",), lambda text, _: text)
    before = measured(["positive", "negative", "positive"], documents)
    after = measured(["positive", "positive", "positive"], documents)
    row = compare(change, "ro", before, after, some_calibration())
    assert (row.sets, row.size, row.before, row.changed) == (2, 3, 1.0, pytest.approx(1 / 3))
    assert row.after == pytest.approx((1 / 3 + 1) / 2)
    assert not row.reached
    assert compare(change, "ro", before, before, some_calibration()).reached


def test_average_and_table_line() -> None:
    rows = [Row(name, 4.0, "el", 3, 120, 0.8, after, share) for name, after, share in (("one", 0.79, 0.1), ("two", 0.73, 0.3))]
    mean = average("all", rows)
    assert line(mean) == "| all | el | 3 | 120 | 0.8000 | 0.7600 | -4.00 | 20.0% | at most 4 lost | yes |"
    assert [row.reached for row in rows] == [True, False]
