"""The PyTorch module within a thinc model."""
