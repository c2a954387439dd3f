"""Cuts what may be very long before it gets into a message or into `cx_error`."""

from __future__ import annotations

from typing import Final

SHOWN_LETTERS: Final = 200
"""Of a value that is still to be found in its own column."""

KEPT_LETTERS: Final = 10_000
"""Of what stands nowhere else in the output."""


def shown(value: str) -> str:
    """A value, or its beginning."""
    return value if len(value) <= SHOWN_LETTERS else f"{value[:SHOWN_LETTERS]}…"


def kept(value: str) -> str:
    """A value that must not be lost; beyond reason only its beginning, with its length."""
    return value if len(value) <= KEPT_LETTERS else f"{value[:KEPT_LETTERS]}… (cut, {len(value):,} letters in all)"
