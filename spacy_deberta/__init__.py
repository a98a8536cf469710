"""DeBERTa-v2 and v3 in spaCy pipelines.

The classes are imported when they are asked for: spaCy imports this package for its command line,
which shall not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spacy_deberta.folder_finder import set_folder_finder
from spacy_deberta.registries import create_registries

if TYPE_CHECKING:
    from spacy_deberta.models import DebertaV2Model as DebertaV2Model
    from spacy_deberta.models import DebertaV2PreTrainedModel as DebertaV2PreTrainedModel
    from spacy_deberta.models.heads import *  # noqa: F403
    from spacy_deberta.nn import DebertaV2Config as DebertaV2Config
    from spacy_deberta.nn import Precision as Precision
    from spacy_deberta.pipeline.safe_saving import load_pipeline as load_pipeline
    from spacy_deberta.pipeline.safe_saving import save_pipeline as save_pipeline
    from spacy_deberta.tokenization import DebertaV2Tokenizer as DebertaV2Tokenizer
    from spacy_deberta.tokenization import DebertaV2TokenizerFast as DebertaV2TokenizerFast

__version__ = "0.1.0"

_HOMES = {
    "DebertaV2Config": "spacy_deberta.nn",
    "DebertaV2Model": "spacy_deberta.models",
    "DebertaV2PreTrainedModel": "spacy_deberta.models",
    "DebertaV2Tokenizer": "spacy_deberta.tokenization",
    "DebertaV2TokenizerFast": "spacy_deberta.tokenization",
    "Precision": "spacy_deberta.nn",
    "load_pipeline": "spacy_deberta.pipeline.safe_saving",
    "save_pipeline": "spacy_deberta.pipeline.safe_saving",
}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return [*_HOMES, *_heads(), "__version__"]
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name.startswith("DebertaV2For") and name in _heads():
        return _heads()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _heads() -> dict[str, Any]:
    """The classes with a head, by their names."""
    specs = import_module("spacy_deberta.models").HEADS.values()
    return {spec.architecture: spec.module_class for spec in specs}


def _find_folder(*args: Any, **options: Any) -> Any:
    from spacy_deberta.checkpoints import find_vocabulary

    return find_vocabulary(*args, **options)


set_folder_finder(_find_folder)
create_registries()
