"""Step 3: how the branches add up, biases, and thresholds; fitted on the dev splits and the held-out annotated comments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional

from cxsentiment.heads import TYPICAL_TOKENS, BranchWeights, Calibration, sigmoid
from cxsentiment.results import EMOTIONS, POLARITIES, SENTIMENTS
from cxsentiment.story import STORY, story_probabilities
from cxsentiment.training.corpus import WRITTEN
from cxsentiment.training.labels import FOUR, SCHEMES
from cxsentiment.training.measure import Bools, Floats, Measured, half_of
from cxsentiment.training.touchpoint_scores import read_off, story_labels, touchpoint_scores

PRIOR_STRENGTH = 0.002
WRITTEN_WEIGHT = 2.0
THRESHOLDS = np.arange(0.08, 0.72, 0.02)
THRESHOLD_PRIOR = 0.35
THRESHOLD_PRIOR_WEIGHT = 1.0
FULL_SUPPORT = 20
OUTSIDE_BIASES = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
"""Not more: phrases were written with the comments in sight, so that a network that leaves all to them does well there, and only there."""

PHRASE_SHARES = (0.02, 0.05, 0.15, 0.4, 1.1)
STORY_THRESHOLDS = np.arange(0.02, 0.92, 0.04)
LEAST_PRECISION = 0.6


def calibrate(measured: Measured) -> Calibration:
    """Fits everything between logits and labels; each set counts alike whatever its size, annotated comments more."""
    sentiment = _fit_sentiment(measured)
    emotions = _fit_emotions(measured)
    scale, bias = _fit_polarity(measured)
    thresholds = _thresholds(measured, emotions)
    fitted = Calibration(sentiment, emotions, thresholds, scale, bias, 0.0, 0.5, *_story_thresholds(measured))
    return _fit_mentions(measured, fitted)


def _fit_sentiment(measured: Measured) -> BranchWeights:
    labelled = [index for index, document in enumerate(measured.documents) if SCHEMES[document.dataset].allowed_sentiments(document)]
    documents = [measured.documents[index] for index in labelled]
    scheme_labels = [FOUR if SCHEMES[document.dataset].star_neutral else SCHEMES[document.dataset].sentiments for document in documents]
    scheme = torch.tensor([[label in labels for label in SENTIMENTS] for labels in scheme_labels])
    allowed = torch.tensor([[label in SCHEMES[one.dataset].allowed_sentiments(one) for label in SENTIMENTS] for one in documents])
    weights = _set_weights(measured, labelled)

    def loss(logits: torch.Tensor) -> torch.Tensor:
        within = torch.logsumexp(logits.masked_fill(~scheme, -torch.inf), 1)
        return ((within - torch.logsumexp(logits.masked_fill(~allowed, -torch.inf), 1)) * weights).sum()

    return _fit_branches(measured.raw.sentiment[labelled], measured.raw.wide_sentiment[labelled], measured.tokens[labelled], loss)


def _fit_emotions(measured: Measured) -> BranchWeights:
    rows, gold, known = _emotion_targets(measured)
    weights = _set_weights(measured, rows)[:, None] * known

    def loss(logits: torch.Tensor) -> torch.Tensor:
        return (functional.binary_cross_entropy_with_logits(logits, gold, reduction="none") * weights).sum() / 4

    return _fit_branches(measured.raw.emotions[rows], measured.raw.wide_emotions[rows], measured.tokens[rows], loss)


def _fit_polarity(measured: Measured) -> tuple[float, tuple[float, ...]]:
    logits = torch.from_numpy(measured.polarity)
    gold = torch.tensor([POLARITIES.index(span.polarity) for span in measured.spans], dtype=torch.int64)
    weights = torch.tensor([WRITTEN_WEIGHT if one.dataset == WRITTEN else 1.0 for one in measured.documents for _ in one.spans])
    scale, bias = torch.ones(1, requires_grad=True), torch.zeros(len(POLARITIES), requires_grad=True)

    def loss() -> torch.Tensor:
        each = functional.cross_entropy(scale * logits + bias, gold, reduction="none")
        return (each * weights).sum() / weights.sum() + PRIOR_STRENGTH * bias.square().sum()

    _minimise([scale, bias], loss)
    return scale.item(), tuple(bias.tolist())


def _fit_mentions(measured: Measured, calibration: Calibration) -> Calibration:
    """The same calibration with the bias and the share of phrases that find most mentions of the annotated comments, with their types."""
    if not any(measured.comments):
        return calibration
    choices = [replace(calibration, outside_bias=bias, phrase_share=share) for bias in OUTSIDE_BIASES for share in PHRASE_SHARES]
    return max(choices, key=lambda one: np.mean([score.spans.f1 for score in touchpoint_scores(read_off(measured, one)).values()] or [0.0]))


def _story_thresholds(measured: Measured) -> tuple[tuple[float, ...], tuple[bool, ...]]:
    """Each label's threshold, and whether it is unsure: right too seldom in each half of the comments with the other half's threshold."""
    rows = [index for index, document in enumerate(measured.documents) if document.story is not None]
    probabilities = story_probabilities(measured.raw.story[rows])
    gold = np.array([story_labels(story) for document in measured.documents if (story := document.story)], bool).reshape(-1, len(STORY))
    drawn = np.array([half_of(measured.documents[row], again=True) for row in rows])
    given, right = np.zeros(len(STORY)), np.zeros(len(STORY))
    for half in (0, 1):
        chosen = probabilities[drawn == half] >= best_story_thresholds(probabilities[drawn != half], gold[drawn != half])
        given += chosen.sum(0)
        right += (chosen & gold[drawn == half]).sum(0)
    unsure = (right < LEAST_PRECISION * given) | (given == 0)
    return tuple(best_story_thresholds(probabilities, gold).round(3).tolist()), tuple(unsure.tolist())


def best_story_thresholds(probabilities: Floats, gold: Bools) -> Floats:
    """For each label the threshold with the best F1 among those with a sufficient precision, if there are any; both [texts, labels]."""
    found = np.full(probabilities.shape[1], 0.5)
    for column in np.flatnonzero(gold.any(axis=0)):
        chosen = probabilities[None, :, column] >= STORY_THRESHOLDS[:, None]
        right = (chosen & gold[:, column]).sum(1)
        scores = 2 * right / np.maximum(gold[:, column].sum() + chosen.sum(1), 1)
        found[column] = STORY_THRESHOLDS[int(np.argmax(scores + (right >= LEAST_PRECISION * chosen.sum(1)) * (right > 0)))]
    return found


def _fit_branches(deep: np.ndarray, wide: np.ndarray, tokens: np.ndarray, loss: Callable[[torch.Tensor], torch.Tensor]) -> BranchWeights:
    deep_logits, wide_logits = torch.from_numpy(deep), torch.from_numpy(wide)
    length = torch.from_numpy(np.log2(np.maximum(tokens, 1) / TYPICAL_TOKENS)).float()[:, None]
    scales = torch.tensor([1.0, 0.3, 0.0], requires_grad=True)
    bias = torch.zeros(deep.shape[1], requires_grad=True)

    def objective() -> torch.Tensor:
        logits = scales[0] * deep_logits + (scales[1] + scales[2] * length) * wide_logits + bias
        return loss(logits) + PRIOR_STRENGTH * bias.square().sum()

    _minimise([scales, bias], objective)
    deep_scale, wide_scale, wide_length = scales.tolist()
    return BranchWeights(deep_scale, wide_scale, wide_length, tuple(bias.tolist()))


def _minimise(parameters: list[torch.Tensor], objective: Callable[[], torch.Tensor]) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        value = objective()
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _thresholds(measured: Measured, weights: BranchWeights) -> tuple[float, ...]:
    """For each emotion the threshold with the best mean F1 over the sets that know it, drawn to a common value where positives are few."""
    rows, gold, known = _emotion_targets(measured)
    combined = weights.combine(measured.raw.emotions[rows], measured.raw.wide_emotions[rows], measured.tokens[rows])
    probabilities = sigmoid(combined)
    keys = np.array([f"{measured.documents[row].dataset} {measured.documents[row].lang}" for row in rows])
    sets = [(keys == key, WRITTEN_WEIGHT if key.startswith("written ") else 1.0) for key in sorted(set(keys))]
    found = []
    for column in range(len(EMOTIONS)):
        positive, of_label = gold[:, column].numpy() > 0, known[:, column].numpy() > 0
        scores, total = np.zeros(len(THRESHOLDS)), 0.0
        for members, weight in sets:
            if (positive & members).any():
                share = weight * min(float((positive & members).sum()) / FULL_SUPPORT, 1.0)
                scores += share * f1_by_threshold(probabilities[members & of_label, column], positive[members & of_label])
                total += share
        best = float(THRESHOLDS[int(np.argmax(np.convolve(scores, np.ones(3) / 3, "same")))]) if total else THRESHOLD_PRIOR
        found.append((best * total + THRESHOLD_PRIOR * THRESHOLD_PRIOR_WEIGHT) / (total + THRESHOLD_PRIOR_WEIGHT))
    return tuple(round(threshold, 3) for threshold in found)


def f1_by_threshold(probabilities: Floats, positive: Bools) -> Floats:
    """F1 of one label at each of `THRESHOLDS`; probabilities and truth [texts]."""
    chosen = probabilities[None, :] >= THRESHOLDS[:, None]
    scores: Floats = 2 * (chosen & positive).sum(1) / np.maximum(positive.sum() + chosen.sum(1), 1)
    return scores


def _emotion_targets(measured: Measured) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    """Annotated rows, their emotions and which of these are known: two [rows, 15]."""
    targets = [SCHEMES[document.dataset].emotion_targets(document) for document in measured.documents]
    rows = [index for index, target in enumerate(targets) if target]
    gold = torch.tensor([[targets[row].get(label, 0.0) for label in EMOTIONS] for row in rows])
    known = torch.tensor([[float(label in targets[row]) for label in EMOTIONS] for row in rows])
    return rows, gold, known


def _set_weights(measured: Measured, rows: list[int]) -> torch.Tensor:
    """Weights that sum to 1: each set and language the same share (times its quality), annotated comments several shares."""
    keys = [(measured.documents[row].dataset, measured.documents[row].lang) for row in rows]
    sizes = Counter(keys)
    shares = [
        (WRITTEN_WEIGHT if key[0] == "written" else measured.documents[row].quality) / sizes[key]
        for key, row in zip(keys, rows, strict=True)
    ]
    weights = torch.tensor(shares)
    return weights / weights.sum()
