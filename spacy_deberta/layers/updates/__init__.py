"""What an optimizer does with the module's parameters."""
