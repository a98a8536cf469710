"""Masking, and the batches of an update."""
