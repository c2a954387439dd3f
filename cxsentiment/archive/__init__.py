"""Scores whole files of comments: `open_source`, `open_writer`, `score`."""

from cxsentiment.archive.reading import open_source
from cxsentiment.archive.scoring import Summary, TouchpointSummary, score
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, Source, Unreadable
from cxsentiment.archive.writing import Writer, check_output, open_writer, output_schema, spreadsheet_safe

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "Source",
    "Summary",
    "TouchpointSummary",
    "Unreadable",
    "Writer",
    "check_output",
    "open_source",
    "open_writer",
    "output_schema",
    "score",
    "spreadsheet_safe",
]
