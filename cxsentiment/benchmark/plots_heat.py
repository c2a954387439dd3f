"""Heat maps: what is taken for what, and what fails in which language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cxsentiment.benchmark.cells import in_order, task_title
from cxsentiment.benchmark.plots import picture
from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.standings import failure_rates
from cxsentiment.drawing import Picture, id_part
from cxsentiment.printable import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_ANSWER = "no answer"
MOST_WRITTEN = 12
"""Labels up to which each cell says its figure."""

Floats = npt.NDArray[np.float64]


def confusion_pictures(run: Run, number: int) -> list[Picture]:
    """A contender's confusion matrices: for each task one of each set of labels, its data sets and languages pooled; the largest first.

    `number` tells contenders apart in the ids of one page.
    """
    pools: dict[tuple[str, tuple[str, ...]], list[tuple[str, Floats]]] = {}
    for result in run.results:
        if result.confusion:
            matrix = np.zeros((len(result.labels), len(result.labels) + 1))
            given = np.array(result.confusion, np.float64)
            matrix[:, : given.shape[1]] = given
            pools.setdefault((result.task, tuple(result.labels)), []).append((f"{result.language} {result.dataset}", matrix))
    found = []
    for (task, labels), parts in pools.items():
        counts = sum((matrix for _, matrix in parts), np.zeros((len(labels), len(labels) + 1)))
        found.append((task, labels, [name for name, _ in parts], counts))
    found.sort(key=lambda pool: (pool[0] != "sentiment", pool[0], -pool[3].sum()))
    return [
        _confusion(f"confusion-{number}-{id_part(task)}-{place}", task, labels, names, counts)
        for place, (task, labels, names, counts) in enumerate(found)
    ]


def _confusion(name: str, task: str, labels: Sequence[str], names: Sequence[str], counts: Floats) -> Picture:
    columns = [*labels, NO_ANSWER] if counts[:, -1].any() else list(labels)
    kept = counts[:, : len(columns)]
    shares = kept / np.maximum(kept.sum(axis=1, keepdims=True), 1)
    shares[kept.sum(axis=1) == 0] = np.nan

    def draw(axes: Axes) -> None:
        _heat(axes, shares, [plain(label) for label in labels], [plain(label) for label in columns], "Blues")
        axes.set(xlabel="predicted", ylabel="gold")

    where = ", ".join(map(plain, names))
    label = f"{task_title(task)}: share of each gold label by predicted label, in percent; {kept.sum():,.0f} texts of {where}"
    size = min(14.0, 1.5 + 0.62 * len(columns)), min(12.0, 1.3 + 0.42 * len(labels))
    return picture(name, label, f"{task_title(task)}, {kept.sum():,.0f} texts", size, draw)


def behaviour_pictures(runs: Sequence[Run]) -> list[Picture]:
    """For each contender with behavioural tests: the mean share of failed cases by capability and language, in percent."""
    capabilities = list(dict.fromkeys(one.capability for run in runs for one in run.behaviour))
    languages = in_order(one.language for run in runs for one in run.behaviour)
    return [_behaviour(run, number, capabilities, languages) for number, run in enumerate(runs) if run.behaviour]


def _behaviour(run: Run, number: int, capabilities: Sequence[str], languages: Sequence[str]) -> Picture:
    rates = np.array([[_rate(run, capability, language) for language in languages] for capability in capabilities])

    def draw(axes: Axes) -> None:
        _heat(axes, rates, [plain(name) for name in capabilities], [plain(name) for name in languages], "Oranges")

    label = f"Share of failed behavioural test cases of {plain(run.contender)} by capability and language, in percent"
    return picture(f"behaviour-{number}", label, plain(run.contender), (1.9 + 0.5 * len(languages), 0.6 + 0.34 * len(capabilities)), draw)


def _rate(run: Run, capability: str, language: str) -> float:
    (figure,) = failure_rates([run], lambda one: (one.capability, one.language) == (capability, language))
    return figure.value if figure else float("nan")


def _heat(axes: Axes, shares: Floats, rows: Sequence[str], columns: Sequence[str], colours: str) -> None:
    """Shares [rows, columns] in [0, 1] as colours and percents; NaN is empty and says so."""
    axes.pcolormesh(np.ma.masked_invalid(shares), cmap=colours, vmin=0, vmax=1, edgecolors="white", linewidth=1)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=0 if max(map(len, columns)) <= 3 else 30, ha=_align(columns))
    if max(shares.shape) > MOST_WRITTEN and shares.shape[1] > MOST_WRITTEN:
        return
    for (row, column), share in np.ndenumerate(shares):
        text = "n/a" if np.isnan(share) else f"{100 * share:.0f}"
        colour = "#777777" if np.isnan(share) else "white" if share > 0.6 else "black"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)


def _align(columns: Sequence[str]) -> str:
    return "center" if max(map(len, columns)) <= 3 else "right"
