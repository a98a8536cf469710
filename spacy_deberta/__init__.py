"""DeBERTa-v2 and v3 in spaCy pipelines.

The classes are imported when they are asked for: spaCy imports this package for its command line,
which shall not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy_deberta.checkpoints import DebertaV2Tokenizer
    from spacy_deberta.models import (
        DebertaV2ForMaskedLM,
        DebertaV2ForMultipleChoice,
        DebertaV2ForQuestionAnswering,
        DebertaV2ForReplacedTokenDetection,
        DebertaV2ForSequenceClassification,
        DebertaV2ForTokenClassification,
        DebertaV2Model,
        DebertaV2PreTrainedModel,
    )
    from spacy_deberta.nn import DebertaV2Config, Precision
    from spacy_deberta.pipeline.safe_saving import load_pipeline, save_pipeline

__version__ = "0.1.0"

_HOMES = {
    "DebertaV2Config": "spacy_deberta.nn",
    "DebertaV2ForMaskedLM": "spacy_deberta.models",
    "DebertaV2ForMultipleChoice": "spacy_deberta.models",
    "DebertaV2ForQuestionAnswering": "spacy_deberta.models",
    "DebertaV2ForReplacedTokenDetection": "spacy_deberta.models",
    "DebertaV2ForSequenceClassification": "spacy_deberta.models",
    "DebertaV2ForTokenClassification": "spacy_deberta.models",
    "DebertaV2Model": "spacy_deberta.models",
    "DebertaV2PreTrainedModel": "spacy_deberta.models",
    "DebertaV2Tokenizer": "spacy_deberta.checkpoints",
    "Precision": "spacy_deberta.nn",
    "load_pipeline": "spacy_deberta.pipeline.safe_saving",
    "save_pipeline": "spacy_deberta.pipeline.safe_saving",
}

__all__ = [
    "DebertaV2Config",
    "DebertaV2ForMaskedLM",
    "DebertaV2ForMultipleChoice",
    "DebertaV2ForQuestionAnswering",
    "DebertaV2ForReplacedTokenDetection",
    "DebertaV2ForSequenceClassification",
    "DebertaV2ForTokenClassification",
    "DebertaV2Model",
    "DebertaV2PreTrainedModel",
    "DebertaV2Tokenizer",
    "Precision",
    "__version__",
    "load_pipeline",
    "save_pipeline",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
