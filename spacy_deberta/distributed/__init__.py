"""Several processes that train together: their gradients, and a pipeline that they share."""

from .processes import Processes
from .shared_pipeline import silent_logger_v1, train_in_parallel

__all__ = ["Processes", "silent_logger_v1", "train_in_parallel"]
