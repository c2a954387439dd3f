"""Scores whole archives of comments: `open_source`, `open_output`, `score`."""

from cxsentiment.archive.formats import spreadsheet_safe
from cxsentiment.archive.output import Output, Shard, open_output
from cxsentiment.archive.reading import open_source
from cxsentiment.archive.scoring import Progress, ScoringOptions, score
from cxsentiment.archive.selection import Selection
from cxsentiment.archive.source import CHUNK_ROWS, Chunk, ReadingOptions, Source, Unreadable
from cxsentiment.archive.summary import Summary, TouchpointSummary

__all__ = [
    "CHUNK_ROWS",
    "Chunk",
    "Output",
    "Progress",
    "ReadingOptions",
    "ScoringOptions",
    "Selection",
    "Shard",
    "Source",
    "Summary",
    "TouchpointSummary",
    "Unreadable",
    "open_output",
    "open_source",
    "score",
    "spreadsheet_safe",
]
