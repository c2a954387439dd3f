"""The tables of a benchmark as Markdown, for a README, a model card or a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cxsentiment.benchmark.cells import Cell, Table
from cxsentiment.benchmark.record import Run
from cxsentiment.benchmark.standings import behaviour, headline, task_scores

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$!&]")


def headline_table(runs: Sequence[Run]) -> str:
    """A row a contender, the best by mean sentiment first, and the best of each column in bold.

    Raises InputError where there is no run, or several of one contender.
    """
    return markdown(headline(runs))


def task_table(runs: Sequence[Run], task: str) -> str:
    """The headline score of each contender on each data set of a task, with its interval; the best of each row in bold."""
    return markdown(task_scores(runs, task))


def behaviour_table(runs: Sequence[Run]) -> str:
    """The share of failed behavioural test cases of each contender by capability and language; the best of each row in bold."""
    return markdown(behaviour(runs))


def markdown(table: Table) -> str:
    """A table in the syntax of GitHub; what is markup in a name is escaped. Title and note are left to the caller."""
    names = [*map(_escaped, (*table.heads, *table.columns))]
    lines = [names, ["---"] * len(table.heads) + ["---:"] * len(table.columns)]
    lines += [[*map(_escaped, row.labels), *map(_shown, row.cells)] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _shown(cell: Cell) -> str:
    figure = f"**{cell.text}**" if cell.best else cell.text
    with_interval = f"{figure} {cell.interval}" if cell.interval else figure
    return f"{with_interval} ({'; '.join(map(_escaped, cell.notes))})" if cell.notes else with_interval


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", text)
