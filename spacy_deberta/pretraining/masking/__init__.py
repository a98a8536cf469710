"""Which pieces are hidden, and the batches of an update."""
