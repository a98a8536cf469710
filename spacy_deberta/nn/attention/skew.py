"""Views of scores by distance as scores by pair, without a gather.

Given scores of rows against their reachable distances, pair (i, j) has the distance i - j: the next
key is one distance less, the next query one more. With distances in memory order, these are
strides: the matrix by pair is a view.
"""

from torch import Tensor


def query_by_pair(scores: Tensor, *, count: int) -> Tensor:
    """View scores of queries against distances as scores of queries against keys.

    Args:
        scores: (heads, count * queries, keys + queries - 1), contiguous: consecutive queries of
            each sequence against the distances from the last of them to its first key down to
            the first of them to its last key.
        count: Number of sequences.

    Returns:
        (heads, count, query, key), a view. Entry (.., i, j) is row i at the distance i - j.
    """
    rows, distances = scores.shape[1] // count, scores.shape[2]
    return _by_pair(
        scores, (count, rows, distances - rows + 1), query_stride=distances - 1, key_stride=1
    )


def key_by_pair(scores: Tensor, *, count: int) -> Tensor:
    """View scores of keys against distances as scores of queries against keys.

    Args:
        scores: (heads, count * keys, queries + keys - 1), contiguous: consecutive keys of each
            sequence against the distances from its first query to the last of them up to its
            last query to the first of them.
        count: Number of sequences.

    Returns:
        (heads, count, query, key), a view. Entry (.., i, j) is row j at the distance i - j.
    """
    rows, distances = scores.shape[1] // count, scores.shape[2]
    return _by_pair(
        scores, (count, distances - rows + 1, rows), query_stride=1, key_stride=distances - 1
    )


def _by_pair(
    scores: Tensor, shape: tuple[int, int, int], *, query_stride: int, key_stride: int
) -> Tensor:
    count, rows, distances = shape[0], scores.shape[1] // shape[0], scores.shape[2]
    per_sequence = rows * distances
    return scores.as_strided(
        (scores.shape[0], *shape),
        (count * per_sequence, per_sequence, query_stride, key_stride),
        scores.storage_offset() + rows - 1,
    )
