"""Generate `docs/performance.md` from the results."""
