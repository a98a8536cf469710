"""The report of `spacy deberta visualize`: scores, training log and texts of a pipeline."""

from .page import Report, render_report
from .parses import draw_parses
from .scores import read_metrics, sort_scores
from .texts import choose_texts, list_labels, read_texts
from .training_log import read_log

__all__ = [
    "Report",
    "choose_texts",
    "draw_parses",
    "list_labels",
    "read_log",
    "read_metrics",
    "read_texts",
    "render_report",
    "sort_scores",
]
