"""Other implementations of the same computation; their errors say how to install them."""
