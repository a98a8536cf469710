"""How a shared encoder hands its rows to the components that listen to it."""
