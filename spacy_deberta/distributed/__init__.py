"""Data parallel training: process groups, gradient all-reduce, and training of pipelines."""

from .processes import Processes
from .shared_pipeline import silent_logger_v1, train_in_parallel

__all__ = ["Processes", "silent_logger_v1", "train_in_parallel"]
