"""Training a vocabulary, and how well it fits a text."""
