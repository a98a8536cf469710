"""When the progress is due to be shown."""

import time

# Between two messages about the progress.
PROGRESS_SECONDS = 10.0


class Clock:
    """Tells whether ten seconds have passed since the last message."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Count from now on."""
        self._started = time.monotonic()

    def is_due(self) -> bool:
        """Whether it is time for a message; if so, count from now on."""
        due = time.monotonic() - self._started >= PROGRESS_SECONDS
        if due:
            self.restart()
        return due
