"""What each data set's labels say about ours: which sentiments and emotions it annotates, and how its names map onto the taxonomy's.

A label outside a set's scheme is unknown there, not absent. Weights reflect size and quality: how many passes over the set's
documents one round of fine-tuning makes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cxsentiment.label_map import GOEMOTIONS
from cxsentiment.results import EMOTIONS, SENTIMENTS
from cxsentiment.training.corpus import CONTRAST, OWN, PATTERNS, WRITTEN, Document

BINARY = ("negative", "positive")
THREE = ("negative", "neutral", "positive")
FOUR = SENTIMENTS
JOINED, JOINED_COMMENTS = "joined", "joined_comments"

PLUTCHIK = ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust")
TWEETS_2018: Mapping[str, str] = {"optimism": "anticipation", "pessimism": "", "love": "joy"}


@dataclass(frozen=True)
class Scheme:
    """How to read one data set.

    `sentiments` are the labels that it has (empty: none); `star_neutral` says that its "neutral" means three stars, which may be mixed.
    `emotions` are ours that it annotates; `emotion_names` maps its own names (identity when missing, `""` to ignore).
    `passes` is how often its documents are seen in one round; `cut` bounds the documents used.
    """

    sentiments: tuple[str, ...] = ()
    star_neutral: bool = False
    emotions: tuple[str, ...] = ()
    emotion_names: Mapping[str, str] = field(default_factory=dict)
    passes: float = 1.0
    cut: int = 1_000_000

    def allowed_sentiments(self, document: Document) -> tuple[str, ...]:
        """Our labels that the document's label allows; empty when it says nothing."""
        if not self.sentiments or document.sentiment is None:
            return ()
        if document.sentiment == "neutral" and self.star_neutral:
            return ("neutral", "mixed")
        return (document.sentiment,)

    def emotion_targets(self, document: Document) -> dict[str, float]:
        """Our emotion -> 1.0 or 0.0, for those that the set annotates; empty when the document was not annotated."""
        if not self.emotions or document.emotions is None:
            return {}
        named = {self.emotion_names.get(name, name) for name in document.emotions}
        return {emotion: float(emotion in named) for emotion in self.emotions}


STARS = Scheme(THREE, star_neutral=True)

SCHEMES: Mapping[str, Scheme] = {
    WRITTEN: Scheme(FOUR, emotions=EMOTIONS, passes=4.0),
    OWN: Scheme(FOUR, emotions=EMOTIONS, passes=3.0),
    CONTRAST: Scheme(FOUR, emotions=EMOTIONS, passes=4.0),
    PATTERNS: Scheme(FOUR, emotions=EMOTIONS),
    JOINED: Scheme(FOUR),
    JOINED_COMMENTS: Scheme(FOUR, emotions=EMOTIONS),
    "el_skroutz_shop_reviews": Scheme(BINARY, passes=1.5),
    "el_covid_gov_tweets": Scheme(THREE),
    "pl_allegro_reviews_klej": STARS,
    "pl_polemo2_in_klej": Scheme(FOUR, passes=1.2),
    "pl_polemo2_medicine_sentences": Scheme(FOUR, cut=11_000),
    "pl_poleval2024_emotion_sentences": Scheme(FOUR, emotions=PLUTCHIK, passes=2.0),
    "pl_poleval2024_emotion_reviews": Scheme(FOUR, emotions=PLUTCHIK, passes=2.0),
    "pl_allegro_seller_feedback": Scheme(BINARY),
    "pl_mediakrytyk_film_excerpts": Scheme(THREE, star_neutral=True, cut=5000),
    "pl_ceneo_reviews": replace(STARS, passes=1.5),
    "pl_wust2k20_tweet_emotions": Scheme(
        emotions=tuple(label for label in PLUTCHIK if label != "trust"), emotion_names={"trust/admiration": ""}, passes=1.5
    ),
    "ro_sent": Scheme(BINARY, cut=10_000),
    "sart": Scheme(THREE, passes=2.0),
    "redv1": Scheme(emotions=("anger", "fear", "joy", "sadness"), passes=2.0),
    "redv2": Scheme(emotions=("anger", "fear", "joy", "sadness", "surprise", "trust"), passes=2.0),
    "brighter_ron": Scheme(emotions=("anger", "disgust", "fear", "joy", "sadness", "surprise"), passes=2.0),
    "us_airline": Scheme(THREE, passes=1.2),
    "app_reviews_maalej": replace(STARS, passes=1.5),
    "amazon_alexa": replace(STARS, passes=1.5),
    "skytrax": STARS,
    "katakonst_en": Scheme(BINARY, cut=3000),
    "semeval2017_4a": Scheme(THREE, cut=10_000),
    "semeval2018_voc": Scheme(THREE, passes=2.0),
    "sst5": Scheme(THREE, star_neutral=True, cut=6000),
    "cr_custrev": Scheme(BINARY, passes=1.5),
    "uci_yelp_labelled": Scheme(BINARY, passes=1.5),
    "goemotions": Scheme(
        emotions=tuple(sorted(set(GOEMOTIONS.values()))),
        emotion_names={**GOEMOTIONS, **dict.fromkeys(("pride", "neutral"), "")},
        cut=16_000,
    ),
    "brighter_eng": Scheme(emotions=("anger", "fear", "joy", "sadness", "surprise"), passes=2.0),
    "xed_el": Scheme(emotions=PLUTCHIK),
    "xed_pl": Scheme(emotions=PLUTCHIK),
    "xed_ro": Scheme(emotions=PLUTCHIK),
    "xed_en": Scheme(emotions=PLUTCHIK, cut=10_000),
    "semeval2018_ec": Scheme(emotions=PLUTCHIK, emotion_names=TWEETS_2018),
    "tweeteval_emotion": Scheme(emotions=("anger", "joy", "sadness"), emotion_names=TWEETS_2018),
    "isear": Scheme(emotions=("anger", "disgust", "fear", "joy", "sadness"), cut=3000),
    "semeval2014_absa": Scheme(),
    "semeval2016_absa": Scheme(),
    "mams": Scheme(passes=0.7),
    "oats": Scheme(cut=4000),
    "memd_absa": Scheme(cut=4000),
    "mabsa_en": Scheme(),
    "sentitel": Scheme(),
}
"""Every data set that trains the model; complaints are not here: theirs are any displeasure, ours are formal ones."""


def copies(scheme: Scheme, position: int, draw: float) -> int:
    """How often the set's document at `position` (of a shuffled order) is seen in a round; `draw` in [0, 1) settles the fraction."""
    if position >= scheme.cut:
        return 0
    whole = math.floor(scheme.passes)
    return whole + (draw < scheme.passes - whole)
