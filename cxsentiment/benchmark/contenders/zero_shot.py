"""Zero-shot classification by natural language inference (Yin et al. 2019): does the text entail "the customer is angry"?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.contenders.learning import Floats, present, softmax
from cxsentiment.encoder.devices import choose_devices
from cxsentiment.encoder.foreign_folder import ForeignFolder
from cxsentiment.errors import ModelError, OptionError
from cxsentiment.language import LanguageDetector
from cxsentiment.results import EMOTIONS, SENTIMENTS

TASKS = ("sentiment", "emotions")
LANGUAGES = ("el", "pl", "ro", "en")
ENTAILS, CONTRADICTS = "entail", "contradict"
LONGEST = 256
"""Tokens of a text with a hypothesis."""

TEXTS_AT_ONCE = 512
"""Texts that are sorted by length together."""

SENTIMENT_HYPOTHESES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "el": ("Η γνώμη είναι αρνητική.", "Η γνώμη είναι ουδέτερη.", "Η γνώμη είναι θετική.", "Η γνώμη είναι και θετική και αρνητική."),
        "pl": ("Opinia jest negatywna.", "Opinia jest neutralna.", "Opinia jest pozytywna.", "Opinia jest i pozytywna, i negatywna."),
        "ro": ("Opinia este negativă.", "Opinia este neutră.", "Opinia este pozitivă.", "Opinia este și pozitivă, și negativă."),
        "en": (
            "The opinion is negative.",
            "The opinion is neutral.",
            "The opinion is positive.",
            "The opinion is both positive and negative.",
        ),
    }
)
"""For each language a hypothesis for each of `SENTIMENTS`."""

EMOTION_TEMPLATES: Mapping[str, str] = MappingProxyType(
    {"el": "Ο πελάτης νιώθει {}.", "pl": "Klient czuje {}.", "ro": "Clientul simte {}.", "en": "The customer feels {}."}
)
EMOTION_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "joy": ("χαρά", "radość", "bucurie", "joy"),
        "satisfaction": ("ικανοποίηση", "zadowolenie", "satisfacție", "satisfaction"),
        "trust": ("εμπιστοσύνη", "zaufanie", "încredere", "trust"),
        "admiration": ("θαυμασμό", "podziw", "admirație", "admiration"),
        "gratitude": ("ευγνωμοσύνη", "wdzięczność", "recunoștință", "gratitude"),
        "anticipation": ("προσμονή", "oczekiwanie", "nerăbdare", "anticipation"),
        "surprise": ("έκπληξη", "zaskoczenie", "surpriză", "surprise"),
        "confusion": ("σύγχυση", "dezorientację", "confuzie", "confusion"),
        "disappointment": ("απογοήτευση", "rozczarowanie", "dezamăgire", "disappointment"),
        "frustration": ("αγανάκτηση", "frustrację", "frustrare", "frustration"),
        "anger": ("θυμό", "złość", "furie", "anger"),
        "hate": ("μίσος", "nienawiść", "ură", "hate"),
        "disgust": ("αηδία", "obrzydzenie", "dezgust", "disgust"),
        "fear": ("φόβο", "strach", "frică", "fear"),
        "sadness": ("λύπη", "smutek", "tristețe", "sadness"),
    }
)
"""What fills the template in each of `LANGUAGES`."""


def hypotheses(task: str, language: str) -> tuple[str, ...]:
    """The hypotheses of a task in a language, in the order of `SENTIMENTS` or `EMOTIONS`."""
    if task == "sentiment":
        return SENTIMENT_HYPOTHESES[language]
    place = LANGUAGES.index(language)
    return tuple(EMOTION_TEMPLATES[language].format(EMOTION_WORDS[label][place]) for label in EMOTIONS)


class ZeroShot:
    """Any Hugging Face model for natural language inference, from a folder or the hub: safetensors and a fast tokenizer, no code.

    Sentiment: softmax of the four hypotheses' entailment. An emotion is present where its entailment outweighs its contradiction (if the
    model has none, the other label). Hypotheses are in the text's language as our detector finds it, or in `language`. A text is read once
    for each hypothesis: `tasks` leaves those of a task out.
    """

    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        device: str = "auto",
        batch_size: int = 32,
        tasks: Sequence[str] = TASKS,
        language: str | None = None,
    ) -> None:
        """Raises ModelError when there is no such model or it is not for inference, OptionError for an unknown task or language."""
        unknown = [task for task in tasks if task not in TASKS]
        if unknown or not tasks:
            raise OptionError(f"unknown tasks {', '.join(unknown) or '(none)'}: use {', '.join(TASKS)}")
        if language is not None and language not in LANGUAGES:
            raise OptionError(f"no hypotheses in {language!r}: use {', '.join(LANGUAGES)}")
        from transformers import AutoModelForSequenceClassification

        folder = ForeignFolder.find(model)
        self._device = choose_devices(device)[0]
        self._network = folder.load(AutoModelForSequenceClassification).to(self._device)
        self._tokenizer = folder.tokenizer(len(self._network.get_input_embeddings().weight))
        self._entails, self._against = _columns(folder.label, self._network.config.id2label)
        self._padding = int(self._network.config.pad_token_id or 0)
        self._longest = min(LONGEST, int(getattr(self._network.config, "max_position_embeddings", LONGEST)) - 2)
        self._tokenizer.enable_truncation(self._longest, strategy="only_first")
        self._tasks, self._language, self._batch_size = tuple(tasks), language, batch_size
        self._detector = LanguageDetector(LANGUAGES, threshold=0.0)
        self.name = name or f"zero-shot {folder.title}"
        self.details: dict[str, Any] = {
            "model": folder.label,
            "model files": folder.checksum,
            "device": str(self._device),
            "tasks": list(tasks),
        }
        self.details |= {"hypotheses": language or "in the text's language", "precision": "float32", "tokens": self._longest}

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction for each text, in order."""
        chunks = (texts[first : first + TEXTS_AT_ONCE] for first in range(0, len(texts), TEXTS_AT_ONCE))
        return [prediction for chunk in chunks for prediction in self._predicted(chunk)]

    def _predicted(self, texts: Sequence[str]) -> list[Prediction]:
        found = [self._language or one.code for one in self._detector.detect_batch(texts)]
        languages = [code if code in LANGUAGES else "en" for code in found]
        of_task = {task: self._scores(texts, [hypotheses(task, code) for code in languages]) for task in self._tasks}
        sentiments = softmax(of_task["sentiment"][:, :, 0]) if "sentiment" in of_task else None
        emotions = softmax_of_two(of_task["emotions"]) if "emotions" in of_task else None
        return [
            _prediction(None if sentiments is None else sentiments[row], None if emotions is None else emotions[row])
            for row in range(len(texts))
        ]

    def _scores(self, texts: Sequence[str], asked: Sequence[Sequence[str]]) -> Floats:
        """[texts, hypotheses, 2]: logits of entailment and of what speaks against it."""
        import torch

        pairs = [(text, one) for text, some in zip(texts, asked, strict=True) for one in some]
        encodings = self._encoded(pairs)
        order = sorted(range(len(pairs)), key=lambda place: len(encodings[place].ids))
        found = np.empty((len(pairs), 2))
        for first in range(0, len(order), self._batch_size):
            batch = order[first : first + self._batch_size]
            with torch.inference_mode():
                logits = self._network(**self._padded([encodings[place] for place in batch])).logits.float().cpu().numpy()
            found[batch, 0] = logits[:, self._entails]
            found[batch, 1] = np.logaddexp.reduce(logits[:, self._against], axis=1)
        return found.reshape(len(texts), -1, 2)

    def _encoded(self, pairs: Sequence[tuple[str, str]]) -> list[Any]:
        readable = [(text.encode("utf-8", "replace").decode(), hypothesis) for text, hypothesis in pairs]
        return list(self._tokenizer.encode_batch(readable))

    def _padded(self, encodings: Sequence[Any]) -> dict[str, Any]:
        import torch

        length = max(len(one.ids) for one in encodings)
        ids = torch.full((len(encodings), length), self._padding)
        mask, kinds = torch.zeros_like(ids), torch.zeros_like(ids)
        for row, one in enumerate(encodings):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
            mask[row, : len(one.ids)] = 1
            kinds[row, : len(one.ids)] = torch.tensor(one.type_ids)
        given = {"input_ids": ids, "attention_mask": mask}
        if (getattr(self._network.config, "type_vocab_size", 0) or 0) > 1:
            given["token_type_ids"] = kinds
        return {name: tensor.to(self._device) for name, tensor in given.items()}


def softmax_of_two(scores: Floats) -> Floats:
    """[texts, hypotheses, 2] -> probability of the first of the two [texts, hypotheses]."""
    shares: Floats = softmax(scores.reshape(-1, 2))[:, 0].reshape(scores.shape[:2])
    return shares


def _columns(model: str, labels: Mapping[int, str]) -> tuple[int, list[int]]:
    """The label that says that the text entails the hypothesis, and those against: contradiction, or all others where none is called so."""
    plain = {int(index): str(label).lower() for index, label in labels.items()}
    entails = [index for index, label in plain.items() if label.startswith(ENTAILS)]
    if len(entails) != 1 or len(plain) < 2:
        raise ModelError(f"{model} is not for natural language inference: its labels are {', '.join(map(str, labels.values()))}")
    against = [index for index, label in plain.items() if label.startswith(CONTRADICTS)]
    return entails[0], against or [index for index in plain if index != entails[0]]


def _prediction(sentiment: Any, emotions: Any) -> Prediction:
    feelings = None if sentiment is None else dict(zip(SENTIMENTS, sentiment.tolist(), strict=True))
    felt = None if emotions is None else dict(zip(EMOTIONS, emotions.tolist(), strict=True))
    return Prediction(
        sentiment=None if feelings is None else max(feelings, key=feelings.__getitem__),
        sentiment_probabilities=feelings,
        emotions=None if felt is None else present(felt),
        emotion_probabilities=felt,
    )
