"""The command line: `cxsentiment analyze | score | languages | model | taxonomy | train`.

Every error is one line on stderr that says what to do, with exit code 2; an interruption is exit code 130. What takes long to import is
imported by the command that needs it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from cxsentiment.errors import CxError, InputError, OptionError

if TYPE_CHECKING:
    from rich.console import Console

    from cxsentiment.analyzer import Analyzer
    from cxsentiment.taxonomy import Taxonomy

USAGE_ERROR_CODE: Final = 2
INTERRUPTED_CODE: Final = 130
# click's ClickException, which versions of typer keep in different places.
_UsageProblem: Final[type[Exception]] = typer.BadParameter.__mro__[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})

ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Folder or name of a model, ours or a Hugging Face classifier; by default the one in the package."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="Where to compute: auto (all GPUs, or the CPU), cpu, cuda, cuda:1, ...")]
TaxonomyOption = Annotated[Path | None, typer.Option("--taxonomy", metavar="FILE", help="Touchpoint types of your own (a TOML file).")]
UnsureOption = Annotated[bool, typer.Option("--unsure-labels", help="Labels too that the model card calls unsure.")]
DtypeOption = Annotated[str, typer.Option("--dtype", help="Precision: auto, int8, float32, bfloat16, ...")]
LabelMapOption = Annotated[
    str | None,
    typer.Option(metavar="LABEL=OURS,...", help="What the labels of a Hugging Face classifier mean: 0=negative,1=positive+joy,2=none."),
]
ProfileOption = Annotated[bool, typer.Option("--profile", help="Say what took how long, on standard error.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code: 0, 2 for errors of use, 130 when interrupted."""
    for stream in (sys.stdout, sys.stderr):
        _accept_all_letters(stream)
    try:
        code = app(args=arguments, prog_name="cxsentiment", standalone_mode=False)
    except CxError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except _UsageProblem as error:
        return _fail(_usage_message(error))
    return _interrupted() if code == INTERRUPTED_CODE else int(code or 0)


def load_analyzer(
    model: str | None, device: str, dtype: str, taxonomy: Path | None, *, unsure_labels: bool, label_map: str | None
) -> Analyzer:
    """The analyzer that the options ask for."""
    from cxsentiment.analyzer import Analyzer

    labels = None if label_map is None else _label_map(label_map)
    return Analyzer.from_pretrained(model, device, dtype, taxonomy=_taxonomy(taxonomy), unsure_labels=unsure_labels, label_map=labels)


def _label_map(given: str) -> dict[str, tuple[str, ...]]:
    pairs = [pair.rpartition("=") for pair in given.split(",")]
    for label, equals, _ in pairs:
        if not (label.strip() and equals):
            raise OptionError(f"--label-map {given!r}: give pairs such as LABEL_0=negative,LABEL_1=positive+joy,LABEL_2=none")
    return {label.strip(): tuple(one.strip() for one in ours.split("+") if one.strip() != "none") for label, _, ours in pairs}


def _taxonomy(path: Path | None) -> Taxonomy:
    from cxsentiment.taxonomy import Taxonomy

    return Taxonomy.default() if path is None else Taxonomy.load(path)


# ---- commands -------------------------------------------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True)] = False,
) -> None:
    """Understands what customers write in Greek, Polish, Romanian and English."""
    if version:
        from cxsentiment import __version__

        typer.echo(f"cxsentiment {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _print_profile(analyzer: Analyzer) -> None:
    from cxsentiment.display import profile_view

    _console(stderr=True).print(profile_view(analyzer.stats()))


@app.command()
def analyze(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts; without any, lines of standard input.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    dtype: DtypeOption = "auto",
    taxonomy: TaxonomyOption = None,
    unsure_labels: UnsureOption = False,
    label_map: LabelMapOption = None,
    profile: ProfileOption = False,
) -> None:
    """Shows what a text says: language, sentiment, emotions, touchpoints.

    Put -- before a text that begins with a dash.
    """
    given = iter(texts) if texts else _standard_input()
    analyzer = load_analyzer(model, device, dtype, taxonomy, unsure_labels=unsure_labels, label_map=label_map)
    if as_json:
        for analysis in analyzer.stream(given):
            sys.stdout.write(json.dumps(analysis.to_dict(), ensure_ascii=False) + "\n")
            sys.stdout.flush()
    else:
        from cxsentiment.display import analysis_view

        console = _console()
        for analysis in analyzer.stream(given):
            console.print(analysis_view(analysis))
    if profile:
        _print_profile(analyzer)


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A CSV, TSV, JSONL or Parquet file.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT", help="The scored file: .parquet, .jsonl, .csv or .tsv.")],
    text_column: Annotated[str | None, typer.Option(help="Column that holds the texts; found by its name if it has a usual one.")] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV, TSV or JSONL file: utf-8, cp1253, cp1250, iso8859-2, ...")] = "utf-8",
    model: ModelOption = None,
    device: DeviceOption = "auto",
    dtype: DtypeOption = "auto",
    taxonomy: TaxonomyOption = None,
    unsure_labels: UnsureOption = False,
    label_map: LabelMapOption = None,
    profile: ProfileOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")] = False,
) -> None:
    """Scores a file of comments: every row keeps its columns and gains the cx_ ones."""
    from cxsentiment import archive
    from cxsentiment.display import row_progress, summary_view

    archive.check_output(output, source)
    opened = archive.open_source(source, text_column=text_column, encoding=encoding)
    with archive.open_writer(output, source, opened.schema) as writer:
        analyzer = load_analyzer(model, device, dtype, taxonomy, unsure_labels=unsure_labels, label_map=label_map)
        with row_progress(_console(stderr=True), disable=quiet) as bar:
            task = bar.add_task(source.name, total=opened.rows)
            summary = archive.score(opened, analyzer, writer, progress=lambda rows: bar.update(task, completed=rows))
    if not quiet:
        console = _console()
        console.print(summary_view(summary))
        console.print(f"\nwritten to {output}", markup=False, soft_wrap=True)
    if profile:
        _print_profile(analyzer)


@app.command()
def languages() -> None:
    """Lists the languages: the four that are understood, and those that are only identified."""
    from cxsentiment.display import languages_view
    from cxsentiment.language import available_languages

    _console().print(languages_view(available_languages()))


@app.command()
def model(
    name_or_path: ModelOption = None,
    card: Annotated[bool, typer.Option("--card", help="Show the model card.")] = False,
    check: Annotated[bool, typer.Option("--verify", help="Compare every file with its checksum.")] = False,
) -> None:
    """Says which model is used, where it lies, and the checksums of its files."""
    from cxsentiment.display import card_view, manifest_view
    from cxsentiment.weights import read_manifest, verify

    manifest = read_manifest(name_or_path)
    console = _console()
    if card and not manifest.card:
        raise InputError(f"the model in {manifest.path} has no card")
    console.print(card_view(manifest.card) if card else manifest_view(manifest))
    if check:
        verify(manifest)
        console.print(f"\nall {len(manifest.files)} files match their checksums")


taxonomy_app = typer.Typer(help="Shows the touchpoint types, or checks a file with some of your own.", invoke_without_command=True)
app.add_typer(taxonomy_app, name="taxonomy")


@taxonomy_app.callback()
def _show_taxonomy(context: typer.Context, file: TaxonomyOption = None) -> None:
    """Shows groups and types with some of their phrases: of the packaged taxonomy, or of a file."""
    if context.invoked_subcommand is None:
        from cxsentiment.display import taxonomy_view

        _console().print(taxonomy_view(_taxonomy(file)))


@taxonomy_app.command("check")
def check_taxonomy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A taxonomy file (TOML).")],
    against: Annotated[Path | None, typer.Option(metavar="COMMENTS", help="Comments to try it on: CSV, TSV, JSONL or Parquet.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column that holds the texts; found by its name if it has a usual one.")] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV, TSV or JSONL file: utf-8, cp1253, cp1250, ...")] = "utf-8",
) -> None:
    """Says whether a taxonomy file is sound, how often each type's phrases match comments, and what they often speak of besides."""
    from cxsentiment import archive
    from cxsentiment.coverage import coverage
    from cxsentiment.display import coverage_view

    checked = _taxonomy(file)
    console = _console()
    console.print(f"{file}: {len(checked.types)} types in {len(checked.groups)} groups", markup=False, soft_wrap=True)
    if against is not None:
        opened = archive.open_source(against, text_column=text_column, encoding=encoding)
        texts = (text for chunk in opened.chunks() for text in chunk.texts if isinstance(text, str))
        console.print(coverage_view(coverage(texts, checked), checked))


@app.command()
def train(
    data: Annotated[Path | None, typer.Option(help="Folder of the training data, or a file of labelled comments.")] = None,
    recipe: Annotated[Path | None, typer.Option(help="TOML file that says what to train on and how.")] = None,
    base: Annotated[str | None, typer.Option(metavar="ENCODER", help="Fine-tune this Hugging Face encoder: a folder or an id.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; an unfinished run there goes on.")] = None,
    time_budget: Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop in good order after so many seconds.", min=0)] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Only measure, on the dev split.")] = False,
    start_from: Annotated[str | None, typer.Option(metavar="MODEL", help="Adapt this model to the file of labelled comments.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the file that holds the texts; found by a usual name.")] = None,
    sentiment_column: Annotated[str | None, typer.Option(help="Column with their sentiment; by default `sentiment`.")] = None,
    emotions_column: Annotated[str | None, typer.Option(help="Column with their emotions; by default `emotions`, if there is one.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV, TSV or JSONL file; by default utf-8.")] = None,
) -> None:
    """Trains a model, measures one, or adapts one to your own labelled comments; a run that was stopped goes on where it was."""
    reading = {"--text-column": text_column, "--sentiment-column": sentiment_column, "--emotions-column": emotions_column}
    if start_from is None and not (data and data.is_file()):
        _refuse({**reading, "--encoding": encoding}, "a file of labelled comments, which --data names together with --start-from")
        from cxsentiment.training.run import train_command

        train_command(recipe=recipe, data=data, out=out, time_budget=time_budget, base=base, evaluate=evaluate)
        return
    _refuse({"--recipe": recipe, "--base": base, "--evaluate": evaluate or None}, "training from a data folder, not for adapting a model")
    if data is None or data.is_dir():
        raise InputError("--start-from adapts a model to a file of labelled comments: name that file, not a folder, with --data")
    if start_from is None:
        raise InputError(f"{data} is a file, and adapts a finished model: name the model with --start-from, for example default")
    from cxsentiment.training.adapt import adapt_command
    from cxsentiment.training.labelled import LabelledFile

    file = LabelledFile(data, text_column, sentiment_column, emotions_column, encoding or "utf-8")
    adapt_command(file, start_from, out, time_budget)


def _refuse(options: Mapping[str, object], purpose: str) -> None:
    """Refuses options that were given but say nothing to what is done. Raises OptionError."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise OptionError(f"{', '.join(given)}: only for {purpose}")


# ---- standard streams -----------------------------------------------------------------------------------------------------------


def _console(*, stderr: bool = False) -> Console:
    """A console that finds no markup in texts; rich leaves colours out for NO_COLOR, and when it is not a terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False)


def _accept_all_letters(stream: TextIO) -> None:
    """Pipes and ASCII terminals get UTF-8; on other terminals what cannot be shown becomes a question mark."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    if stream.isatty() and "ascii" not in (stream.encoding or "ascii").lower().replace("ansi_x3.4-1968", "ascii"):
        reconfigure(errors="replace")
    else:
        reconfigure(encoding="utf-8", errors="replace")


def _standard_input() -> Iterator[str]:
    if sys.stdin is None or sys.stdin.isatty():
        raise OptionError('give a text, as in: cxsentiment analyze "Great service", or pipe lines into it')
    lines = _lines(sys.stdin)
    first = next(lines, None)
    if first is None:
        raise InputError("standard input is empty; give it one text a line")
    return _with_first(first, lines)


def _with_first(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _lines(stream: TextIO) -> Iterator[str]:
    try:
        for line in stream:
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(f"standard input is not {stream.encoding}: byte 0x{byte:02x}; convert it first, for example with iconv") from None


def _usage_message(error: Exception) -> str:
    """What typer says, on one line, with the command whose help explains it."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "cxsentiment"
    dash = "; put -- before a text that begins with a dash" if command.endswith("analyze") and "option" in message.lower() else ""
    return f"{message.rstrip('.')}{dash}; see {command} --help"


def _fail(message: str) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return USAGE_ERROR_CODE


def _interrupted() -> int:
    sys.stderr.write("error: interrupted\n")
    return INTERRUPTED_CODE


if __name__ == "__main__":
    sys.exit(main())
