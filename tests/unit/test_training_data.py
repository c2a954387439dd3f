import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from cxsentiment import InputError
from cxsentiment.encoder.tokenise import special_ids
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS, TOUCHPOINTS
from cxsentiment.taxonomy import Taxonomy
from cxsentiment.training.augment import with_typos
from cxsentiment.training.corpus import DataFolder, Document, Span, own_comments, parse_comment
from cxsentiment.training.examples import MAX_LENGTH, examples, inside_window, one_round
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.pretrain import WINDOW, hide, windows
from tests.conftest import tiny_tokenizer

COMMENT = (
    "Το [προσωπικό]{staff:+} ευγενικό, η [παράδοση]{delivery:-} άργησε.\tmixed\tsatisfaction,frustration\tduring\t-\t-\t-\tstandard\tretail"
)


def document(**changes: object) -> Document:
    fields = {"text": "great prices", "lang": "en", "dataset": "sst5", "sentiment": "neutral", "stars": 3.0}
    return Document(**({"emotions": None, "spans": (), "quality": 1.0} | fields | changes))  # type: ignore[arg-type]


def test_marks_become_spans_of_the_bare_text() -> None:
    parsed = parse_comment(COMMENT, "el")
    assert parsed.text == "Το προσωπικό ευγενικό, η παράδοση άργησε."
    assert [(parsed.text[span.start : span.end], span.type, span.polarity) for span in parsed.spans] == [
        ("προσωπικό", "staff", "+"),
        ("παράδοση", "delivery", "-"),
    ]
    assert parsed.emotions == ("satisfaction", "frustration")


def test_three_stars_allow_neutral_and_mixed() -> None:
    assert SCHEMES["sst5"].allowed_sentiments(document()) == ("neutral", "mixed")
    assert SCHEMES["sart"].allowed_sentiments(document(dataset="sart")) == ("neutral",)
    assert SCHEMES["goemotions"].allowed_sentiments(document(dataset="goemotions")) == ()


def test_a_set_says_nothing_about_emotions_outside_its_scheme() -> None:
    targets = SCHEMES["tweeteval_emotion"].emotion_targets(document(emotions=("joy",), dataset="tweeteval_emotion"))
    assert targets == {"anger": 0.0, "joy": 1.0, "sadness": 0.0}
    assert SCHEMES["tweeteval_emotion"].emotion_targets(document(emotions=None)) == {}


def test_every_emotion_is_learnt_from_some_set_and_no_scheme_names_an_unknown_label() -> None:
    assert {emotion for scheme in SCHEMES.values() for emotion in scheme.emotions} == set(EMOTIONS)
    for scheme in SCHEMES.values():
        assert set(scheme.sentiments) <= set(SENTIMENTS)
        assert {name for name in scheme.emotion_names.values() if name} <= set(EMOTIONS)


def test_span_tokens_cover_the_words_marked() -> None:
    tokenizer = tiny_tokenizer()
    (example,) = examples([parse_comment(COMMENT, "el")], tokenizer)
    found = [
        (tokenizer.decode(list(example.ids[first:last])).strip(), POLARITIES[polarity], TOUCHPOINTS[kind])
        for first, last, polarity, kind in example.spans
    ]
    assert found == [("προσωπικο", "+", "staff"), ("παραδοση", "-", "delivery")]


def test_spans_are_found_again_after_cleaning() -> None:
    text = "&amp;&amp; 😡   Η παράδοση άργησε"
    start = text.index("παράδοση")
    tokenizer = tiny_tokenizer()
    (example,) = examples([document(text=text, spans=(Span(start, start + 8, "-"),))], tokenizer)
    first, last, *_ = example.spans[0]
    assert tokenizer.decode(list(example.ids[first:last])).strip() == "παραδοση"


def test_long_texts_keep_their_beginning_and_their_end() -> None:
    ids = inside_window(list(range(1000, 2000)), special_ids(tiny_tokenizer()))
    assert len(ids) == MAX_LENGTH
    assert (ids[1], ids[-2]) == (1000, 1999)


def test_a_round_is_the_same_for_the_same_seed_and_joins_contrasts() -> None:
    documents = [
        document(text=f"{word} {number}", sentiment=label, dataset="cr_custrev")
        for number in range(20)
        for word, label in (("great", "positive"), ("terrible", "negative"))
    ]
    first, second = one_round(documents, 4), one_round(documents, 4)
    assert first == second
    joined = [one for one in first if one.dataset == "joined"]
    assert joined
    for one in joined:
        said = {label for word, label in (("great", "positive"), ("terrible", "negative")) if word in one.text}
        assert one.sentiment == ("mixed" if len(said) == 2 else said.pop())
    assert {one.sentiment for one in joined} == {"mixed", "positive", "negative"}


def test_typos_change_some_words_and_keep_their_number() -> None:
    text = "the courier brought everything quickly and nobody complained " * 5
    changed = with_typos(text, random.Random(2))
    pairs = list(zip(text.split(" "), changed.split(" "), strict=True))
    assert 0 < sum(a != b for a, b in pairs) < len(pairs) / 2


def test_a_folder_without_data_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CXSENTIMENT_DATA"):
        DataFolder.find(tmp_path)


def test_documents_come_from_their_split(tmp_path: Path) -> None:
    rows = [
        {
            "text": f"text {split} &amp; more",
            "lang": "en",
            "sentiment": "positive",
            "stars": None,
            "emotions": ["joy"],
            "aspects": None,
            "dataset": "sst5",
            "quality": 0.9,
            "split": split,
        }
        for split in ("train", "dev")
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "documents.parquet")
    (found,) = DataFolder.find(tmp_path).documents("dev")
    assert (found.text, found.emotions, found.spans) == ("text dev & more", ("joy",), ())


def test_own_comments_are_well_formed_and_nobody_elses() -> None:
    types = set(Taxonomy.default().types)
    comments = own_comments()
    assert len({author for author, _ in comments}) >= 4
    texts = [document.text for _, document in comments]
    assert len(set(texts)) > 0.99 * len(texts)
    for author, document in comments:
        assert author.startswith(document.lang), author
        assert document.sentiment in SENTIMENTS, document.text
        assert set(document.emotions or ()) <= set(EMOTIONS), document.text
        assert not set(document.text) & set("[]{}\t"), document.text
        for span in document.spans:
            assert span.type in types, document.text
            assert document.text[span.start : span.end].strip() == document.text[span.start : span.end] != "", document.text


def test_pieces_are_hidden_in_every_text_but_never_special_ones() -> None:
    torch.manual_seed(0)
    first, last, mask = 2, 3, 4
    ids = torch.randint(5, 90, (40, 12))
    lengths = torch.randint(3, 13, (40,))
    ids[:, 0] = first
    ids[torch.arange(40), lengths - 1] = last
    ids = ids.masked_fill(torch.arange(12)[None, :] >= lengths[:, None], 0)
    hidden, chosen = hide(ids, lengths, mask, (first, last), 90)
    assert chosen.any(1).all()
    assert not (chosen & ((ids == first) | (ids == last) | (ids == 0))).any()
    assert (hidden[~chosen] == ids[~chosen]).all()
    assert 0.6 < (hidden[chosen] == mask).float().mean() < 0.95


def test_long_texts_are_learnt_in_stretches() -> None:
    found = windows(["good staff " * 300, "ok"], tiny_tokenizer())
    assert len(found) > 2
    assert all(len(ids) <= WINDOW + 2 for ids in found)
    first, last = special_ids(tiny_tokenizer())
    assert all(ids[0] == first and ids[-1] == last for ids in found)
