"""Pictures of probabilities: whether they mean what they say, and what is gained by leaving the unsure texts unanswered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxsentiment.benchmark.calibration import CALIBRATION_BINS
from cxsentiment.benchmark.cells import in_order, of_task
from cxsentiment.benchmark.plots import picture, styles
from cxsentiment.benchmark.record import CalibrationResult, Run
from cxsentiment.drawing import Picture
from cxsentiment.printable import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (3.0, 3.0)
"""Inches: a phone has room for one, a desktop for four in a row."""

COVERAGES = np.linspace(0.05, 1.0, 39)
_TASK = "sentiment"


def calibrated_languages(runs: Sequence[Run]) -> list[str]:
    """The languages in which any contender gives probabilities of sentiment."""
    return in_order(language for run in runs for language in _calibrations(run))


def reliability_pictures(runs: Sequence[Run]) -> list[Picture]:
    """For each contender that gives probabilities: the share right by confidence, a line a language, its sets pooled."""
    looks = styles(calibrated_languages(runs))
    pictures = []
    for number, run in enumerate(runs):
        found = {language: pooled(sets) for language, sets in _calibrations(run).items()}
        if not found:
            continue

        def draw(axes: Axes, run: Run = run, found: Mapping[str, Sequence[tuple[float, float, float]]] = found) -> None:
            axes.plot([0, 1], [0, 1], color="#777777", linestyle="--", linewidth=1)
            for language, bins in found.items():
                confidence, right, share = zip(*bins, strict=True)
                look = looks[language]
                axes.plot(confidence, right, color=look.colour, linewidth=1.2)
                axes.scatter(confidence, right, [10 + 110 * size for size in share], color=look.colour, marker=look.marker)
            axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="share right")

        label = f"Reliability of the sentiment probabilities of {plain(run.contender)}: share right by confidence, by language"
        pictures.append(picture(f"reliability-{number}", label, plain(run.contender), SIZE, draw))
    return pictures


def risk_pictures(runs: Sequence[Run]) -> list[Picture]:
    """For each language: the share wrong by the share answered, the surest first; a line a contender, the mean of its sets."""
    looks = styles([run.contender for run in runs])
    pictures = []
    risks = [risk for run in runs for sets in _calibrations(run).values() for _, one in sets for _, risk in one.risk_coverage]
    highest = 1.05 * max([*risks, 0.1])
    for number, language in enumerate(calibrated_languages(runs)):

        def draw(axes: Axes, language: str = language) -> None:
            for run in runs:
                curves = [curve for _, one in _calibrations(run).get(language, ()) if (curve := sorted(one.risk_coverage))]
                if curves:
                    means = np.mean([np.interp(COVERAGES, *np.transpose(curve)) for curve in curves], axis=0)
                    look = looks[run.contender]
                    axes.plot(COVERAGES, means, color=look.colour, marker=look.marker, markevery=6, markersize=5)
            axes.set(xlim=(0, 1.02), xlabel="share of texts answered", ylabel="share wrong of these")
            axes.set_ylim(0, highest)

        label = f"Risk by coverage of sentiment in {plain(language)}: share wrong by share of texts answered, by contender"
        pictures.append(picture(f"risk-{number}", label, plain(language), SIZE, draw))
    return pictures


def pooled(sets: Sequence[tuple[int, CalibrationResult]]) -> list[tuple[float, float, float]]:
    """(mean confidence, share right, share of texts) of each bin over several sets, given with their sizes."""
    bins: dict[int, list[tuple[float, float, float]]] = {}
    for size, result in sets:
        for confidence, right, share in result.reliability:
            place = min(int(confidence * CALIBRATION_BINS), CALIBRATION_BINS - 1)
            bins.setdefault(place, []).append((confidence, right, share * size))
    total = sum(size for size, _ in sets)
    return [_merged(bins[place], total) for place in sorted(bins) if sum(count for _, _, count in bins[place])]


def _merged(parts: Sequence[tuple[float, float, float]], total: int) -> tuple[float, float, float]:
    count = sum(part[2] for part in parts)
    return sum(part[0] * part[2] for part in parts) / count, sum(part[1] * part[2] for part in parts) / count, count / total


def _calibrations(run: Run) -> dict[str, list[tuple[int, CalibrationResult]]]:
    """Size and calibration of each data set, by language."""
    found: dict[str, list[tuple[int, CalibrationResult]]] = {}
    for (language, _), result in of_task(run, _TASK).items():
        if result.calibration and result.calibration.reliability:
            found.setdefault(language, []).append((result.size, result.calibration))
    return {language: found[language] for language in in_order(found)}
