"""The command line, `spacy deberta …`.

spaCy imports this on every one of its commands. So nothing here imports PyTorch, or a room of this
package, before a command needs it.
"""

from ._util import deberta_cli

# The functions, not the commands, which have added themselves to the group by being imported.
from .align import align
from .convert import convert
from .info import info
from .migrate_config import migrate_config
from .pretrain import pretrain
from .train import train
from .train_tokenizer import train_tokenizer
from .visualize import visualize

__all__ = [
    "align",
    "convert",
    "deberta_cli",
    "info",
    "migrate_config",
    "pretrain",
    "train",
    "train_tokenizer",
    "visualize",
]
