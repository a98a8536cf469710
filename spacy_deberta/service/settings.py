"""The limits of the service."""

from dataclasses import dataclass

from spacy_deberta.errors import check_number

# A character takes at most 12 bytes in JSON: two escapes such as "\ud83d".
BYTES_PER_CHARACTER = 12
# Room for labels, for other fields, and for several short texts.
MIN_BODY_BYTES = 1_000_000


@dataclass(frozen=True)
class ServiceSettings:
    """What a service accepts, and how it makes batches.

    max_text_length (int): Maximum number of characters of a text.
    max_texts (int): Maximum number of texts of a request.
    max_batch (int): Maximum number of texts that the pipeline processes together.
    batch_wait (float): How long a text waits for others to share its batch, in milliseconds.
    max_queue (int): Maximum number of texts that wait for the pipeline.
    timeout (float): How long a request waits for its answer, in seconds.
    threads (int): Threads of PyTorch for one operation; 0 for its default.
    """

    max_text_length: int = 100_000
    max_texts: int = 256
    max_batch: int = 32
    batch_wait: float = 2.0
    max_queue: int = 1024
    timeout: float = 60.0
    threads: int = 0

    def __post_init__(self) -> None:
        """Check the values (E413)."""
        for name in ("max_text_length", "max_texts", "max_batch"):
            check_number(name, getattr(self, name), lambda n: n >= 1, "at least 1", whole=True)
        reason = "at least 'max_texts'"
        check_number("max_queue", self.max_queue, lambda n: n >= self.max_texts, reason, whole=True)
        # NaN and infinity fail both comparisons or the second.
        check_number("batch_wait", self.batch_wait, lambda n: 0 <= n <= 10_000, "from 0 to 10,000")
        check_number("timeout", self.timeout, lambda n: 0 < n <= 86_400, "above 0, to 86,400")
        check_number("threads", self.threads, lambda n: n >= 0, "at least 0", whole=True)

    @property
    def max_body_bytes(self) -> int:
        """Maximum size of a request, in which a text of the maximum length has room."""
        return MIN_BODY_BYTES + BYTES_PER_CHARACTER * self.max_text_length
