"""Modules that are filled with the tensors of a checkpoint."""
