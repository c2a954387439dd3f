"""A contender of your own: `cxsentiment benchmark run --contender python:examples/own_contender.py:Counting`."""

from cxsentiment.benchmark.contender import Prediction


class Counting:
    """Counts a few good and bad words."""

    name = "counting"

    def predict(self, texts):
        """One prediction for each text, in order."""
        good, bad = ("good", "great", "thank", "dobr", "bun", "καλ"), ("bad", "rude", "never", "źle", "rău", "κακ")
        counts = [sum(text.lower().count(word) for word in good) - sum(text.lower().count(word) for word in bad) for text in texts]
        return [Prediction(sentiment="positive" if count > 0 else "negative" if count else "neutral") for count in counts]
