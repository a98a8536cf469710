"""Passes the rows of a shared encoder to the components that listen to it."""
