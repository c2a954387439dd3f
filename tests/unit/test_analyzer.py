import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest

from cxsentiment import Analysis, Analyzer, InputError, OptionError
from cxsentiment.results import EMOTIONS, ROW_SCHEMA, SENTIMENTS, to_arrow
from tests.conftest import SENTENCES

TEXTS = [*SENTENCES, "ok", "😡😡", "", "  \n", "άλλη μια παράδοση " * 300, "http://example.com/a?b=c", "ok"]


def test_one_text_gives_one_analysis_and_a_sequence_a_list(tiny_analyzer: Analyzer) -> None:
    alone = tiny_analyzer(SENTENCES[0])
    assert isinstance(alone, Analysis)
    together = tiny_analyzer(list(SENTENCES))
    assert [analysis.text for analysis in together] == list(SENTENCES)
    assert together[0].sentiment.label == alone.sentiment.label


def test_probabilities_are_probabilities(tiny_analyzer: Analyzer) -> None:
    for analysis in tiny_analyzer(TEXTS):
        assert sum(analysis.sentiment.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert -1.0 <= analysis.sentiment.polarity <= 1.0
        assert [emotion.label for emotion in analysis.emotion_probabilities] == list(EMOTIONS)
        assert all(0.0 <= emotion.probability <= 1.0 for emotion in analysis.emotion_probabilities)
        assert {emotion.label for emotion in analysis.emotions} <= set(EMOTIONS)


def test_a_long_text_is_split_and_says_so(tiny_analyzer: Analyzer) -> None:
    short, long = tiny_analyzer(["καλό", "άλλη μια παράδοση " * 2000])
    assert short.windows == 1
    assert long.windows > 10
    assert long.touchpoints[-1].end > 30_000


def test_the_end_of_a_long_text_counts(tiny_analyzer: Analyzer) -> None:
    body = "η παράδοση άργησε " * 400
    first, second = tiny_analyzer([body, body + "great prices great prices great prices terrible rude " * 40])
    assert first.sentiment.probabilities != second.sentiment.probabilities


def test_nothing_said_is_neutral_and_has_no_windows(tiny_analyzer: Analyzer) -> None:
    for analysis in tiny_analyzer(["", " \t\n", "\u200b\ufeff"]):
        assert (analysis.sentiment.label, analysis.windows, analysis.touchpoints) == ("neutral", 0, ())
        assert analysis.language.code == "und"


def test_touchpoints_stand_where_they_say_in_the_callers_text(tiny_analyzer: Analyzer) -> None:
    text = "&lt;b&gt; https://example.com/app 😡  Η ΠΑΡΑΔΟΣΗΗΗΗ άργησε,   the courier was rude"
    analysis = tiny_analyzer(text)
    assert {touchpoint.type for touchpoint in analysis.touchpoints} >= {"delivery"}
    for touchpoint in analysis.touchpoints:
        assert text[touchpoint.start : touchpoint.end] == touchpoint.text
        assert touchpoint.polarity in {"-", "0", "+", "±"}


def test_stream_is_lazy_ordered_and_takes_endless_input(tiny_analyzer: Analyzer) -> None:
    endless = (f"{SENTENCES[number % 8]} {number % 50}" for number in count())
    first = list(islice(tiny_analyzer.stream(endless), 60))
    assert [analysis.text for analysis in first] == [f"{SENTENCES[number % 8]} {number % 50}" for number in range(60)]


def test_repeated_texts_are_scored_once(tiny_analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    scored: list[int] = []
    original = tiny_analyzer._model.core.score
    monkeypatch.setattr(tiny_analyzer._model.core, "score", lambda texts: (scored.append(len(texts)), original(texts))[1])
    results = list(tiny_analyzer.stream(["great", "rude"] * 5000))
    assert len(results) == 10_000
    assert sum(scored) == 2


def test_eight_threads_get_what_one_gets(tiny_analyzer: Analyzer) -> None:
    alone = tiny_analyzer(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: tiny_analyzer(TEXTS), range(16)))
    for run in runs:
        assert [analysis.touchpoints for analysis in run] == [analysis.touchpoints for analysis in alone]
        assert run == alone


@pytest.mark.parametrize("bad", [[None], ["fine", 3], [b"bytes"], [["nested"]]])
def test_what_is_not_text_is_refused_with_its_place(tiny_analyzer: Analyzer, bad: list[object]) -> None:
    with pytest.raises(InputError, match=rf"item {len(bad) - 1} is "):
        tiny_analyzer(bad)  # type: ignore[call-overload]


def test_bytes_are_refused_with_advice(tiny_analyzer: Analyzer) -> None:
    with pytest.raises(InputError, match="decode"):
        tiny_analyzer(b"text")  # type: ignore[call-overload]


def test_results_are_frozen_and_serialise(tiny_analyzer: Analyzer) -> None:
    analysis = tiny_analyzer(SENTENCES[6])
    with pytest.raises(FrozenInstanceError):
        analysis.stage = "after"  # type: ignore[misc]
    plain = json.loads(json.dumps(analysis.to_dict(), ensure_ascii=False))
    assert plain["sentiment"]["label"] in SENTIMENTS
    assert list(plain["emotion_probabilities"]) == list(EMOTIONS)


def test_rows_have_the_schema_of_the_design(tiny_analyzer: Analyzer) -> None:
    table = to_arrow(tiny_analyzer(TEXTS))
    assert table.schema == ROW_SCHEMA
    assert table.num_rows == len(TEXTS)
    assert table["cx_error"].null_count == len(TEXTS)
    assert np.isfinite(table["cx_polarity"].to_numpy()).all()


def test_stats_say_what_was_done(tiny_model: Path) -> None:
    analyzer = Analyzer.from_pretrained(tiny_model, device="cpu", token_budget=64, cache_size=10)
    texts = ["great prices", "terrible waiting time " * 4, "great prices", ""]
    analyzer(texts)
    analyzer("great prices")
    stats = analyzer.stats()
    assert (stats.texts, stats.repeats, stats.reread, stats.padding) == (5, 2, 0, 0)
    assert stats.tokens > 12
    assert stats.batches >= 1
    assert (stats.precision, stats.token_budget) == ("float32", 64)
    assert set(stats.seconds) == {"read", "tokenise", "copy", "forward", "post"}
    assert stats.seconds["forward"] > 0


def test_without_a_cache_only_one_run_remembers(tiny_model: Path) -> None:
    analyzer = Analyzer.from_pretrained(tiny_model, device="cpu", cache_size=0)
    for _ in range(2):
        analyzer(["great prices", "great prices"])
    assert analyzer.stats().repeats == 2


def test_a_negative_cache_is_refused(tiny_model: Path) -> None:
    with pytest.raises(OptionError, match="cache_size"):
        Analyzer.from_pretrained(tiny_model, cache_size=-1)
