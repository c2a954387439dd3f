"""Under which circumstances runs came about, and where these differ so much that figures cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cxsentiment.benchmark.cells import data_sets, of_task, task_title, tasks_of
from cxsentiment.benchmark.record import Run
from cxsentiment.printable import plain


def cautions(runs: Sequence[Run]) -> list[str]:
    """A sentence for each reason why figures of these runs do not stand beside each other: other data, texts, machine or commit."""
    found = []
    for name in sorted({name for run in runs for name in run.data}):
        if len({run.data[name] for run in runs if name in run.data}) > 1:
            found.append(f"The runs had different contents of {plain(name)}: their scores cannot be compared.")
    for task in tasks_of(runs):
        for place in data_sets(runs, task):
            if len({of_task(run, task)[place].size for run in runs if place in of_task(run, task)}) > 1:
                found.append(f"{task_title(task)}, {' '.join(map(plain, place))}: the runs had different numbers of texts.")
    if parts := _differing(run.hardware for run in runs if run.speed):
        found.append(f"Speeds were measured on different machines ({', '.join(parts)}) and cannot be compared.")
    if len({run.commit for run in runs}) > 1:
        found.append("The runs come from different commits of the code.")
    return found


def _differing(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    every = list(mappings)
    names = sorted({name for one in every for name in one})
    return [plain(name) for name in names if len({written(one.get(name)) for one in every}) > 1]


def written(value: Any) -> str:
    """Any value of JSON as text: a string as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def facts(run: Run) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings, and under each the names and values of what is known of a run."""
    about = {
        "kind": run.kind,
        "command": run.command,
        "created": run.created,
        "commit": run.commit or "unknown",
        "seeds": ", ".join(map(str, run.seeds)) or "none",
        "seconds": f"{run.seconds:,.0f}",
        "predictions": run.predictions or "not kept",
    }
    parts: list[tuple[str, Mapping[str, Any]]] = [
        ("Run", about),
        ("Contender", run.details),
        ("Hardware", run.hardware),
        ("Versions", run.versions),
        ("Checksums of the data", run.data),
    ]
    return [(title, [(name, written(value)) for name, value in mapping.items()]) for title, mapping in parts if mapping]
