"""The model that ships: that it is whole, and that it understands what nobody could misunderstand."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cxsentiment import Analyzer
from cxsentiment.cli import main
from cxsentiment.results import ROW_SCHEMA
from cxsentiment.story import STORY
from cxsentiment.weights import read_manifest, verify

EXAMPLES = Path(__file__).parents[2] / "examples" / "feedback.csv"
MEGABYTE = 1_000_000

PLAIN = [
    ("Εξαιρετική εξυπηρέτηση, είμαι πολύ ευχαριστημένη, το συνιστώ σε όλους!", "el", "positive"),
    ("Απαράδεκτοι! Το προϊόν ήρθε σπασμένο και δεν απαντάει κανείς.", "el", "negative"),
    ("Aparadektoi, to proion hrthe spasmeno kai kaneis den apantaei sto thlefwno", "el", "negative"),
    ("Wspaniała obsługa, szybka dostawa, gorąco polecam ten sklep!", "pl", "positive"),
    ("Tragedia, paczka zniszczona, obsluga niemila, nigdy wiecej tu nie kupie", "pl", "negative"),
    ("Produse excelente și livrare foarte rapidă, recomand cu încredere!", "ro", "positive"),
    ("Cea mai proasta experienta, coletul a venit spart si nimeni nu raspunde la telefon", "ro", "negative"),
    ("Wonderful staff and great coffee, I will definitely come back", "en", "positive"),
    ("Worst service ever, rude staff and they never refunded my money", "en", "negative"),
]

CONTRASTS = [
    ("χάλια το app, άψογη η κοπέλα στο τηλέφωνο", {"mobile_app": "-", "staff": "+"}),
    ("xalia h paradosh, alla to app doulevei mia xara", {"delivery": "-", "mobile_app": "+"}),
    ("Aplikacja beznadziejna, ale pani na infolinii wspaniała", {"mobile_app": "-", "call_centre": "+"}),
    ("Livrarea a întârziat, dar băiatul de la suport a fost super", {"delivery": "-", "technical_support": "+"}),
    ("The courier was rude but the girl on the phone saved the day", {"delivery": "-", "staff": "+"}),
]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer.from_pretrained(device="cpu")


def test_the_model_is_whole_and_small_enough() -> None:
    manifest = read_manifest()
    verify(manifest)
    assert sum(entry.size for entry in manifest.files.values()) < 60 * MEGABYTE
    assert max(entry.size for entry in manifest.files.values()) < 50 * MEGABYTE


def test_the_card_names_data_licences_and_scores_of_every_language() -> None:
    card = read_manifest().card
    for said in ("el_skroutz_shop_reviews", "pl_polemo2_in_klej", "ro_sent", "us_airline", "CC BY-SA 4.0", "Expected calibration error"):
        assert said in card
    for lang in ("el", "pl", "ro", "en"):
        assert f"| sentiment | {lang} | average of" in card
    for label in STORY:
        assert f"| {label} | " in card


@pytest.mark.parametrize(("text", "lang", "label"), PLAIN)
def test_plain_feelings_are_understood(analyzer: Analyzer, text: str, lang: str, label: str) -> None:
    analysis = analyzer(text)
    assert (analysis.language.code, analysis.sentiment.label) == (lang, label)
    assert analysis.emotion_probabilities


@pytest.mark.parametrize(("text", "lang", "label"), PLAIN)
def test_capitals_and_missing_accents_change_nothing(analyzer: Analyzer, text: str, lang: str, label: str) -> None:
    assert analyzer(text.upper()).sentiment.label == label


@pytest.mark.parametrize(("text", "feelings"), CONTRASTS)
def test_two_touchpoints_get_two_feelings(analyzer: Analyzer, text: str, feelings: dict[str, str]) -> None:
    found = {touchpoint.type: touchpoint.polarity for touchpoint in analyzer(text).touchpoints}
    assert feelings.items() <= found.items()


def test_a_comment_tells_its_story(analyzer: Analyzer) -> None:
    analysis = analyzer("Can you please tell me when my refund arrives?")
    assert (analysis.stage, analysis.intents) == ("after", ("request",))


def test_the_examples_are_scored_row_for_row(tmp_path: Path) -> None:
    out = tmp_path / "scored.parquet"
    assert main(["score", str(EXAMPLES), "-o", str(out), "--text-column", "comment", "--quiet"]) == 0
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    scored = pq.read_table(out)
    assert scored["comment"].to_pylist() == [row["comment"] for row in given]
    assert scored.schema.names == [*given[0], *ROW_SCHEMA.names]
    assert scored["cx_error"].null_count == len(given)
    assert max(scored["cx_windows"].to_pylist()) > 10
    assert {"el", "pl", "ro", "en"} <= set(scored["cx_language"].to_pylist())
