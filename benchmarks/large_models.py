"""Memory that the large checkpoints take, to predict and to train.

    python -m benchmarks.large_models
    python -m benchmarks.large_models --measure v2-xlarge --measure v2-xxlarge

The first form computes: parameters are counted on the meta device, activations by running one layer
of the real size and adding up what autograd keeps. The second form measures predictions: it writes
random weights as a checkpoint of bf16 shards, and loads it in a process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from safetensors.torch import save_file

from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import V3_LAYOUT, DebertaV2Config, PackedPieces, Precision

_V3 = {**V3_LAYOUT, "vocab_size": 128100}
_V2 = {**_V3, "conv_kernel_size": 3, "conv_act": "gelu"}
# Layers, width, heads and width of the feed-forward network, as the checkpoints' config.json say.
SIZES: dict[str, tuple[int, int, int, int, dict[str, Any]]] = {
    "v3-base": (12, 768, 12, 3072, _V3),
    "v3-large": (24, 1024, 16, 4096, _V3),
    "v2-xlarge": (24, 1536, 24, 6144, _V2),
    "v2-xxlarge": (48, 1536, 24, 6144, _V2),
}
PIECES = 2048
WINDOW = 512
GIB = 2**30
# Float32: a gradient and two moments of Adam for each trained parameter.
TRAINING_BYTES = 4 + 8


def config_of(name: str, *, layers: int | None = None) -> DebertaV2Config:
    """The config of a checkpoint, or of one with fewer layers."""
    depth, width, heads, inner, rest = SIZES[name]
    return DebertaV2Config.from_dict(
        {
            **rest,
            "num_hidden_layers": depth if layers is None else layers,
            "hidden_size": width,
            "num_attention_heads": heads,
            "intermediate_size": inner,
        }
    )


@dataclass(frozen=True)
class Parts:
    """Numbers of parameters.

    Attributes:
        words: The word embeddings.
        dense: The matrices of all layers.
        layer: All parameters of one layer.
        rest: All others: biases, normalizations, relative positions, the convolution.
    """

    words: int
    dense: int
    layer: int
    rest: int

    @property
    def total(self) -> int:
        """All parameters."""
        return self.words + self.dense + self.rest

    def held(self, load_precision: str) -> int:
        """Bytes of the weights as `load_precision` holds them."""
        width = 4 if load_precision == "fp32" else 2
        return width * (self.words + self.dense) + 4 * self.rest


def count(name: str) -> Parts:
    """Count the parameters of a checkpoint on the meta device."""
    with torch.device("meta"):
        model = DebertaV2Model(config_of(name))
    words = model.get_input_embeddings().weight.numel()
    dense = sum(p.numel() for p in model.encoder.layer.parameters() if p.dim() == 2)
    total = model.num_parameters()
    layer = sum(p.numel() for p in model.encoder.layer[0].parameters())
    return Parts(words=words, dense=dense, layer=layer, rest=total - words - dense)


@dataclass(frozen=True)
class Kept:
    """Bytes that autograd keeps in a forward pass.

    Attributes:
        rows: Of a window.
        weights: Copies of weights in the dtype of the products, whatever the batch.
    """

    rows: int
    weights: int


@cache
def kept_by_autograd(
    like: str, *, precision: str, layers: int, checkpointing: bool = False
) -> Kept:
    """Train on a window with some layers of the real size, and add up what autograd keeps.

    Args:
        like: A key of `SIZES`, for the size of a layer.
        precision: What is computed in.
        layers: Number of layers.
        checkpointing: Whether layers are recomputed.
    """
    model = DebertaV2Model(config_of(like, layers=layers))
    model.set_dropout(0.1)
    if checkpointing:
        model.gradient_checkpointing_enable()
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    shapes = {tuple(p.shape) for p in model.encoder.layer.parameters() if p.dim() == 2}
    shapes |= {shape[::-1] for shape in shapes}
    rows: dict[int, int] = {}
    weights: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept = weights if tuple(tensor.shape) in shapes else rows
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    device = torch.device("cpu")
    pieces = PackedPieces.from_lengths(torch.randint(5, 1000, (WINDOW,)), [WINDOW])
    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with model.training_step(), Precision.named(precision, device).active(device), hooks:
        # The graph has to live until the storages are counted, or addresses come twice.
        output = model.forward_packed(pieces).last_hidden_state
        total = Kept(sum(rows.values()), sum(weights.values()))
    del output
    return total


def activations(name: str, layers: int, *, precision: str, checkpointing: bool) -> float:
    """GiB that training keeps of `PIECES` pieces, from one and two layers of the real size."""
    # Both have the same layers.
    like = name.replace("xxlarge", "xlarge")
    one, two = (
        kept_by_autograd(like, precision=precision, layers=n, checkpointing=checkpointing)
        for n in (1, 2)
    )
    rows = one.rows + (layers - 1) * (two.rows - one.rows)
    weights = one.weights + (layers - 1) * (two.weights - one.weights)
    if checkpointing:
        # In the backward pass, one layer at a time is there with all that it keeps.
        whole = kept_by_autograd(like, precision=precision, layers=1)
        rows, weights = rows + whole.rows, weights + whole.weights
    return (PIECES / WINDOW * rows + weights) / GIB


def predicting(name: str) -> Iterator[str]:
    """Rows of the table of predictions."""
    parts = count(name)
    operations = 2 * (parts.total - parts.words) / 1e9
    for load, precision, copies in (
        ("fp32", "fp32", 0),
        ("fp32", "bf16", 2 * parts.dense),
        ("fp32", "int8", parts.dense),
        ("bf16", "bf16", 0),
        ("bf16", "int8", parts.dense),
    ):
        held = parts.held(load)
        yield (
            f"| {name} | {parts.total / 1e6:,.0f} | {operations:.1f} | {load} | {precision} | "
            f"{held / GIB:.1f} | {copies / GIB:.1f} | {(held + copies) / GIB:.1f} |"
        )


def training(name: str) -> Iterator[str]:
    """Rows of the table of training."""
    parts, depth = count(name), SIZES[name][0]
    for frozen, trained, layers in (
        ("nothing", parts.total, depth),
        ("embeddings", parts.total - parts.words, depth),
        (f"and {depth // 2} of {depth} layers", depth // 2 * parts.layer, depth // 2),
        (f"and {depth - 4} of {depth} layers", 4 * parts.layer, 4),
    ):
        # Below the lowest layer that is trained, nothing is kept.
        kept = (
            activations(name, layers, precision=precision, checkpointing=recomputed)
            for precision in ("fp32", "bf16")
            for recomputed in (False, True)
        )
        cells = " | ".join(f"{gib:.1f}" for gib in kept)
        yield (
            f"| {name} | {frozen} | {4 * parts.total / GIB:.1f} | "
            f"{TRAINING_BYTES * trained / GIB:.1f} | {cells} |"
        )


def main(
    measure: Annotated[list[str], typer.Option(help="Names of checkpoints to measure")] = [],  # noqa: B006
    only: Annotated[list[str], typer.Option(help="Names of checkpoints to compute")] = list(SIZES),  # noqa: B006
) -> None:
    """Print tables in Markdown."""
    torch.manual_seed(0)
    if measure:
        for name in measure:
            print(measured(name))
        return
    print(
        "| checkpoint | million parameters | GFLOP a piece, without attention | loaded in | "
        "computed in | weights | copies | GiB together |\n"
        "| --- | ---: | ---: | --- | --- | ---: | ---: | ---: |"
    )
    for name in only:
        print(*predicting(name), sep="\n")
    print(
        f"\nTraining, activations of {PIECES} pieces in windows of {WINDOW}:\n\n| checkpoint | "
        "frozen | weights | gradients and moments | activations, fp32 | recomputed | activations, "
        "bf16 | recomputed |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for name in only:
        print(*training(name), sep="\n")


def measured(name: str) -> str:
    """Load a checkpoint of random weights in bf16 in a child process, and predict."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), name)
        files = [path.stat().st_size for path in Path(folder).glob("*.safetensors")]
        found = []
        for precision in ("bf16", "int8"):
            command = [sys.executable, "-m", "benchmarks.large_models", "--child", folder]
            output = subprocess.run([*command, precision], check=True, stdout=subprocess.PIPE)
            found.append({"precision": precision, **json.loads(output.stdout)})
    return json.dumps(
        {"checkpoint": name, "files": len(files), "gib": sum(files) / GIB, "found": found}
    )


def _write(folder: Path, name: str) -> None:
    """A checkpoint of random weights, a layer at a time: its files are larger than this process."""
    config = config_of(name)
    with torch.device("meta"):
        shapes = {key: x.shape for key, x in DebertaV2Model(config).state_dict().items()}
    shards: dict[str, list[str]] = {}
    for key in shapes:
        layer = int(key.split(".")[2]) // 6 if key.startswith("encoder.layer.") else -1
        shards.setdefault(f"model-{layer + 2:05d}.safetensors", []).append(key)
    for file, keys in shards.items():
        tensors = {
            key: torch.empty(shapes[key], dtype=torch.bfloat16).normal_(0, 0.02) for key in keys
        }
        save_file(tensors, folder / file)
    weight_map = {key: file for file, keys in shards.items() for key in keys}
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps(config.to_dict()))


def _child(folder: str, precision: str) -> dict[str, float]:
    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    start, imports = time.perf_counter(), peak()
    model = DebertaV2Model.from_pretrained(folder, load_precision="bf16")
    loading, loaded = time.perf_counter() - start, peak()
    ids = torch.randint(5, 1000, (PIECES // 4,))
    with torch.no_grad(), Precision.named(precision, model.device).active(model.device):
        model.forward_packed(PackedPieces.from_lengths(ids, [WINDOW] * (len(ids) // WINDOW)))
    return {
        "load_seconds": round(loading, 2),
        "imports_gib": round(imports, 2),
        "loaded_gib": round(loaded, 2),
        "predicted_gib": round(peak(), 2),
    }


if __name__ == "__main__":
    if "--child" in sys.argv:
        place = sys.argv.index("--child") + 1
        print(json.dumps(_child(*sys.argv[place : place + 2])))
    else:
        typer.run(main)
