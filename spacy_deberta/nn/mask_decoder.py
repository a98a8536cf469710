"""The enhanced mask decoder: absolute positions enter just before masked pieces are predicted."""

from torch import Tensor

from .attention import resolve_attention
from .inference.precision import compute_dtype
from .ops.packing import PackedPieces
from .ops.transfer import send
from .training import HasEncoder

# Number of runs of the last layer, each with the previous output as query states.
PASSES = 2


def decode_masked(
    model: HasEncoder, hidden: Tensor, pieces: PackedPieces, *, rows: Tensor | None = None
) -> Tensor:
    """Run the last layer of an encoder as the mask decoder of its pretraining.

    Query states start as the sum of absolute position embeddings and the output of the layer
    before. Keys and values are projected from that output in every pass. Given those, rows are
    independent: decoding some of them gives the same result as decoding all.

    Args:
        model: The encoder, with position embeddings. The decoder shares its last layer.
        hidden: (total_pieces, hidden_size), output of its last layer but one.
        pieces: The batch.
        rows: (decoded_rows,) int64, existing packed rows to decode; None for all. Indices on the
            host avoid device synchronization.

    Returns:
        (decoded_rows, hidden_size).

    Raises:
        ValueError: If a position is out of range (E112).

    Source: He et al. 2021 (arXiv 2006.03654), section 3.2; `emd_context_layer` of
        microsoft/DeBERTa, which also runs this pass over all rows and then selects the masked ones.
    """
    query = model.embeddings.positions(pieces) + hidden
    kernel = resolve_attention(
        model.attention, hidden.device, compute_dtype(hidden), model.config.head_dim
    )
    if rows is not None:
        query = query.index_select(0, send(rows, query.device))
        if not len(rows):
            return query
    context = model.encoder.context(pieces, kernel, query_rows=rows)
    for _ in range(PASSES):
        query, _ = model.encoder.layer[-1](hidden, context, query_states=query)
    return query
