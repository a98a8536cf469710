"""Sequences → the scores of a head: a fine-tuned checkpoint as a thinc model."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from thinc.api import Model

from spacy_deberta import models, nn
from spacy_deberta.arrays import Array
from spacy_deberta.checkpoints import (
    CheckpointFiles,
    check_mask_fits,
    find_checkpoint,
    read_config,
    read_tokenizer,
    read_weights,
)
from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.models import build_from_weights, find_heads

from .documents.tokenize import doc_tokenizer, tokenizer_shim
from .encoder.encoder_layer import encoder_layer
from .encoder.encoder_shim import EncoderShim, encoder_shim
from .encoder.from_scratch import config_from_scratch
from .encoder.module_specs import HEADS, ModuleSpec
from .encoder.source import EncoderSource
from .options import EncoderOptions
from .saved_model import SavedModel
from .sequences import Sequences
from .settings import check_choice, check_setting

InT = Sequences
OutT = Array
# What a checkpoint that lacks the head is not.
FINE_TUNED = "a checkpoint that was fine-tuned for this"
UnknownLabels = Callable[[Sequence[str], Sequence[str]], list[str]]


def without_output(labels: Sequence[str], known: Sequence[str]) -> list[str]:
    """Labels that are not among those of a head."""
    return [label for label in labels if label not in known]


def deberta_with_head(
    head: str,
    source: EncoderSource,
    options: EncoderOptions,
    *,
    shared_encoder: str | None = None,
) -> Model[InT, OutT]:
    """Run a DeBERTa-v2 with a head on sequences.

    Args:
        head: One of `HEADS`.
        source: Where weights and vocabulary come from when the model is initialized.
        options: How it computes, learns and is stored.
        shared_encoder: Name of the component whose encoder is used instead of one of its own; see
            `share_encoder`.

    Returns:
        A model from sequences to scores, float32: `(sequences, labels)` for
        "sequence_classification", `(rows, labels)` for "token_classification", `(rows, 2)`, start
        and end, for "question_answering", `(sequences, 1)` for "multiple_choice" and
        `(decoded_rows, vocab_size)` for "masked_lm". Filled by `initialize_head`.
    """
    check_choice("head", head, tuple(HEADS))
    if shared_encoder is not None:
        check_setting(
            options.precision != "fp16",
            "precision",
            "'fp16'",
            "'bf16' or 'fp32' where an encoder is shared",
        )
        check_setting(
            not source.from_scratch, "from_scratch", "given", "null where an encoder is shared"
        )
        check_setting(
            source.split_special_tokens is None,
            "split_special_tokens",
            source.split_special_tokens,
            "null where an encoder is shared, whose component has the tokenizer",
        )
    shares = shared_encoder is not None
    return SavedModel(
        "deberta_with_head",
        forward,
        # Layers by position, not by reference: references are lost when thinc copies a model.
        layers=[
            doc_tokenizer(is_shared=shares, split_special_tokens=source.split_special_tokens),
            encoder_layer(HEADS[head], options, shares_encoder=shares),
        ],
        attrs={"head": head, "source": source, "shared_encoder": shared_encoder},
    )


def forward(model: Model[InT, OutT], X: InT, is_train: bool) -> tuple[OutT, Callable]:
    """Run encoder and head, and back from the gradient of the scores."""
    (Y,), backprop = model.layers[1](X, is_train)
    return Y, backprop


def initialize_head(
    model: Model[InT, OutT],
    *,
    labels: Sequence[str] | None = None,
    new_head: bool = False,
    trainable: bool = False,
    problem_type: str | None = None,
    unknown_labels: UnknownLabels = without_output,
    wanted: str = FINE_TUNED,
) -> None:
    """Take weights and vocabulary from the source, unless the model has them already.

    Args:
        model: Made by `deberta_with_head`.
        labels: The labels of the training data, if there are any.
        new_head: Whether to leave out the head of the checkpoint and start a new one.
        trainable: Whether there is data that a new head without labels can be trained on.
        problem_type: What the config shall say of the losses of a sequence classifier; None for
            what the checkpoint says.
        unknown_labels: From the labels of the data and those of the checkpoint's head to what the
            head can't express.
        wanted: What checkpoint to give where the head is missing, for the message.

    Raises:
        OSError: A file of the checkpoint is missing or damaged.
        ValueError: There is no source (E401), no head and nothing to train a new one on (E602), the
            labels are not those of the head (E603), or a shared encoder does not fit (E601, E604).
    """
    if head_shim(model).is_loaded:
        return
    source: EncoderSource = model.attrs["source"]
    spec = HEADS[model.attrs["head"]]
    can_be_new = bool(labels) if spec.has_labels else trainable or new_head
    changes = {} if problem_type is None else {"problem_type": problem_type}
    if source.name:
        files = find_checkpoint(source.name, revision=source.revision)
        _load(
            model,
            files,
            labels=labels,
            new_head=new_head,
            can_be_new=can_be_new,
            unknown_labels=unknown_labels,
            wanted=wanted,
            **changes,
        )
        return
    if not source.from_scratch and model.attrs["shared_encoder"] is None:
        raise ValueError(Errors.E401.format(component=head_shim(model).component))
    if not can_be_new:
        raise _without_head(model, "random weights", "no head", wanted=wanted)
    shim = head_shim(model)
    attention = shim.options.attention
    if source.from_scratch:
        config, tokenizer = config_from_scratch(shim.options, **source.from_scratch)
        tokenizer_shim(model.layers[0]).set_tokenizer(tokenizer)
        config = _with_labels(config, labels, spec, changes, source="random weights")
        _set(model, spec.module_class(config, attention=attention))
    else:
        encoder = shim.shared_encoder
        module = build_from_weights(
            spec.module_class,
            encoder.state_dict(),
            _with_labels(encoder.config, labels, spec, changes, source="the shared encoder"),
            source="the shared encoder",
            new_head=True,
            allow_non_finite=shim.options.allow_non_finite,
            attention=attention,
        )
        _set(model, module)


def load_head(model: Model[InT, OutT], folder: str | os.PathLike[str]) -> None:
    """Fill a model from a folder that `save_model` wrote: mapped, not copied.

    Args:
        model: Made by `deberta_with_head`.
        folder: The checkpoint folder.

    Raises:
        OSError: A file is missing or damaged.
        ValueError: The folder has another head (E602).
    """
    _load(model, find_checkpoint(Path(folder)), labels=None, new_head=False, can_be_new=False)


def head_shim(model: Model[InT, OutT]) -> EncoderShim:
    """The shim of a model that `deberta_with_head` made, or of a copy of it."""
    return encoder_shim(model.layers[1])


def is_initialized(model: Model[InT, OutT]) -> bool:
    """Whether a model has weights."""
    return head_shim(model).is_loaded


def get_config(model: Model[InT, OutT]) -> nn.DebertaV2Config:
    """The config of a model with a head: its labels are in `id2label`.

    Raises:
        ValueError: The model is not initialized (E403).
    """
    return head_shim(model).config


def get_labels(model: Model[InT, OutT]) -> tuple[str, ...]:
    """The labels of a head in the order of its outputs; none before it is initialized."""
    shim = head_shim(model)
    if not shim.is_loaded or not shim.spec.has_labels:
        return ()
    names = shim.config.id2label
    return tuple(names[index] for index in sorted(names))


def _load(
    model: Model[InT, OutT],
    files: CheckpointFiles,
    *,
    labels: Sequence[str] | None,
    new_head: bool,
    can_be_new: bool,
    unknown_labels: UnknownLabels = without_output,
    wanted: str = FINE_TUNED,
    **changes: Any,
) -> None:
    spec, options = HEADS[model.attrs["head"]], head_shim(model).options
    config = options.configure(read_config(files))
    weights = read_weights(files.weights)
    heads = find_heads(weights, config)
    has_head = not new_head and heads.fits(spec.module_class.__name__)
    if not has_head and not can_be_new:
        raise _without_head(model, files.name, heads, wanted=wanted)
    if has_head and spec.has_labels:
        component = head_shim(model).component
        _check_labels(config, labels or (), unknown_labels, source=files.name, component=component)
    config = _with_labels(config, None if has_head else labels, spec, changes, source=files.name)
    module = build_from_weights(
        spec.module_class,
        weights,
        config,
        source=files.name,
        new_head=not has_head,
        map_weights=options.map_weights,
        allow_non_finite=options.allow_non_finite,
        attention=options.attention,
    )
    if model.attrs["shared_encoder"] is None:
        tokenizer_shim(model.layers[0]).set_tokenizer(read_tokenizer(files, config))
    _set(model, module, trained_as=files.name if has_head else None)


def _set(model: Model[InT, OutT], module: Any, *, trained_as: str | None = None) -> None:
    """Take a module; a head that was trained comes with the name of its checkpoint."""
    shim = head_shim(model)
    if shim.shares_encoder:
        _check_shared(shim.shared_encoder, module)
        if trained_as is not None and not _is_same(shim.shared_encoder, module.deberta):
            owner = model.attrs["shared_encoder"]
            warn(Warnings.W620.format(source=trained_as, owner=owner))
    if model.attrs["head"] == "masked_lm":
        check_mask_fits(tokenizer_shim(model.layers[0]).tokenizer, module.config)
    shim.set_module(module)


def _is_same(encoder: models.DebertaV2Model, other: models.DebertaV2Model) -> bool:
    """Whether two encoders have the same weights, by their last layer, which any training moves."""
    last, found = encoder.encoder.layer[-1], dict(other.encoder.layer[-1].named_parameters())
    return all(torch.equal(weights.cpu(), found[name]) for name, weights in last.named_parameters())


def _check_shared(encoder: models.DebertaV2Model, module: Any) -> None:
    widths = (encoder.config.hidden_size, module.config.hidden_size)
    if widths[0] != widths[1]:
        reason = f"its rows are {widths[0]} wide, those that the head was made for {widths[1]}"
        raise ValueError(Errors.E604.format(reason=reason))
    if getattr(module, "layout", None) == "emd" and encoder.embeddings.position_embeddings is None:
        reason = "the mask decoder needs position embeddings, which it has not"
        raise ValueError(Errors.E604.format(reason=reason))


def _with_labels(
    config: nn.DebertaV2Config,
    labels: Sequence[str] | None,
    spec: ModuleSpec,
    changes: Mapping[str, Any],
    *,
    source: str,
) -> nn.DebertaV2Config:
    if labels and spec.has_labels:
        # What an old head was trained for says nothing of a new one.
        config = replace(config.with_labels(labels), problem_type=None)
    if spec.own_labels and config.num_labels != len(spec.own_labels):
        # An encoder comes with the labels of whatever else it was trained for.
        config = config.with_labels(spec.own_labels)
    config = replace(config, **changes)
    if spec.has_labels:
        _check_names(config, source=source)
    return config


def _check_names(config: nn.DebertaV2Config, *, source: str) -> None:
    counts = Counter(config.id2label.values())
    label, count = counts.most_common(1)[0]
    if count > 1:
        raise ValueError(Errors.E127.format(source=source, label=label))


def _check_labels(
    config: nn.DebertaV2Config,
    labels: Sequence[str],
    unknown_labels: UnknownLabels,
    *,
    source: str,
    component: str,
) -> None:
    known = list(config.id2label.values())
    unknown = unknown_labels(labels, known) if labels else []
    if unknown:
        raise ValueError(
            Errors.E603.format(
                source=source,
                unknown=", ".join(unknown),
                known=", ".join(known),
                component=component,
            )
        )


def _without_head(model: Model[InT, OutT], source: str, found: object, *, wanted: str) -> Exception:
    head, component = model.attrs["head"].replace("_", " "), head_shim(model).component
    return ValueError(
        Errors.E602.format(
            source=source, head=head, found=found, component=component, wanted=wanted
        )
    )
