"""Disentangled attention on NVIDIA GPUs: kernels in Triton, and what the host plans for them."""
