"""Generate `docs/performance.md` and the page of all figures from the results."""
