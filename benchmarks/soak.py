"""Measure whether memory stays constant over many batches of all lengths.

    python -m benchmarks.soak --batches 10000

Encoders of two layers with random weights, ours and Hugging Face's, each in its own process.
Batches have one to four sequences of 1 to 510 pieces, at random but the same for both. With
`--training` each of them is an update without an optimizer.
"""

import os
import random
from typing import Annotated, Any

import torch
import typer
from torch import Tensor
from wasabi import msg

from benchmarks.measures import machine
from benchmarks.measures.workers import run_fresh
from benchmarks.peers.ours import autocast
from benchmarks.saving import BASE
from spacy_deberta.models import DebertaV2Model
from spacy_deberta.nn import DebertaV2Config, PackedPieces

SHAPE: dict[str, Any] = {
    **BASE,
    "vocab_size": 2000,
    "hidden_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
}
SEQUENCES = 4
LONGEST = 510
# Memory is compared with the memory after this many batches.
WARM_UP = 200


def main(
    batches: Annotated[int, typer.Option(help="How many", min=WARM_UP)] = 10_000,
    dtype: Annotated[str, typer.Option(help="fp32 or bf16")] = "fp32",
    training: Annotated[bool, typer.Option("--training", help="Go back as well")] = False,
    sides: Annotated[str, typer.Option(help="Names with commas")] = "ours,huggingface",
) -> None:
    """Print the memory of each side."""
    rows = []
    for side in sides.split(","):
        found = run_fresh(soak, side, batches, dtype, training)
        first, last = found[WARM_UP], found[batches]
        most, growth = max(found.values()), last / first - 1
        rows.append((side, f"{first:.0f}", f"{most:.0f}", f"{last:.0f}", f"{growth:+.1%}"))
    header = ("", f"MiB after {WARM_UP}", "most", f"after {batches}", "growth")
    msg.table(rows, header=header, divider=True)


def soak(side: str, batches: int, dtype: str, training: bool) -> dict[int, float]:
    """Memory of this process in MiB by the number of batches, after every 200 batches."""
    if side != "ours":
        # Our package sets these variables; without them, the caches have their default sizes.
        for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
            os.environ.pop(name, None)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = (make_ours if side == "ours" else make_huggingface)().train(training)
    found = {}
    draw = random.Random(0)
    for number in range(1, batches + 1):
        lengths = [draw.randint(1, LONGEST) for _ in range(draw.randint(1, SEQUENCES))]
        with torch.set_grad_enabled(training), autocast(dtype, torch.device("cpu")):
            rows = (ours if side == "ours" else huggingface)(model, lengths)
        if training:
            rows.float().sum().backward()
            model.zero_grad(set_to_none=True)
        if number % WARM_UP == 0 or number == batches:
            found[number] = machine.memory()
            print(side, number, f"{found[number]:.0f} MiB", flush=True)
    return found


def make_ours() -> Any:
    """Our encoder."""
    return DebertaV2Model(DebertaV2Config.from_dict(SHAPE))


def ours(model: Any, lengths: list[int]) -> Tensor:
    """Encode sequences of random pieces: (total_pieces, width)."""
    ids = torch.randint(5, SHAPE["vocab_size"], (sum(lengths),))
    return model.forward_packed(PackedPieces.from_lengths(ids, lengths)).last_hidden_state


def make_huggingface() -> Any:
    """Hugging Face's encoder in the same shape."""
    from transformers import DebertaV2Config, DebertaV2Model

    return DebertaV2Model(DebertaV2Config(**SHAPE))


def huggingface(model: Any, lengths: list[int]) -> Tensor:
    """The same of a padded batch: (batch, length, width)."""
    columns = torch.arange(max(lengths))
    mask = (columns < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(5, SHAPE["vocab_size"], mask.shape)
    return model(input_ids=ids, attention_mask=mask).last_hidden_state


if __name__ == "__main__":
    typer.run(main)
