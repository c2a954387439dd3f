"""Looks at a query without a database: whether it is one statement that only reads, and whether it says in which order.

This catches slips early and with a clear message. What really keeps a query from changing anything is the read-only transaction it runs in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cxsentiment.errors import InputError

_SHOWN: Final = 60
_TOKEN: Final = re.compile(
    r"""
    (?P<blank> \s++ | --[^\n]*+ )
  | (?P<comment> /\* )
  | (?P<quoted>
        [eE]'(?:[^'\\]|\\.|'')*+'
      | '(?:[^']|'')*+'
      | "(?:[^"]|"")*+"
      | `(?:[^`]|``)*+`
      | (?P<dollars>\$(?:[^\W\d]\w*+)?\$).*?(?P=dollars)
    )
  | (?P<word> [^\W\d][\w$]*+ )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_STATEMENTS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES", "TABLE"})


@dataclass(frozen=True, slots=True)
class Query:
    """A query without the semicolon at its end; `is_ordered` if it has an ORDER BY of its own, so that its rows keep their order."""

    text: str
    is_ordered: bool


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    depth: int
    start: int


def check_query(query: str) -> Query:
    """The query, if it is a single SELECT, which may begin WITH.

    Raises:
        InputError: if it is empty, more than one statement, another statement, or quotation marks or parentheses do not pair up.
    """
    if "\0" in query:
        raise InputError("the SQL query has a zero byte in it; leave it out")
    tokens = list(_tokens(query))
    statement, end = list(tokens), len(query)
    while statement and statement[-1].text == ";":
        end = statement.pop().start
    if not statement:
        raise InputError("the SQL query is empty; it should be a SELECT")
    if any(token.text == ";" for token in statement):
        raise InputError(f"there is more than one statement in the SQL query {_shown(query)}; give a single SELECT")
    if statement[-1].depth or any(token.depth < 0 for token in statement):
        raise InputError(f"the parentheses of the SQL query {_shown(query)} do not pair up")
    words = [token.text.upper() for token in statement if token.depth == 0]
    verb = next((word for word in words if word in _STATEMENTS), "") if words[0] == "WITH" else words[0]
    if verb != "SELECT":
        raise InputError(f"the SQL query {_shown(query)} is not a SELECT, and an archive is only read; begin it with SELECT or WITH")
    is_ordered = ("ORDER", "BY") in pairwise(words)
    return Query(query[:end].strip(), is_ordered)


def _tokens(query: str) -> Iterator[_Token]:
    """What is no space or comment; inside of parentheses with their depth, quoted parts as they are."""
    position = depth = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        assert match is not None  # any sign matches
        start, position = position, _after_comment(query, position) if match.lastgroup == "comment" else match.end()
        if match.lastgroup in ("blank", "comment"):
            continue
        text = match.group()
        if text in ("'", '"', "`"):
            raise InputError(f"a quotation mark ({text}) is never closed in the SQL query {_shown(query)}")
        depth -= text == ")"
        yield _Token(text, depth, start)
        depth += text == "("


def _after_comment(query: str, start: int) -> int:
    """Where a comment ends that may hold others."""
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(query, start):
        depth += 1 if match.group() == "/*" else -1
        if not depth:
            return match.end()
    raise InputError(f"a comment is never closed in the SQL query {_shown(query)}")


def _shown(query: str) -> str:
    text = " ".join(query.split())
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
