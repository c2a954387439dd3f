"""Contenders to compare: our models, baselines, other people's models, and yours; made from a short specification by `make_contender`."""

from __future__ import annotations

from cxsentiment.benchmark.contenders.making import make_contender

__all__ = ["make_contender"]
