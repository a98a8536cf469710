"""Share one encoder between several components."""

from typing import Any

from thinc.api import Model

from spacy_deberta.errors import Errors

from .documents.tokenize import check_takes_words, tokenizer_shim
from .encoder.encoder_shim import encoder_shim


def share_encoder(owner: Model, owner_name: str, component: Any) -> None:
    """Let a component use the encoder of another one, if its config asks for it.

    The setting `shared_encoder` is the name of the owner in the pipeline. The component runs the
    encoder on its own sequences. Its gradients are accumulated with those of the owner, which
    updates and stores the encoder; the component updates and stores its own head.

    Args:
        owner: The model of the component that has the encoder: made by `deberta_model` or
            `deberta_with_head`.
        owner_name: The name of that component in the pipeline.
        component: A later component of the pipeline.

    Raises:
        ValueError: The gradients of the owner are scaled (E604), or it splits tokens into pieces
            and the component encodes strings (E245).
    """
    model = getattr(component, "model", None)
    if not isinstance(model, Model):
        return
    wanted = model.attrs.get("shared_encoder")
    if wanted is None:
        return
    if wanted != owner_name:
        _note_other(model, owner_name)
        return
    owner_shim = encoder_shim(owner.layers[1])
    if owner_shim.options.precision == "fp16":
        reason = f"'{owner_name}' has 'precision = \"fp16\"', which scales gradients"
        raise ValueError(Errors.E604.format(reason=reason))
    if tokenizer_shim(owner.layers[0]).is_split_into_words:
        check_takes_words(model.attrs["head"])
    encoder_shim(model.layers[1]).share_encoder(owner_shim)
    # A tokenizer is immutable, so it can be shared by reference.
    tokenizer_shim(model.layers[0]).share_tokenizer(tokenizer_shim(owner.layers[0]))


def _note_other(model: Model, name: str) -> None:
    """Note a component that the config could have named, for the error if the owner is missing."""
    for shared in (tokenizer_shim(model.layers[0]).shared, encoder_shim(model.layers[1]).shared):
        if shared is not None and name not in shared.others:
            shared.others.append(name)
