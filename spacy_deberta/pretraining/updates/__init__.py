"""Updates of the weights, and their metrics."""
