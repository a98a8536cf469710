"""From the figures to `docs/performance.md`."""
