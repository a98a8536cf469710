"""One update of the weights, and what is measured of it."""
