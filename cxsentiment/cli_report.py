"""`cxsentiment report` and `cxsentiment watch`: what a scored archive tells, and whether it tells of a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxsentiment.cli_options import TaxonomyOption, load_taxonomy
from cxsentiment.errors import OptionError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cxsentiment.measure import Scored

ALERT_CODE = 3
"""Exit code of `watch` when there is an alert."""


DEFAULT_OUTPUT = Path("report.html")

ScoredArgument = Annotated[Path, typer.Argument(metavar="SCORED", help="What `cxsentiment score` wrote: a folder or a file.")]
ByOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME,...", help="Tell apart by these too: columns of the archive, or stage, relation, group."),
]
PeriodOption = Annotated[str | None, typer.Option(help="Step of time: day, week, month, quarter; by default days or weeks.")]
DateOption = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the days; found by its name and contents.")]
TextOption = Annotated[list[str] | None, typer.Option("--text-column", metavar="COLUMN", help="Column of the texts, or several; found.")]
ChannelOption = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the channel, if it is not called so.")]
SinceOption = Annotated[str | None, typer.Option(metavar="DAY", help="Only comments from this day on: 2026-11-01.")]
UntilOption = Annotated[str | None, typer.Option(metavar="DAY", help="Only comments up to this day.")]
MinCountOption = Annotated[int, typer.Option(min=1, help="Fewest comments of a period that can raise an alert.")]
LangOption = Annotated[str, typer.Option("--lang", help="Language of the words: el, pl, ro, en.")]
MemoryOption = Annotated[str | None, typer.Option(metavar="SIZE", help="Memory for counting, such as 4GB; what is more goes to disk.")]


def report(
    archive: ScoredArgument,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; report.html by default.")] = None,
    kind: Annotated[
        str | None, typer.Option("--format", help="html, json, xlsx or md (Markdown); by default what the name of the file says.")
    ] = None,
    kpi: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Figures of the company with their days (CSV, Excel, ...) to compare with.")
    ] = None,
    kpi_date: Annotated[str | None, typer.Option(metavar="COLUMN", help="Its column of days; found.")] = None,
    by: ByOption = None,
    period: PeriodOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    lang: LangOption = "en",
    mask: Annotated[bool, typer.Option(help="Hide e-mail addresses, telephone, account and card numbers in quotes.")] = True,
    quotes: Annotated[int, typer.Option(min=0, help="Quotes of each touchpoint and feeling at most; languages take turns.")] = 4,
    min_count: MinCountOption = 30,
    date: DateOption = None,
    text_column: TextOption = None,
    channel: ChannelOption = None,
    taxonomy: TaxonomyOption = None,
    memory: MemoryOption = None,
) -> None:
    """Shows where, when, how and why customers are happy or unhappy: one page that needs no network, or tables.

    Exits with 0; alerts are told in the report (and by `cxsentiment watch`).
    """
    from cxsentiment.measure import read_kpi
    from cxsentiment.report import ReportOptions, find, write_report
    from cxsentiment.report.wording import Wording

    chosen, where = _format_of(kind, output)
    types = load_taxonomy(taxonomy)
    words = Wording.of(lang, types)
    names = _dimensions(by)
    figures = None if kpi is None else read_kpi(kpi, date=kpi_date)
    options = ReportOptions(tuple(names), period, min_count, figures, mask, quotes, types)
    with _opened(archive, names, memory, date=date, text=text_column, channel=channel) as scored:
        narrowed = since is not None or until is not None
        findings = find(scored.where(since=since, until=until) if narrowed else scored, options)
    write_report(findings, where, chosen, words)
    typer.echo(f"written to {where}")


def watch(
    archive: ScoredArgument,
    by: ByOption = None,
    period: PeriodOption = None,
    last: Annotated[int, typer.Option(min=0, help="Alerts noticed in so many last periods of the archive; 0 for all.")] = 2,
    min_count: MinCountOption = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each alert.")] = False,
    lang: LangOption = "en",
    date: DateOption = None,
    channel: ChannelOption = None,
    taxonomy: TaxonomyOption = None,
    memory: MemoryOption = None,
) -> None:
    """Says which changes of sentiment stand out, and exits with 3 if there are any: for schedulers.

    Watched are all comments together, each touchpoint, language and channel, each touchpoint in each language, and each value of --by.
    In a year in which nothing changes, any alert at all comes with a chance of at most 5 %.
    """
    from cxsentiment.measure.grouping import PERIODS, check_dimensions
    from cxsentiment.report import reasons
    from cxsentiment.report.sentences import alert_details, alert_sentence, unjudged_sentence
    from cxsentiment.report.wording import Wording

    words = Wording.of(lang, load_taxonomy(taxonomy))
    names = _dimensions(by)
    for name in names:
        if name in PERIODS:
            raise OptionError(f"--by {name}: choose the step of time with --period {name}")
    with _opened(archive, names, memory, date=date, channel=channel) as opened:
        for name in names:
            check_dimensions(opened, (name,))
        scored = reasons.plausible(opened)
        step = period or reasons.usual_period(scored, min_count)
        is_judged = reasons.is_judged(scored, step, min_count)
        found = reasons.find_alerts(scored, step, min_count, tuple(names))
        rows = reasons.alert_table(reasons.recent(scored, found, step, last)).to_pylist()
    for row in rows:
        told = f"{alert_sentence(row, words)}\n  {alert_details(row, words)}"
        typer.echo(json.dumps(row, default=str, ensure_ascii=False) if as_json else told)
    if not rows and not as_json:
        typer.echo(words("alerts.none") if is_judged else unjudged_sentence(step, min_count, words))
    if rows:
        raise typer.Exit(ALERT_CODE)


def _format_of(kind: str | None, output: Path | None) -> tuple[str, Path]:
    """The format that is asked for, or that the name of the file says; and the file."""
    from cxsentiment.report import FORMATS

    known = ", ".join(FORMATS)
    if kind is not None and kind not in FORMATS:
        raise OptionError(f"--format {kind}: choose from {known}")
    where = output or (DEFAULT_OUTPUT if kind is None else DEFAULT_OUTPUT.with_suffix(f".{kind}"))
    said = {"htm": "html", "markdown": "md"}.get(where.suffix.lower()[1:], where.suffix.lower()[1:])
    if kind is None and said not in FORMATS:
        raise OptionError(f"{where}: the format is not clear from the name; give one of {known} with --format")
    if not where.absolute().parent.is_dir():
        raise OutputError(f"{where} cannot be written: there is no folder {where.parent}")
    return kind or said, where


def _dimensions(given: Sequence[str] | None) -> dict[str, str]:
    """The names of --by and what they are of; a column that is called like one of ours gets ` (column)` behind its name."""
    from cxsentiment.measure.archive import RESERVED
    from cxsentiment.measure.grouping import DIMENSIONS

    names = dict.fromkeys(name.strip() for some in given or () for name in some.split(",") if name.strip())
    return {f"{name} (column)" if name not in DIMENSIONS and name.lower() in RESERVED else name: name for name in names}


def _opened(
    archive: Path,
    names: Mapping[str, str],
    memory: str | None,
    *,
    date: str | None,
    channel: str | None,
    text: Sequence[str] | None = None,
) -> Scored:
    """The archive, with those of the names as segments that are no dimensions of their own."""
    from cxsentiment.measure import open_scored
    from cxsentiment.measure.grouping import DIMENSIONS

    segments = {name: column for name, column in names.items() if name not in DIMENSIONS}
    return open_scored(archive, date=date, text=text or None, channel=channel, segments=segments, memory=memory)
