"""Disentangled attention on NVIDIA GPUs: Triton kernels and their host-side plans."""
