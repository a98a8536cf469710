"""Runs in the environment with TensorFlow: `python tensorflow_side.py {save,load} FOLDER`.

It imports neither PyTorch nor this package. `FOLDER/jobs.json` has for every name the class, the
config and options of `save_pretrained`. `save` makes random models and saves each to `FOLDER/name`;
`load` loads them from there. Both write the outputs to `FOLDER/name.npz`.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import transformers


def randomize(model, generator):
    """Biases and normalizations too: with those of a fresh model, terms can hide."""
    for variable in model.weights:
        values = generator.normal(0.0, 0.2, variable.shape)
        variable.assign(values + ("gamma" in variable.name))


def run(model, inputs):
    output = model(**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in output.items() if name != "loss"}


def main(action, folder):
    generator = np.random.default_rng(5)
    for name, job in json.loads((folder / "jobs.json").read_text()).items():
        cls = getattr(transformers, f"TF{job['cls']}")
        inputs = dict(np.load(folder / f"{name}.inputs.npz"))
        if action == "save":
            model = cls(transformers.DebertaV2Config(**job["config"]))
            run(model, inputs)
            randomize(model, generator)
            model.save_pretrained(folder / name, **job["options"])
        else:
            model, info = cls.from_pretrained(folder / name, output_loading_info=True)
            layers = {layer.name for layer in model.layers if layer.weights}
            lost = {part for part in info["missing_keys"] if "/" in part or part in layers}
            unexpected = {part for part in info["unexpected_keys"] if "dropout" not in part}
            assert not lost, (name, lost)
            assert not unexpected, (name, unexpected)
            assert not info["mismatched_keys"], name
        np.savez(folder / f"{name}.npz", **run(model, inputs))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
