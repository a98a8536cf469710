"""Prediction: layers prepared for it, and the precision and kernels of their products."""
