"""Whether a checkpoint is a DeBERTa-v2 or v3, from its name or its folder, without the hub."""

import re
from pathlib import Path

from spacy_deberta.typed_json import JsonError, read_json

_MODEL_TYPE = "deberta-v2"
# The last part of a name, in lower case. CamemBERTa is a DeBERTa-v2 that was trained on French.
_DEBERTA = re.compile(
    r"deberta[-_.]?v[23](?!\d)|deberta[23](?!\d)|mdeberta|camemberta(v2)?(?![a-z])"
)
# The first version, as Microsoft published it. Its architecture is another one.
_FIRST_DEBERTA = re.compile(r"deberta-(base|large|xlarge)(-mnli)?")
_OTHER_FAMILIES = re.compile(
    r"bert|electra|xlnet|gpt|longformer|reformer|roformer|bart|mpnet|minilm|bigbird|layoutlm"
    r"|infoxlm|megatron|canine|specter|llama|mistral"
    # These are also parts of words.
    r"|(?<![a-z0-9])((m|by|u|long|code)?t5|xlm|opt(?=-\d)|fnet|m?luke|e5|bge|gte|mamba|ernie)(?![a-z])"
)


def is_deberta(name: str) -> bool | None:
    """Whether a checkpoint is a DeBERTa-v2 or v3.

    Args:
        name: A folder, or a name on the hub.

    Returns:
        True or False where `config.json` of the folder, or the name, says so, and otherwise None.
    """
    try:
        folder = Path(name).expanduser()
        if folder.is_dir():
            return _is_deberta_folder(folder)
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, an unknown home
        return None
    last = re.split(r"[/\\]", name.rstrip("/\\").lower())[-1]
    if _DEBERTA.search(last):
        return True
    if _FIRST_DEBERTA.fullmatch(last):
        return False
    return False if "deberta" not in last and _OTHER_FAMILIES.search(last) else None


def _is_deberta_folder(folder: Path) -> bool | None:
    try:
        model_type = read_json(folder / "config.json").get("model_type")
    except (OSError, JsonError):
        return None
    return model_type == _MODEL_TYPE if isinstance(model_type, str) else None
