"""What a Hugging Face sequence classifier says of texts, in our terms: sentiment, emotions if it tells any, and the taxonomy's phrases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cxsentiment.encoder.classifier import ClassifierRuntime, Labels, LabelScores
from cxsentiment.encoder.tokenise import TextTokeniser, TokenisedText
from cxsentiment.heads import all_emotions, sentiment_of, sigmoid, softmax
from cxsentiment.label_map import LabelReading
from cxsentiment.reading import Prepared
from cxsentiment.results import Analysis, Sentiment, Touchpoint
from cxsentiment.taxonomy import Taxonomy

PRESENT = 0.5
SIGNS = {"negative": "-", "neutral": "0", "positive": "+", "mixed": "±"}


class ClassifierModel:
    """A sequence classifier with a reading of its labels, and a taxonomy. Thread-safe.

    It reads texts as they were written, since that is what it was trained on. It does not know what a feeling is about: the touchpoints
    that phrases find have the feeling of the whole text. Stage, qualities, relation and intents stay empty.
    """

    def __init__(
        self, core: ClassifierRuntime, tokeniser: TextTokeniser, labels: Labels, reading: LabelReading, taxonomy: Taxonomy
    ) -> None:
        self.core = core
        self.emotions = reading.emotions
        self._tokeniser = tokeniser
        self._labels = labels
        self._reading = reading
        self._taxonomy = taxonomy

    def tokenise(self, texts: Sequence[Prepared]) -> list[TokenisedText]:
        """The tokens of each text; none of one in which nothing is said."""
        written = [_readable(one.clean.original) if one.clean.text.strip() else "" for one in texts]
        return self._tokeniser(written, [False] * len(texts))

    def score(self, texts: Sequence[TokenisedText]) -> LabelScores:
        """The network's scores of texts with tokens."""
        return self.core.score(texts)

    def analyses(self, prepared: Sequence[Prepared], tokenised: Sequence[TokenisedText], raw: LabelScores) -> Iterator[Analysis]:
        """What those scores say of the texts."""
        probabilities = softmax(raw.logits) if self._labels.exclusive else sigmoid(raw.logits)
        sentiments = self._reading.sentiment_probabilities(probabilities, exclusive=self._labels.exclusive)
        emotions = self._reading.emotion_probabilities(probabilities, exclusive=self._labels.exclusive)
        for row, one in enumerate(prepared):
            sentiment = sentiment_of(sentiments[row])
            told = tuple(emotion for emotion in all_emotions(emotions[row]) if emotion.label in self.emotions)
            yield Analysis(
                text=one.clean.original,
                language=one.language,
                sentiment=sentiment,
                emotions=tuple(sorted((one for one in told if one.probability >= PRESENT), key=lambda one: -one.probability)),
                emotion_probabilities=told,
                touchpoints=self._touchpoints(one, sentiment),
                windows=int(raw.windows[row]),
            )

    def _touchpoints(self, one: Prepared, sentiment: Sentiment) -> tuple[Touchpoint, ...]:
        sign, score = SIGNS[sentiment.label], sentiment.probabilities[sentiment.label]
        spans = [(*one.clean.span(mention.start, mention.end), mention.type) for mention in one.phrases]
        text, group_of = one.clean.original, self._taxonomy.group_of
        return tuple(Touchpoint(start, end, text[start:end], kind, group_of(kind), sign, score) for start, end, kind in spans)


def _readable(text: str) -> str:
    """Halves of surrogate pairs, which no tokenizer takes, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
