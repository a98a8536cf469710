"""Inference: prepared layers, precision and matrix product kernels."""
