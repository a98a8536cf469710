"""How the files of a checkpoint name its parameters: one file for each layout."""
