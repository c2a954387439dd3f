import threading
from collections.abc import Generator, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxsentiment import streaming
from cxsentiment.streaming import Memory, OnTheWay, ahead, windows


def cut(texts: Iterable[str], tokens: int = 20) -> list[tuple[list[str], list[str], dict[str, str]]]:
    """Windows as plain data, with everything answered as soon as it is seen."""
    memory: Memory[str] = Memory(1000, 100)
    on_the_way: OnTheWay[str] = OnTheWay()
    found = []
    for window in windows(texts, tokens, lambda: 2 * tokens, memory, on_the_way):
        found.append((window.texts, window.fresh, window.at_hand))
        answers = {text: text.upper() for text in window.fresh}
        memory.learn(answers)
        assert list(on_the_way.answers(window, answers)) == [text.upper() for text in window.texts]
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
    on_the_way: OnTheWay[str] = OnTheWay()
    texts = ["one", "two", "one", "six", "ten", "one"]
    first, second, third = windows(texts, 6, lambda: 6, Memory[str](10, 100), on_the_way)
    assert [(one.texts, one.fresh, one.awaited) for one in (first, second, third)] == [
        (["one", "two"], ["one", "two"], set()),
        (["one", "six", "ten"], ["six", "ten"], {"one"}),
        (["one"], [], {"one"}),
    ]
    assert list(on_the_way.answers(first, {"one": "1", "two": "2"})) == ["1", "2"]
    assert on_the_way._kept == {"one": "1"}
    assert list(on_the_way.answers(second, {"six": "6", "ten": "10"})) == ["1", "6", "10"]
    assert list(on_the_way.answers(third, {})) == ["1"]
    assert (on_the_way._kept, on_the_way.answering) == ({}, set())


def broken(texts: list[str]) -> Iterator[str]:
    yield from texts
    raise ValueError("the source broke")


def test_what_the_source_raises_comes_after_its_texts() -> None:
    cutting = windows(broken(["one", "two"]), 100, lambda: 100, Memory[str](1, 1), OnTheWay())
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


def test_several_items_are_worked_on_in_another_thread_and_one_is_not() -> None:
    def is_elsewhere(_: int) -> bool:
        return threading.current_thread() is not threading.main_thread()

    assert list(ahead([1], is_elsewhere, 1)) == [False]
    assert list(ahead([1, 2, 3], is_elsewhere, 1)) == [True, True, True]


@pytest.mark.parametrize("depth", [1, 3])
def test_nothing_follows_an_item_whose_work_failed(depth: int) -> None:
    made = ahead([4, 2, 0, 1, 8], lambda number: 8 / number, depth)
    assert [next(made), next(made)] == [2.0, 4.0]
    with pytest.raises(ZeroDivisionError):
        next(made)
    assert list(made) == []


def test_closing_early_closes_the_source_and_ends_the_threads() -> None:
    closed: list[bool] = []

    def source() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    before = threading.active_count()
    made = ahead(ahead(source(), lambda number: number + 1, 1), lambda number: number * 2, 1)
    assert next(made) == 2
    assert isinstance(made, Generator)
    made.close()
    assert closed == [True]
    assert threading.active_count() == before


def test_windows_grow_to_the_most_which_may_change() -> None:
    most = [24]
    cutting = windows((str(number) for number in range(1000)), 6, lambda: most[0], Memory[str](10, 10), OnTheWay())
    assert [len(next(cutting).texts) for _ in range(4)] == [2, 8, 8, 8]
    most[0] = 48
    assert [len(next(cutting).texts) for _ in range(3)] == [8, 16, 16]


def test_memory_forgets_what_was_used_least_recently_and_long_texts() -> None:
    memory: Memory[int] = Memory(2, 5)
    memory.learn({"one": 1, "two": 2})
    assert memory.get("one") == 1
    memory.learn({"three": 3, "longer than five": 4})
    assert [memory.get(text) for text in ("one", "two", "three", "longer than five")] == [1, None, 3, None]


def test_several_threads_work_at_once_and_the_order_stays() -> None:
    together = threading.Barrier(3, timeout=10)

    def work(number: int) -> int:
        together.wait()
        if number == 7:
            raise ValueError("seven")
        return number

    made = ahead(range(9), work, 3, threads=3)
    assert [next(made) for _ in range(7)] == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(made)


def test_memory_is_given_back_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(streaming, "_malloc_trim", lambda: asked.append)
    streaming.give_back_memory()
    assert asked == [0]
    monkeypatch.setattr(streaming, "_malloc_trim", lambda: None)
    streaming.give_back_memory()
