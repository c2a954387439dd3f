"""The report on a scored archive: where, when, how and why customers are happy or unhappy."""

from cxsentiment.report.findings import Findings, ReportOptions, find

__all__ = ["Findings", "ReportOptions", "find"]
