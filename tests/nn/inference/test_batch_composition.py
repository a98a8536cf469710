"""How much the rows of a sequence depend on the other sequences of its batch."""

import pytest
import torch

from spacy_deberta.nn import ATTENTION_KERNELS, PackedPieces, Precision
from tests.nn.common import model_like

CPU = torch.device("cpu")
LENGTHS = [31, 5, 1, 64, 60, 2]
# Relative to the norm of the rows. In int8 as in the precision of the rest: the quantized layers
# add nothing, but pass the rest's rounding on.
BOUNDS = {"fp32": 1e-5, "bf16": 1e-2, "int8": 1e-2}


def _rows(model, ids, lengths, precision):
    pieces = PackedPieces.from_lengths(ids, lengths)
    with torch.no_grad(), precision.active(CPU):
        return model.forward_packed(pieces).last_hidden_state.double()


@pytest.mark.parametrize("attention", [name for name in ATTENTION_KERNELS if name != "triton"])
@pytest.mark.parametrize("name", BOUNDS)
def test_neighbours_change_rows_by_no_more_than_rounding(name, attention):
    model, precision = model_like(attention=attention), Precision.named(name, CPU)
    with torch.no_grad():
        # The pieces of the last sequence are outliers for all others.
        model.embeddings.LayerNorm.bias[3] = 0.1
        model.embeddings.word_embeddings.weight[7, 3] = 1e3
    ids = torch.randint(8, 97, (sum(LENGTHS),), generator=torch.Generator().manual_seed(1))
    ids[-LENGTHS[-1] :] = 7
    together = _rows(model, ids, LENGTHS, precision).split(LENGTHS)
    for rows, alone in zip(together, ids.split(LENGTHS), strict=True):
        expected = _rows(model, alone, [len(alone)], precision)
        assert (rows - expected).norm() / expected.norm() < BOUNDS[name]
