"""The integer kernels beside the same network in floating point and beside the same integers in numpy; and no batch changes a bit."""

import itertools
import os
import platform
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from cxsentiment import Analyzer, ModelError, OptionError
from cxsentiment.encoder import core, kernels
from cxsentiment.encoder.attention import Packed
from cxsentiment.encoder.batch import Sequences
from cxsentiment.encoder.kernels import IntegerLayer, IntegerMatrix, IntegerNetwork, Kernels
from cxsentiment.encoder.model import CxModel, Encoder, EncoderConfig
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.quantised import GELU_LEAST, RANGED, STATES, integer_network
from cxsentiment.encoder.runtime import load_runtime
from cxsentiment.multitask import MultitaskModel
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.training.ranges import activation_ranges, encoder_ranges, widened
from cxsentiment.weights import RANGES, read_manifest, save_arrays, write_manifest
from tests.conftest import SENTENCES, write_tiny_model

CONFIG = EncoderConfig(vocabulary=90, hidden=96, layers=3, heads=3, intermediate=160, positions=200, head_hidden=64, wide_buckets=64)
LENGTHS = (1, 2, 3, 5, 12, 13, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64, 100, 160, 200)
needs_kernels = pytest.mark.skipif(not kernels.supported(), reason="no kernels here: needs x86-64 with AVX-512 VNNI and a C compiler")


def some_ids(*lengths: int) -> Sequences:
    rng = np.random.default_rng(sum(lengths))
    return Sequences(rng.integers(0, CONFIG.vocabulary, sum(lengths), dtype=np.int32), np.concatenate([[0], np.cumsum(lengths)]))


def one_by_one(sequences: Sequences) -> Iterator[np.ndarray]:
    for start, end in itertools.pairwise(sequences.starts):
        yield sequences.ids[start:end]


@pytest.fixture(scope="module")
def model() -> CxModel:
    torch.manual_seed(1)
    model = CxModel(CONFIG, Spelling.of([""] * CONFIG.vocabulary)).eval().requires_grad_(requires_grad=False)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.add_(0.3 * torch.randn_like(parameter))
        elif parameter.ndim == 2 and ("layers" in name or "heads" in name):
            parameter.mul_(2.0)
    return model


@pytest.fixture(scope="module")
def encoder(model: CxModel) -> Encoder:
    assert isinstance(model.encoder, Encoder)
    return model.encoder


@pytest.fixture(scope="module")
def network(model: CxModel, encoder: Encoder) -> IntegerNetwork:
    return integer_network(encoder, model.heads.tokens, encoder_ranges(encoder, list(one_by_one(some_ids(*LENGTHS, *range(20, 60))))))


def in_floats(encoder: Encoder, sequences: Sequences) -> np.ndarray:
    with torch.inference_mode():
        starts = torch.from_numpy(sequences.starts).int()
        return encoder.packed(torch.from_numpy(sequences.ids), Packed(sequences.runs, starts)).numpy()


def test_the_kernels_are_built_where_they_can_be() -> None:
    flags = Path("/proc/cpuinfo")
    able = platform.machine() == "x86_64" and flags.is_file() and "avx512_vnni" in flags.read_text()
    assert kernels.supported() == (able and any(map(shutil.which, (os.environ.get("CC", "cc"), "cc", "gcc", "clang"))))


@needs_kernels
def test_integers_come_close_to_floating_point(model: CxModel, encoder: Encoder, network: IntegerNetwork) -> None:
    sequences = some_ids(*LENGTHS)
    runner = Kernels(network)
    logits, total, largest = runner.encode(sequences.ids, sequences.starts)
    states = runner.states(sequences.ids, sequences.starts)
    exact = in_floats(encoder, sequences)
    assert np.linalg.norm(states - exact) / np.linalg.norm(exact) < 0.03
    with torch.inference_mode():
        exact_logits = model.heads.tokens(torch.from_numpy(exact)).numpy()
        of_states = model.heads.tokens(torch.from_numpy(states)).numpy()
    assert logits.shape == (len(sequences.ids), TOKEN_LOGITS)
    spread = exact_logits - exact_logits.mean(axis=0)
    assert np.linalg.norm(logits - of_states) / np.linalg.norm(spread) < 0.03
    assert np.linalg.norm(logits - exact_logits) / np.linalg.norm(spread) < 0.06
    for number, (start, end) in enumerate(itertools.pairwise(sequences.starts)):
        assert total[number] == pytest.approx(states[start:end].sum(axis=0), abs=1e-3)
        assert (largest[number] == states[start:end].max(axis=0)).all()


@needs_kernels
def test_the_head_does_what_numpy_does_with_the_same_integers(network: IntegerNetwork) -> None:
    sequences = some_ids(*LENGTHS)
    runner = Kernels(network)
    logits, _, _ = runner.encode(sequences.ids, sequences.starts)
    states = runner.states(sequences.ids, sequences.starts)
    head = network.tokens
    widened = gelu(product(head.inner, integers(states * head.factor + head.shift)))
    step = (widened.max(axis=1, keepdims=True) + GELU_LEAST) / 255
    sums = integers((widened + GELU_LEAST) / step) @ head.outer.integers.T.astype(np.float64)
    difference = np.abs(logits - (sums * head.outer.scale * step + head.outer.bias))
    assert np.median(difference) < 1e-5
    assert difference.max() < 0.02


@needs_kernels
def test_the_kernels_do_what_numpy_does_with_the_same_integers(network: IntegerNetwork) -> None:
    sequences = some_ids(*LENGTHS)
    network = replace(network, layers=network.layers[:1])
    states = Kernels(network).states(sequences.ids, sequences.starts)
    difference = np.abs(states - np.concatenate([in_numpy(network, ids) for ids in one_by_one(sequences)]))
    # GELU within 2e-5 and sums in another order round a few activations to the next integer.
    assert np.median(difference) < 1e-5
    assert difference.max() < 0.05


@needs_kernels
@pytest.mark.parametrize(("cuts", "threads"), [(None, 1), ([0, 1, 2, 9, 10, 19], 3), (range(20), 2)])
def test_no_neighbour_no_order_no_batch_and_no_thread_changes_a_bit(network: IntegerNetwork, cuts: list[int] | None, threads: int) -> None:
    runner = Kernels(network)
    sequences = some_ids(*LENGTHS)
    together, total, largest = runner.encode(sequences.ids, sequences.starts, None if cuts is None else np.array(cuts), threads)
    backwards = [ids for ids in one_by_one(sequences)][::-1]
    turned, total_turned, largest_turned = runner.encode(
        np.concatenate(backwards), np.concatenate([[0], np.cumsum([len(ids) for ids in backwards])])
    )
    end = len(turned)
    for number, ids in enumerate(one_by_one(sequences)):
        alone, total_alone, largest_alone = runner.encode(ids, np.array([0, len(ids)]))
        start = sequences.starts[number]
        assert np.array_equal(alone, together[start : start + len(ids)])
        assert np.array_equal(alone, turned[end - len(ids) : end])
        assert np.array_equal(total_alone[0], total[number])
        assert np.array_equal(largest_alone[0], largest[number])
        assert np.array_equal(total_alone[0], total_turned[len(backwards) - 1 - number])
        assert np.array_equal(largest_alone[0], largest_turned[len(backwards) - 1 - number])
        end -= len(ids)


@needs_kernels
@pytest.mark.parametrize("cuts", [[1, 3], [0, 2], [0, 2, 2, 3], [0]])
def test_batches_that_do_not_hold_all_sequences_are_refused(network: IntegerNetwork, cuts: list[int]) -> None:
    sequences = some_ids(2, 2, 2)
    with pytest.raises(ValueError, match="batches"):
        Kernels(network).encode(sequences.ids, sequences.starts, np.array(cuts))


@needs_kernels
@pytest.mark.parametrize(
    ("ids", "starts"),
    [([1, 90], [0, 2]), ([-1], [0, 1]), ([1, 2], [0, 1]), ([1, 2], [1, 2]), ([1], [0, 0, 1]), ([], [0]), ([1] * 201, [0, 201])],
)
def test_ids_and_lengths_out_of_range_are_refused(network: IntegerNetwork, ids: list[int], starts: list[int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Kernels(network).encode(np.array(ids, np.int32), np.array(starts, np.int64))


def in_numpy(network: IntegerNetwork, ids: np.ndarray) -> np.ndarray:
    """One sequence, as the kernels do it."""
    states = normal(network.words[ids] + network.positions[: len(ids)], network.norm_weight, network.norm_bias)
    for layer in network.layers:
        states = through(layer, states, network.heads)
    return states


def through(layer: IntegerLayer, states: np.ndarray, heads: int) -> np.ndarray:
    length, hidden = states.shape
    projected = product(layer.qkv, integers(states * layer.qkv_factor + layer.qkv_shift))
    query, key, value = projected.reshape(length, 3, heads, -1).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1)
    shares = np.exp(scores - scores.max(axis=2, keepdims=True))
    mixed = (shares / shares.sum(axis=2, keepdims=True)) @ value
    states = states + product(layer.out, integers(mixed.transpose(1, 0, 2).reshape(length, hidden)))
    states = normal(states, layer.middle_weight, layer.middle_bias)
    widened = product(layer.up, integers(states * layer.up_factor + layer.up_shift))
    widened = gelu(widened)
    step = (widened.max(axis=1, keepdims=True) + GELU_LEAST) / 255
    sums = integers((widened + GELU_LEAST) / step) @ layer.down.integers.T.astype(np.float64)
    return normal(states + sums * layer.down.scale * step + layer.down.bias, layer.final_weight, layer.final_bias)


def gelu(values: np.ndarray) -> np.ndarray:
    return torch.nn.functional.gelu(torch.from_numpy(values)).numpy()


def integers(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255)


def product(matrix: IntegerMatrix, values: np.ndarray) -> np.ndarray:
    return values @ matrix.integers.T.astype(np.float64) * matrix.scale + matrix.bias


def normal(states: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    centred = states - states.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12) * weight + bias


@pytest.fixture(scope="module")
def integer_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with heads of 32 units, and the ranges of its activations on the tests' sentences."""
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "integers", hidden=64, heads=2, intermediate=96, head_hidden=32)
    manifest = read_manifest(folder)
    runtime, tokeniser = load_runtime(manifest, "cpu", "float32", 512)
    assert isinstance(runtime.model.encoder, Encoder)
    save_arrays(folder / RANGES, activation_ranges(runtime.model.encoder, tokeniser, SENTENCES), exact=True)
    write_manifest(folder, manifest.name, manifest.version, manifest.encoder, manifest.calibration)
    return folder


@needs_kernels
def test_close_sentiments_are_those_of_floating_point(integer_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2)
    words = " ".join(SENTENCES).split()
    texts = [" ".join(rng.choices(words, k=rng.choice([1, 3, 9, 30, 200]))) for _ in range(150)]
    monkeypatch.setattr("cxsentiment.multitask.CLOSE", 2.0)  # random weights make large logits
    rounded = Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8", cache_size=0)
    exact = Analyzer.from_pretrained(integer_model, device="cpu", dtype="float32")(texts)
    found = rounded(texts)
    stats = rounded.stats()
    assert stats.precision == "int8"
    assert [one.sentiment for one in exact] != [one.sentiment for one in found]
    assert 0 < stats.reread < len(texts)
    assert [one.sentiment.label for one in found] == [one.sentiment.label for one in exact]
    monkeypatch.setattr("cxsentiment.multitask.CLOSE", 1e9)
    for one, other in zip(rounded(texts), exact, strict=True):
        assert list(one.sentiment.probabilities.values()) == pytest.approx(list(other.sentiment.probabilities.values()), abs=1e-5)
        assert [(t.start, t.type, t.polarity) for t in one.touchpoints] == [(t.start, t.type, t.polarity) for t in other.touchpoints]


@needs_kernels
def test_integers_give_the_same_answer_in_any_batch(integer_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*SENTENCES, "app", "great prices " * 300, "😡"]
    expected = [Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8", cache_size=0)(text) for text in texts]
    monkeypatch.setattr(core, "CPU_BUDGETS", (64, 32, 128))
    for budget in (1, 64, 10**6, "auto"):
        found = Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8", token_budget=budget, cache_size=0)(texts[::-1])[::-1]
        for one, other in zip(found, expected, strict=True):
            assert list(one.sentiment.probabilities.values()) == pytest.approx(list(other.sentiment.probabilities.values()), abs=2e-5)
            assert one.sentiment.label == other.sentiment.label
            assert [(t.start, t.end, t.type, t.polarity) for t in one.touchpoints] == [
                (t.start, t.end, t.type, t.polarity) for t in other.touchpoints
            ]


@needs_kernels
def test_memory_that_runs_out_halves_the_kernels_batches(integer_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*SENTENCES * 5, "great prices " * 300]
    expected = Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8", cache_size=0)(texts)
    encode, largest = Kernels.encode, []

    def scarce(self: Kernels, ids: np.ndarray, starts: np.ndarray, cuts: np.ndarray, threads: int) -> tuple[np.ndarray, ...]:
        largest.append(int(np.diff(starts[cuts]).max()))
        if largest[-1] > 400:
            raise MemoryError
        return encode(self, ids, starts, cuts, threads)

    monkeypatch.setattr("cxsentiment.encoder.runtime.SMALLEST_BATCH", 10**9)
    monkeypatch.setattr(Kernels, "encode", scarce)
    analyzer = Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8", token_budget=1600, cache_size=0)
    found = analyzer(texts)
    assert max(largest) > 800
    assert analyzer.stats().token_budget < 800
    assert [one.sentiment for one in found] == [one.sentiment for one in expected]
    monkeypatch.setattr(Kernels, "encode", lambda *_: (_ for _ in ()).throw(MemoryError()))
    for _ in range(2 * torch.get_num_threads()):
        with pytest.raises(OptionError, match="smaller token_budget"):
            analyzer(texts)


@needs_kernels
def test_only_close_texts_are_replaced(integer_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxsentiment.multitask.CLOSE", 2.0)
    model = Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8", cache_size=0)._model
    assert isinstance(model, MultitaskModel)
    words = " ".join(SENTENCES).split()
    rng = random.Random(3)
    texts = model._tokeniser([" ".join(rng.choices(words, k=rng.choice([1, 5, 20]))) for _ in range(60)], [True] * 60)
    before = model.core.stats().reread
    found, rounded, exact = model.score(texts), model.core.score(texts), model.core.score(texts, exactly=True)
    again = model.core.stats().reread - before
    assert 10 < again < 50
    firsts = np.cumsum([0, *(len(text.ids) for text in texts)])
    taken = 0
    for row in range(len(texts)):
        tokens = slice(firsts[row], firsts[row + 1])
        is_exact = np.allclose(found.sentiment[row], exact.sentiment[row], atol=1e-5)
        taken += is_exact
        source = exact if is_exact else rounded
        assert np.allclose(found.sentiment[row], source.sentiment[row], atol=1e-5)
        assert np.allclose(found.tokens[tokens], source.tokens[tokens], atol=1e-5)
    assert taken == again


@needs_kernels
def test_auto_takes_floating_point_only_where_it_is_clearly_faster(integer_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"now": 0.0}
    cost = {"integers": 1.2, "floats": 1.0}
    monkeypatch.setattr("cxsentiment.encoder.runtime.timeit.repeat", lambda work, number, repeat: [timed(work) for _ in range(repeat)])

    def timed(work: Callable[[], object]) -> float:
        before = clock["now"]
        work()
        return clock["now"] - before

    def counting(name: str, original: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object) -> object:
            if name == "floats":
                assert not given[0].training  # type: ignore[attr-defined]
            clock["now"] += cost[name]
            return original(*given)

        return run

    monkeypatch.setattr(Kernels, "encode", counting("integers", Kernels.encode))
    monkeypatch.setattr(Encoder, "packed", counting("floats", Encoder.packed))
    assert Analyzer.from_pretrained(integer_model, device="cpu").stats().precision == "int8"
    cost["integers"] = 1.4
    assert Analyzer.from_pretrained(integer_model, device="cpu").stats().precision == "float32"
    assert Analyzer.from_pretrained(integer_model, device="cpu", dtype="int8").stats().precision == "int8"


@needs_kernels
def test_ranges_of_before_the_head_are_left_alone(integer_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(integer_model, tmp_path / "older"))
    manifest = read_manifest(folder)
    ranges = {name: array for name, array in load_file(folder / RANGES).items() if name != STATES}
    save_arrays(folder / RANGES, ranges, exact=True)
    write_manifest(folder, manifest.name, manifest.version, manifest.encoder, manifest.calibration)
    assert Analyzer.from_pretrained(folder, device="cpu").stats().precision == "float32"


@needs_kernels
def test_ranges_that_do_not_fit_are_refused(integer_model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(integer_model, tmp_path / "wrong"))
    manifest = read_manifest(folder)
    save_arrays(folder / RANGES, {name: np.zeros((1, 2, 3), np.float32) for name in (*RANGED, STATES)}, exact=True)
    write_manifest(folder, manifest.name, manifest.version, manifest.encoder, manifest.calibration)
    with pytest.raises(ModelError, match="ranges"):
        Analyzer.from_pretrained(folder, device="cpu", dtype="int8")
    assert Analyzer.from_pretrained(folder, device="cpu", dtype="float32")("app").windows == 1


def test_int8_without_ranges_is_refused(tiny_model: Path) -> None:
    with pytest.raises(OptionError, match="int8"):
        Analyzer.from_pretrained(tiny_model, device="cpu", dtype="int8")


def test_widened_ranges_hold_both() -> None:
    some, others = (np.array([[[low, 0.0], [high, 1.0]]], np.float32) for low, high in ((-2.0, 1.0), (-1.0, 3.0)))
    found = widened(dict.fromkeys((*RANGED, STATES), some), dict.fromkeys((*RANGED, STATES), others))
    assert all(found[name].tolist() == [[[-2.0, 0.0], [3.0, 1.0]]] for name in (*RANGED, STATES))
