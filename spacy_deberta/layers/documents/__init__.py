"""From documents to windows, and from windows back to documents."""
