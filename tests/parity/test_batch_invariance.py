"""The same text gives the same answer whatever stands beside it, in whatever order, at whatever budget."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from cxsentiment import Analysis, Analyzer
from cxsentiment.encoder import core
from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.model import Encoder, EncoderConfig, pool
from tests.conftest import SENTENCES

TOLERANCE = 2e-5


def mixed_texts() -> list[str]:
    rng = random.Random(3)
    words = " ".join(SENTENCES).split()
    texts = [" ".join(rng.choices(words, k=rng.choice([1, 2, 5, 12, 40, 170, 500]))) for _ in range(120)]
    return [*dict.fromkeys(texts), "", "😡", "delivery " * 3000]


def probabilities(analyses: list[Analysis]) -> np.ndarray:
    return np.array([[*a.sentiment.probabilities.values(), *(e.probability for e in a.emotion_probabilities)] for a in analyses])


@pytest.mark.parametrize("budget", [1, 512, 4096, 10**9, "auto"])
def test_no_budget_changes_an_answer(tiny_model: Path, tiny_analyzer: Analyzer, budget: int | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "CPU_BUDGETS", (512, 256, 1024))
    texts = mixed_texts()
    expected = [tiny_analyzer(text) for text in texts]
    analyzer = Analyzer.from_pretrained(tiny_model, device="cpu", token_budget=budget, cache_size=0)
    for _ in range(3 if budget == "auto" else 1):
        found = analyzer(texts)
    assert analyzer._model.core.budget._rates == {}
    assert np.abs(probabilities(found) - probabilities(expected)).max() < TOLERANCE
    assert [a.sentiment.label for a in found] == [a.sentiment.label for a in expected]
    assert [[(t.start, t.end, t.type, t.polarity) for t in a.touchpoints] for a in found] == [
        [(t.start, t.end, t.type, t.polarity) for t in a.touchpoints] for a in expected
    ]


def test_no_order_changes_an_answer(tiny_analyzer: Analyzer) -> None:
    texts = mixed_texts()
    shuffled = random.Random(5).sample(texts, len(texts))
    expected = dict(zip(texts, tiny_analyzer(texts), strict=True))
    for found in tiny_analyzer(shuffled):
        assert found.sentiment.label == expected[found.text].sentiment.label
        assert np.abs(probabilities([found]) - probabilities([expected[found.text]])).max() < TOLERANCE


def test_padding_does_not_reach_the_states() -> None:
    torch.manual_seed(0)
    encoder = Encoder(EncoderConfig(50, 16, 2, 2, 32, 64)).eval()
    short, long = torch.randint(1, 50, (1, 5)), torch.randint(1, 50, (1, 9))
    padded = torch.zeros(2, 9, dtype=torch.int64)
    padded[0, :5], padded[1] = short, long
    with torch.inference_mode():
        total, largest = pool(encoder(padded, torch.tensor([5, 9])), torch.tensor([5, 9]))
        total_alone, largest_alone = pool(encoder(short, torch.tensor([5])), torch.tensor([5]))
    assert torch.allclose(total[0], total_alone[0], atol=1e-5)
    assert torch.allclose(largest[0], largest_alone[0], atol=1e-5)


def test_a_batch_that_does_not_fit_into_memory_runs_in_parts(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = mixed_texts()
    analyzer = Analyzer.from_pretrained(tiny_model, device="cpu", token_budget=4000, cache_size=0)
    expected = analyzer(texts)
    sizes: list[int] = []
    packed = Encoder.packed

    def scarce(self: Encoder, ids: torch.Tensor, layout: Packed) -> torch.Tensor:
        sizes.append(len(ids))
        if len(ids) > 1500:
            raise torch.OutOfMemoryError("no memory")
        return packed(self, ids, layout)

    monkeypatch.setattr(Encoder, "packed", scarce)
    found = analyzer(texts)
    assert max(sizes) > 1500
    assert any(750 <= size <= 1500 for size in sizes)
    assert np.abs(probabilities(found) - probabilities(expected)).max() < TOLERANCE
    assert 750 <= analyzer.stats().token_budget < 4000
