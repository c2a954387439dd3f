"""The tables of a benchmark: who stands where, by task, data set, language and behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from cxsentiment.benchmark.cells import (
    ERROR,
    MEGABYTES,
    NOT_AVAILABLE,
    RATE,
    SCORE,
    SHARE,
    SPEED,
    Cell,
    Figure,
    Form,
    Row,
    Table,
    bounds,
    cells,
    checked,
    data_sets,
    form_of,
    in_order,
    of_task,
    score_title,
    task_title,
    tasks_of,
)
from cxsentiment.benchmark.record import BehaviourResult, Interval, Run, TaskResult
from cxsentiment.printable import plain

SHOWN_OVERLAP = 0.005
"""Share of texts from which on a score says that they were in the training texts."""

_DATA_SET = ("language", "data set", "texts")
_INTERVALS = (
    "In brackets 95 % bootstrap intervals; the best of a row may lie within those of others. Of a contender that is trained, the score is "
    "that of the first seed, and the range of all stands below where they differ."
)

Place = tuple[str, str]
"""Language and data set, or what else has scores in several languages."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The headline score of `first` less that of `second` on the texts of one data set, and how likely such a one is by chance."""

    task: str
    dataset: str
    language: str
    first: str
    second: str
    difference: Interval
    p_value: float | None = None


def mean_over_languages(values: Mapping[Place, float], expected: Sequence[Place], parts: str = "sets") -> Figure | None:
    """Mean over the languages of the means over their data sets (or other `parts`); not comparable where some `expected` are missing."""
    if not values:
        return None
    languages = in_order(language for language, _ in values)
    means = [fmean(value for place, value in values.items() if place[0] == language) for language in languages]
    notes = () if len(values) == len(expected) else (f"{len(values)} of {len(expected)} {parts}",)
    return Figure(fmean(means), notes=notes, comparable=not notes)


def quality(runs: Sequence[Run], run: Run, task: str = "sentiment", language: str | None = None) -> Figure | None:
    """A contender's mean headline score over the data sets of a task, of one language or of all."""
    expected = [place for place in data_sets(runs, task) if language in (None, place[0])]
    found = of_task(run, task)
    return mean_over_languages({place: found[place].headline.value for place in expected if place in found}, expected)


def ranked(runs: Sequence[Run]) -> list[Run]:
    """The runs by mean sentiment, the best first; those that lack data sets after those that have all, those without any last."""

    def place(run: Run) -> tuple[int, float]:
        figure = quality(runs, run)
        return (2, 0.0) if figure is None else (0 if figure.comparable else 1, -figure.value)

    return sorted(checked(runs), key=place)


def headline(runs: Sequence[Run]) -> Table:
    """A row a contender, the best by mean sentiment first; what nobody was judged on is left out."""
    runs = ranked(runs)
    columns = [(name, cells(figures, form)) for name, form, figures in _headline_columns(runs) if any(figures)]
    rows = tuple(Row((plain(run.contender),), tuple(column[number] for _, column in columns)) for number, run in enumerate(runs))
    note = (
        "Scores of a task are means over the data sets of a language, then over the languages; ECE is the expected calibration error of "
        "sentiment; failures are the mean share of failed cases of the behavioural tests. "
        "A mean over fewer sets than there are says so and is never the best."
    )
    return Table("Contenders, the best by mean sentiment first", ("contender",), tuple(name for name, _ in columns), rows, note)


def _headline_columns(runs: Sequence[Run]) -> Iterable[tuple[str, Form, list[Figure | None]]]:
    languages = in_order(language for language, _ in data_sets(runs, "sentiment"))
    for language in languages:
        name = f"sentiment {plain(language)}, {_score_names(runs, 'sentiment')}"
        yield name, _task_form(runs, "sentiment"), [quality(runs, run, "sentiment", language) for run in runs]
    for task in tasks_of(runs):
        if task != "sentiment" or len(languages) > 1:
            name = f"{task_title(task).lower()}{', mean' * (task == 'sentiment')}, {_score_names(runs, task)}"
            yield name, _task_form(runs, task), [quality(runs, run, task) for run in runs]
    yield "ECE", ERROR, [_calibration(runs, run) for run in runs]
    yield "failures", RATE, failure_rates(runs, lambda _: True)
    yield "comments/s", SPEED, [Figure(run.speed.comments_per_second) if run.speed else None for run in runs]
    yield "MB", MEGABYTES, [Figure(run.speed.megabytes) if run.speed else None for run in runs]


def score_names(runs: Sequence[Run], task: str) -> list[str]:
    """The names of a task's scores, each headline before the others."""
    names = [list(result.scores) for run in runs for result in of_task(run, task).values()]
    return list(dict.fromkeys([*(each[0] for each in names), *(name for each in names for name in each)]))


def _score_names(runs: Sequence[Run], task: str) -> str:
    headlines = dict.fromkeys(next(iter(result.scores)) for run in runs for result in of_task(run, task).values())
    return " or ".join(map(score_title, headlines))


def _task_form(runs: Sequence[Run], task: str) -> Form:
    return form_of(score_names(runs, task)[0])


def _calibration(runs: Sequence[Run], run: Run) -> Figure | None:
    expected = sorted({place for each in runs for place, result in of_task(each, "sentiment").items() if result.calibration})
    found = {place: result.calibration.ece for place, result in of_task(run, "sentiment").items() if result.calibration}
    return mean_over_languages(found, expected)


def failure_rates(runs: Sequence[Run], chosen: Callable[[BehaviourResult], bool]) -> list[Figure | None]:
    """Each contender's mean share of failed cases over the chosen tests of a language, then over the languages.

    A test weighs the same however many cases it has; a rate is not comparable where a contender did fewer tests than others.
    """
    rates = [{_test(one): one.failures / one.cases for one in run.behaviour if one.cases and chosen(one)} for run in runs]
    expected = sorted({test for of_run in rates for test in of_run})
    return [mean_over_languages(of_run, expected, "tests") for of_run in rates]


def _test(result: BehaviourResult) -> Place:
    return result.language, f"{result.capability}: {result.test}"


def _by_contender(title: str, heads: tuple[str, ...], runs: Sequence[Run], rows: Sequence[Row], note: str = "") -> Table:
    """A table with a column for each contender of which any row, with a cell for each of `runs`, says something."""
    shown = [number for number in range(len(runs)) if any(row.cells[number].text != NOT_AVAILABLE for row in rows)]
    columns = tuple(plain(runs[number].contender) for number in shown)
    return Table(title, heads, columns, tuple(Row(row.labels, tuple(row.cells[number] for number in shown)) for row in rows), note)


def _by_data_set(runs: Sequence[Run], task: str, form: Form, figure: Callable[[TaskResult], Figure | None]) -> list[Row]:
    rows = []
    for language, dataset in data_sets(runs, task):
        results = [of_task(run, task).get((language, dataset)) for run in runs]
        figures = [figure(result) if result else None for result in results]
        if any(figures):
            sizes = " or ".join(f"{size:,}" for size in dict.fromkeys(result.size for result in results if result))
            rows.append(Row((plain(language), plain(dataset), sizes), cells(figures, form)))
    return rows


def task_scores(runs: Sequence[Run], task: str, score: str | None = None) -> Table:
    """One score (None: the headline) of each contender on each data set of a task, with its interval."""
    runs = ranked(runs)

    def figure(result: TaskResult) -> Figure | None:
        found = result.headline if score is None else result.scores.get(score)
        return Figure(found.value, bounds(found), _notes(result, with_seeds=score is None)) if found else None

    name = _score_names(runs, task) if score is None else score_title(score)
    form = _task_form(runs, task) if score is None else form_of(score)
    rows = _by_data_set(runs, task, form, figure)
    return _by_contender(f"{task_title(task)}: {name}", _DATA_SET, runs, rows, _INTERVALS if score is None else "")


def _notes(result: TaskResult, *, with_seeds: bool) -> tuple[str, ...]:
    notes = []
    seeds = (result.seeds or []) if with_seeds else []
    if len({f"{score:.3f}" for score in seeds}) > 1:
        notes.append(f"{len(seeds)} seeds: {min(seeds):.3f} to {max(seeds):.3f}")
    if result.overlap and result.overlap >= SHOWN_OVERLAP:
        notes.append(f"{SHARE.show(result.overlap)} seen in training")
    if result.errors:
        notes.append(f"{result.errors:,} without an answer")
    return tuple(notes)


def classes(runs: Sequence[Run], task: str) -> Table:
    """F1 of each label on each data set of a task."""
    runs = ranked(runs)
    rows = []
    for language, dataset in data_sets(runs, task):
        results = [of_task(run, task).get((language, dataset)) for run in runs]
        for label in dict.fromkeys(label for result in results if result for label in result.per_class):
            found = [result.per_class.get(label) if result else None for result in results]
            supports = " or ".join(dict.fromkeys(f"{one['support']:,.0f}" for one in found if one and "support" in one))
            figures = [Figure(one["f1"]) if one and "f1" in one else None for one in found]
            rows.append(Row((plain(language), plain(dataset), plain(label), supports), cells(figures, SCORE)))
    return _by_contender(f"{task_title(task)}: F1 of each label", ("language", "data set", "label", "support"), runs, rows)


def calibration(runs: Sequence[Run], task: str) -> Table:
    """Expected calibration error on each data set, with the Brier score and the area under the risk-coverage curve."""
    runs = ranked(runs)

    def figure(result: TaskResult) -> Figure | None:
        found = result.calibration
        return Figure(found.ece, notes=(f"Brier {found.brier:.3f}", f"area {found.area:.3f}")) if found else None

    note = "Area: under the curve of risk (share wrong) by coverage (share answered, the surest first)."
    rows = _by_data_set(runs, task, ERROR, figure)
    return _by_contender(f"{task_title(task)}: expected calibration error", _DATA_SET, runs, rows, note)


def overlap(runs: Sequence[Run]) -> Table:
    """Share of the texts of each data set that stand, normalised, in a contender's training texts; n/a where that is unknown."""
    runs = ranked(runs)
    rows = [
        Row((task_title(task), *row.labels), row.cells)
        for task in tasks_of(runs)
        for row in _by_data_set(runs, task, SHARE, lambda result: None if result.overlap is None else Figure(result.overlap))
    ]
    note = f"Share of the texts that stand, normalised, in a contender's training texts; {NOT_AVAILABLE} where these are not known."
    return _by_contender("Test texts seen in training", ("task", *_DATA_SET), runs, rows, note)


def behaviour(runs: Sequence[Run], *, each_test: bool = False) -> Table:
    """Mean share of failed cases by capability and language, or the share of each test."""
    runs = ranked(runs)

    def subject(one: BehaviourResult) -> tuple[str, ...]:
        return (one.capability, one.test, one.kind) if each_test else (one.capability,)

    def row(wanted: tuple[str, ...], language: str) -> Row:
        figures = failure_rates(runs, lambda one: (subject(one), one.language) == (wanted, language))
        return Row((*map(plain, wanted), plain(language)), cells(figures, RATE))

    every: dict[tuple[str, ...], list[str]] = {}
    for one in (one for run in runs for one in run.behaviour):
        every.setdefault(subject(one), []).append(one.language)
    rows = [row(wanted, language) for wanted, languages in every.items() for language in in_order(languages)]
    heads = ("capability", "test", "kind", "language") if each_test else ("capability", "language")
    title = "Behaviour: failed cases of each test" if each_test else "Behaviour: failed cases"
    note = "Less is better." if each_test else "Mean of the shares of the cases of each test that fail; less is better."
    return _by_contender(title, heads, runs, rows, note)


def robustness(runs: Sequence[Run]) -> Table:
    """Mean macro-F1 of sentiment that is lost when texts are changed."""
    runs = ranked(runs)
    languages = in_order(one.language for run in runs for one in run.robustness)
    rows = []
    for change in dict.fromkeys(one.change for run in runs for one in run.robustness):
        for language in languages:
            found = [next((one for one in run.robustness if (one.change, one.language) == (change, language)), None) for run in runs]
            figures = [
                Figure(
                    one.before - one.after, notes=(f"{one.before:.3f} to {one.after:.3f}", f"{SHARE.show(one.changed)} change their label")
                )
                if one
                else None
                for one in found
            ]
            if any(figures):
                rows.append(Row((plain(change), plain(language)), cells(figures, ERROR)))
    note = "Less is better; below zero is a gain."
    return _by_contender("Robustness: sentiment macro-F1 lost", ("change", "language"), runs, rows, note)


def speeds(runs: Sequence[Run]) -> Table:
    """Speed, memory and the time of a single comment."""
    measured = [(run, run.speed) for run in ranked(runs) if run.speed]
    columns = {
        "comments/s": cells([Figure(speed.comments_per_second) for _, speed in measured], SPEED),
        "MB": cells([Figure(speed.megabytes) for _, speed in measured], MEGABYTES),
        "ms a comment, median": cells([Figure(1000 * speed.latency[0]) for _, speed in measured], _MILLISECONDS),
        "ms a comment, 95th percentile": cells([Figure(1000 * speed.latency[1]) for _, speed in measured], _MILLISECONDS),
        "comments measured": tuple(Cell(f"{speed.comments:,}") for _, speed in measured),
    }
    rows = tuple(Row((plain(run.contender),), tuple(column[n] for column in columns.values())) for n, (run, _) in enumerate(measured))
    note = (
        "End to end; MB is what is added to resident memory. A contender that is trained here is timed on texts of one language, and its "
        "memory has all that it learnt from."
    )
    return Table("Speed", ("contender",), tuple(columns), rows, note)


def differences(comparisons: Sequence[Comparison]) -> Table:
    """Paired comparisons of contenders on the texts of a data set."""
    heads = ("task", "language", "data set", "first", "second")
    rows = []
    for one in comparisons:
        labels = (task_title(one.task), plain(one.language), plain(one.dataset), plain(one.first), plain(one.second))
        figure = cells([Figure(one.difference.value, bounds(one.difference))], _DIFFERENCE)
        rows.append(Row(labels, (*figure, Cell(NOT_AVAILABLE if one.p_value is None else f"{one.p_value:.3g}"))))
    note = "Headline score of the first less that of the second on the same texts, with its 95 % interval."
    return Table("Contenders compared in pairs", heads, ("difference", "p"), tuple(rows), note)


_MILLISECONDS = Form(lambda value: f"{value:,.1f}", lower_is_better=True)
_DIFFERENCE = Form(lambda value: f"{value:+z.3f}", lower_is_better=None)
