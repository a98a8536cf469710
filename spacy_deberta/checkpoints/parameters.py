"""The parameters of a checkpoint: those of its files, or of an adapter in its base."""

from collections.abc import Mapping
from typing import Any

import torch

from spacy_deberta.errors import Warnings, warn
from spacy_deberta.typed_json import read_json

from .int8_weights import dequantize_weights, int8_names
from .layouts.adapters import AdapterFiles
from .layouts.completeness import lacking_parameters
from .layouts.detection import detect_key_map
from .layouts.lora import merge_lora, split_adapter
from .names import list_names
from .source import CheckpointFiles
from .weight_files.reading import Weights, read_weights

_EMBEDDINGS = "deberta.embeddings.word_embeddings.weight"
_CLASSIFIER, _POOLER = "classifier.weight", "pooler.dense.weight"
_ANSWERS = "qa_outputs.weight"
_SEQUENCES = "DebertaV2ForSequenceClassification"
LABEL_FIELDS = ("num_labels", "id2label", "label2id", "problem_type")


def read_parameters(files: CheckpointFiles, *, quantized: bool = False) -> Weights:
    """Read the tensors of a checkpoint.

    Args:
        files: The checkpoint, whole or an adapter with its base.
        quantized: Whether weights in int8 stay so, instead of becoming float32.

    Returns:
        Dense CPU tensors, see `read_weights`: under the names that the files give them, or of an
        adapter merged into its base under our names.

    Raises:
        ImportError: `.h5` needs `h5py`, which is not installed (E315).
        OSError: A file is damaged, or has other objects than tensors (E305, E327, E330).
        ValueError: An adapter does not fit its base (E333), or its file has no LoRA (E346).
    """
    weights = read_weights(files.weights)
    if int8_names(weights) and not (quantized and files.adapter is None):
        weights = dequantize_weights(weights)
    if files.adapter is None:
        return weights
    key_map = detect_key_map(weights)
    base = {key_map.to_ours(key): tensor for key, tensor in weights.items()}
    adapter, own = files.adapter, read_weights([files.adapter.weights])
    merged = merge_lora(base, adapter, own)
    whole, modules = split_adapter(own)
    lacking = lacking_parameters(adapter.config, base, whole=whole, modules=modules)
    if lacking:
        warn(Warnings.W310.format(path=adapter.weights, keys=list_names(lacking)))
    is_classifier = adapter.config.architecture == _SEQUENCES and _CLASSIFIER in merged
    if is_classifier and _POOLER not in merged and _POOLER not in lacking:
        warn(Warnings.W303.format(name=adapter.name, base=adapter.base))
    return merged


def adapt_config(values: Mapping[str, Any], adapter: AdapterFiles) -> dict[str, Any]:
    """The config of an adapter and its base as one model.

    Args:
        values: The `config.json` of the base.
        adapter: The adapter. Where it has a classifier of its own, the number of labels is that of
            its rows, 2 for answers, and their names are those of the `config.json` beside it, if
            there is one.

    Raises:
        JsonError: The `config.json` beside it can't be read.
        OSError: Its weights can't be read (E305, E327, E330).
    """
    own = {} if adapter.labels is None else read_json(adapter.labels)
    whole, _ = split_adapter(read_weights([adapter.weights]))
    adapted = dict(values)
    answers = _rows(whole.get(_ANSWERS))
    rows = _rows(whole.get(_CLASSIFIER)) if answers is None else answers
    named = {key: own[key] for key in LABEL_FIELDS if own.get(key) is not None}
    if answers is not None:  # start and end have no names
        named = {}
    if rows is not None or named:
        known = values.get("id2label") or range(values.get("num_labels") or 2)
        if named or len(known) != rows:
            for key in LABEL_FIELDS:
                adapted.pop(key, None)
            adapted.update(named or {"num_labels": rows})
    if (words := _rows(whole.get(_EMBEDDINGS))) is not None:
        adapted["vocab_size"] = words
    if (architecture := adapter.config.architecture) is not None:
        adapted["architectures"] = [architecture]
    elif own.get("architectures") is not None:
        adapted["architectures"] = own["architectures"]
    return adapted


def _rows(tensor: torch.Tensor | None) -> int | None:
    return None if tensor is None or tensor.dim() != 2 else len(tensor)
