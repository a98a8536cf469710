"""The layout of the microsoft/DeBERTa repository.

The files are `model_config.json` and `pytorch.model.bin`. The parameters have the names that
Hugging Face uses as well, except for those here.
"""

import re
from collections.abc import Iterable

from spacy_deberta.errors import Errors

from .keys import KeyMap

LAYOUT = "microsoft"

# The encoder in files from before it was named DeBERTa.
BERT_PREFIX = "bert."

# Unshared position projections, with the names of the first release. TensorFlow's
# classes still use them, so files converted from TensorFlow have these names too.
POSITION_PROJECTIONS = (("pos_key_proj", "pos_proj"), ("pos_query_proj", "pos_q_proj"))

MICROSOFT = KeyMap(
    layout=LAYOUT,
    renames=tuple(
        (f".attention.self.{ours}.{kind}", f".attention.self.{theirs}.{kind}")
        for ours, theirs in POSITION_PROJECTIONS
        for kind in ("weight", "bias")
    ),
)

# One matrix for query, key and value, and no bias on the keys: another model, not another layout.
_FIRST_GENERATION = re.compile(r"\.attention\.self\.(in_proj\.weight|q_bias|v_bias)$")


def refuse_first_generation(keys: Iterable[str], *, source: str) -> None:
    """Raise if the parameters are those of the first version of DeBERTa.

    Its `model_config.json` does not differ, so it is recognized by the names.

    Args:
        keys: Names as a file has them.
        source: The checkpoint's name, for messages.

    Raises:
        ValueError: They are (E316).

    Source:
        `DisentangledSelfAttention._pre_load_hook` of microsoft/DeBERTa, which splits `in_proj`.
    """
    for key in keys:
        if _FIRST_GENERATION.search(key):
            raise ValueError(Errors.E316.format(source=source, key=key))
