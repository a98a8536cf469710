"""Loading of checkpoint tensors into modules."""
