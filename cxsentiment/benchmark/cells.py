"""What stands in the tables of a benchmark: figures, how they are shown, and which is the best. HTML and Markdown only render it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cxsentiment.benchmark.record import Interval, Run, TaskResult
from cxsentiment.errors import InputError
from cxsentiment.printable import plain

NOT_AVAILABLE: Final = "n/a"
LANGUAGES: Final = ("el", "pl", "ro", "en")
TASKS: Final[Mapping[str, str]] = {
    "sentiment": "Sentiment",
    "stars": "Stars",
    "emotions": "Emotions",
    "touchpoints": "Touchpoints",
    "language": "Language",
}
SCORES: Final[Mapping[str, str]] = {
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "accuracy": "accuracy",
    "hamming_loss": "Hamming loss",
    "one_minus_wmae": "1 − wMAE",
    "span_type_f1": "span+type F1",
    "span_type_polarity_f1": "span+type+polarity F1",
    "types_f1": "types F1",
}
_LOWER_IS_BETTER: Final = ("loss", "error", "mae", "mse", "ece", "brier")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of one contender before it is shown.

    `notes` must be known with it; one that is not `comparable` (a mean over fewer sets than those of the others) is never the best.
    """

    value: float
    interval: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """How the figures of one kind are shown, and which end of them is the good one (None: neither)."""

    show: Callable[[float], str]
    lower_is_better: bool | None = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it is shown, its interval as it is shown, what must be known with it, and whether it is the best of its kind."""

    text: str
    interval: str = ""
    notes: tuple[str, ...] = ()
    best: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What the row is about, and a cell for each column of figures."""

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` stand above the labels of the rows, `columns` above their cells; `note` says how the figures came about."""

    title: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


SCORE: Final = Form(lambda value: f"{value:z.3f}")
ERROR: Final = Form(lambda value: f"{value:z.3f}", lower_is_better=True)
RATE: Final = Form(lambda value: f"{value:.1%}".replace("%", " %"), lower_is_better=True)
SHARE: Final = Form(lambda value: f"{value:.1%}".replace("%", " %"), lower_is_better=None)
SPEED: Final = Form(lambda value: f"{value:,.0f}" if value >= 10 else f"{value:.2g}")
MEGABYTES: Final = Form(lambda value: f"{value:,.0f}", lower_is_better=True)


def form_of(score: str) -> Form:
    """How a score is shown, by its name."""
    return ERROR if score.endswith(_LOWER_IS_BETTER) and not score.startswith("one_minus") else SCORE


def cells(figures: Sequence[Figure | None], form: Form) -> tuple[Cell, ...]:
    """Each figure as shown. All those that look like the best one are the best, where at least two can be compared."""
    rivals = [figure.value for figure in figures if figure and figure.comparable]
    best = None
    if len(rivals) > 1 and form.lower_is_better is not None:
        best = form.show(min(rivals) if form.lower_is_better else max(rivals))
    return tuple(_cell(figure, form, best) for figure in figures)


def _cell(figure: Figure | None, form: Form, best: str | None) -> Cell:
    if figure is None:
        return Cell(NOT_AVAILABLE)
    text = form.show(figure.value)
    interval = f"[{form.show(figure.interval[0])}, {form.show(figure.interval[1])}]" if figure.interval else ""
    return Cell(text, interval, figure.notes, figure.comparable and text == best)


def bounds(score: Interval) -> tuple[float, float] | None:
    """The interval of a score, where it has one."""
    return None if score.low is None or score.high is None else (score.low, score.high)


def task_title(task: str) -> str:
    """A task as a heading."""
    return TASKS.get(task, plain(task.replace("_", " ")).capitalize())


def score_title(score: str) -> str:
    """A score as a heading."""
    return SCORES.get(score, plain(score.replace("_", " ")))


def in_order(languages: Iterable[str]) -> list[str]:
    """Languages once each: ours first, then the others by code."""
    found = set(languages)
    return [language for language in LANGUAGES if language in found] + sorted(found.difference(LANGUAGES))


def tasks_of(runs: Sequence[Run]) -> list[str]:
    """The tasks that any contender takes part in: those we know first, in our order."""
    found = {result.task for run in runs for result in run.results}
    return [task for task in TASKS if task in found] + sorted(found.difference(TASKS))


def of_task(run: Run, task: str) -> dict[tuple[str, str], TaskResult]:
    """A contender's results in a task by language and data set."""
    return {(result.language, result.dataset): result for result in run.results if result.task == task}


def data_sets(runs: Sequence[Run], task: str) -> list[tuple[str, str]]:
    """Language and name of each data set of a task that any contender was judged on."""
    found = {place for run in runs for place in of_task(run, task)}
    return [place for language in in_order(language for language, _ in found) for place in sorted(found) if place[0] == language]


def checked(runs: Sequence[Run]) -> list[Run]:
    """The runs, of which no two may have one contender. Raises InputError also when there are none."""
    if not runs:
        raise InputError("there is no run to compare; run the benchmark first")
    names = [run.contender for run in runs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"several runs of {', '.join(map(repr, twice))}; give one run of each contender")
    return list(runs)
