"""How touchpoints and story are learnt, calibrated and counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from benchmarks.touchpoint_tables import EXTRA, MISSED, Confusion, TypeRow, by_phrases, by_type, confusions
from cxsentiment.encoder.runtime import RawScores
from cxsentiment.encoder.tokenise import TextTokeniser
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS, TOUCHPOINTS
from cxsentiment.story import FIRST_FLAG, STORY, STORY_LOGITS
from cxsentiment.tags import BEGINS, FIRST_POLARITY, TAGS, TOKEN_LOGITS
from cxsentiment.text import clean
from cxsentiment.touchpoints import Mention
from cxsentiment.training.aspects import touchpoint_of
from cxsentiment.training.calibrate import STORY_THRESHOLDS, best_story_thresholds, calibrate
from cxsentiment.training.corpus import DataFolder, Document, Span, Story, parse_comment
from cxsentiment.training.examples import UNKNOWN, examples, one_round
from cxsentiment.training.finetune import somewhere_loss, token_loss
from cxsentiment.training.measure import Comment, Measured, fitted_halves
from cxsentiment.training.touchpoint_scores import Found, Reading, label_scores, read_all
from cxsentiment.training.weak import PER_TYPE, with_phrases
from tests.conftest import some_calibration, tiny_tokenizer

NOTHING = Story(None, (), None, ())


def review(text: str, lang: str = "el", dataset: str = "el_skroutz_shop_reviews") -> Document:
    return Document(text, lang, dataset, "positive", None, None, (), 1.0)


def test_phrases_mark_reviews_without_their_feeling() -> None:
    ours, english = review("Το δέμα ήρθε με κούριερ χθες"), review("The courier came", "en", "cr_custrev")
    marked, unmarked = with_phrases([ours, english])
    assert marked.spans
    assert {span.polarity for span in marked.spans} == {None}
    assert "delivery" in {span.type for span in marked.spans}
    assert not marked.marked
    assert unmarked is english


def test_common_types_are_marked_so_many_times_only() -> None:
    reviews = [review(f"Το δέμα ήρθε χθες {place}") for place in range(PER_TYPE + 20)]
    reviews.append(review("Το δέμα ήρθε, και η πολιτική απορρήτου με τον δικηγόρο"))
    marked = with_phrases(reviews)
    spans = [span for document in marked for span in document.spans]
    assert sum(span.type == "delivery" for span in spans) == PER_TYPE
    assert "legal" in {span.type for span in marked[-1].spans}


def test_aspects_have_a_type_by_their_category_and_their_words() -> None:
    assert touchpoint_of("fries", "FOOD#QUALITY") == "food"
    assert touchpoint_of("fries", "FOOD#PRICES") == "price"
    assert touchpoint_of("waiter", "SERVICE#GENERAL") == "staff"
    assert touchpoint_of("Asus", "COMPANY#GENERAL") is None
    assert touchpoint_of("staff", None) == "staff"


def test_a_mark_without_a_feeling_teaches_its_type_alone() -> None:
    document = replace(review("great courier", "en"), spans=(Span(6, 13, None, "delivery"),))
    (example,) = examples([document], tiny_tokenizer())
    assert [polarity for _, _, polarity, _ in example.spans] == [UNKNOWN]
    logits = torch.zeros(1, len(example.ids), TOKEN_LOGITS, requires_grad=True)
    token_loss(logits, [example]).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert not logits.grad[..., FIRST_POLARITY:].any()
    first, end, *_ = example.spans[0]
    assert (logits.grad[0, first:end, 1 + TOUCHPOINTS.index("delivery")] < 0).all()
    assert not logits.grad[0, 1:first].any()


def test_a_touchpoint_somewhere_is_looked_for_where_it_is_likeliest() -> None:
    kind = TOUCHPOINTS.index("staff")
    tags = torch.zeros(5, TAGS)
    tags[:, 0] = 4.0
    tags[2, 1 + kind] = 3.0
    tags.requires_grad_()
    loss = somewhere_loss(tags, [(kind,)])
    loss.backward()  # type: ignore[no-untyped-call]
    assert tags.grad is not None
    assert int(tags.grad[:, 1 + kind].argmin()) == 2
    sure = tags.detach().clone()
    sure[2, 1 + kind] = 20.0
    assert somewhere_loss(sure, [(kind,)]) < 0.01 < loss
    assert somewhere_loss(sure, [(kind,), (kind + 1,)]) > 0.1


def test_reasons_and_categories_without_a_place_become_groups_of_types(tmp_path: Path) -> None:
    row = {"text": "three calls", "lang": "en", "sentiment": None, "stars": None, "emotions": None, "quality": 1.0, "split": "train"}
    aspect = {"term": None, "start": None, "end": None, "category": "App", "polarity": "negative"}
    rows = [
        row | {"aspects": None, "reason": "Customer Service Issue", "dataset": "us_airline"},
        row | {"aspects": [aspect], "reason": None, "dataset": "sentitel"},
        row | {"aspects": None, "reason": "Can't Tell", "dataset": "us_airline"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "documents.parquet")
    documents = DataFolder.find(tmp_path).documents("train")
    assert [document.somewhere for document in documents] == [(("service", "staff", "call_centre"),), (("mobile_app",),), ()]
    kept = one_round(documents, seed=1, others=0.0)
    assert {document.somewhere for document in kept} == {documents[0].somewhere, documents[1].somewhere}


def test_thresholds_keep_to_a_sufficient_precision_where_they_can() -> None:
    probabilities = np.array([[0.9, 0.5], [0.8, 0.5], [0.3, 0.5], [0.3, 0.5], [0.3, 0.5]], np.float32)
    gold = np.array([[1, 1], [1, 0], [1, 0], [0, 0], [0, 0]], bool)
    found = best_story_thresholds(probabilities, gold)
    assert 0.3 < found[0] <= 0.8
    assert found[1] == STORY_THRESHOLDS[0]


def told(count: int) -> Measured:
    """Comments whose network is right about complaints and knows nothing of requests."""
    rng = np.random.default_rng(1)
    complaints, requests = rng.random(count) < 0.5, rng.random(count) < 0.2
    logits = np.full((count, STORY_LOGITS), -6.0, np.float32)
    logits[:, [0, 4]] = 6.0
    place = FIRST_FLAG + STORY.index("complaint") - 6
    logits[:, place] = np.where(complaints, 4.0, -4.0)
    logits[:, FIRST_FLAG + STORY.index("request") - 6] = rng.normal(size=count)
    intents = [
        tuple(name for name, there in (("complaint", a), ("request", b)) if there) for a, b in zip(complaints, requests, strict=True)
    ]
    documents = [
        Document(f"{n} comment", "en", "written", "negative", None, (), (Span(0, 1, "-", "food"),), 1.0, True, Story(None, (), None, one))
        for n, one in enumerate(intents)
    ]
    sentiment, emotions = np.zeros((count, len(SENTIMENTS)), np.float32), np.zeros((count, len(EMOTIONS)), np.float32)
    tokens = np.zeros((0, TOKEN_LOGITS), np.float32)
    raw = RawScores(sentiment, emotions, sentiment, emotions, logits, tokens, np.ones(count, np.int64))
    return Measured(documents, raw, np.full(count, 3), np.zeros((count, len(POLARITIES)), np.float32), [None] * count)


def test_labels_that_are_right_too_seldom_are_unsure() -> None:
    fitted = calibrate(told(300))
    unsure = dict(zip(STORY, fitted.story_unsure, strict=True))
    assert not unsure["complaint"]
    assert unsure["request"]
    by_default, all_labels = fitted.thresholds_of_story(), fitted.thresholds_of_story(unsure_labels=True)
    assert by_default[STORY.index("request")] > 1 >= all_labels[STORY.index("request")]
    assert by_default[STORY.index("complaint")] == all_labels[STORY.index("complaint")]


def test_halves_judge_labels_as_the_whole_does() -> None:
    whole = told(600)
    place = FIRST_FLAG + STORY.index("complaint") - 6
    whole.raw.story[:, place] -= 5.0
    kept = {fit.story_unsure[STORY.index("complaint")] for _, fit in fitted_halves(whole, calibrate)}
    assert kept == {False} == {calibrate(whole).story_unsure[STORY.index("complaint")]}


def test_without_annotated_comments_nothing_is_made_more_eager() -> None:
    fitted = calibrate(told(50))
    assert (fitted.outside_bias, fitted.phrase_share) == (0.0, 0.5)


def comment(line: str, phrases: tuple[tuple[str, str], ...]) -> tuple[Document, Comment]:
    document = parse_comment(line, "en")
    cleaned = clean(document.text)
    (tokens,) = TextTokeniser(tiny_tokenizer())([cleaned.text], [True])
    places = [(cleaned.text.index(words), words, kind) for words, kind in phrases]
    mentions = tuple(Mention(start, start + len(words), kind, "") for start, words, kind in places)
    logits = np.zeros((len(tokens.ids), TOKEN_LOGITS), np.float32)
    logits[:, 0] = 9.0
    logits[:, BEGINS] = -1.0
    return document, Comment(cleaned, tokens, logits, mentions)


def test_phrases_have_the_feeling_of_their_own_sentence() -> None:
    line = "The [courier]{delivery:-} was late! The [shop]{store:+} is lovely.\tmixed\t-"
    document, found = comment(line, (("courier", "delivery"), ("shop", "store")))
    part = told(1)
    measured = replace(part, documents=[document], comments=[found])

    def score(documents: list[Document]) -> Measured:
        logits = np.zeros((len(documents), len(SENTIMENTS)), np.float32)
        for row, one in enumerate(documents):
            logits[row, SENTIMENTS.index("negative" if "late" in one.text else "positive")] = 9.0
        many = told(len(documents))
        return replace(many, documents=documents, raw=replace(many.raw, sentiment=logits))

    (reading,) = by_phrases(score, measured, some_calibration())
    assert [(one.type, one.polarity) for one in reading.found] == [("delivery", "-"), ("store", "+")]
    assert reading.story == NOTHING


def test_types_and_confusions_are_counted() -> None:
    document = parse_comment("[courier]{delivery:-} and [shop]{store:+} and [girl]{staff:+} ok\tmixed\t-", "en")
    found = [Found(0, 7, "delivery", "-"), Found(12, 16, "facility", "+"), Found(26, 28, "price", "0")]
    readings = [Reading(document, found, NOTHING)]
    assert set(confusions(readings)) == {
        Confusion("store", "facility", 1),
        Confusion("staff", MISSED, 1),
        Confusion(EXTRA, "price", 1),
    }
    rows = {row.type: row for row in by_type(readings)}
    assert rows["delivery"] == TypeRow("delivery", {"en": 1.0}, 1, 1.0, 1.0, 1.0)
    assert rows["store"] == TypeRow("store", {"en": 0.0}, 1, 0.0, 0.0, 0.0)


def test_story_labels_are_counted_over_all_comments() -> None:
    part = told(40)
    _, found = comment("ok\tneutral\t-", ())
    calibration = some_calibration()
    readings = read_all([(replace(part, comments=[found] * 40), calibration)])
    scores = label_scores(readings)
    annotated = sum("complaint" in document.story.intents for document in part.documents if document.story)
    assert (scores["complaint"].annotated, scores["complaint"].f1) == (annotated, pytest.approx(1.0))
    assert scores["before"].given == 0
