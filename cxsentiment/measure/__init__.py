"""Measures what customers feel about what: `open_scored` opens a scored archive, the others give Arrow tables, one row a group."""

from cxsentiment.measure.alerts import Alert, alerts, of_series
from cxsentiment.measure.archive import Scored, open_scored
from cxsentiment.measure.consistency import consistency
from cxsentiment.measure.experience import experience_modules
from cxsentiment.measure.impact import impact
from cxsentiment.measure.kpi import compare_kpi, read_kpi
from cxsentiment.measure.masking import mask
from cxsentiment.measure.measures import at_risk, emotion_profile, intent_shares, loyalty_ladder, quality_balance, summary
from cxsentiment.measure.phrases import distinctive_phrases
from cxsentiment.measure.quotes import quotes
from cxsentiment.measure.trends import trend

__all__ = [
    "Alert",
    "Scored",
    "alerts",
    "at_risk",
    "compare_kpi",
    "consistency",
    "distinctive_phrases",
    "emotion_profile",
    "experience_modules",
    "impact",
    "intent_shares",
    "loyalty_ladder",
    "mask",
    "of_series",
    "open_scored",
    "quality_balance",
    "quotes",
    "read_kpi",
    "summary",
    "trend",
]
