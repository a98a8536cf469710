"""The one place that names where transformers keeps what spacy-transformers' data classes need."""

try:
    from transformers.utils.generic import ModelOutput
except ImportError:  # transformers before 4.16
    from transformers.file_utils import ModelOutput

__all__ = ["ModelOutput"]
