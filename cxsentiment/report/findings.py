"""Everything that a report tells, as tables: measured once, shown as HTML, JSON, a workbook or Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from cxsentiment import measure
from cxsentiment.errors import InputError, MissingColumnError, OptionError, TaxonomyError
from cxsentiment.measure.archive import Scored
from cxsentiment.measure.grouping import DIMENSIONS, PERIODS, TOUCHPOINT_DIMENSIONS
from cxsentiment.report import reasons
from cxsentiment.taxonomy import Taxonomy

TRENDS: Final = 6
LEAST_SHARE: Final = 0.02
"""Touchpoints and languages that have a trend of their own: those of most comments, and of at least this share of them."""

READ: Final = 30_000
"""Comments that are read for what is said more often, at most."""

POOL: Final = 100
"""Comments of a touchpoint, feeling and language among which its quotes are chosen."""

FELT: Final = ("-", "+", "±")

MANY: Final = 2_000
"""Values of a dimension beyond which it is not asked how alike they are."""

ENOUGH: Final = 10
"""Comments of a touchpoint from which on its impact is reckoned."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why something is not there: in English, and what the archive lacks (as of MissingColumnError)."""

    reason: str
    lacks: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What to tell. `by` are further dimensions, segments of the archive among them.

    `period` is day, week, month or quarter (None: what `usual_period` says). `min_count` is the
    least number of comments that can raise an alert. `kpi` is a table as `measure.read_kpi` gives it. `masked` hides in quotes what
    belongs to one person. `quotes` is how many there are of each touchpoint and feeling at most. `taxonomy` has the experience modules
    (None: those of the package).
    """

    by: tuple[str, ...] = ()
    period: str | None = None
    min_count: int = 30
    kpi: pa.Table | None = None
    masked: bool = True
    quotes: int = 4
    taxonomy: Taxonomy | None = None

    def __post_init__(self) -> None:
        if self.period is not None and self.period not in PERIODS:
            raise OptionError(f"there is no period {self.period!r}; choose from {', '.join(PERIODS)}")
        for name in self.by:
            if name in PERIODS:
                raise OptionError(f"--by {name}: the report shows time anyway; choose its step with --period {name}")
        if self.quotes < 0 or self.min_count < 1:
            raise OptionError(f"there cannot be {self.quotes} quotes, or alerts of {self.min_count} comments")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    `rows` are all of the archive, `errors` those that could not be scored, `comments` the others. `tables` go by name, in the order of the
    report; `gaps` say of a table that is not there why it is not. `by` are the dimensions whose tables are called `by_NAME`. Alerts are
    of at least `min_count` comments; without `is_judged` no period could raise one. Days are those of `date_column`; `untimed` comments
    have none, or one far from all others, and are not in what is told over time.
    """

    archive: str
    rows: int
    errors: int
    comments: int
    first_day: date | None
    last_day: date | None
    period: str
    by: tuple[str, ...]
    masked: bool
    tables: Mapping[str, pa.Table]
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    min_count: int = 30
    date_column: str | None = None
    untimed: int = 0
    is_judged: bool = True

    def rows_of(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table; none where there is no such table."""
        return self.tables[table].to_pylist() if table in self.tables else []


def find(scored: Scored, options: ReportOptions | None = None) -> Findings:
    """Measures everything. What an archive cannot tell (no dates, say) is a gap, and no error.

    Raises:
        OptionError: for a dimension that is none.
        InputError: if there are no comments, or the archive is damaged.
        MissingExtraError: if a package of the extra `report` is missing.
    """
    chosen = options or ReportOptions()
    comments = scored.count()
    if not comments:
        raise InputError(f"{scored.name} has no scored comments ({scored.errors} of {scored.rows} rows have an error): nothing to report")
    in_time = reasons.plausible(scored)
    first, last, dated = _days(in_time)
    period = chosen.period or reasons.usual_period(in_time, chosen.min_count)
    gathered = _Gathered()
    _where(gathered, scored, chosen)
    _how(gathered, scored, chosen)
    _why(gathered, scored, chosen)
    if first is None:
        gathered.add("trend", lambda: _undated(scored))
    else:
        _when(gathered, in_time, chosen, period)
    return Findings(
        archive=scored.name,
        rows=scored.rows,
        errors=scored.errors,
        comments=comments,
        first_day=first,
        last_day=last,
        period=period,
        by=chosen.by,
        masked=chosen.masked,
        tables=gathered.tables,
        gaps=gathered.gaps,
        min_count=chosen.min_count,
        date_column=scored.date,
        untimed=comments - dated,
        is_judged=first is not None and reasons.is_judged(in_time, period, chosen.min_count),
    )


class _Gathered:
    """Tables and gaps as they come."""

    def __init__(self) -> None:
        self.tables: dict[str, pa.Table] = {}
        self.gaps: dict[str, Gap] = {}

    def add(self, name: str, make: Callable[[], pa.Table]) -> None:
        """A table; or a gap, where the archive has not what it takes."""
        try:
            self.tables[name] = make()
        except MissingColumnError as error:
            self.gaps[name] = Gap(str(error), error.lacks, error.column)
        except TaxonomyError as error:
            self.gaps[name] = Gap(str(error))


def _days(scored: Scored) -> tuple[date | None, date | None, int]:
    """The first and the last day, and how many comments have one."""
    row = scored.query("SELECT min(day) AS first, max(day) AS last, count(day) AS dated FROM comments").to_pylist()[0]
    return row["first"], row["last"], row["dated"]


def _undated(scored: Scored) -> pa.Table:
    scored.need_date()
    raise MissingColumnError(f"{scored.name}: no comment has a day in the column {scored.date}", "undated", scored.date or "")


def _where(gathered: _Gathered, scored: Scored, options: ReportOptions) -> None:
    gathered.add("overall", lambda: measure.summary(scored))
    gathered.add("languages", lambda: _by_comments(measure.summary(scored, ("language",))))
    gathered.add("channels", lambda: _by_comments(measure.summary(scored, ("channel",))))
    for name in options.by:
        if name not in DIMENSIONS and name not in scored.segments:
            raise OptionError(f"--by {name}: there is no such dimension; choose from {', '.join((*DIMENSIONS, *scored.segments))}")
        gathered.add(f"by_{name}", lambda name=name: _by_comments(measure.summary(scored, (name,))))  # type: ignore[misc]
    gathered.add("touchpoint_groups", lambda: measure.summary(scored, ("group",)))
    gathered.add("touchpoints", lambda: measure.summary(scored, ("touchpoint",)).sort_by([("net_sentiment", "ascending")]))
    gathered.add("touchpoint_stages", lambda: measure.summary(scored, ("touchpoint", "stage")))
    gathered.add("impact", lambda: measure.impact(scored, min_count=ENOUGH))
    gathered.add("consistency", lambda: _consistency(scored, options.by))


def _how(gathered: _Gathered, scored: Scored, options: ReportOptions) -> None:
    gathered.add("emotions", lambda: measure.emotion_profile(scored).sort_by([("share", "descending")]))
    gathered.add("touchpoint_emotions", lambda: measure.emotion_profile(scored, ("touchpoint",)))
    gathered.add("qualities", lambda: measure.quality_balance(scored))
    gathered.add("modules", lambda: measure.experience_modules(scored, taxonomy=options.taxonomy))
    gathered.add("intents", lambda: measure.intent_shares(scored))
    gathered.add("loyalty", lambda: measure.loyalty_ladder(scored))


def _why(gathered: _Gathered, scored: Scored, options: ReportOptions) -> None:
    gathered.add("phrases", lambda: measure.distinctive_phrases(scored, ("sentiment",), limit=8, sample=READ))
    gathered.add("touchpoint_phrases", lambda: measure.distinctive_phrases(scored, ("touchpoint",), limit=5, sample=READ))
    gathered.add("quotes", lambda: measure.quotes(scored, polarities=FELT, limit=options.quotes, pool=POOL, masked=options.masked))
    gathered.add("at_risk", lambda: reasons.at_risk(scored, masked=options.masked))


def _when(gathered: _Gathered, scored: Scored, options: ReportOptions, period: str) -> None:
    gathered.add("trend", lambda: measure.trend(scored, period=period))
    gathered.add("language_trends", lambda: _largest(measure.trend(scored, ("language",), period=period), "language"))
    gathered.add("touchpoint_trends", lambda: _largest(measure.trend(scored, ("touchpoint",), period=period), "touchpoint"))
    found = reasons.find_alerts(scored, period, options.min_count, options.by)
    gathered.tables["alerts"] = reasons.alert_table(found)
    gathered.add("alert_touchpoints", lambda: reasons.alert_touchpoints(scored, found, period))
    pulls = gathered.tables.get("alert_touchpoints")
    gathered.add("alert_phrases", lambda: reasons.alert_phrases(scored, found, period))
    if pulls is not None:
        gathered.add("alert_quotes", lambda: reasons.alert_quotes(scored, found, period, pulls, masked=options.masked))
    if options.kpi is not None:
        kpi = options.kpi
        gathered.add("kpi", lambda: measure.compare_kpi(scored, kpi, period=period))
        gathered.add("kpi_series", lambda: reasons.kpi_series(scored, kpi, period))


def _by_comments(table: pa.Table) -> pa.Table:
    return table.sort_by([("comments", "descending")])


def _largest(trends: pa.Table, dimension: str) -> pa.Table:
    """The trends of the values of most comments, none of less than `LEAST_SHARE` of them."""
    totals = trends.group_by(dimension).aggregate([("comments", "sum")]).sort_by([("comments_sum", "descending")])
    counts = totals["comments_sum"]
    enough = totals.filter(pc.greater_equal(counts, LEAST_SHARE * (pc.sum(counts).as_py() or 0)))
    return trends.filter(pc.is_in(trends[dimension], value_set=enough[dimension][:TRENDS].combine_chunks()))


def _consistency(scored: Scored, by: Sequence[str]) -> pa.Table:
    """How alike customers feel at every touchpoint, channel, language and value of the dimensions of `by`: a row each."""
    rows = []
    for across in dict.fromkeys(("touchpoint", "channel", "language", *(name for name in by if name not in TOUCHPOINT_DIMENSIONS))):
        try:
            if len(measure.summary(scored, (across,))) > MANY:
                continue
            rows.append(measure.consistency(scored, across).add_column(0, "across", pa.array([across])))
        except MissingColumnError:
            continue
    if not rows:
        raise MissingColumnError(f"{scored.name} has neither touchpoints nor channels nor languages to compare", "compare")
    return pa.concat_tables(rows)
