"""What runs where PEFT is: `python peft_side.py FOLDER`, with `FOLDER/jobs.json`.

It knows nothing of this package. A job has the class and config of a model, fields of `LoraConfig`,
and how the adapter is saved. Each gets a folder: `base`, and `adapter`, with random values, as PEFT
saves them, but for the path of the base; `outputs.npz` is what PEFT computes after it has read both
from there.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

IDS = [[1, 5, 17, 30, 8, 44, 9, 2], [1, 33, 6, 2, 0, 0, 0, 0]]
MASK = [[1] * 8, [1] * 4 + [0] * 4]


@torch.no_grad()
def randomize(parameters, generator):
    """Biases and normalizations too: with those of a fresh model, terms can hide."""
    for name, parameter in parameters:
        parameter.normal_(0.0, 0.2, generator=generator)
        if "LayerNorm.weight" in name:
            parameter.add_(1.0)


def make_base(job, folder, generator):
    config = transformers.DebertaV2Config(**job["config"])
    model = getattr(transformers, job.get("base_class", job["cls"]))(config)
    randomize(model.named_parameters(), generator)
    model.save_pretrained(folder)


def load_base(job, folder):
    labels = job.get("labels")
    changes = {} if labels is None else {"num_labels": labels, "ignore_mismatched_sizes": True}
    return getattr(transformers, job["cls"]).from_pretrained(folder, **changes)


def name_base(path, base):
    """Make paths relative: folders are moved, and must not contain paths of this machine."""
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "base_model_name_or_path": base}, indent=2) + "\n")


def run(model):
    with torch.no_grad():
        output = model(input_ids=torch.tensor(IDS), attention_mask=torch.tensor(MASK))
    names = ("logits", "last_hidden_state", "start_logits", "end_logits")
    return {name: output[name].numpy() for name in names if name in output}


def main(folder):
    from peft import LoraConfig, PeftModel, get_peft_model  # tests read this file without it

    generator = torch.Generator().manual_seed(3)
    for name, job in json.loads((folder / "jobs.json").read_text()).items():
        place = folder / name
        make_base(job, place / "base", generator)
        model = get_peft_model(load_base(job, place / "base").eval(), LoraConfig(**job["lora"]))
        trained = [(key, value) for key, value in model.named_parameters() if value.requires_grad]
        assert trained, name
        randomize(trained, generator)
        as_safetensors = job.get("safe_serialization", True)
        model.save_pretrained(place / "adapter", safe_serialization=as_safetensors)
        (place / "adapter" / "README.md").unlink()
        again = PeftModel.from_pretrained(load_base(job, place / "base"), place / "adapter").eval()
        outputs = run(again)
        merged = run(again.merge_and_unload().eval())
        for key, value in outputs.items():
            assert np.abs(value - merged[key]).max() < 1e-4, (name, key)
        np.savez(place / "outputs.npz", **merged)
        name_base(place / "adapter" / "adapter_config.json", "../base")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
