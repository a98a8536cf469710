"""The benchmarks, their settings and results."""
