"""Optimizer updates of the module's parameters."""
