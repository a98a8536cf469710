"""Train a vocabulary, and measure how well it fits a text."""
