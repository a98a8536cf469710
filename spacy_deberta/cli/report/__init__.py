"""The report of `spacy deberta visualize`: scores, training log and texts of a pipeline."""

from .page import Report, render_report
from .plots import can_plot
from .scores import read_metrics, sort_scores
from .training_log import read_log

__all__ = [
    "Report",
    "can_plot",
    "read_log",
    "read_metrics",
    "render_report",
    "sort_scores",
]
