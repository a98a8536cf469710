"""Where checkpoints are: a folder, this package, the Hugging Face hub."""
