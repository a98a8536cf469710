"""What layers are made of beside modules: packed batches, dropout, recomputation, memory."""
