"""Short pretraining runs, and the contents of their folders."""

import json
import os
import subprocess
import sys

import torch
from spacy import util

from tests.docs.pages import ROOT

TWO_PROCESSES = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
SETTINGS = {
    "max_steps": 12,
    "batch_pieces": 600,
    "micro_batch_pieces": None,
    "max_length": 48,
    "held_out": 0.1,
    "eval_every": 6,
    "eval_pieces": 500,
    "save_every": 4,
    "log_every": 2,
    # In another process, "auto" would depend on the processor.
    "precision": "fp32",
}


def make_config(texts, vocabulary):
    """configs/pretrain.cfg for a tiny model."""
    config = util.load_config(ROOT / "configs" / "pretrain.cfg", interpolate=False)
    config["paths"].update(texts=str(texts), vocabulary=str(vocabulary))
    config["model"]["config"] = SIZES
    config["pretraining"].update(SETTINGS)
    config["pretraining"]["optimizer"].update(learn_rate=5e-3, warmup_steps=3)
    return config


def rows_of(folder):
    lines = (folder / "training" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def losses_of(folder):
    """The losses, without times and speeds."""
    kept = ("step", "epoch", "pieces", "learn_rate", "training", "held_out")
    return [{key: row[key] for key in kept} for row in rows_of(folder)]


def start(config, folder, *options, launcher=()):
    """Pretrain in a subprocess, from the command line."""
    path = folder.with_suffix(".cfg")
    config.to_disk(path)
    command = ["-m", "spacy", "deberta", "pretrain", str(path), str(folder), "--gpu-id", "-1"]
    # The last bits of a sum depend on how many threads add it up.
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    return subprocess.Popen(
        [sys.executable, *launcher, *command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=ROOT,
    )
