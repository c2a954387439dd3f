"""A model that learns on keeps what another knows of touchpoints."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from cxsentiment.encoder.model import CxModel, EncoderConfig
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.tokenise import pieces_of
from cxsentiment.errors import InputError
from cxsentiment.tags import TAGS
from cxsentiment.training import refine as refining
from cxsentiment.training.corpus import DataFolder, Document
from cxsentiment.training.examples import Example, examples
from cxsentiment.training.finetune import deep_loss
from cxsentiment.training.keeping import Keeper
from cxsentiment.training.loop import pad
from tests.conftest import tiny_tokenizer, write_tiny_model


def network(seed: int) -> CxModel:
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    config = EncoderConfig(tokenizer.get_vocab_size(), 32, 1, 4, 64, 256, head_hidden=16, wide_buckets=512, dropout=0.0)
    return CxModel(config, Spelling.of(pieces_of(tokenizer)))


def feedback(*texts: str, marked: bool = False) -> list[Example]:
    documents = [Document(text, "en", "cr_custrev", "positive", None, None, (), 1.0, marked=marked) for text in texts]
    return examples(documents, tiny_tokenizer())


def tags(model: CxModel, batch: list[Example]) -> torch.Tensor:
    ids, lengths = pad([example.ids for example in batch])
    logits: torch.Tensor = model.heads.tokens(model.encoder(ids, lengths))
    return logits


def distance(model: CxModel, keeper: CxModel, batch: list[Example]) -> float:
    """Between the types that the two give to the tokens of the texts."""
    with torch.inference_mode():
        one, other = (tags(each, batch)[..., :TAGS].softmax(-1) for each in (model, keeper))
    distances = (one - other).abs().sum(-1)
    return max(float(row[1 : len(example.ids) - 1].max()) for row, example in zip(distances, batch, strict=True))


def test_who_answers_alike_has_nothing_to_learn() -> None:
    batch = feedback("great courier", "the app crashed again and again")
    model = network(1)
    logits = tags(model, batch).detach().requires_grad_()
    ids, lengths = pad([example.ids for example in batch])

    Keeper(copy.deepcopy(model)).loss(logits, ids, lengths, batch).backward()  # type: ignore[no-untyped-call]

    assert logits.grad is not None
    assert float(logits.grad.abs().max()) < 1e-5


def test_marked_texts_special_and_padding_tokens_do_not_count() -> None:
    batch = [*feedback("great courier and great staff"), *feedback("terrible app", marked=True)]
    ids, lengths = pad([example.ids for example in batch])
    logits = torch.zeros_like(tags(network(1), batch), requires_grad=True)

    Keeper(network(2)).loss(logits, ids, lengths, batch).backward()  # type: ignore[no-untyped-call]

    assert logits.grad is not None
    moved = logits.grad.abs().sum(-1) > 0
    assert not moved[1].any()
    assert moved[0].tolist() == [0 < place < len(batch[0].ids) - 1 for place in range(ids.shape[1])]


def test_touchpoints_are_learnt_from_the_keeper_who_learns_nothing() -> None:
    batch = feedback("great courier", "terrible app", "the staff was great")
    model, kept = network(1), network(2)
    before = copy.deepcopy(kept.state_dict())
    far = distance(model, kept, batch)
    keeper = Keeper(kept)
    optimizer = torch.optim.Adam([*model.encoder.parameters(), *model.heads.parameters()], lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        deep_loss(model, batch, keeper=keeper).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    assert distance(model, kept, batch) < 0.25 * far
    assert all(torch.equal(value, before[name]) for name, value in kept.state_dict().items())


def test_models_that_read_other_pieces_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write_tiny_model(tmp_path / "one")
    tokenizer, model = refining.started(str(one))
    other = tiny_tokenizer()
    other.add_tokens(["unheard"])
    found = {"one": (tokenizer, model), "other": (other, model)}
    monkeypatch.setattr(refining, "started", found.__getitem__)

    with pytest.raises(InputError, match="--keep other"):
        refining.refine("one", "other", DataFolder(tmp_path), 1.0, 1, tmp_path)
