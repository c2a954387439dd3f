"""Texts on their way through the analyzer: windows of distinct ones, and stages that run ahead of each other in threads of their own."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

CHARACTERS_PER_TOKEN = 4
MOST_TEXTS = 16_384

Item = TypeVar("Item")
Made = TypeVar("Made")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Window(Generic[Answer]):
    """Some texts in order; those of them that nobody has answered or is answering; and answers that were at hand."""

    texts: list[str]
    fresh: list[str]
    at_hand: dict[str, Answer]


class Memory(Generic[Answer]):
    """The answers to short texts that were asked for last: at most `size` of them, the least recently used goes first. Thread-safe."""

    def __init__(self, size: int, longest: int) -> None:
        self._size = size
        self._longest = longest
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, text: str) -> Answer | None:
        """The answer, or None where it is not known."""
        with self._lock:
            answer = self._answers.get(text)
            if answer is not None:
                self._answers.move_to_end(text)
            return answer

    def learn(self, answers: dict[str, Answer]) -> None:
        """Remembers answers, and forgets what does not fit."""
        with self._lock:
            self._answers.update((text, answer) for text, answer in answers.items() if len(text) <= self._longest)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)


def windows(texts: Iterable[str], tokens: int, memory: Memory[Answer], answering: set[str]) -> Iterator[Window[Answer]]:
    """Cuts texts into windows whose fresh texts have about so many tokens; `answering` are texts of windows that are still on their way.

    What the texts' iterator raises comes after a window of all that it gave before.
    """
    source = iter(texts)
    failure: Exception | None = None
    while failure is None:
        window: Window[Answer] = Window([], [], {})
        seen, found = set(answering), 0
        try:
            for text in source:
                window.texts.append(text)
                if text not in seen and text not in window.at_hand:
                    answer = memory.get(text)
                    if answer is None:
                        seen.add(text)
                        window.fresh.append(text)
                        found += len(text) // CHARACTERS_PER_TOKEN + 3
                    else:
                        window.at_hand[text] = answer
                if found >= tokens or len(window.texts) >= MOST_TEXTS:
                    break
            else:
                failure = StopIteration()
        except Exception as error:
            failure = error
        if window.texts:
            answering.update(window.fresh)
            yield window
    if not isinstance(failure, StopIteration):
        raise failure


def ahead(items: Iterable[Item], work: Callable[[Item], Made], depth: int) -> Iterator[Made]:
    """`map(work, items)` in a thread that is at most `depth` items ahead of the caller.

    What `items` raises comes after all that was made of the items before.
    """
    source = iter(items)
    try:
        first = next(source)
    except StopIteration:
        return
    failure: Exception | None = None
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(1, "cxsentiment") as thread:
        try:
            waiting.append(thread.submit(work, first))
            try:
                for item in source:
                    waiting.append(thread.submit(work, item))
                    if len(waiting) > depth:
                        yield waiting.popleft().result()
            except Exception as error:
                failure = error
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if failure is not None:
        raise failure
