"""A frozen sentence encoder with logistic regression on its vectors: what SetFit's head does, without fine-tuning the encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cxsentiment.benchmark.contender import Contender, Example, Prediction
from cxsentiment.benchmark.contenders.embedders import Embedder, Vectors, find_embedder
from cxsentiment.benchmark.contenders.extras import imported
from cxsentiment.benchmark.contenders.learning import (
    EMOTION,
    PRESENT,
    SENTIMENT,
    EmotionRows,
    Flags,
    Floats,
    SentimentRows,
    columns_of_all,
    emotion_predictions,
    held_out,
    sentiment_predictions,
    unknown_task,
)

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""C (inverse regularisation) of logistic regression, of which the best on the held-out tenth is taken."""

LOGISTIC = {"class_weight": "balanced", "max_iter": 500}
LONGEST = 2000


class EmbeddingHead:
    """Sentence vectors with logistic regression, to be trained; several for emotions, one against the rest.

    The seed decides which tenth of the rows C is chosen on (macro-F1); the regression then learns from all rows. Each text's vector is made
    once in the life of the object and of the contenders that it made.
    """

    def __init__(
        self,
        encoder: str | None = None,
        *,
        name: str | None = None,
        device: str = "auto",
        batch_size: int = 32,
        embedder: Embedder | None = None,
    ) -> None:
        """`encoder`: see `find_embedder`, which says what it raises; `embedder`: one that is made already."""
        self._embedder = embedder or find_embedder(encoder, device=device, batch_size=batch_size)
        self.details = {"encoder": dict(self._embedder.details), "strengths": STRENGTHS, "regression": LOGISTIC}
        self.name = name or f"embedding {self._embedder.details.get('model', '')}".strip()
        self._known: dict[str, Vectors] = {}

    def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
        """A contender that has learnt `sentiment` or `emotions`.

        Raises InputError when the examples do not tell at least two labels apart, OptionError for another task, and MissingExtraError
        when scikit-learn is not installed.
        """
        if task == SENTIMENT:
            return self._sentiment(SentimentRows.of(examples), seed)
        if task == EMOTION:
            return self._emotions(EmotionRows.of(examples), seed)
        raise unknown_task(task)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """[texts, width]; those of texts seen before are remembered."""
        short = [text[:LONGEST] for text in texts]
        fresh = [text for text in dict.fromkeys(short) if text not in self._known]
        if fresh:
            self._known |= zip(fresh, self._embedder.vectors(fresh), strict=True)
        return np.stack([self._known[text] for text in short])

    def _sentiment(self, rows: SentimentRows, seed: int) -> Contender:
        vectors = self.vectors([one.text for one in rows.examples])
        kept = held_out(len(rows.examples), seed)

        def score(strength: float) -> float:
            model = _regression(strength, vectors[~kept], rows.targets[~kept])
            found = columns_of_all(model.predict_proba(vectors[kept]), model.classes_, len(rows.labels))
            chosen = np.where(rows.allowed[kept], found, -np.inf).argmax(axis=1)
            return _macro_f1(rows.targets[kept], chosen)

        enough = len(set(rows.targets[~kept].tolist())) > 1
        strength = max(STRENGTHS, key=score) if enough else 1.0
        model = _regression(strength, vectors, rows.targets)
        return _Head(self.name, strength, self.vectors, lambda some: sentiment_predictions(rows.labels, model.predict_proba(some)))

    def _emotions(self, rows: EmotionRows, seed: int) -> Contender:
        vectors = self.vectors([one.text for one in rows.examples])
        kept = held_out(len(rows.examples), seed)

        def score(strength: float) -> float:
            found = _one_against_rest(strength, vectors, rows.targets, rows.known & ~kept[:, None])
            judged = rows.known & kept[:, None]
            present = _probabilities(found, vectors[kept]) >= PRESENT
            return _macro_f1(rows.targets[kept] & judged[kept], present & judged[kept])

        strength = max(STRENGTHS, key=score)
        models = _one_against_rest(strength, vectors, rows.targets, rows.known)
        return _Head(self.name, strength, self.vectors, lambda some: emotion_predictions(rows.emotions, _probabilities(models, some)))


class _Head:
    def __init__(
        self,
        name: str,
        strength: float,
        vectors: Callable[[Sequence[str]], Vectors],
        answers: Callable[[Vectors], list[Prediction]],
    ) -> None:
        self.name = name
        self.details = {"C": strength}
        self._vectors = vectors
        self._answers = answers

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return self._answers(self._vectors(texts)) if texts else []


def _regression(strength: float, vectors: Vectors, targets: Any) -> Any:
    return imported("sklearn.linear_model").LogisticRegression(C=strength, **LOGISTIC).fit(vectors, targets)


def _one_against_rest(strength: float, vectors: Vectors, targets: Flags, known: Flags) -> list[Any]:
    """A regression for each emotion on the rows that know it; None where these are all of one kind."""
    models = []
    for column in range(targets.shape[1]):
        own, rows = targets[known[:, column], column], vectors[known[:, column]]
        models.append(_regression(strength, rows, own) if own.any() and not own.all() else None)
    return models


def _probabilities(models: Sequence[Any], vectors: Vectors) -> Floats:
    columns = [np.zeros(len(vectors)) if model is None else model.predict_proba(vectors)[:, 1] for model in models]
    return np.stack(columns, axis=1)


def _macro_f1(gold: Any, found: Any) -> float:
    return float(imported("sklearn.metrics").f1_score(gold, found, average="macro", zero_division=0.0))
