"""`cxsentiment score`: its options, and what it prints."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxsentiment.cli_options import (
    DeviceOption,
    DtypeOption,
    InterruptedRunError,
    LabelMapOption,
    ModelOption,
    ProfileOption,
    TaxonomyOption,
    UnsureOption,
    console_of,
    load_analyzer,
    print_profile,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cxsentiment.analyzer import Analyzer
    from cxsentiment.archive import Progress
    from cxsentiment.archive.command import ScoreRequest

INPUT, OUTPUT, DATABASE, RUN = "Input", "Output", "Databases", "Run"
"""Panels of the help."""


def score(
    where: Annotated[str | None, typer.Argument(metavar="IN", help="A file, folder, glob or URL of comments (see below).")] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="Folder for a Parquet dataset, or a file: .parquet .jsonl .csv .tsv"),
    ] = None,
    text_column: Annotated[
        list[str] | None, typer.Option(help="Column of the texts, or several; found by its name.", rich_help_panel=INPUT)
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of text files; detected.", rich_help_panel=INPUT)] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between the cells of a CSV; detected.", rich_help_panel=INPUT)] = None,
    quoting: Annotated[
        bool | None, typer.Option(help="Whether quotation marks may surround cells of a CSV; detected.", rich_help_panel=INPUT)
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of an Excel workbook that has several.", rich_help_panel=INPUT)] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first rows.", rich_help_panel=INPUT)] = None,
    sample: Annotated[
        float | None, typer.Option(help="Only so many rows drawn at random, or a share such as 0.1.", rich_help_panel=INPUT)
    ] = None,
    seed: Annotated[int, typer.Option(help="Another one draws another sample.", rich_help_panel=INPUT)] = 0,
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B,...", help="Columns to write, the input's and cx_ ones; by default all.", rich_help_panel=OUTPUT),
    ] = None,
    partition_by: Annotated[
        list[str] | None, typer.Option(help="Column by whose values a dataset is split into folders.", rich_help_panel=OUTPUT)
    ] = None,
    sql: Annotated[
        str | None, typer.Option(metavar="QUERY", help="Score what a SELECT ... ORDER BY ... gives.", rich_help_panel=DATABASE)
    ] = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Its database; password in CXSENTIMENT_DB_PASSWORD.", rich_help_panel=DATABASE)
    ] = None,
    into_table: Annotated[str | None, typer.Option(metavar="TABLE", help="Write into this table.", rich_help_panel=DATABASE)] = None,
    into_db: Annotated[
        str | None, typer.Option(metavar="URL", help="The database of --into-table, if not --db.", rich_help_panel=DATABASE)
    ] = None,
    id_column: Annotated[str | None, typer.Option(help="Column that tells rows apart in the table.", rich_help_panel=DATABASE)] = None,
    run_name: Annotated[
        str | None, typer.Option("--run", metavar="NAME", help="Tells runs apart in the table.", rich_help_panel=DATABASE)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and how long it would take.", rich_help_panel=RUN)
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew instead of going on.", rich_help_panel=RUN)] = False,
    max_errors: Annotated[int | None, typer.Option(help="Stop when more rows than this cannot be scored.", rich_help_panel=RUN)] = None,
    chunk_rows: Annotated[
        int | None, typer.Option(help="Rows that are scored and written together; by default 8,192.", rich_help_panel=RUN)
    ] = None,
    engine: Annotated[str, typer.Option(help="local, or ray: a cluster.", rich_help_panel=RUN)] = "local",
    workers: Annotated[int | None, typer.Option(help="Actors on the cluster; by default what it holds.", rich_help_panel=RUN)] = None,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    dtype: DtypeOption = "auto",
    taxonomy: TaxonomyOption = None,
    unsure_labels: UnsureOption = False,
    label_map: LabelMapOption = None,
    profile: ProfileOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Scores an archive of comments: every row keeps its columns and gains the cx_ ones.

    IN: CSV, TSV, JSON Lines (also .gz, .zst), Parquet, Feather, Excel; a folder or a glob of them, or their URL (s3://...). Stopped at any
    moment, the same command goes on where it was.
    """
    from cxsentiment.archive import CHUNK_ROWS, ReadingOptions, ScoringOptions
    from cxsentiment.archive.command import ScoreRequest

    chosen = tuple(name.strip() for some in columns or () for name in some.split(","))
    request = ScoreRequest(
        where=where,
        output=output,
        query=sql,
        database=db,
        into=into_db,
        table=into_table,
        id_column=id_column,
        run=run_name,
        reading=ReadingOptions(tuple(text_column or ()), encoding, delimiter, quoting, sheet),
        scoring=ScoringOptions(CHUNK_ROWS if chunk_rows is None else chunk_rows, chosen, restart, max_errors),
        partition_by=tuple(partition_by or ()),
        limit=limit,
        sample=sample,
        seed=seed,
        dtype=dtype,
        engine=engine,
        workers=workers,
    )
    if request.caution and not quiet:
        console_of(stderr=True).print(f"warning: {request.caution}", markup=False)
    load = partial(_load, model, device, taxonomy, unsure_labels=unsure_labels, label_map=label_map)
    if dry_run:
        _print_plan(request, load)
        return
    analyzer = _run(request, load, quiet=quiet)
    if profile and analyzer is not None:
        print_profile(analyzer)


def _load(model: str | None, device: str, taxonomy: Path | None, dtype: str, *, unsure_labels: bool, label_map: str | None) -> Analyzer:
    return load_analyzer(model, device, dtype, taxonomy, unsure_labels=unsure_labels, label_map=label_map)


def _print_plan(request: ScoreRequest, load: Callable[[str], Analyzer]) -> None:
    from cxsentiment.archive.command import plan_score
    from cxsentiment.display import plan_view

    console_of().print(plan_view(plan_score(request, load)))


def _run(request: ScoreRequest, load: Callable[[str], Analyzer], *, quiet: bool) -> Analyzer | None:
    """Scores with a progress bar, and prints the summary. Gives the analyzer, if it was in this process."""
    from cxsentiment.archive.command import run_score
    from cxsentiment.display import printable, row_progress, summary_view

    loaded: list[Analyzer] = []

    def remembered(dtype: str) -> Analyzer:
        loaded.append(load(dtype))
        return loaded[0]

    try:
        with ExitStack() as stack:

            def begin(name: str, rows: int) -> Callable[[Progress], None]:
                bar = stack.enter_context(row_progress(console_of(stderr=True), disable=quiet))
                task = bar.add_task(printable(Path(name).name), total=rows, errors="")

                def tell(done: Progress) -> None:
                    bar.update(task, completed=done.rows, errors=f"{done.errors:,} with cx_error" if done.errors else "")

                return tell

            finished = run_score(request, load if request.engine != "local" else remembered, begin)
    except KeyboardInterrupt:
        raise InterruptedRunError("; what is scored is kept, and the same command goes on") from None
    if not quiet:
        console = console_of()
        console.print(summary_view(finished.summary))
        sys.stdout.write(printable(f"\nwritten to {finished.output}\n"))
    return loaded[0] if loaded else None
