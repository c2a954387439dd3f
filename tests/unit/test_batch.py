import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment.encoder.batch import own_tokens, plan, split

lengths = st.lists(st.integers(0, 700), max_size=60)


@given(lengths, st.integers(1, 200), st.integers(0, 199))
def test_windows_cover_every_token_in_order(sizes: list[int], size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    windows = split(sizes, size, overlap)
    covered: list[set[int]] = [set() for _ in sizes]
    for text, start, end in zip(windows.text, windows.start, windows.end, strict=True):
        assert 0 < end - start <= size
        covered[text] |= set(range(start, end))
    assert [len(tokens) for tokens in covered] == sizes
    assert list(windows.text) == sorted(windows.text)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=80), st.integers(1, 2000))
def test_every_sequence_is_in_one_batch_and_no_batch_of_several_is_over_budget(sizes: list[int], budget: int) -> None:
    batches = plan(np.array(sizes), budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) == 1 or sum(sizes[index] for index in batch) <= budget


def test_neighbouring_windows_share_the_overlap() -> None:
    windows = split([250], 100, 20)
    assert list(zip(windows.start, windows.end, strict=True)) == [(0, 100), (80, 180), (160, 250)]


def test_an_overlap_as_long_as_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        split([5], 10, 10)


def test_no_sequences_need_no_batches() -> None:
    assert plan(np.array([], np.int64), 100) == []


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(2, 9))
def test_every_token_has_one_window_that_answers_for_it(sizes: list[int], size: int) -> None:
    windows = split(sizes, size, size // 2)
    found = []
    for batch in plan(windows.lengths, 2 * size):
        rows, columns, places = own_tokens(windows, batch)
        inside = windows.start[batch[rows]] + columns - 1
        assert (inside < windows.end[batch[rows]]).all()
        assert (inside >= windows.start[batch[rows]]).all()
        firsts = np.cumsum([0, *sizes])[windows.text[batch[rows]]]
        assert (places == firsts + inside).all()
        found.append(places)
    assert sorted(np.concatenate([*found, np.zeros(0, np.int64)]).tolist()) == list(range(sum(sizes)))
