"""Load weights, vocabulary and labels of a model with a head, or initialize them at random."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from thinc.api import Model

from spacy_deberta import models, nn
from spacy_deberta.checkpoints import (
    CheckpointFiles,
    check_mask_fits,
    find_checkpoint,
    read_config,
    read_parameters,
    read_tokenizer,
)
from spacy_deberta.errors import Errors, Warnings, warn
from spacy_deberta.models import HEADS, HeadSpec, build_from_weights, find_heads

from .documents.tokenize import tokenizer_shim
from .head_model import InT, OutT, head_shim

# The kind of checkpoint that the message of a missing head asks for.
FINE_TUNED = "a checkpoint that was fine-tuned for this"
UnknownLabels = Callable[[Sequence[str], Sequence[str]], list[str]]


def without_output(labels: Sequence[str], known: Sequence[str]) -> list[str]:
    """Labels that are not among those of a head."""
    return [label for label in labels if label not in known]


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
        new_head: Whether to replace the head of the checkpoint by a new one.
        trainable: Whether there is training data for a new head without labels.
        problem_type: The config's `problem_type`, which selects the loss of a sequence classifier;
            None for that of the checkpoint.
        unknown_labels: From the labels of the data and those of the checkpoint's head to the labels
            that the head can't express.
        wanted: The kind of checkpoint to ask for in the error message if the head is missing.

    Raises:
        OSError: A file of the checkpoint is missing or damaged.
        ValueError: There is no source (E401), no head and nothing to train a new one on (E602), the
            labels are not those of the head (E603), or a shared encoder does not fit (E601, E604).
    """
    if head_shim(model).is_loaded:
        return
    shim = head_shim(model)
    source = model.attrs["source"].model_source(shim.component)
    spec = HEADS[model.attrs["head"]]
    can_be_new = bool(labels) if spec.has_labels else trainable or new_head
    changes = {} if problem_type is None else {"problem_type": problem_type}
    if source.name is not None:
        _load(
            model,
            source.find_files(),
            labels=labels,
            new_head=new_head,
            can_be_new=can_be_new,
            unknown_labels=unknown_labels,
            wanted=wanted,
            engine=model.attrs["source"].tokenizer,
            **changes,
        )
        return
    if not shim.shares_encoder:
        source.check()
    if not can_be_new:
        raise _missing_head(model, "random weights", "no head", wanted=wanted)
    attention = shim.options.attention
    if not shim.shares_encoder:
        words = model.attrs["source"].is_split_into_words
        tokenizer = source.load_tokenizer(is_split_into_words=words)
        config = shim.options.configure(source.make_config(tokenizer))
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
            load_precision=encoder.load_precision,
            attention=attention,
        )
        _set(model, module)


def load_head(model: Model[InT, OutT], folder: str | os.PathLike[str]) -> None:
    """Load weights and vocabulary from a folder that `save_model` wrote; weights are memory-mapped.

    Args:
        model: Made by `deberta_with_head`.
        folder: The checkpoint folder.

    Raises:
        OSError: A file is missing or damaged.
        ValueError: The folder has another head (E602).
    """
    _load(model, find_checkpoint(Path(folder)), labels=None, new_head=False, can_be_new=False)


def _load(
    model: Model[InT, OutT],
    files: CheckpointFiles,
    *,
    labels: Sequence[str] | None,
    new_head: bool,
    can_be_new: bool,
    unknown_labels: UnknownLabels = without_output,
    wanted: str = FINE_TUNED,
    engine: str | None = None,
    **changes: Any,
) -> None:
    spec, options = HEADS[model.attrs["head"]], head_shim(model).options
    config = options.configure(read_config(files))
    weights = read_parameters(files, quantized=True)
    heads = find_heads(weights, config)
    has_head = not new_head and heads.fits(spec)
    if not has_head and not can_be_new:
        raise _missing_head(model, files.name, heads, wanted=wanted)
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
        load_precision=options.load_precision,
        keep_int8=options.keeps_int8,
        release=True,
        attention=options.attention,
    )
    if model.attrs["shared_encoder"] is None:
        words = model.attrs["source"].is_split_into_words
        tokenizer = read_tokenizer(files, config, engine=engine, is_split_into_words=words)
        tokenizer_shim(model.layers[0]).set_tokenizer(tokenizer)
    _set(model, module, trained_as=files.name if has_head else None)


def _set(model: Model[InT, OutT], module: Any, *, trained_as: str | None = None) -> None:
    """Set the module; `trained_as` is the name of the checkpoint of a trained head."""
    shim = head_shim(model)
    if shim.shares_encoder:
        _check_shared(shim.shared_encoder, module)
        if trained_as is not None and not _is_same(shim.shared_encoder, module.deberta):
            owner = model.attrs["shared_encoder"]
            warn(Warnings.W620.format(source=trained_as, owner=owner))
    if HEADS[model.attrs["head"]].rows == "masks":
        check_mask_fits(tokenizer_shim(model.layers[0]).tokenizer, module.config)
    shim.set_module(module)


def _is_same(encoder: models.DebertaV2Model, other: models.DebertaV2Model) -> bool:
    """Whether the last layers, which any training changes, have the same weights."""
    last, found = encoder.encoder.layer[-1], dict(other.encoder.layer[-1].named_parameters())
    return all(
        # One of them may have been loaded in half precision, or without matrices in int8.
        torch.equal(*_narrowed(weights.cpu(), found[name]))
        for name, weights in last.named_parameters()
        if name in found
    )


def _narrowed(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two tensors in the narrower of their dtypes."""
    dtype = min(first.dtype, second.dtype, key=lambda dtype: dtype.itemsize)
    return first.to(dtype), second.to(dtype)


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
    spec: HeadSpec,
    changes: Mapping[str, Any],
    *,
    source: str,
) -> nn.DebertaV2Config:
    if labels and spec.has_labels:
        # The problem type of an old head does not apply to a new one.
        config = replace(config.with_labels(labels), problem_type=None)
    if spec.own_labels and config.num_labels != len(spec.own_labels):
        # The config of an encoder has the labels of the task that it was trained for.
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


def _missing_head(model: Model[InT, OutT], source: str, found: object, *, wanted: str) -> Exception:
    head, component = model.attrs["head"], head_shim(model).component
    if HEADS[head].has_labels:
        way = "give training data (`nlp.initialize(get_examples)` or `spacy train`)"
    else:
        way = f"set 'new_head = true' in [initialize.components.{component}] and give training data"
    return ValueError(
        Errors.E602.format(
            source=source,
            head=head.replace("_", " "),
            found=found,
            component=component,
            wanted=wanted,
            way=way,
        )
    )
