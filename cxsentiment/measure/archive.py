"""A scored archive, opened for measuring: DuckDB views over what `cxsentiment score` wrote, whatever its size."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from cxsentiment.archive.source import BETWEEN_TEXTS, listed
from cxsentiment.errors import InputError, MissingColumnError, MissingExtraError, OptionError
from cxsentiment.measure.columns import DateColumn, channel_column, date_column, date_columns, text_columns
from cxsentiment.measure.scanning import ROW_ID, as_input_error, literal, quoted, scan

if TYPE_CHECKING:
    from types import TracebackType

    import duckdb

_NESTED: Final = {
    "touchpoints": (
        "cx_touchpoints",
        '[{"start":"INTEGER","end":"INTEGER","text":"VARCHAR","type":"VARCHAR","group":"VARCHAR","polarity":"VARCHAR"}]',
    ),
    "emotions": ("cx_emotions", '["VARCHAR"]'),
    "qualities": ("cx_qualities", '[{"quality":"VARCHAR","polarity":"VARCHAR"}]'),
    "intents": ("cx_intents", '["VARCHAR"]'),
}
"""Lists of a comment: their column, and its form as JSON."""

_PLAIN: Final = {
    "language": ("cx_language", "VARCHAR"),
    "sentiment": ("cx_sentiment", "VARCHAR"),
    "polarity": ("cx_polarity", "DOUBLE"),
    "stage": ("cx_stage", "VARCHAR"),
    "relation": ("cx_relation", "VARCHAR"),
    "windows": ("cx_windows", "INTEGER"),
}

Day = date | str
"""A day, or how ISO 8601 writes it."""

COLUMNS: Final = (ROW_ID, "day", *_PLAIN, "channel", "text")
"""Columns of the view `comments`, besides the segments."""

RESERVED: Final = frozenset(
    [
        *COLUMNS,
        *_NESTED,
        *("touchpoint", "group", "type", "touchpoint_group", "mention_polarity", "start", "end", "span", "emotion", "quality", "intent"),
        *("module", "week", "month", "quarter", "year", "comments", "total", "share", "low", "high", "label", "labels", "feeling", "item"),
        *("failed", "negative", "neutral", "positive", "mixed", "groups", "deviation", "index", "balance", "mean_polarity", "mixed_share"),
        *("net_sentiment", "net_low", "net_high"),
    ]
)
"""Names that a segment cannot have."""

_VIEWS: Final = {
    "mentions": (
        "touchpoints",
        'item.type AS type, item."group" AS touchpoint_group, item.polarity AS mention_polarity, '
        'item.start AS start, item."end" AS "end", item.text AS span',
    ),
    "emotions": ("emotions", "item AS emotion"),
    "qualities": ("qualities", "item.quality AS quality, item.polarity AS polarity"),
    "intents": ("intents", "item AS intent"),
}


@dataclass(frozen=True, slots=True)
class Scored:
    """A scored archive, or the part of it that `where` left; made by `open_scored`.

    `connection` has these views, of rows that were scored without an error:

    - `comments`: row_id, day (null where there is no date), language, sentiment, polarity, stage, relation, windows, channel, text, and
      a column for each of the `segments`; null throughout where the archive has no such column;
    - `mentions`: row_id, type, touchpoint_group, mention_polarity (`-` `0` `+` `±`), start, end, span (its text);
    - `emotions`: row_id, emotion; `qualities`: row_id, quality, polarity; `intents`: row_id, intent;
    - `answers`: the columns of `comments`, and the lists `touchpoints`, `emotions`, `qualities`, `intents`: what a measure of large
      archives unnests by itself, since a join of the others by row_id costs more.

    `rows` and `errors` count the whole archive: all rows, and those with a `cx_error`. `columns` are those of the archive. `date_columns`
    are those that could be the date where it is not clear which one is. `text_columns` are joined as they were for scoring.
    """

    name: str
    connection: duckdb.DuckDBPyConnection
    columns: tuple[str, ...]
    rows: int
    errors: int
    date: str | None
    date_columns: tuple[str, ...]
    text_columns: tuple[str, ...]
    channel: str | None
    segments: Mapping[str, str]
    conditions: tuple[str, ...] = ()

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None) -> pa.Table:
        """The answer to a query of the views. Raises InputError if the archive is damaged."""
        with as_input_error(self.name):
            return self.connection.sql(sql, params=parameters).to_arrow_table()

    def count(self) -> int:
        """How many comments there are."""
        return int(self.query("SELECT count(*) AS n FROM comments")["n"][0].as_py())

    def where(
        self,
        *,
        language: str | Sequence[str] | None = None,
        since: Day | None = None,
        until: Day | None = None,
        channel: str | Sequence[str] | None = None,
        touchpoint: str | Sequence[str] | None = None,
        group: str | Sequence[str] | None = None,
        stage: str | Sequence[str] | None = None,
        relation: str | Sequence[str] | None = None,
        segments: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Scored:
        """The comments of these languages, days (the last one included), channels, stages, relations and values of segments.

        With touchpoints or groups of them, those that mention one of them; what else such a comment speaks of stays.
        Raises OptionError for a day that is none or a segment that was not opened, InputError if there is no such column.
        """
        conditions = [*self.conditions]
        for name, chosen in (("language", language), ("stage", stage), ("relation", relation)):
            if chosen is not None:
                self.need(f"cx_{name}")
                conditions.append(_one_of(name, chosen))
        for item, chosen in (("type", touchpoint), ('"group"', group)):
            if chosen is not None:
                self.need("cx_touchpoints")
                conditions.append(f"len(list_filter(touchpoints, lambda item: {_one_of(f'item.{item}', chosen)})) > 0")
        if since is not None or until is not None:
            self.need_date()
            first, last = (None if value is None else _day(value) for value in (since, until))
            if first is not None and last is not None and first > last:
                raise OptionError(f"the first day, {first}, comes after the last, {last}")
            conditions += [f"day >= DATE {literal(first)}"] * (first is not None) + [f"day <= DATE {literal(last)}"] * (last is not None)
        if channel is not None:
            self.need_channel()
            conditions.append(_one_of("channel", channel))
        for segment, value in (segments or {}).items():
            if segment not in self.segments:
                raise OptionError(f"there is no segment {segment!r}; opened are: {listed(list(self.segments)) or 'none'}")
            conditions.append(_one_of(quoted(segment), value))
        return _with_views(replace(self, connection=self.connection.cursor(), conditions=tuple(conditions)))

    def need_date(self) -> None:
        """Raises MissingColumnError if there are no days."""
        if self.date is None:
            clear = f"several could be it ({listed(self.date_columns)})" if self.date_columns else "no column holds dates"
            raise MissingColumnError(f"{self.name}: {clear}; choose with date= (--date); the columns are: {listed(self.columns)}", "date")

    def need_channel(self) -> None:
        """Raises MissingColumnError if there are no channels."""
        if self.channel is None:
            columns = listed(self.columns)
            raise MissingColumnError(
                f"{self.name} has no column named channel; choose one with channel= (--channel); the columns are: {columns}", "channel"
            )

    def need_text(self) -> None:
        """Raises MissingColumnError if there are no texts."""
        if not self.text_columns:
            raise MissingColumnError(
                f"{self.name}: it is not clear which column holds the text; choose with text= (--text-column); {listed(self.columns)}",
                "text",
            )

    def need(self, column: str) -> None:
        """Raises MissingColumnError if the archive was written without this `cx_` column."""
        if column not in self.columns:
            how = "score it again with all columns, or with this one among --columns"
            raise MissingColumnError(f"{self.name} has no column {column}; {how}", "answer", column)

    def close(self) -> None:
        """Lets go of the connection, and of those that `where` gave."""
        self.connection.close()

    def __enter__(self) -> Scored:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_scored(
    path: str | Path,
    *,
    date: str | None = None,
    text: str | Sequence[str] | None = None,
    channel: str | None = None,
    segments: Sequence[str] | Mapping[str, str] = (),
    memory: str | None = None,
    threads: int | None = None,
) -> Scored:
    """Opens what `cxsentiment score` wrote: a Parquet dataset (partitioned or not), a Parquet, CSV, TSV or JSON Lines file.

    Args:
        path: The folder or file.
        date: The column with the days. If None, the only one that holds dates, or the only one of these with a usual name. Dates with
            slashes that could be read both ways are day first.
        text: The column or columns with the comments. If None, those that were scored, or else the only one with a usual name.
        channel: The column that says where a comment came from. If None, the one of that name, if there is one.
        segments: Columns by whose values measures can be told apart; as a mapping, names for them and their columns.
        memory: How much DuckDB may use (`4GB`), 80 % of the machine's if None; what is more goes to temporary files.
        threads: How many DuckDB uses, all cores if None.

    Raises:
        InputError: if it cannot be read, is no scored archive, or has no such column; the message lists the columns that there are.
        OptionError: if a segment has the name of another column of the views, or an option is none.
        MissingExtraError: if DuckDB is not installed.
    """
    place = Path(path)
    connection = _connect(memory, threads)
    found = scan(connection, place)
    names = tuple(found.columns)
    if "cx_sentiment" not in names:
        raise InputError(f"{path} is no scored archive: it has no column cx_sentiment; score it first; the columns are: {listed(names)}")
    for column in (date, channel, *([text] if isinstance(text, str) else text or ())):
        _check_column(str(path), names, column)
    named_segments = dict(segments) if isinstance(segments, Mapping) else {name: name for name in segments}
    for name, column in named_segments.items():
        _check_column(str(path), names, column)
        if name.lower() in RESERVED:
            raise OptionError(f"a segment cannot be named {name!r}; give it another name: segments={{'my_{name}': {column!r}}}")
    with as_input_error(str(path)):
        dates = [date_column(connection, found, date, str(path))] if date is not None else date_columns(connection, found)
        chosen = dates[0] if len(dates) == 1 else None
        texts = ((text,) if isinstance(text, str) else tuple(text)) if text is not None else text_columns(found)
        from_channel = channel if channel is not None else channel_column(names)
        connection.execute(f"CREATE VIEW all_rows AS {_all_rows(found.sql, found.columns, chosen, texts, from_channel, named_segments)}")
        rows, errors = connection.execute("SELECT count(*), count(*) FILTER (failed) FROM all_rows").fetchone() or (0, 0)
    scored = Scored(
        name=str(path),
        connection=connection,
        columns=names,
        rows=rows,
        errors=errors,
        date=None if chosen is None else chosen.name,
        date_columns=tuple(one.name for one in dates),
        text_columns=texts,
        channel=from_channel,
        segments=named_segments,
    )
    return _with_views(scored)


def _connect(memory: str | None, threads: int | None) -> duckdb.DuckDBPyConnection:
    """A database in memory, that spills to the system's temporary folder, fetches nothing, and takes times as they are, in UTC."""
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("measuring an archive needs DuckDB: pip install 'cxsentiment[report]'") from None
    config: dict[str, Any] = {
        "temp_directory": str(Path(tempfile.gettempdir()) / f"cxsentiment-{uuid.uuid4().hex}"),
        "autoinstall_known_extensions": False,
    }
    if threads is not None:
        if threads < 1:
            raise OptionError(f"threads must be at least 1, not {threads}")
        config["threads"] = threads
    if memory is not None:
        config["memory_limit"] = memory
    try:
        connection = duckdb.connect(":memory:", config=config)
    except duckdb.Error:
        raise OptionError(f"memory must be a size such as '4GB', not {memory!r}") from None
    return connection.execute("SET GLOBAL TimeZone = 'UTC'")


def _check_column(name: str, columns: Sequence[str], column: str | None) -> None:
    if column is not None and column not in columns:
        raise InputError(f"{name} has no column {column!r}; its columns are: {listed(columns)}")


def _all_rows(
    sql: str,
    columns: Mapping[str, str],
    day: DateColumn | None,
    texts: Sequence[str],
    channel: str | None,
    segments: Mapping[str, str],
) -> str:
    """Rows with the columns of `answers`, and whether they have failed."""
    failed = "cx_error IS NOT NULL OR cx_sentiment IS NULL" if "cx_error" in columns else "cx_sentiment IS NULL"
    chosen = {
        ROW_ID: ROW_ID,
        "failed": failed,
        "day": "NULL::DATE" if day is None else day.sql,
        **{name: f"TRY_CAST({column} AS {kind})" if column in columns else f"NULL::{kind}" for name, (column, kind) in _PLAIN.items()},
        "channel": "NULL::VARCHAR" if channel is None else f"{quoted(channel)}::VARCHAR",
        **{quoted(name): f"{quoted(column)}::VARCHAR" for name, column in segments.items()},
        "text": _joined(texts),
        **{name: _list(column, form, columns.get(column)) for name, (column, form) in _NESTED.items()},
    }
    return f"SELECT {', '.join(f'{value} AS {name}' for name, value in chosen.items())} FROM ({sql})"


def _joined(texts: Sequence[str]) -> str:
    between = " || ".join(f"chr({ord(sign)})" for sign in BETWEEN_TEXTS)
    return (
        f"concat_ws({between}, {', '.join(map(quoted, texts))})"
        if len(texts) > 1
        else f"{quoted(texts[0])}::VARCHAR"
        if texts
        else "NULL::VARCHAR"
    )


def _list(column: str, form: str, kind: str | None) -> str:
    if kind is None:
        return f"from_json('[]', {literal(form)})"
    return f"from_json({column}, {literal(form)})" if kind in ("VARCHAR", "JSON") else column


def _one_of(column: str, values: str | Iterable[str]) -> str:
    chosen = [values] if isinstance(values, str) else list(values)
    return f"{column} IN ({', '.join(map(literal, chosen))})" if chosen else "false"


def _day(value: Day) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise OptionError(f"{value!r} is no day; write it as 2024-12-31") from None


def _with_views(scored: Scored) -> Scored:
    """The views of its connection, which see only what its conditions leave."""
    comments = ", ".join([*COLUMNS, *map(quoted, scored.segments)])
    conditions = " AND ".join(["NOT failed", *(f"({condition})" for condition in scored.conditions)])
    create = "CREATE TEMP VIEW"
    scored.connection.execute(f"{create} answers AS SELECT {comments}, {', '.join(_NESTED)} FROM all_rows WHERE {conditions}")
    scored.connection.execute(f"{create} comments AS SELECT {comments} FROM answers")
    for name, (items, columns) in _VIEWS.items():
        unnested = f"SELECT {ROW_ID}, unnest({items}) AS item FROM answers"
        scored.connection.execute(f"{create} {name} AS SELECT {ROW_ID}, {columns} FROM ({unnested})")
    return scored
