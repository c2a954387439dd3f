"""Measures what customers feel about what: `open_scored` opens a scored archive, the others give Arrow tables, one row a group."""

from cxsentiment.measure.archive import Scored, open_scored
from cxsentiment.measure.consistency import consistency
from cxsentiment.measure.experience import experience_modules
from cxsentiment.measure.measures import at_risk, emotion_profile, intent_shares, loyalty_ladder, quality_balance, summary

__all__ = [
    "Scored",
    "at_risk",
    "consistency",
    "emotion_profile",
    "experience_modules",
    "intent_shares",
    "loyalty_ladder",
    "open_scored",
    "quality_balance",
    "summary",
]
