"""Training a spaCy pipeline in several processes."""

from .parallel import silent_logger_v1, train_in_parallel

__all__ = ["silent_logger_v1", "train_in_parallel"]
