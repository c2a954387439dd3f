"""The leaderboard of a benchmark: one HTML page with tables, pictures and circumstances, that needs no network and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from cxsentiment.benchmark import standings
from cxsentiment.benchmark.cells import Table, of_task, task_title, tasks_of
from cxsentiment.benchmark.circumstances import cautions, facts
from cxsentiment.benchmark.plots import styles
from cxsentiment.benchmark.plots_calibration import calibrated_languages, reliability_pictures, risk_pictures
from cxsentiment.benchmark.plots_heat import behaviour_pictures, confusion_pictures
from cxsentiment.benchmark.plots_scores import score_pictures, speed_picture
from cxsentiment.benchmark.record import BehaviourResult, Run
from cxsentiment.benchmark.standings import Comparison
from cxsentiment.drawing import Picture
from cxsentiment.errors import OutputError
from cxsentiment.printable import plain

TEMPLATE: Final = "leaderboard.html.jinja"
SHOWN_EXAMPLES: Final = 5
"""Failing examples of each behavioural test that the page shows; the JSON of a run may hold more."""


@dataclass(frozen=True, slots=True)
class TaskSection:
    """What the page says of one task: its headline table, and tables of everything else."""

    task: str
    title: str
    scores: Table
    details: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """All pictures of the page; confusions and failures go with the name of their contender."""

    scores: tuple[Picture, ...]
    speed: Picture | None
    reliability: tuple[Picture, ...]
    risk: tuple[Picture, ...]
    confusions: tuple[tuple[str, tuple[Picture, ...]], ...]
    behaviour: tuple[Picture, ...]


def leaderboard(runs: Sequence[Run], comparisons: Sequence[Comparison] = ()) -> str:
    """The page for runs of different contenders, the best by mean sentiment first; equal runs give an equal page.

    Raises InputError where there is no run or several have one contender, MissingExtraError without matplotlib.
    """
    runs = standings.ranked(runs)
    looks = styles([run.contender for run in runs])
    tables = (standings.behaviour(runs), standings.behaviour(runs, each_test=True), standings.robustness(runs), standings.speeds(runs))
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            runs=runs,
            headline=standings.headline(runs),
            cautions=cautions(runs),
            tasks=[_section(runs, task) for task in tasks_of(runs)],
            behaviour=tables[0],
            behaviour_tests=tables[1],
            robustness=tables[2],
            speeds=tables[3],
            overlap=standings.overlap(runs),
            differences=standings.differences(comparisons),
            failures=[(plain(run.contender), failing(run)) for run in runs if failing(run)],
            shown_examples=SHOWN_EXAMPLES,
            pictures=_pictures(runs),
            contender_styles=[looks[run.contender] for run in runs if of_task(run, "sentiment")],
            language_styles=list(styles(calibrated_languages(runs)).values()),
            facts=[(plain(run.contender), facts(run), list(run.notes)) for run in runs],
        )
    )


def write_leaderboard(runs: Sequence[Run], path: Path, comparisons: Sequence[Comparison] = ()) -> None:
    """The page of `leaderboard` as a file. Raises OutputError where it cannot be written."""
    page = leaderboard(runs, comparisons)
    try:
        path.write_bytes(page.encode("utf-8", errors="replace"))  # halves of surrogate pairs, which failing examples may have on purpose
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None


def failing(run: Run) -> list[BehaviourResult]:
    """The behavioural tests of a run of which failed cases were kept."""
    return [one for one in run.behaviour if one.examples]


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("cxsentiment.benchmark", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _section(runs: Sequence[Run], task: str) -> TaskSection:
    headlines = {next(iter(result.scores)) for run in runs for result in of_task(run, task).values()}
    others = [name for name in standings.score_names(runs, task) if len(headlines) > 1 or name not in headlines]
    tables = [standings.task_scores(runs, task, name) for name in others]
    tables += [standings.calibration(runs, task), standings.classes(runs, task)]
    return TaskSection(task, task_title(task), standings.task_scores(runs, task), tuple(table for table in tables if table.rows))


def _pictures(runs: Sequence[Run]) -> Pictures:
    confusions = [(plain(run.contender), tuple(confusion_pictures(run, number))) for number, run in enumerate(runs)]
    return Pictures(
        scores=tuple(score_pictures(runs)),
        speed=speed_picture(runs),
        reliability=tuple(reliability_pictures(runs)),
        risk=tuple(risk_pictures(runs)),
        confusions=tuple((name, found) for name, found in confusions if found),
        behaviour=tuple(behaviour_pictures(runs)),
    )
