"""Those who do the same work: one file each. A peer that is missing says how it is to be had."""
