"""Devices as far as they go without CUDA: several that share a queue, places that are busy, names."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from cxsentiment import Analyzer, OptionError
from cxsentiment.encoder import runtime
from cxsentiment.encoder.core import Core
from cxsentiment.encoder.devices import choose_devices, choose_precision
from tests.conftest import SENTENCES

CPU = torch.device("cpu")


def test_each_device_has_a_network_of_its_own_and_all_share_the_calls() -> None:
    core = Core(torch.nn.Linear(3, 2), [CPU, CPU], "float32", 10)
    each = torch.get_num_threads()
    taken = [core._idle.get() for _ in range(2 * each)]
    assert core.windows_at_once == 2
    assert len({id(place.network) for place in taken}) == 2
    ids = torch.rand(4, 3)
    assert torch.equal(taken[0].network(ids), taken[-1].network(ids))
    assert core._idle.empty()


def test_a_call_waits_until_a_place_is_idle() -> None:
    core = Core(torch.nn.Linear(3, 2), [CPU], "float32", 10)
    for _ in range(torch.get_num_threads() - 1):
        core._idle.get()
    began, entered = threading.Event(), threading.Event()

    def later() -> None:
        began.set()
        with core.place():
            entered.set()

    with core.place():
        thread = threading.Thread(target=later)
        thread.start()
        assert began.wait(10)
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("no"), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_that_runs_out_is_said_and_the_place_comes_back(error: Exception) -> None:
    core = Core(torch.nn.Linear(3, 2), [CPU], "float32", 10)
    for _ in range(2 * torch.get_num_threads()):
        with pytest.raises(OptionError, match="smaller token_budget than 10"), core.place():
            raise error
    with pytest.raises(RuntimeError, match="other"), core.place():
        raise RuntimeError("other")


def test_two_devices_give_the_same_answers_in_order(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{sentence} {number}" for number in range(60) for sentence in SENTENCES] + [""]
    expected = Analyzer.from_pretrained(tiny_model, device="cpu", token_budget=64, cache_size=0)(texts)
    monkeypatch.setattr(runtime, "choose_devices", lambda _: [CPU, CPU])
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    analyzer = Analyzer.from_pretrained(tiny_model, device="cpu", token_budget=64, cache_size=0)
    used: set[int] = set()
    packed = runtime.Encoder.packed

    def seen(self: runtime.Encoder, *given: object) -> torch.Tensor:
        used.add(id(self))
        return packed(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(runtime.Encoder, "packed", seen)
    found = analyzer(texts)
    assert len(used) == 2
    assert [one.text for one in found] == texts
    assert [one.sentiment.label for one in found] == [one.sentiment.label for one in expected]
    probabilities = np.array([[list(one.sentiment.probabilities.values()) for one in some] for some in (found, expected)])
    assert np.abs(probabilities[0] - probabilities[1]).max() < 2e-5


def test_devices_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_devices("auto") == choose_devices("cpu") == [CPU]
    for name, message in (("cuda", "no CUDA device"), ("tpu", "unknown device"), ("mps", "not supported")):
        with pytest.raises(OptionError, match=message):
            choose_devices(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_devices("auto") == choose_devices("cuda") == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert choose_devices("cuda:1") == [torch.device("cuda", 1)]
    with pytest.raises(OptionError, match="only 2 CUDA devices"):
        choose_devices("cuda:2")
    assert choose_precision("auto", torch.device("cuda"), can_int8=True) == "bfloat16"
