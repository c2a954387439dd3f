"""`cxsentiment benchmark run | compare | leaderboard | datasets`: any model on feedback, by one protocol."""

from __future__ import annotations

import gc
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cxsentiment.cli_options import console_of
from cxsentiment.errors import InputError, OptionError, OutputError
from cxsentiment.streaming import give_back_memory

if TYPE_CHECKING:
    from cxsentiment.benchmark.datasets import DataSet, Registry
    from cxsentiment.benchmark.record import Run

DEFAULT_OUT = Path("runs/benchmark")

app = typer.Typer(no_args_is_help=True, help="Benchmarks any model on feedback: run, compare, show.")

RegistryOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--registry", metavar="FILE", help="A TOML file with data sets ([sets.NAME]) and contenders ([contenders.NAME]) of your own."
    ),
]
DataOption = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Where the data lie; by default $CXSENTIMENT_DATA.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME", help="A data set; several may be named, by default all that there are.")
]
ResultsArgument = Annotated[list[Path], typer.Argument(metavar="RESULT.json...", help="Results of `cxsentiment benchmark run`.")]


@app.command()
def run(
    contender: Annotated[
        list[str] | None,
        typer.Option(
            "--contender",
            metavar="SPEC",
            help="default, model:FOLDER_OR_ID, linear, lexicon[:WORDS], embedding[:ID], zero-shot:ID, chat:MODEL, language:NAME, "
            "python:FILE.py:Class, or a name from --registry. Several are run one after the other.",
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task", help="sentiment, stars, emotions, touchpoints, language, robustness, behaviour, speed; by default all of them."
        ),
    ] = None,
    data_set: SetOption = None,
    registry: RegistryOption = None,
    data: DataOption = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="An option of the contender, such as label_map=0=negative,1=positive."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = DEFAULT_OUT,
    per_set: Annotated[int, typer.Option(min=0, help="Texts of each data set at most; 0 for all.")] = 1_000,
    train_per_set: Annotated[int, typer.Option(min=0, help="Texts of each data set to learn from at most; 0 for all.")] = 0,
    robustness_per_set: Annotated[int, typer.Option(min=1, help="Texts of each data set that are typed otherwise.")] = 200,
    per_test: Annotated[int, typer.Option(min=1, help="Cases of each behavioural test at most.")] = 40,
    seeds: Annotated[str, typer.Option(help="Seeds of contenders that are trained; the first draws the texts.")] = "1,2,3",
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 10_000,
) -> None:
    """Measures contenders; writes a JSON file and all predictions (Parquet) for each, and prints the tables."""
    from cxsentiment.benchmark.datasets import read_registry
    from cxsentiment.benchmark.runner import TASKS, Plan
    from cxsentiment.benchmark.speed import resident_memory

    before = resident_memory()
    tasks = task or list(TASKS)
    for name in tasks:
        if name not in TASKS:
            raise OptionError(f"no task is called {name!r}; there are: {', '.join(TASKS)}")
    known = read_registry(registry or ())
    plan = Plan(tasks, per_set, train_per_set, robustness_per_set, per_test, _seeds(seeds), resamples)
    chosen = _present(known.choose(data_set or (), _tasks_of_sets(tasks)), data, named=bool(data_set))
    if not chosen and "behaviour" not in tasks:
        raise InputError(f"no data set that is there has {', '.join(tasks)}; `cxsentiment benchmark datasets` shows what there is")
    _make_folder(out)
    runs: list[Run] = []
    for spec in contender or ["default"]:
        _let_go()
        runs.append(_run_one(spec, _options(option or ()), registry or (), known, chosen, data, plan, out, before, runs))
    _print_tables(runs)


def _run_one(
    spec: str,
    options: Mapping[str, str],
    registries: Sequence[Path],
    known: Registry,
    chosen: Sequence[DataSet],
    data: Path | None,
    plan: Any,
    out: Path,
    before: int,
    done: Sequence[Run],
) -> Run:
    """Makes a contender, measures it, and keeps the results."""
    import pyarrow.parquet as pq

    from cxsentiment.benchmark.comparing import SUFFIX
    from cxsentiment.benchmark.contenders import make_contender
    from cxsentiment.benchmark.datasets import read_registry
    from cxsentiment.benchmark.runner import LABELLED, Benchmark, run_benchmark
    from cxsentiment.benchmark.taught import training_of

    named = _named_contenders(registries).get(spec, {"spec": spec})
    made = make_contender(named["spec"], {key: value for key, value in named.items() if key != "spec"} | dict(options))
    if made.name in [one.contender for one in done]:
        raise OptionError(f"two contenders are called {made.name!r}: give each a name of its own, in a file for --registry")
    console = console_of(stderr=True)
    command = "cxsentiment " + shlex.join(sys.argv[1:])
    asks_overlap = named["spec"] == "default" and bool(set(plan.tasks) & set(LABELLED))
    training = training_of(read_registry(), data) if asks_overlap else None
    benchmark = Benchmark(made, named["spec"], known, chosen, data, plan, command, training, before)
    found, predictions = run_benchmark(benchmark, lambda line: console.print(f"{made.name}: {line}", markup=False))
    stem = re.sub(r"[^\w.-]+", "-", made.name).strip("-.") or "contender"
    try:
        pq.write_table(predictions, out / (stem + SUFFIX), compression="zstd", compression_level=19)
        found = replace(found, predictions=stem + SUFFIX)
        found.write(out / f"{stem}.json")
    except OSError as error:
        raise OutputError(f"cannot write to {out}: {error.strerror}; name another folder with --out") from None
    typer.echo(f"{out / stem}.json ({found.seconds:.0f} s)")
    return found


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="A.json")],
    second: Annotated[Path, typer.Argument(metavar="B.json")],
    resamples: Annotated[int, typer.Option(min=100, help="Resamples of the bootstrap and of the permutation test.")] = 10_000,
) -> None:
    """By how much A is better than B on each data set, and how sure that is (paired tests, adjusted by Holm)."""
    from cxsentiment.benchmark.comparing import compare as compared
    from cxsentiment.benchmark.comparing import read_run, wins
    from cxsentiment.benchmark.standings import differences
    from cxsentiment.benchmark.tables import markdown

    one, other = read_run(first), read_run(second)
    found = compared(one, other, resamples)
    typer.echo(markdown(differences(found)))
    for task, (better, same, worse) in wins(found).items():
        typer.echo(f"{task}: {one[0].contender} better on {better} sets, {other[0].contender} on {worse}, no sure difference on {same}")


@app.command()
def leaderboard(
    results: ResultsArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The HTML file to write.")] = DEFAULT_OUT / "leaderboard.html",
) -> None:
    """Writes a page with tables and pictures of all results, and compares the best with each other; it opens without a network."""
    from cxsentiment.benchmark.comparing import compare as compared
    from cxsentiment.benchmark.comparing import read_run
    from cxsentiment.benchmark.leaderboard import write_leaderboard
    from cxsentiment.benchmark.standings import ranked

    pairs = [read_run(path) for path in results]
    runs = ranked([run for run, _ in pairs])
    read = {run.contender: (run, answers) for run, answers in pairs}
    comparisons = []
    for run in runs[1:]:
        try:
            comparisons += compared(read[runs[0].contender], read[run.contender])
        except InputError:  # nothing in common: a language detector beside a sentiment model
            continue
    _make_folder(out.parent)
    write_leaderboard(runs, out, comparisons)
    _print_tables(runs)
    typer.echo(f"{out}")


@app.command()
def datasets(registry: RegistryOption = None, data: DataOption = None) -> None:
    """The data sets: tasks, language, licence, where they come from, and whether their file is there."""
    from rich.table import Table

    from cxsentiment.benchmark.datasets import read_registry

    table = Table("set", "tasks", "language", "licence", "what it is", "file", box=None)
    for one in read_registry(registry or ()).sets.values():
        try:
            place = one.path(data)
            there = place.name
        except InputError:
            there = f"{one.file} (not there)"
        language = one.language if isinstance(one.language, str) else "several"
        table.add_row(one.name, ", ".join(one.tasks), language, one.licence, one.title, there)
    console_of().print(table)


def _let_go() -> None:
    """Frees the memory of contenders that have had their turn; reference cycles, which models are prone to, may hold it for long."""
    gc.collect()
    give_back_memory()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}; name another folder with --out") from None


def _print_tables(runs: Sequence[Run]) -> None:
    from cxsentiment.benchmark.tables import behaviour_table, headline_table

    typer.echo(headline_table(runs))
    if any(run.behaviour for run in runs):
        typer.echo("\n" + behaviour_table(runs))


def _tasks_of_sets(tasks: Sequence[str]) -> list[str]:
    """The tasks by which data sets are chosen: what is typed otherwise or timed are texts with a sentiment."""
    from cxsentiment.benchmark.runner import LABELLED

    found = [name for name in tasks if name in LABELLED]
    return found if found or ("behaviour" in tasks and len(tasks) == 1) else ["sentiment"]


def _present(chosen: Sequence[DataSet], data: Path | None, *, named: bool) -> list[DataSet]:
    """The sets whose files are there; one that was named must be."""
    found, missing = [], []
    for one in chosen:
        try:
            one.path(data)
            found.append(one)
        except InputError:
            if named:
                raise
            missing.append(one.name)
    if missing:
        console_of(stderr=True).print(f"left out, for their files are not there: {', '.join(missing)}", markup=False)
    return found


def _named_contenders(registries: Sequence[Path]) -> Mapping[str, Mapping[str, Any]]:
    """[contenders.NAME] of the registries: `spec`, and the options of its kind, the name among them; those in Python name themselves.

    Raises OptionError without a spec.
    """
    from cxsentiment.benchmark.datasets import read_toml

    found: dict[str, Mapping[str, Any]] = {}
    for path in registries:
        contenders = read_toml(path).get("contenders", {})
        if not isinstance(contenders, Mapping):
            raise OptionError(f"{path}: contenders must be tables, [contenders.NAME]")
        for name, entry in contenders.items():
            if not isinstance(entry, Mapping) or not isinstance(entry.get("spec"), str):
                raise OptionError(f'{path}: [contenders.{name}] needs a spec, such as spec = "model:FOLDER"')
            found[name] = entry if entry["spec"].startswith("python:") else {"name": name, **entry}
    return found


def _options(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise OptionError(f"--option {pair!r}: write NAME=VALUE")
        found[name] = value
    return found


def _seeds(given: str) -> list[int]:
    try:
        found = [int(one) for one in given.split(",")]
    except ValueError:
        found = [-1]
    if min(found) < 0:
        raise OptionError(f"--seeds {given!r}: write whole numbers, such as 1,2,3")
    return found
