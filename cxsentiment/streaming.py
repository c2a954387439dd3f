"""Texts on their way through the analyzer: windows of distinct ones, and stages that run ahead of each other in threads of their own."""

from __future__ import annotations

import ctypes
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

CHARACTERS_PER_TOKEN = 4
MOST_TEXTS = 32_768
_ARENA_MAX = -8  # of malloc.h

Item = TypeVar("Item")
Made = TypeVar("Made")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Window(Generic[Answer]):
    """Some texts in order: those that nobody answered or is answering, answers that were at hand, and texts that others are answering."""

    texts: list[str]
    fresh: list[str]
    at_hand: dict[str, Answer]
    awaited: set[str]


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


class OnTheWay(Generic[Answer]):
    """What windows on their way are answering, and answers that later ones of them wait for. For one thread."""

    def __init__(self) -> None:
        self.answering: set[str] = set()
        self._awaited: Counter[str] = Counter()
        self._kept: dict[str, Answer] = {}

    def add(self, window: Window[Answer]) -> None:
        """A window sets out."""
        self.answering.update(window.fresh)
        self._awaited.update(window.awaited)

    def answers(self, window: Window[Answer], found: dict[str, Answer]) -> Iterator[Answer]:
        """A window arrives with the answers to its fresh texts: those to all of its texts, in order."""
        self.answering.difference_update(found)
        self._kept.update((text, found[text]) for text in found.keys() & self._awaited.keys())
        known = (found, window.at_hand, {text: self._kept[text] for text in window.awaited})
        self._awaited.subtract(window.awaited)
        for text in window.awaited:
            if not self._awaited[text]:
                del self._awaited[text], self._kept[text]
        return (next(some[text] for some in known if text in some) for text in window.texts)


def windows(
    texts: Iterable[str], least: int, most: Callable[[], int], memory: Memory[Answer], on_the_way: OnTheWay[Answer]
) -> Iterator[Window[Answer]]:
    """Cuts texts into windows whose fresh texts have about `least` tokens, then four times as many, and so on up to `most` of the moment.

    So the first answers come soon, and sorting by length pays later. What the texts' iterator raises comes after a window of all that it
    gave before.
    """
    source = iter(texts)
    failure: Exception | None = None
    tokens, goes_on = least, True
    while goes_on:
        window: Window[Answer] = Window([], [], {}, set())
        seen: set[str] = set()
        found = 0
        while found < tokens and len(window.texts) < MOST_TEXTS:
            try:
                text = next(source)
            except StopIteration:
                goes_on = False
                break
            except Exception as error:
                failure, goes_on = error, False
                break
            window.texts.append(text)
            if text in seen or text in window.at_hand:
                continue
            if text in on_the_way.answering:
                window.awaited.add(text)
                continue
            answer = memory.get(text)
            if answer is None:
                seen.add(text)
                window.fresh.append(text)
                found += _about_tokens(text)
            else:
                window.at_hand[text] = answer
        tokens = min(4 * tokens, most())
        if window.texts:
            on_the_way.add(window)
            yield window
    if failure is not None:
        raise failure


def cut_by_size(texts: Sequence[str], tokens: int) -> list[list[str]]:
    """Stretches of about so many tokens; one without texts if there are none."""
    parts: list[list[str]] = [[]]
    found = 0
    for text in texts:
        if found >= tokens:
            parts.append([])
            found = 0
        parts[-1].append(text)
        found += _about_tokens(text)
    return parts


def _about_tokens(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN + 3


def ahead(items: Iterable[Item], work: Callable[[Item], Made], depth: int, threads: int = 1) -> Iterator[Made]:
    """`map(work, items)` in threads that are at most `depth` items ahead of the caller; a single item is worked on without a thread.

    An error of `work` comes in its place, one of `items` after all that was made of the items before. Closes `items` if it can be closed.
    """
    source = iter(items)
    waiting: deque[Future[Made]] = deque()
    thread: ThreadPoolExecutor | None = None
    try:
        item = _next(source)
        while not isinstance(item, _Ended):
            following = _next(source)
            if thread is None and isinstance(following, _Ended):
                yield work(item)
            else:
                thread = thread or ThreadPoolExecutor(threads, "cxsentiment")
                waiting.append(thread.submit(work, item))
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            item = following
        while waiting:
            yield waiting.popleft().result()
        if item.error is not None:
            raise item.error
    finally:
        if thread is not None:
            thread.shutdown(cancel_futures=True)
        if isinstance(source, Generator):
            source.close()


def give_back_memory() -> None:
    """Freed memory goes back to the system, where the C library (glibc) would keep it: windows come and go in many sizes and threads."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


def keep_memory_together() -> None:
    """For programs of our own: threads share two of the C library's heaps (glibc), which keep less freed memory than one each would.

    It works before threads have heaps of their own, so before torch is imported. A library leaves it to the program: MALLOC_ARENA_MAX=2 in
    its environment does the same.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)
    except (OSError, AttributeError, TypeError):  # another C library, or Windows
        return


@cache
def _malloc_trim() -> Callable[[int], object] | None:
    try:
        found: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
        return found
    except (OSError, AttributeError, TypeError):  # another C library, or Windows
        return None


@dataclass(frozen=True, slots=True)
class _Ended:
    """That an iterator gives no more, and why if it failed."""

    error: Exception | None = None


def _next(source: Iterator[Item]) -> Item | _Ended:
    try:
        return next(source)
    except StopIteration:
        return _Ended()
    except Exception as error:
        return _Ended(error)
