"""Text as ids in a file, and its sequences in random order."""
