"""Scores Spark data frames (extra `spark`): a function for `DataFrame.mapInArrow`, and a short form of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cxsentiment.archive.parquet import read_texts
from cxsentiment.archive.scoring import scored_table
from cxsentiment.archive.source import Chunk, check_columns, choose_text_columns, joined
from cxsentiment.errors import MissingExtraError
from cxsentiment.results import ROW_SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cxsentiment.analyzer import Analyzer

FRAME = "the data frame"


class BatchScorer:
    """Scores record batches; each process of Spark's loads one analyzer for all of them.

    `df.mapInArrow(BatchScorer("comment"), scored_schema(df.schema))` gives all columns and the `cx_` ones. Rows whose text is null or no
    text get `cx_error`.

    Args:
        text: the column that holds the comments, or several.
        options: arguments of `Analyzer.from_pretrained`: `name_or_path`, `device`, `dtype`, ...
    """

    def __init__(self, text: str | Sequence[str], **options: Any) -> None:
        self._text = (text,) if isinstance(text, str) else tuple(text)
        self._options = tuple(sorted(options.items()))

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches with the columns of `ROW_SCHEMA`."""
        analyzer = _analyzer(self._options)
        for batch in batches:
            texts = joined([read_texts(batch.column(name)) for name in self._text])
            chunk = Chunk(pa.Table.from_batches([batch]), texts)
            (analyses,) = analyzer.stream_chunks([[text for text in texts if isinstance(text, str)]])
            yield from scored_table(chunk, analyses).combine_chunks().to_batches()


def score_spark(frame: DataFrame, text: str | Sequence[str], **options: Any) -> DataFrame:
    """The data frame with the `cx_` columns; lazily, as everything in Spark.

    Raises:
        InputError: if there is no such column, or it is scored already.
        MissingExtraError: if pyspark is not installed.
    """
    check_columns(FRAME, frame.columns)
    columns = choose_text_columns(FRAME, frame.columns, (text,) if isinstance(text, str) else tuple(text))
    return frame.mapInArrow(BatchScorer(columns, **options), scored_schema(frame.schema))


def scored_schema(schema: Any) -> Any:
    """A Spark schema with the `cx_` columns."""
    try:
        from pyspark.sql.pandas.types import from_arrow_schema
        from pyspark.sql.types import StructType
    except ImportError:
        raise MissingExtraError("this needs Spark: pip install 'cxsentiment[spark]'") from None
    return StructType([*schema.fields, *from_arrow_schema(ROW_SCHEMA).fields])


@cache
def _analyzer(options: tuple[tuple[str, Any], ...]) -> Analyzer:
    from cxsentiment.analyzer import Analyzer

    settings: Mapping[str, Any] = dict(options)
    return Analyzer.from_pretrained(**settings)
