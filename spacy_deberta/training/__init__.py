"""Training a spaCy pipeline: in several processes, with learning rates by the encoder."""

from .parallel import silent_logger_v1, train_in_parallel
from .schedules import rate_for_width, warmup_linear_v1

__all__ = ["rate_for_width", "silent_logger_v1", "train_in_parallel", "warmup_linear_v1"]
