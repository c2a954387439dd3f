"""The linear baseline: character and word n-grams, TF-IDF; LinearSVC for sentiment, logistic regression for emotions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from cxsentiment.benchmark.contenders.linear import LOGISTIC, LONGEST, SVC, features
from cxsentiment.results import SENTIMENTS
from cxsentiment.training.corpus import Document
from cxsentiment.training.labels import SCHEMES
from cxsentiment.training.measure import SetScore, f1, macro_f1


def sentiment_scores(lang: str, train: Sequence[Document], dev: Sequence[Document]) -> list[SetScore]:
    """One LinearSVC for all of a language's sets, choosing among the labels that each set has."""
    learnt = [document for document in train if document.lang == lang and document.sentiment and SCHEMES[document.dataset].sentiments]
    model = Pipeline([("features", features()), ("svc", LinearSVC(**SVC))])
    model.fit([document.text[:LONGEST] for document in learnt], [document.sentiment for document in learnt])
    scores = []
    for name, scheme in SCHEMES.items():
        rows = [document for document in dev if document.dataset == name and document.lang == lang and document.sentiment]
        if not rows or not scheme.sentiments:
            continue
        margins = model.decision_function([document.text[:LONGEST] for document in rows])
        margins[:, [label not in scheme.sentiments for label in model.classes_]] = -np.inf
        predicted = [str(model.classes_[index]) for index in margins.argmax(axis=1)]
        gold = [str(document.sentiment) for document in rows]
        correct = float((np.array(gold) == np.array(predicted)).mean())
        labels = [label for label in SENTIMENTS if label in scheme.sentiments and label in gold]
        scores.append(SetScore("sentiment", lang, name, len(rows), correct, macro_f1(gold, predicted, labels), None))
    return scores


def emotion_score(name: str, lang: str, train: Sequence[Document], dev: Sequence[Document]) -> SetScore:
    """One-vs-rest logistic regression of one set, on our labels."""
    scheme = SCHEMES[name]
    learnt = [document for document in train if document.dataset == name and document.lang == lang and document.emotions is not None]
    rows = [document for document in dev if document.dataset == name and document.lang == lang and document.emotions is not None]
    targets = [[[scheme.emotion_targets(one)[label] for label in scheme.emotions] for one in documents] for documents in (learnt, rows)]
    gold_train, gold = (np.array(target) > 0 for target in targets)
    used = [column for column in range(len(scheme.emotions)) if gold_train[:, column].any() and gold[:, column].any()]
    model = Pipeline([("features", features()), ("lr", OneVsRestClassifier(LogisticRegression(**LOGISTIC)))])
    model.fit([document.text[:LONGEST] for document in learnt], gold_train[:, used].astype(int))
    predicted = model.predict([document.text[:LONGEST] for document in rows]).reshape(len(rows), -1) > 0
    each = [f1(gold[:, column], predicted[:, place]) for place, column in enumerate(used)]
    return SetScore("emotions", lang, name, len(rows), f1(gold[:, used], predicted), float(np.mean(each)), None)
