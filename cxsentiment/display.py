"""How results look on a terminal. What customers wrote is shown as it is: never read as markup, never obeyed as a control sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cxsentiment.results import SENTIMENTS

if TYPE_CHECKING:
    from cxsentiment.archive import Summary, TouchpointSummary
    from cxsentiment.archive.command import Plan
    from cxsentiment.coverage import Coverage
    from cxsentiment.encoder.instruments import Stats
    from cxsentiment.results import Analysis, Touchpoint
    from cxsentiment.taxonomy import Taxonomy
    from cxsentiment.weights import Manifest

FULL_LANGUAGES: Final = ("el", "pl", "ro", "en")
TOP_TOUCHPOINTS: Final = 15
EXAMPLES: Final = 3

_COLOURS: Final = {"negative": "red", "neutral": "cyan", "positive": "green", "mixed": "yellow"}
_POLARITY_COLOURS: Final = {"-": "red", "0": "cyan", "+": "green", "±": "yellow"}
_BAR_WIDTH: Final = 24

_LANGUAGES: Final = """
=
af=Afrikaans ar=Arabic bg=Bulgarian bn=Bengali bs=Bosnian ca=Catalan cs=Czech cy=Welsh da=Danish de=German el=Greek en=English es=Spanish
et=Estonian fa=Persian fi=Finnish fr=French gu=Gujarati he=Hebrew hi=Hindi hr=Croatian hu=Hungarian id=Indonesian it=Italian
ja=Japanese kn=Kannada ko=Korean lt=Lithuanian lv=Latvian mk=Macedonian ml=Malayalam mr=Marathi ne=Nepali nl=Dutch no=Norwegian
pa=Punjabi pl=Polish pt=Portuguese ro=Romanian ru=Russian sk=Slovak sl=Slovene so=Somali sq=Albanian sr=Serbian sv=Swedish sw=Swahili
ta=Tamil te=Telugu th=Thai tl=Tagalog tr=Turkish uk=Ukrainian und=unknown ur=Urdu vi=Vietnamese zh=Chinese
"""
_NAMES: Final = dict(pair.split("=") for pair in _LANGUAGES.split())

# Control characters could move the cursor or colour the terminal, and direction marks turn a line around. One visible character stands for
# each, so that spans stay where they are.
_VISIBLE: Final = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"}
    | {0x7F: 0x2421}
    | dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000)], 0xFFFD)
)


def language_name(code: str) -> str:
    """English name of a language, or its code where there is none here."""
    return _NAMES.get(code, code)


def printable(text: str) -> str:
    """A text that moves no cursor, colours nothing and turns no line around."""
    return text.translate(_VISIBLE)


def shown(text: str) -> Text:
    """A customer's text, safe to print, without any styling."""
    return Text(printable(text))


def analysis_view(analysis: Analysis) -> RenderableType:
    """One analysed text: the text with its touchpoints underlined, and everything found below it."""
    parts: list[RenderableType] = [marked_text(analysis), _facts(analysis)]
    if analysis.touchpoints:
        parts.append(Padding(_mentions(analysis.touchpoints), (1, 0, 0, 2)))
    return Padding(Group(*parts), (0, 0, 1, 0))


def marked_text(analysis: Analysis) -> Text:
    """The text, each touchpoint underlined in the colour of its polarity."""
    text = shown(analysis.text)
    if not analysis.text.strip():
        return Text("(empty)", style="dim")
    text.stylize("bold")
    for touchpoint in analysis.touchpoints:
        text.stylize(f"underline {_POLARITY_COLOURS.get(touchpoint.polarity, '')}", touchpoint.start, touchpoint.end)
    return text


def _facts(analysis: Analysis) -> RenderableType:
    language, sentiment = analysis.language, analysis.sentiment
    score = f" {language.score:.2f}" if language.score else ""
    grid = Table.grid(padding=(0, 2))
    grid.add_row("  language", Text(f"{language_name(language.code)} ({language.code}, {language.script}){score}"))
    grid.add_row("  sentiment", Text(f"{sentiment.label}, polarity {sentiment.polarity:+.2f}", style=_COLOURS[sentiment.label]))
    grid.add_row("", _bars(sentiment.probabilities))
    emotions = ", ".join(f"{emotion.label} {emotion.probability:.2f}" for emotion in analysis.emotions)
    grid.add_row("  emotions", Text(emotions or "none"))
    qualities = ", ".join(f"{quality.quality} {quality.polarity} {quality.score:.2f}" for quality in analysis.qualities)
    for name, value in (
        ("stage", analysis.stage),
        ("qualities", qualities),
        ("relation", analysis.relation),
        ("intents", ", ".join(analysis.intents)),
        ("windows", f"{analysis.windows} (a long text)" if analysis.windows > 1 else ""),
    ):
        if value:
            grid.add_row(f"  {name}", Text(value))
    return grid


def _bars(probabilities: Mapping[str, float]) -> Table:
    grid = Table.grid(padding=(0, 1))
    for label, probability in probabilities.items():
        colour = _COLOURS[label]
        bar = ProgressBar(total=1.0, completed=probability, width=_BAR_WIDTH, complete_style=colour, finished_style=colour)
        grid.add_row(label, bar, f"{probability:.2f}")
    return grid


def _mentions(touchpoints: Iterable[Touchpoint]) -> Table:
    table = _table("mention", "touchpoint", "group", "feeling", "probability")
    for touchpoint in touchpoints:
        feeling = Text(touchpoint.polarity, style=_POLARITY_COLOURS.get(touchpoint.polarity, ""))
        table.add_row(shown(touchpoint.text), Text(touchpoint.type), Text(touchpoint.group), feeling, f"{touchpoint.score:.2f}")
    return table


# ---- the taxonomy ---------------------------------------------------------------------------------------------------------------


def taxonomy_view(taxonomy: Taxonomy) -> RenderableType:
    """Groups and their types, each with its description and some phrases."""
    tree = Tree(Text(f"{taxonomy.name} {taxonomy.version}: {len(taxonomy.types)} touchpoint types", style="bold"))
    for group in taxonomy.groups.values():
        branch = tree.add(Text.assemble((group.name, "bold"), f"  {group.description}"))
        for kind in taxonomy.types.values():
            if kind.group == group.name:
                examples = [", ".join(phrases[:EXAMPLES]) for language, phrases in kind.phrases.items() if phrases and "-" not in language]
                leaf = branch.add(Text.assemble((kind.name, "cyan"), f"  {kind.description}"))
                leaf.add(Text(" · ".join(examples) or "no phrases", style="dim"))
    return tree


def coverage_view(found: Coverage, taxonomy: Taxonomy) -> RenderableType:
    """How often each type's phrases match, and frequent words that none covers."""
    share = f" ({found.without / found.comments:.0%})" if found.comments else ""
    parts: list[RenderableType] = [Text(f"{found.comments:,} comments, {found.without:,} without a touchpoint{share}"), ""]
    table = _table("touchpoint", "group", "comments", "share", numbers=2)
    for name, count in sorted(found.types.items(), key=lambda item: -item[1]):
        table.add_row(Text(name), Text(taxonomy.group_of(name)), f"{count:,}", f"{count / max(found.comments, 1):.1%}")
    parts.append(table)
    if found.uncovered:
        words = _table("frequent words that no phrase covers", "language", "comments", numbers=1)
        for one in found.uncovered:
            words.add_row(shown(one.words), Text(one.language), f"{one.comments:,}")
        parts += ["", words]
    return Group(*parts)


# ---- a scored archive -----------------------------------------------------------------------------------------------------------


def summary_view(summary: Summary) -> RenderableType:
    """A scored archive: sentiment of each language, the touchpoints mentioned most, and errors."""
    speed = f" in {summary.seconds:.1f} s ({summary.rows_per_second:,.0f} rows/s)" if summary.rows_per_second else ""
    before = f", {summary.resumed:,} of them scored before" if summary.resumed else ""
    parts: list[RenderableType] = [Text(f"{summary.rows:,} rows{before}{speed}", style="bold")]
    if summary.sentiments:
        parts += ["", _sentiments(summary.sentiments)]
    if summary.touchpoints:
        parts += ["", _touchpoints(summary.touchpoints)]
    if summary.errors:
        parts += ["", _errors(summary.errors)]
    return Group(*parts)


def plan_view(plan: Plan) -> RenderableType:
    """What a run would do, and how long it would take."""
    facts = Table.grid(padding=(0, 2))
    left = f", {plan.done:,} of {plan.chunks:,} chunks are done already" if plan.done else f" in {plan.chunks:,} chunks"
    speed = (
        f"about {timedelta(seconds=round(plan.seconds))} at {plan.rows_per_second:,.0f} rows/s"
        if plan.rows_per_second
        else "no rows to try"
    )
    for name, value in (
        ("input", plan.source),
        ("output", plan.output),
        ("rows", f"{plan.rows:,}{left}"),
        ("time", speed),
        *plan.fingerprint.items(),
    ):
        facts.add_row(name, shown(value))
    return Group(facts, Text(), Text("nothing was written"))


def profile_view(stats: Stats) -> RenderableType:
    """What an analyzer did, and how long each stage took; stages run side by side, so their times do not add up to the whole."""
    counts = (
        f"{stats.texts:,} texts, {stats.repeats:,} of them repeated; {stats.tokens:,} tokens in {stats.batches:,} batches of at most "
        f"{stats.token_budget:,} ({stats.padding_share:.1%} padding), in {stats.precision}"
        + (f"; {stats.reread:,} texts read again in float32" if stats.reread else "")
    )
    table = _table("stage", "seconds", numbers=1)
    for stage, seconds in stats.seconds.items():
        table.add_row(stage, f"{seconds:.2f}")
    return Group(Text(counts, style="bold"), table)


def _sentiments(sentiments: Mapping[str, Mapping[str, int]]) -> Table:
    table = _table("language", "texts", *SENTIMENTS, numbers=5)
    for code, counts in sentiments.items():
        total = sum(counts.values())
        shares = [Text(f"{counts.get(label, 0) / total:.0%}", style=_COLOURS[label]) for label in SENTIMENTS]
        table.add_row(Text(f"{language_name(code)} ({code})"), f"{total:,}", *shares)
    return table


def _touchpoints(touchpoints: tuple[TouchpointSummary, ...]) -> Table:
    table = _table("touchpoint", "group", "mentions", "+", "-", "0", "±", "net sentiment", numbers=6)
    for found in touchpoints[:TOP_TOUCHPOINTS]:
        colour = "green" if found.net_sentiment > 0 else "red" if found.net_sentiment < 0 else "cyan"
        counts = [f"{count:,}" for count in (found.mentions, found.positive, found.negative, found.neutral, found.mixed)]
        table.add_row(Text(found.type), Text(found.group), *counts, Text(f"{100 * found.net_sentiment:+.0f}", style=colour))
    more = len(touchpoints) - TOP_TOUCHPOINTS
    if more > 0:
        table.caption = f"and {more} more touchpoints"
    return table


def _errors(errors: Mapping[str, int]) -> Table:
    table = _table("rows not scored (cx_error)", "rows", numbers=1)
    for kind, count in errors.items():
        table.add_row(shown(kind), f"{count:,}")
    return table


def _table(*columns: str, numbers: int = 0) -> Table:
    """A table whose last `numbers` columns are figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", caption_justify="left")
    for position, column in enumerate(columns):
        is_number = position >= len(columns) - numbers
        table.add_column(Text(column), justify="right" if is_number else "left", no_wrap=is_number)
    return table


# ---- progress -------------------------------------------------------------------------------------------------------------------


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.speed
        if task.finished or speed is None:
            speed = task.completed / task.elapsed if task.elapsed else 0.0
        return Text(f"{speed:,.0f} rows/s", style="cyan")


def row_progress(console: Console, *, disable: bool) -> Progress:
    """A progress bar of rows: how many are done, how many a second, and the time left."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} rows", markup=False),
        _Speed(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[errors]}", markup=False, style="red"),
        console=console,
        disable=disable,
    )


# ---- languages and models -------------------------------------------------------------------------------------------------------


def languages_view(codes: Iterable[str]) -> RenderableType:
    """The languages that are understood, and those that are only told apart."""
    full = _table("language", "code")
    for code in FULL_LANGUAGES:
        full.add_row(language_name(code), code)
    others = ", ".join(f"{language_name(code)} ({code})" for code in codes if code not in FULL_LANGUAGES)
    heading = Text("Understood: sentiment, emotions, touchpoints", style="bold")
    return Group(heading, full, Text(), Text("Only identified:", style="bold"), Text(others))


def manifest_view(manifest: Manifest) -> RenderableType:
    """Which model it is, where it lies, and the checksums of its files."""
    facts = Table.grid(padding=(0, 2))
    for name, value in (("model", manifest.name), ("version", manifest.version), ("path", str(manifest.path))):
        facts.add_row(name, Text(value, overflow="fold"))
    files = _table("file", "bytes", "sha256")
    files.columns[1].justify = "right"
    files.columns[2].overflow = "fold"
    for name, entry in manifest.files.items():
        files.add_row(Text(name), f"{entry.size:,}", entry.sha256)
    return Group(facts, Text(), files)


def card_view(card: str) -> RenderableType:
    """A model card on a terminal."""
    return Markdown(card)
