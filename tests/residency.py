"""How much of a mapped file is in memory."""

import os
from pathlib import Path


def flush(*paths: Path) -> None:
    """Write files to the disk: until then, the system keeps their pages in memory."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())


def resident_bytes(*paths: Path) -> int:
    """Bytes of files in the memory of this process, as Linux counts them."""
    names = {str(path.resolve()) for path in paths}
    total, name = 0, ""
    for line in Path("/proc/self/smaps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if not fields[0].endswith(":"):
            name = fields[5] if len(fields) == 6 else ""
        elif fields[0] == "Rss:" and name in names:
            total += 1024 * int(fields[1])
    return total
