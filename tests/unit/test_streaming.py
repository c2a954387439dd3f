import threading
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment.streaming import Memory, ahead, windows


def cut(texts: Iterable[str], tokens: int = 20) -> list[tuple[list[str], list[str], dict[str, str]]]:
    """Windows as plain data, with everything answered as soon as it is seen."""
    memory: Memory[str] = Memory(1000, 100)
    answering: set[str] = set()
    found = []
    for window in windows(texts, tokens, memory, answering):
        found.append((window.texts, window.fresh, window.at_hand))
        memory.learn({text: text.upper() for text in window.fresh})
        answering.difference_update(window.fresh)
    return found


@given(st.lists(st.sampled_from(["a", "bb", "ccc", "a long text of some words", ""]), max_size=60), st.integers(1, 40))
def test_windows_keep_every_text_in_order_and_ask_for_each_once(texts: list[str], tokens: int) -> None:
    found = cut(texts, tokens)
    assert [text for window, _, _ in found for text in window] == texts
    asked = [text for _, fresh, _ in found for text in fresh]
    assert sorted(asked) == sorted(set(texts))
    for window, fresh, at_hand in found:
        assert {*window} == {*fresh, *at_hand}
        assert all(answer == text.upper() for text, answer in at_hand.items())


def test_a_text_that_another_window_is_answering_is_not_asked_for_again() -> None:
    memory: Memory[str] = Memory(10, 100)
    first, second = windows(["one", "two", "one"], 6, memory, set())
    assert (first.fresh, second.fresh, second.texts) == (["one", "two"], [], ["one"])


def broken(texts: list[str]) -> Iterator[str]:
    yield from texts
    raise ValueError("the source broke")


def test_what_the_source_raises_comes_after_its_texts() -> None:
    cutting = windows(broken(["one", "two"]), 100, Memory[str](1, 1), set())
    assert next(cutting).texts == ["one", "two"]
    with pytest.raises(ValueError, match="broke"):
        next(cutting)


def test_work_ahead_keeps_the_order_and_raises_last() -> None:
    made = ahead(broken(["one", "two", "three"]), str.upper, 2)
    assert [next(made), next(made), next(made)] == ["ONE", "TWO", "THREE"]
    with pytest.raises(ValueError, match="broke"):
        next(made)


def test_no_more_is_read_than_allowed_ahead() -> None:
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            yield number

    made = ahead(source(), lambda number: number, 3)
    assert next(made) == 0
    assert len(read) <= 5


def test_work_runs_in_another_thread_and_its_errors_come_back() -> None:
    assert list(ahead([1], lambda _: threading.current_thread() is threading.main_thread(), 1)) == [False]
    with pytest.raises(ZeroDivisionError):
        list(ahead([1, 0], lambda number: 1 / number, 1))


def test_memory_forgets_what_was_used_least_recently_and_long_texts() -> None:
    memory: Memory[int] = Memory(2, 5)
    memory.learn({"one": 1, "two": 2})
    assert memory.get("one") == 1
    memory.learn({"three": 3, "longer than five": 4})
    assert [memory.get(text) for text in ("one", "two", "three", "longer than five")] == [1, None, 3, None]
