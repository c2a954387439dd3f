"""The linear baseline: character and word n-grams, TF-IDF; LinearSVC for sentiment, logistic regression for emotions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxsentiment.benchmark.contender import Contender, Example, Prediction
from cxsentiment.benchmark.contenders.extras import imported
from cxsentiment.benchmark.contenders.learning import (
    EMOTION,
    SENTIMENT,
    EmotionRows,
    Floats,
    SentimentRows,
    columns_of_all,
    emotion_predictions,
    fit_temperature,
    held_out,
    sentiment_predictions,
    softmax,
    unknown_task,
)
from cxsentiment.errors import InputError

LONGEST = 2000
"""Characters of a text that are read."""

SVC = {"C": 0.3, "class_weight": "balanced"}
LOGISTIC = {"C": 10, "class_weight": "balanced", "max_iter": 300}


def features() -> Any:
    """Character 2- to 5-grams within words and word 1- to 2-grams, accents stripped: a FeatureUnion of scikit-learn, not fitted.

    Raises MissingExtraError when scikit-learn is not installed.
    """
    text = imported("sklearn.feature_extraction.text")
    shared = {"strip_accents": "unicode", "sublinear_tf": True, "min_df": 2, "dtype": np.float32}
    characters = text.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), max_features=300_000, **shared)
    words = text.TfidfVectorizer(ngram_range=(1, 2), **shared)
    return imported("sklearn.pipeline").FeatureUnion([("characters", characters), ("words", words)])


@dataclass(frozen=True)
class _Featured:
    """Texts, the features fitted on them, and their rows [texts, features]."""

    texts: list[str]
    features: Any
    rows: Any

    @classmethod
    def of(cls, texts: list[str]) -> _Featured:
        fitted = features()
        try:
            return cls(texts, fitted, fitted.fit_transform(texts))
        except ValueError as error:
            raise InputError(f"the linear baseline cannot learn from {len(texts)} texts: {error}") from None


class Linear:
    """The linear baseline, to be trained.

    The seed decides which tenth of the rows the temperature is fitted on, and the order in which LinearSVC sees rows. The machines
    themselves learn from all rows, and both problems are convex: seeds differ little. The features of the last texts are kept, for when
    the same ones come with another seed, and so are the emotions that were learnt from them, on which the seed has no bearing.
    """

    def __init__(self, name: str = "linear") -> None:
        self.name = name
        self.details = {"features": "TF-IDF of character 2-5-grams and word 1-2-grams", "sentiment": SVC, "emotions": LOGISTIC}
        self._featured: _Featured | None = None
        self._emotional: tuple[EmotionRows, Contender] | None = None

    def fit(self, examples: Sequence[Example], task: str, seed: int) -> Contender:
        """A contender that has learnt `sentiment` or `emotions`.

        Raises InputError when the examples do not tell at least two labels apart, OptionError for another task, and MissingExtraError
        when scikit-learn is not installed.
        """
        if task == SENTIMENT:
            return self._sentiment(SentimentRows.of(examples), seed)
        if task == EMOTION:
            return self._emotions(EmotionRows.of(examples))
        raise unknown_task(task)

    def _sentiment(self, rows: SentimentRows, seed: int) -> Contender:
        svm = imported("sklearn.svm")
        featured = self._features(rows.examples)

        def fitted(chosen: Any) -> Any:
            return svm.LinearSVC(**SVC, random_state=seed).fit(featured.rows[chosen], rows.targets[chosen])

        kept = held_out(len(rows.examples), seed)
        temperature = 1.0
        if len(set(rows.targets[~kept].tolist())) > 1:
            trial = fitted(np.flatnonzero(~kept))
            margins = columns_of_all(trial.decision_function(featured.rows[np.flatnonzero(kept)]), trial.classes_, len(rows.labels))
            seen = rows.allowed[kept] & np.isfinite(margins)
            judged = seen[np.arange(len(margins)), rows.targets[kept]]
            temperature = fit_temperature(margins[judged], rows.targets[kept][judged], seen[judged]) if judged.any() else 1.0
        return _LinearSentiment(self.name, featured.features, fitted(np.arange(len(rows.examples))), rows.labels, temperature)

    def _emotions(self, rows: EmotionRows) -> Contender:
        if self._emotional is not None and self._emotional[0].examples == rows.examples:
            return self._emotional[1]
        linear = imported("sklearn.linear_model")
        featured = self._features(rows.examples)
        models = []
        for column in range(len(rows.emotions)):
            chosen = np.flatnonzero(rows.known[:, column])
            models.append(linear.LogisticRegression(**LOGISTIC).fit(featured.rows[chosen], rows.targets[chosen, column]))
        self._emotional = rows, _LinearEmotions(self.name, featured.features, models, rows.emotions)
        return self._emotional[1]

    def _features(self, examples: Sequence[Example]) -> _Featured:
        texts = [one.text[:LONGEST] for one in examples]
        if self._featured is None or self._featured.texts != texts:
            self._featured = _Featured.of(texts)
        return self._featured


class _LinearSentiment:
    def __init__(self, name: str, features: Any, model: Any, labels: tuple[str, ...], temperature: float) -> None:
        self.name = name
        self.details = {"temperature": temperature}
        self._features = features
        self._model = model
        self._labels = labels
        self._temperature = temperature

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        if not texts:
            return []
        margins = self._model.decision_function(self._features.transform([text[:LONGEST] for text in texts]))
        every = columns_of_all(margins, self._model.classes_, len(self._labels))
        return sentiment_predictions(self._labels, softmax(every / self._temperature))


class _LinearEmotions:
    def __init__(self, name: str, features: Any, models: Sequence[Any], emotions: tuple[str, ...]) -> None:
        self.name = name
        self._features = features
        self._models = models
        self._emotions = emotions

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        if not texts:
            return []
        rows = self._features.transform([text[:LONGEST] for text in texts])
        probabilities: Floats = np.stack([model.predict_proba(rows)[:, 1] for model in self._models], axis=1)
        return emotion_predictions(self._emotions, probabilities)
