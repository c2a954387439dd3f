"""Pictures of scores: by data set with intervals, and beside speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxsentiment.benchmark.cells import bounds, data_sets, in_order, of_task
from cxsentiment.benchmark.plots import picture, styles
from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.standings import quality
from cxsentiment.drawing import Picture, id_part
from cxsentiment.printable import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_LINE = 16
"""Letters of a data set's name that stand on one line."""

SPREAD = 0.7
"""Share of the height of a data set's row over which its contenders are spread."""


def score_pictures(runs: Sequence[Run], task: str = "sentiment") -> list[Picture]:
    """For each language a row a data set: a dot a contender, its 95 % interval as a line."""
    places = data_sets(runs, task)
    languages = in_order(language for language, _ in places)
    return [_of_language(runs, task, language, [name for of, name in places if of == language], n) for n, language in enumerate(languages)]


def _of_language(runs: Sequence[Run], task: str, language: str, names: Sequence[str], number: int) -> Picture:
    looks = styles([run.contender for run in runs])
    judged = [run for run in runs if of_task(run, task)]

    def draw(axes: Axes) -> None:
        for place, run in enumerate(judged):
            look, found = looks[run.contender], of_task(run, task)
            shift = SPREAD * ((place + 0.5) / len(judged) - 0.5)
            for row, name in enumerate(names):
                if result := found.get((language, name)):
                    if interval := bounds(result.headline):
                        axes.plot(interval, [row + shift] * 2, color=look.colour, linewidth=1.6)
                    axes.plot(result.headline.value, row + shift, marker=look.marker, color=look.colour, markersize=6, linestyle="none")
        axes.set_xlim(*_limits(runs, task))
        axes.set_yticks(range(len(names)), [folded(plain(name)) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.hlines([row - 0.5 for row in range(1, len(names))], 0, 1, transform=axes.get_yaxis_transform(), color="#c4c4c4", linewidth=0.8)

    label = f"{task} scores with 95 % intervals on the data sets of {plain(language)}, by contender"
    height = 0.8 + len(names) * max(0.4, 0.16 * len(judged))
    return picture(f"scores-{id_part(task)}-{number}", label, plain(language), (3.75, height), draw)


def folded(name: str) -> str:
    """A long name of a data set on two lines, parted where words end nearest to the middle."""
    ends = [place for place, letter in enumerate(name) if letter in "_- "]
    if len(name) <= LONGEST_LINE or not ends:
        return name
    end = min(ends, key=lambda place: abs(place - len(name) // 2))
    return name[: end + 1].rstrip() + "\n" + name[end + 1 :]


def _limits(runs: Sequence[Run], task: str) -> tuple[float, float]:
    """The same for all languages, so that these can be compared."""
    headlines = [result.headline for run in runs for result in of_task(run, task).values()]
    ends = [end for one in headlines for end in (one.value, *(bounds(one) or ()))]
    margin = max(0.01, (max(ends) - min(ends)) / 30)
    return min(ends) - margin, max(ends) + margin


def speed_picture(runs: Sequence[Run]) -> Picture | None:
    """Comments a second (logarithmic) and mean sentiment score of each contender that has both; None when none has."""
    looks = styles([run.contender for run in runs])
    points = [
        (looks[run.contender], run.speed.comments_per_second, found.value)
        for run in runs
        if run.speed and run.speed.comments_per_second > 0 and (found := quality(runs, run))
    ]
    if not points:
        return None

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        for look, speed, score in points:
            axes.plot(speed, score, marker=look.marker, color=look.colour, markersize=10, linestyle="none")
        axes.set_xscale("log")
        slowest, fastest = min(speed for _, speed, _ in points), max(speed for _, speed, _ in points)
        axes.set_xlim(slowest / 2, fastest * 2)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if fastest > 100 * slowest else (1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(y=0.15)
        axes.set_xlabel("comments a second, end to end (logarithmic)")
        axes.set_ylabel("mean sentiment score")

    label = "Mean sentiment score by comments a second, by contender"
    return picture("speed", label, "Up and to the right is better", (5.0, 3.6), draw)
