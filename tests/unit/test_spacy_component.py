"""The spaCy component: what it sets on documents, and what of it survives saving."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup

from cxsentiment import Analysis, OptionError, TaxonomyError, analyzer
from cxsentiment.results import EMOTIONS, Emotion, Sentiment, Touchpoint
from cxsentiment.results import Language as LanguageOfText
from cxsentiment.spacy_component import CxComponent, Settings, set_extensions
from tests.conftest import SENTENCES, WALLET

ROOT = Path(__file__).parents[2]
LANGUAGES = ("el", "pl", "ro", "en")
TEXTS = [*SENTENCES, "", "  \n ", "ok", "the-app/site...crashes😡!!", "Η ΠΑΡΑΔΟΣΗΗΗΗ άργησε,   the courier was rude \n"]


def pipeline(model: Path, language: str = "en", **config: Any) -> Language:
    nlp = spacy.blank(language)
    nlp.add_pipe("cxsentiment", config={"model": str(model), "device": "cpu", "cache_size": 0, **config})
    return nlp


@pytest.fixture(scope="module")
def nlp(tiny_model: Path) -> Language:
    return pipeline(tiny_model)


@pytest.fixture
def stubbed(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    monkeypatch.setattr(nlp.get_pipe("cxsentiment"), "_analyzer", stub)
    return stub


class Stub:
    """Finds the touchpoints it is told to, in every text; fails at a text that says so."""

    def __init__(self) -> None:
        self.touchpoints: tuple[Touchpoint, ...] = ()
        self.batches: list[int] = []

    def __call__(self, texts: Sequence[str]) -> list[Analysis]:
        self.batches.append(len(texts))
        if "fail" in texts:
            raise ValueError("told to fail")
        emotions = tuple(Emotion(label, 0.5) for label in EMOTIONS)
        sentiment = Sentiment("negative", -0.5, 0.7, 0.1, 0.1, 0.1)
        return [Analysis(text, LanguageOfText("en", 0.9, "Latn"), sentiment, (), emotions, self.touchpoints) for text in texts]


def told(doc: Doc, key: str = "cx") -> list[tuple[str, str, str, float]]:
    return [(span.label_, span._.cx_group, span._.cx_polarity, span._.cx_score) for span in doc.spans[key]]


def expected(analysis: Analysis) -> list[tuple[str, str, str, float]]:
    return [(one.type, one.group, one.polarity, one.score) for one in analysis.touchpoints]


# ---- what is set ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_have_what_the_analyzer_finds(language: str, eager_model: Path) -> None:
    nlp = pipeline(eager_model, language)
    found = list(nlp.pipe(TEXTS))
    analyses = nlp.get_pipe("cxsentiment")._analyzer(TEXTS)
    assert [doc.text for doc in found] == TEXTS
    assert [doc._.cx for doc in found] == analyses
    assert sum(len(analysis.touchpoints) for analysis in analyses) > 5
    for doc, analysis in zip(found, analyses, strict=True):
        assert isinstance(doc.spans["cx"], SpanGroup)
        assert told(doc) == expected(analysis)
        for span, touchpoint in zip(doc.spans["cx"], analysis.touchpoints, strict=True):
            assert span.start_char <= touchpoint.start < touchpoint.end <= span.end_char


def test_one_document_is_annotated_as_in_a_batch(nlp: Language) -> None:
    doc = nlp(SENTENCES[6])
    (again,) = nlp.pipe([SENTENCES[6]])
    assert doc._.cx == again._.cx
    assert told(doc) == told(again) != []


def test_a_span_is_drawn_out_to_whole_tokens_and_keeps_its_own_polarity(nlp: Language, stubbed: Stub) -> None:
    stubbed.touchpoints = (
        Touchpoint(4, 7, "app", "mobile_app", "channels", "+", 0.9),
        Touchpoint(8, 12, "site", "website", "channels", "-", 0.8),
        Touchpoint(9, 12, "ite", "website", "channels", "±", 0.6),
        Touchpoint(13, 18, "queue", "waiting", "journey", "0", 0.7),
    )
    doc = nlp.get_pipe("cxsentiment")(Doc(nlp.vocab, words=["the", "app_site", "queue"]))
    assert [span.text for span in doc.spans["cx"]] == ["app_site", "app_site", "app_site", "queue"]
    assert told(doc) == told(through_docbin(doc)) == expected(doc._.cx)
    assert Span(doc, 1, 2, "website")._.cx_polarity == "-"


def test_a_document_annotated_again_has_only_the_later_touchpoints(nlp: Language, stubbed: Stub) -> None:
    doc = nlp.make_doc("the app crashes")
    for polarity in "+-":
        stubbed.touchpoints = (Touchpoint(4, 7, "app", "mobile_app", "channels", polarity, 0.9),)
        nlp.get_pipe("cxsentiment")(doc)
    assert told(doc) == [("mobile_app", "channels", "-", 0.9)]


def test_what_was_not_found_by_the_component_has_no_values(nlp: Language) -> None:
    assert nlp.make_doc("great")._.cx is None
    doc = nlp(SENTENCES[6])
    (first, *_) = doc.spans["cx"]
    other = Span(doc, first.start, first.end, "PERSON")
    assert (other._.cx_polarity, other._.cx_group, other._.cx_score) == (None, None, None)
    doc._.cx = None
    assert doc._.cx is None


# ---- batches ----------------------------------------------------------------------------------------------------------------------


def test_a_stream_is_read_a_batch_at_a_time(nlp: Language, stubbed: Stub) -> None:
    drawn: list[int] = []

    def endless() -> Iterator[str]:
        for number in count():
            drawn.append(number)
            yield f"number {number}"

    docs = nlp.pipe(endless(), batch_size=4)
    assert drawn == []
    assert [doc.text for doc in islice(docs, 6)] == [f"number {number}" for number in range(6)]
    assert stubbed.batches == [4, 4]
    assert len(drawn) == 8


def test_contexts_stay_with_their_texts(nlp: Language) -> None:
    pairs = [(text, number) for number, text in enumerate(TEXTS)]
    assert [(doc._.cx.text, number) for doc, number in nlp.pipe(pairs, as_tuples=True, batch_size=3)] == pairs


def test_a_batch_that_fails_goes_to_the_error_handler(nlp: Language, stubbed: Stub) -> None:
    failed: list[tuple[str, list[str], str]] = []

    def handler(name: str, component: Any, docs: list[Doc], error: Exception) -> None:
        assert isinstance(component, CxComponent)
        failed.append((name, [doc.text for doc in docs], str(error)))

    component = nlp.get_pipe("cxsentiment")
    component.set_error_handler(handler)
    try:
        docs = [doc.text for doc in nlp.pipe(["a", "b", "c", "fail", "d"], batch_size=2)]
    finally:
        del component.error_handler
    assert docs == ["a", "b", "d"]
    assert failed == [("cxsentiment", ["c", "fail"], "told to fail")]


def test_without_a_handler_an_error_is_raised_after_the_batches_before(nlp: Language, stubbed: Stub) -> None:
    docs = nlp.pipe(["a", "fail"], batch_size=1)
    assert next(docs).text == "a"
    with pytest.raises(ValueError, match="told to fail"):
        next(docs)


def test_a_forked_process_is_told_to_use_one(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(OptionError, match="n_process=1"):
        nlp("great")


# ---- saving -----------------------------------------------------------------------------------------------------------------------


def through_bytes(doc: Doc) -> Doc:
    return Doc(spacy.blank("pl").vocab).from_bytes(doc.to_bytes())


def through_docbin(doc: Doc) -> Doc:
    saved = DocBin(docs=[doc], store_user_data=True).to_bytes()
    (read,) = DocBin().from_bytes(saved).get_docs(spacy.blank("pl").vocab)
    return read


def through_pickle(doc: Doc) -> Doc:
    return pickle.loads(pickle.dumps(doc))


@pytest.mark.parametrize("saved", [through_bytes, through_docbin, through_pickle])
@pytest.mark.parametrize("text", [SENTENCES[0], SENTENCES[6], ""])
def test_a_saved_document_comes_back_whole(saved: Any, text: str, eager_model: Path) -> None:
    doc = pipeline(eager_model, unsure_labels=True)(text)
    read = saved(doc)
    assert read._.cx == doc._.cx
    assert told(read) == told(doc) == expected(doc._.cx)
    assert bool(read._.cx.intents) == bool(text)
    assert hash(read._.cx) == hash(doc._.cx)  # tuples again, not lists


def test_a_document_saved_without_user_data_keeps_its_spans(nlp: Language) -> None:
    doc = nlp(SENTENCES[6])
    (read,) = DocBin().from_bytes(DocBin(docs=[doc]).to_bytes()).get_docs(nlp.vocab)
    assert read._.cx is None
    assert [(span.text, span.label_, span._.cx_polarity) for span in read.spans["cx"]] == [
        (span.text, span.label_, None) for span in doc.spans["cx"]
    ]


@pytest.mark.filterwarnings("ignore:.*W101")
def test_joined_and_parted_documents_keep_the_values_of_their_spans(nlp: Language) -> None:
    docs = [nlp(SENTENCES[6]), nlp(SENTENCES[7])]
    assert told(Doc.from_docs(docs)) == [*told(docs[0]), *told(docs[1])]
    span = docs[1].spans["cx"][-1]
    part = docs[1][1:].as_doc(copy_user_data=True)
    same = Span(part, span.start - 1, span.end - 1, span.label_)
    assert same.text == span.text
    assert same._.cx_polarity == span._.cx_polarity is not None


def test_a_saved_pipeline_names_its_model_and_does_not_hold_it(tiny_model: Path, tmp_path: Path) -> None:
    nlp = pipeline(tiny_model, "ro", spans_key="mentions")
    nlp.to_disk(tmp_path / "saved")
    read = spacy.load(tmp_path / "saved")
    assert nlp.config["components"]["cxsentiment"]["model"] == str(tiny_model)
    assert not [path for path in (tmp_path / "saved").rglob("*") if "cxsentiment" in path.name]
    first, second = nlp(SENTENCES[4]), read(SENTENCES[4])
    assert first._.cx == second._.cx
    assert told(first, "mentions") == told(second, "mentions")


def test_a_pipeline_comes_back_from_bytes(tiny_model: Path, nlp: Language) -> None:
    component = nlp.get_pipe("cxsentiment")
    assert component.to_bytes() == b""
    assert component.from_bytes(b"") is component
    read = pipeline(tiny_model).from_bytes(nlp.to_bytes())
    assert read(SENTENCES[5])._.cx == nlp(SENTENCES[5])._.cx


def test_a_pickled_component_loads_its_model_again(nlp: Language) -> None:
    component = nlp.get_pipe("cxsentiment")
    copy = pickle.loads(pickle.dumps(component))
    assert copy.name == "cxsentiment"
    assert copy(nlp.make_doc(SENTENCES[7]))._.cx == nlp(SENTENCES[7])._.cx


# ---- config -----------------------------------------------------------------------------------------------------------------------


def test_the_config_reaches_the_analyzer(eager_model: Path, tmp_path: Path) -> None:
    taxonomy = tmp_path / "mine.toml"
    taxonomy.write_text(WALLET, encoding="utf-8")
    texts = ["my e-wallet is empty", "great prices"]
    unsure = list(pipeline(eager_model, taxonomy=str(taxonomy), unsure_labels=True, spans_key="found").pipe(texts))
    sure = list(pipeline(eager_model).pipe(texts))
    assert "wallet" in {span.label_ for span in unsure[0].spans["found"]}
    assert "cx" not in unsure[0].spans
    assert unsure[1]._.cx.intents
    assert not sure[1]._.cx.intents
    assert "wallet" not in {span.label_ for span in sure[0].spans["cx"]}


def test_a_wrong_config_is_refused_at_once(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cache_size"):
        pipeline(tiny_model, cache_size=-1)
    with pytest.raises(OptionError, match="gpu"):
        pipeline(tiny_model, device="gpu")
    with pytest.raises(TaxonomyError):
        pipeline(tiny_model, taxonomy=str(tmp_path / "none.toml"))


def test_the_config_has_the_analyzers_defaults() -> None:
    assert Settings().cache_size == analyzer.CACHE_SIZE
    assert Settings().model is None


def test_extensions_are_set_once_and_never_over_others() -> None:
    set_extensions()
    set_extensions()
    ours = Doc.get_extension("cx")
    Doc.set_extension("cx", default="mine", force=True)
    try:
        with pytest.raises(ValueError, match="E090"):
            set_extensions()
    finally:
        Doc.set_extension("cx", getter=ours[2], setter=ours[3], force=True)


def test_spacy_finds_the_component_by_its_entry_point(tmp_path: Path) -> None:
    """Each new pipeline imports the components of all installed packages, so importing ours must not load the model's code."""
    described = tmp_path / "described-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: described\nVersion: 1\n", encoding="utf-8")
    (described / "entry_points.txt").write_text("[spacy_factories]\ncxsentiment = cxsentiment.spacy_component:make\n", encoding="utf-8")
    code = "import spacy, sys; print(spacy.blank('pl').has_factory('cxsentiment'), 'cxsentiment.analyzer' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.split() == ["True", "False"]
