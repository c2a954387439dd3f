"""The charts of a report. Each gives None, or an empty list, where the findings have nothing to draw; all need the extra `report`."""

from cxsentiment.report.chart_style import WIDE, WIDTH
from cxsentiment.report.charts_heat import emotion_heat, stage_heat
from cxsentiment.report.charts_kpi import charted_kpis, kpi_chart, lag_chart
from cxsentiment.report.charts_priority import priority_matrix
from cxsentiment.report.charts_rank import (
    emotion_bars,
    intent_bars,
    least_ranked,
    loyalty_chart,
    module_bars,
    net_bars,
    quality_bars,
    touchpoint_ranking,
)
from cxsentiment.report.charts_time import language_trends, touchpoint_trends, trend_chart

__all__ = [
    "WIDE",
    "WIDTH",
    "charted_kpis",
    "emotion_bars",
    "emotion_heat",
    "intent_bars",
    "kpi_chart",
    "lag_chart",
    "language_trends",
    "least_ranked",
    "loyalty_chart",
    "module_bars",
    "net_bars",
    "priority_matrix",
    "quality_bars",
    "stage_heat",
    "touchpoint_ranking",
    "touchpoint_trends",
    "trend_chart",
]
