"""Operations for layers: packed batches, activations, dropout, recomputation, memory."""
