"""Scores by distance, read as scores by pair, without a gather.

Take scores of every row against all `2 * length - 1` distances. Pair (i, j) has the distance
i - j: going one key further is one distance less, going one query further is one more. With the
distances in memory order, that is a matter of strides: the matrix by pair is a view.
"""

from torch import Tensor


def query_by_pair(scores: Tensor, *, count: int, length: int) -> Tensor:
    """View scores of queries against distances as scores of queries against keys.

    Args:
        scores: (heads, count * length, 2 * length - 1), contiguous. Column m is the distance
            `length - 1 - m`: descending.
        count: Number of sequences.
        length: Their length.

    Returns:
        (heads, count, query, key), a view. Entry (.., i, j) is row i at the distance i - j.
    """
    return _by_pair(scores, count, length, query_stride=2 * length - 2, key_stride=1)


def key_by_pair(scores: Tensor, *, count: int, length: int) -> Tensor:
    """View scores of keys against distances as scores of queries against keys.

    Args:
        scores: (heads, count * length, 2 * length - 1), contiguous. Column m is the distance
            `m - (length - 1)`: ascending.
        count: Number of sequences.
        length: Their length.

    Returns:
        (heads, count, query, key), a view. Entry (.., i, j) is row j at the distance i - j.
    """
    return _by_pair(scores, count, length, query_stride=1, key_stride=2 * length - 2)


def _by_pair(
    scores: Tensor, count: int, length: int, *, query_stride: int, key_stride: int
) -> Tensor:
    per_sequence = length * (2 * length - 1)
    return scores.as_strided(
        (scores.shape[0], count, length, length),
        (count * per_sequence, per_sequence, query_stride, key_stride),
        scores.storage_offset() + length - 1,
    )
