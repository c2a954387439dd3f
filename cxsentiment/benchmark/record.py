"""One run of one contender, as it is kept: figures with the circumstances that gave them, as JSON; predictions beside it, as Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cxsentiment.errors import InputError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % bootstrap interval; the bounds are None where there is none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """Of probabilities of the chosen label.

    `ece`: expected calibration error over 15 bins of equal width; `brier`: mean squared distance of the probabilities from the truth, in
    [0, 2]; `reliability`: (mean confidence, share right, share of texts) of each bin; `risk_coverage`: (share of texts answered, share
    wrong of these), the surest texts first; `area`: area under that curve.
    """

    ece: float
    brier: float
    reliability: Sequence[tuple[float, float, float]]
    risk_coverage: Sequence[tuple[float, float]]
    area: float


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task on one data set in one language.

    `scores` by name (`macro_f1`, `accuracy`, `micro_f1`, `hamming_loss`, `one_minus_wmae`, `span_type_f1`, ...), the first is the
    headline; `per_class` label -> precision, recall, f1, support; `confusion` [gold][predicted] in the order of `labels`, with a last
    column "no answer" where some texts have none; `seeds`: headline of each seed of a trained contender (`scores` are then those of the
    first); `overlap`: share of the texts that stand, normalised, in the contender's training texts (None: unknown); `errors`: texts
    without an answer.
    """

    task: str
    dataset: str
    language: str
    size: int
    labels: Sequence[str]
    scores: Mapping[str, Interval]
    per_class: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    confusion: Sequence[Sequence[int]] | None = None
    calibration: CalibrationResult | None = None
    seeds: Sequence[float] | None = None
    overlap: float | None = None
    errors: int = 0

    @property
    def headline(self) -> Interval:
        """The first score."""
        return next(iter(self.scores.values()))


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed: its texts, what was expected, what was said."""

    texts: Sequence[str]
    expected: str
    said: Sequence[str]


@dataclass(frozen=True, slots=True)
class BehaviourResult:
    """One behavioural test in one language. `kind`: minimum functionality, invariance, directional."""

    capability: str
    test: str
    kind: str
    language: str
    cases: int
    failures: int
    examples: Sequence[Failure] = ()


@dataclass(frozen=True, slots=True)
class RobustnessResult:
    """Mean macro-F1 of sentiment over a language's sets, as typed and changed; `changed`: share of texts whose label changes."""

    change: str
    language: str
    sets: int
    size: int
    before: float
    after: float
    changed: float


@dataclass(frozen=True, slots=True)
class SpeedResult:
    """Comments a second, end to end, and memory in MB: at most resident, less what was resident before the contender was loaded.

    `latency`: median and 95th percentile seconds of a single comment.
    """

    comments: int
    seconds: float
    comments_per_second: float
    megabytes: float
    latency: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Run:
    """All of a contender's results with the circumstances: hardware, versions, commit, checksums of the data files, seeds."""

    contender: str
    kind: str
    details: Mapping[str, Any]
    created: str
    command: str
    seeds: Sequence[int]
    hardware: Mapping[str, Any]
    versions: Mapping[str, str]
    commit: str | None
    data: Mapping[str, str]
    seconds: float
    results: Sequence[TaskResult]
    behaviour: Sequence[BehaviourResult] = ()
    robustness: Sequence[RobustnessResult] = ()
    speed: SpeedResult | None = None
    predictions: str | None = None
    notes: Sequence[str] = ()
    format: int = FORMAT

    def write(self, path: Path) -> None:
        """As JSON; what JSON does not know among the details is written as text."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False, default=str) + "\n"
        path.write_bytes(text.encode("utf-8", "backslashreplace"))  # a half of a surrogate pair becomes its JSON escape

    @classmethod
    def read(cls, path: Path) -> Run:
        """A run that was written. Raises InputError when the file is none."""
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain.get("format") != FORMAT:
                raise InputError(f"{path} has format {plain.get('format')!r}; this version reads {FORMAT}: run the benchmark again")
            return cls(
                **plain
                | {
                    "results": [_task_result(one) for one in plain["results"]],
                    "behaviour": [_behaviour_result(one) for one in plain["behaviour"]],
                    "robustness": [RobustnessResult(**one) for one in plain["robustness"]],
                    "speed": SpeedResult(**plain["speed"]) if plain["speed"] else None,
                }
            )
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is not a result of cxsentiment benchmark ({type(error).__name__}: {error})") from None


def _task_result(plain: Mapping[str, Any]) -> TaskResult:
    scores = {name: Interval(**one) for name, one in plain["scores"].items()}
    calibration = CalibrationResult(**plain["calibration"]) if plain["calibration"] else None
    return TaskResult(**{**plain, "scores": scores, "calibration": calibration})


def _behaviour_result(plain: Mapping[str, Any]) -> BehaviourResult:
    return BehaviourResult(**{**plain, "examples": [Failure(**one) for one in plain["examples"]]})
