"""Which texts are for training, and which for evaluation."""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from spacy_deberta.errors import Errors, check_number

if TYPE_CHECKING:
    from spacy_deberta.corpora import AnnotatedText


def check_shares(dev: float, test: float) -> None:
    """Raise an error if nothing would be left for training (E413)."""
    for name, share in (("dev", dev), ("test", test)):
        check_number(name, share, lambda n: 0 <= n < 1, "a share, from 0 to less than 1")
    check_number("dev + test", dev + test, lambda n: n < 1, "less than 1")


def split_texts(
    texts: Iterable["AnnotatedText"], *, dev: float, test: float, seed: int
) -> dict[str, list["AnnotatedText"]]:
    """Split texts at random, the same text always into the same part.

    Args:
        texts: The texts.
        dev: Share of the distinct texts for evaluation.
        test: Share of the distinct texts for a final test.
        seed: Seed of the split.

    Returns:
        The parts "train", "dev" and "test"; a part with a share of 0 is missing. Within a part, the
        order is random too.

    Raises:
        ValueError: There are fewer distinct texts than parts (E533).
    """
    groups: dict[str, list[AnnotatedText]] = {}
    for text in texts:
        groups.setdefault(text.text, []).append(text)
    shares = {name: share for name, share in (("dev", dev), ("test", test)) if share}
    if len(groups) <= len(shares):
        wanted = f"at least {len(shares) + 1} different ones, one for each file"
        raise ValueError(Errors.E533.format(n=len(groups), wanted=wanted))
    # A hash, so that a text stays in its part when others are added in another order.
    order = sorted(groups, key=lambda text: _hash(text, seed))
    parts: dict[str, list[AnnotatedText]] = {"train": []}
    start = 0
    for name, share in shares.items():
        end = start + min(max(1, round(share * len(order))), len(order) - start - len(shares))
        end = max(end, start + 1)
        parts[name] = [text for key in order[start:end] for text in groups[key]]
        start = end
    parts["train"] = [text for key in order[start:] for text in groups[key]]
    return parts


def _hash(text: str, seed: int) -> bytes:
    key = seed.to_bytes(16, "little")
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=key).digest()
