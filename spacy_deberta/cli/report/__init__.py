"""The page of `spacy deberta visualize`: scores, training and texts of a pipeline."""

from .page import Report, render_report
from .plots import require_matplotlib
from .scores import read_metrics, sort_scores
from .training_log import read_log

__all__ = [
    "Report",
    "read_log",
    "read_metrics",
    "render_report",
    "require_matplotlib",
    "sort_scores",
]
