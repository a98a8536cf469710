"""The command line, `spacy deberta …`.

spaCy imports this module whenever one of its commands runs, before the file of `--code`; that file
can use the registries, which the package creates. Nothing here imports PyTorch, or the subpackages
that do, before a command needs it.
"""

from ._util import deberta_cli

# The functions. The commands are added to the group when their modules are imported.
from .align import align
from .annotate import annotate
from .convert import convert
from .info import info
from .init_config import init_config
from .migrate_config import migrate_config
from .prepare import prepare
from .pretrain import pretrain
from .serve import serve
from .train import train
from .train_tokenizer import train_tokenizer
from .visualize import visualize

__all__ = [
    "align",
    "annotate",
    "convert",
    "deberta_cli",
    "info",
    "init_config",
    "migrate_config",
    "prepare",
    "pretrain",
    "serve",
    "train",
    "train_tokenizer",
    "visualize",
]
