"""Everything that needs a GPU, in one command and a few minutes: checks, then measurements."""
