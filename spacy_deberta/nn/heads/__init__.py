"""Heads: what turns the rows of the encoder into answers. One file each."""
