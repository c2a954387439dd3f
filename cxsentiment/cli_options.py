"""Options that several commands have, and what they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from cxsentiment.analyzer import Analyzer
    from cxsentiment.taxonomy import Taxonomy

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


class InterruptedRunError(Exception):
    """The user stopped a command; the message follows the word "interrupted"."""


def load_analyzer(
    model: str | None, device: str, dtype: str, taxonomy: Path | None, *, unsure_labels: bool, label_map: str | None
) -> Analyzer:
    """The analyzer that the options ask for."""
    from cxsentiment.analyzer import Analyzer
    from cxsentiment.label_map import read_label_map

    labels = None if label_map is None else read_label_map(label_map)
    return Analyzer.from_pretrained(model, device, dtype, taxonomy=load_taxonomy(taxonomy), unsure_labels=unsure_labels, label_map=labels)


def load_taxonomy(path: Path | None) -> Taxonomy:
    """A taxonomy file, or the packaged taxonomy."""
    from cxsentiment.taxonomy import Taxonomy

    return Taxonomy.default() if path is None else Taxonomy.load(path)


def console_of(*, stderr: bool = False) -> Console:
    """A console that finds no markup in texts; rich leaves colours out for NO_COLOR, and when it is not a terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False)


def print_profile(analyzer: Analyzer) -> None:
    """Says on standard error what took how long."""
    from cxsentiment.display import profile_view

    console_of(stderr=True).print(profile_view(analyzer.stats()))
