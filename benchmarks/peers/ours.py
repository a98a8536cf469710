"""This package: the encoder as called by the pipeline, and the pipelines."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import spacy
import torch
from torch import Tensor

from benchmarks.peers.zeros import make_zeros
from spacy_deberta import DebertaV2Model
from spacy_deberta.layers import get_encoder
from spacy_deberta.nn import EncoderOutput, PackedPieces, Precision

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
# Distances beyond the trained ones like Hugging Face's, so that long sequences have the same
# values; and no dropout, so that gradients are the same.
SAME_AS_PEERS = {
    "far_positions": "huggingface",
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}


def load_encoder(checkpoint: Path, *, device: str = "cpu") -> DebertaV2Model:
    """The encoder of a checkpoint, in evaluation mode."""
    model = DebertaV2Model.from_pretrained(checkpoint, config_overrides=SAME_AS_PEERS)
    return model.to(device)


def pack(ids: Tensor) -> PackedPieces:
    """Sequences of one length, (sequences, length), without padding."""
    sequences, length = ids.shape
    return PackedPieces.from_lengths(ids.flatten(), [length] * sequences)


def ours_forward(
    model: DebertaV2Model, pieces: PackedPieces, *, kernel: str = "auto", dtype: str = "fp32"
) -> Tensor:
    """Encode a batch like the pipeline in inference: (total_pieces, width), float32."""
    model.attention = kernel
    with torch.no_grad(), autocast(dtype, pieces.device):
        return model.forward_packed(pieces).last_hidden_state.float()


def ours_backward(
    model: DebertaV2Model,
    pieces: PackedPieces,
    gradient: Tensor,
    *,
    kernel: str = "auto",
    dtype: str = "fp32",
) -> Tensor:
    """Forward and backward pass of training: the gradient of the position embeddings."""
    model.attention = kernel
    model.train()
    model.zero_grad(set_to_none=True)
    with autocast(dtype, pieces.device):
        rows = model.forward_packed(pieces).last_hidden_state
    torch.autograd.backward(rows.float(), gradient)
    model.eval()
    assert model.encoder.rel_embeddings is not None
    gradient_of_table = model.encoder.rel_embeddings.weight.grad
    assert gradient_of_table is not None
    return gradient_of_table


def autocast(dtype: str, device: torch.device) -> AbstractContextManager[Any]:
    """Autocast to a dtype, for both sides; int8 quantization is ours only."""
    if dtype == "fp32":
        return nullcontext()
    if dtype == "int8":
        return Precision.named(dtype, device).active(device)
    return torch.autocast(device.type, dtype=DTYPES[dtype])


def make_pipeline(
    checkpoint: Path,
    *,
    precision: str = "fp32",
    heads: Sequence[str] = (),
    docs: Any = None,
    device: str | None = None,
) -> Any:
    """A pipeline with our component and the batch sizes of our configs.

    Args:
        checkpoint: Its encoder.
        precision: `"fp32"`, `"bf16"` or `"auto"`.
        heads: Names of components that listen to it, see `benchmarks.peers.pipelines`.
        docs: Documents with the labels of the components.
        device: As in the architecture.
    """
    from benchmarks.peers.pipelines import add_heads

    nlp = spacy.blank("en")
    nlp.batch_size = 128
    nlp.add_pipe(
        "deberta",
        name="transformer",
        config={
            "model": {
                "@architectures": "spacy-deberta.DebertaV2Model.v1",
                "name": str(checkpoint),
                "precision": precision,
                "device": device,
            }
        },
    )
    add_heads(nlp, heads, docs, side="ours")
    return nlp


def without_encoder(nlp: Any) -> Any:
    """Make the encoder of a pipeline return zeros, to measure everything else."""
    encoder = get_encoder(nlp.get_pipe("transformer").model)
    zeros = make_zeros(encoder.config.hidden_size)

    def encode(pieces: PackedPieces, **kwargs: Any) -> EncoderOutput:
        return EncoderOutput(zeros(pieces.total_pieces))

    encoder.forward_packed = encode  # type: ignore[method-assign]
    return nlp
