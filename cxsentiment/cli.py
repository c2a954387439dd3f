"""The command line: `cxsentiment analyze | score | benchmark | languages | model | taxonomy | train`.

Every error is one line on stderr that says what to do, with exit code 2; an interruption is exit code 130. What takes long to import is
imported by the command that needs it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from cxsentiment import cli_benchmark
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
    load_taxonomy,
    print_profile,
)
from cxsentiment.cli_report import report, watch
from cxsentiment.cli_score import score
from cxsentiment.display import printable
from cxsentiment.errors import CxError, InputError, OptionError
from cxsentiment.streaming import keep_memory_together

USAGE_ERROR_CODE: Final = 2
INTERRUPTED_CODE: Final = 130
LONGEST_LINE: Final = 2000
# click's ClickException, which versions of typer keep in different places.
_UsageProblem: Final[type[Exception]] = typer.BadParameter.__mro__[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]})
app.command()(score)
app.command()(report)
app.command()(watch)
app.add_typer(cli_benchmark.app, name="benchmark")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and gives its exit code: 0, 2 for errors of use, 130 when interrupted."""
    for stream in (sys.stdout, sys.stderr):
        _accept_all_letters(stream)
    keep_memory_together()
    try:
        code = app(args=arguments, prog_name="cxsentiment", standalone_mode=False)
    except CxError as error:
        return _fail(str(error))
    except InterruptedRunError as error:
        return _interrupted(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except _UsageProblem as error:
        return _fail(_usage_message(error))
    return _interrupted() if code == INTERRUPTED_CODE else int(code or 0)


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

        console = console_of()
        for analysis in analyzer.stream(given):
            console.print(analysis_view(analysis))
    if profile:
        print_profile(analyzer)


@app.command()
def languages() -> None:
    """Lists the languages: the four that are understood, and those that are only identified."""
    from cxsentiment.display import languages_view
    from cxsentiment.language import available_languages

    console_of().print(languages_view(available_languages()))


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
    console = console_of()
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

        console_of().print(taxonomy_view(load_taxonomy(file)))


@taxonomy_app.command("check")
def check_taxonomy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A taxonomy file (TOML).")],
    against: Annotated[Path | None, typer.Option(metavar="COMMENTS", help="Comments to try it on: CSV, TSV, JSONL or Parquet.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column that holds the texts; found by its name if it has a usual one.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV, TSV or JSONL file; detected if not given.")] = None,
) -> None:
    """Says whether a taxonomy file is sound, how often each type's phrases match comments, and what they often speak of besides."""
    from cxsentiment import archive
    from cxsentiment.coverage import coverage
    from cxsentiment.display import coverage_view

    checked = load_taxonomy(file)
    console = console_of()
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
    start_from: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Adapt this model to a file of labelled comments; with a data folder it learns on.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Whose touchpoints a model that learns on keeps; its own if not given.")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Column of the file that holds the texts; found by a usual name.")] = None,
    sentiment_column: Annotated[str | None, typer.Option(help="Column with their sentiment; by default `sentiment`.")] = None,
    emotions_column: Annotated[str | None, typer.Option(help="Column with their emotions; by default `emotions`, if there is one.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV, TSV or JSONL file; detected if not given.")] = None,
) -> None:
    """Trains a model, measures one, or adapts one to your own labelled comments; a run that was stopped goes on where it was."""
    reading = {"--text-column": text_column, "--sentiment-column": sentiment_column, "--emotions-column": emotions_column}
    if _learns_from_folder(data, start_from):
        _refuse({**reading, "--encoding": encoding}, "a file of labelled comments, which --data names together with --start-from")
        from cxsentiment.training.run import train_command

        train_command(
            recipe=recipe, data=data, out=out, time_budget=time_budget, base=base, start_from=start_from, keep=keep, evaluate=evaluate
        )
        return
    _refuse(
        {"--recipe": recipe, "--base": base, "--keep": keep, "--evaluate": evaluate or None},
        "training from a data folder, not for adapting a model",
    )
    if data is None:
        raise InputError("--start-from: name with --data a file of labelled comments to adapt the model to, or a folder of training data")
    if start_from is None:
        raise InputError(f"{data} is a file, and adapts a finished model: name the model with --start-from, for example default")
    from cxsentiment.training.adapt import adapt_command
    from cxsentiment.training.labelled import LabelledFile

    file = LabelledFile(data, text_column, sentiment_column, emotions_column, encoding)
    adapt_command(file, start_from, out, time_budget)


def _learns_from_folder(data: Path | None, start_from: str | None) -> bool:
    """Whether a model is made, or learns on, from the folder of training data; else it is adapted to a file."""
    if start_from is None:
        return data is None or not data.is_file()
    return data is not None and data.is_dir()


def _refuse(options: Mapping[str, object], purpose: str) -> None:
    """Refuses options that were given but say nothing to what is done. Raises OptionError."""
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise OptionError(f"{', '.join(given)}: only for {purpose}")


# ---- standard streams -----------------------------------------------------------------------------------------------------------


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
    line = printable(" ".join(message.split()))
    sys.stderr.write(f"error: {line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + '…'}\n")
    return USAGE_ERROR_CODE


def _interrupted(more: str = "") -> int:
    sys.stderr.write(f"error: interrupted{more}\n")
    return INTERRUPTED_CODE


if __name__ == "__main__":
    sys.exit(main())
