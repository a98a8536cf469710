"""Writes checkpoint folders independently of the code under test."""

import json
import os
import pickle
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file


def write_checkpoint(folder, *, config, weights, vocabulary=None, form="safetensors"):
    """Write config, weights and vocabulary, each left out if None; see `write_weights`."""
    folder.mkdir(parents=True)
    if config is not None:
        write_config(folder, config)
    if weights is not None:
        write_weights(folder, weights, form=form)
    if vocabulary is not None:
        shutil.copy(vocabulary, folder / "spm.model")
    return folder


def write_config(folder, config):
    text = config if isinstance(config, str) else json.dumps(config)
    (folder / "config.json").write_text(text, encoding="utf8")


def write_weights(folder, weights, *, form="safetensors"):
    """Write weights as "safetensors", "bin" or "legacy bin", or the first two in "shards"."""
    suffix = "safetensors" if "safetensors" in form else "bin"
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    if "shards" not in form:
        return write_file(folder / f"{stem}.{suffix}", weights, legacy="legacy" in form)
    names = list(weights)
    third = -(-len(names) // 3)
    weight_map = {}
    for index in range(3):
        shard = {name: weights[name] for name in names[index * third : (index + 1) * third]}
        file_name = f"{stem}-0000{index + 1}-of-00003.{suffix}"
        write_file(folder / file_name, shard)
        weight_map.update(dict.fromkeys(shard, file_name))
    return write_index(folder / f"{stem}.{suffix}.index.json", weight_map)


def write_file(path, weights, *, legacy=False):
    if path.suffix == ".safetensors":
        save_file({key: value.contiguous() for key, value in weights.items()}, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=not legacy)
    return path


def write_index(path, weight_map):
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))
    return path


class Attack:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def write_attack(path, proof, *, form):
    """Write a file that has a command in it, in each of the ways in which `torch.load` would run
    it if it were let."""
    content = {"embeddings.word_embeddings.weight": Attack(proof)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")


def prefixed(weights):
    """The names that files of a model with a head have."""
    return {f"deberta.{key}": tensor for key, tensor in weights.items()}


def gamma_beta(weights):
    """The names of files that were converted from TensorFlow."""
    ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    for old, new in ends.items():
        weights = {
            key.removesuffix(old) + new if key.endswith(old) else key: tensor
            for key, tensor in weights.items()
        }
    return weights


def official_extras(config):
    """What the released files of v3 hold beside the encoder, by name, with the shapes they have."""
    width, rows = config["hidden_size"], config["vocab_size"]
    positions = config["max_position_embeddings"]
    extras = {
        "deberta.embeddings.position_embeddings.weight": (positions, width),
        "deberta.embeddings.position_embeddings._weight": (positions, width),
        "deberta.embeddings.word_embeddings._weight": (rows, width),
        "deberta.embeddings.position_ids": (1, positions),
        "lm_predictions.lm_head.dense.weight": (width, width),
        "lm_predictions.lm_head.dense.bias": (width,),
        "lm_predictions.lm_head.LayerNorm.weight": (width,),
        "lm_predictions.lm_head.LayerNorm.bias": (width,),
        "lm_predictions.lm_head.bias": (rows,),
        "mask_predictions.dense.weight": (width, width),
        "mask_predictions.dense.bias": (width,),
        "mask_predictions.LayerNorm.weight": (width,),
        "mask_predictions.LayerNorm.bias": (width,),
        "mask_predictions.classifier.weight": (1, width),
        "mask_predictions.classifier.bias": (1,),
        "cls.predictions.bias": (rows,),
        "cls.predictions.transform.dense.weight": (width, width),
        "cls.predictions.transform.LayerNorm.weight": (width,),
        "cls.predictions.decoder.weight": (rows, width),
        "pooler.dense.weight": (width, width),
        "pooler.dense.bias": (width,),
        "classifier.weight": (3, width),
        "classifier.bias": (3,),
        "qa_outputs.weight": (2, width),
        "qa_outputs.bias": (2,),
    }
    return {name: torch.full(shape, 0.5) for name, shape in extras.items()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
