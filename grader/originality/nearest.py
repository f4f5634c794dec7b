"""Who shares something with whom? Two indexes: of equal marks, and of vectors that are near each other.

Neither looks at all pairs, but for the few hundred of a usual class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

ALL_PAIRS: Final = 256  # vectors of which every two are looked at
BITS, BANDS = 14, 96
_CHUNK: Final = 2_000_000


def sharing(holders: Sequence[Sequence[int]], count: int, least: int = 1) -> dict[tuple[int, int], int]:
    """How many marks two owners share, `least` or more. `holders` lists for each mark its owners, of `count`, sorted.

    >>> sharing([[0, 1], [0, 1, 2], [2]], 3)
    {(0, 1): 2, (0, 2): 1, (1, 2): 1}
    """
    import numpy as np

    by_size: dict[int, list[Sequence[int]]] = {}
    for owners in holders:
        if len(owners) > 1:
            by_size.setdefault(len(owners), []).append(owners)
    keys, often = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for size, rows in sorted(by_size.items()):
        left, right = np.triu_indices(size, 1)
        step = max(1, _CHUNK // len(left))
        for start in range(0, len(rows), step):
            block = np.asarray(rows[start : start + step], dtype=np.int64)
            pairs, times = np.unique(block[:, left] * count + block[:, right], return_counts=True)
            keys, where = np.unique(np.concatenate([keys, pairs]), return_inverse=True)
            often = np.bincount(where, weights=np.concatenate([often, times]), minlength=len(keys)).astype(np.int64)
    kept = often >= least
    return {(key // count, key % count): n for key, n in zip(keys[kept].tolist(), often[kept].tolist(), strict=True)}


def near_pairs(vectors: np.ndarray[Any, Any], most: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Pairs of rows that may be near each other, and which rows have too many neighbours to look at.

    Shapes: vectors (N, D); pairs (P, 2), the lower number first; crowded (N,) bool
    Basis:  rows about their median are cut by 96 choices of 14 signs (locality-sensitive hashing by random hyperplanes,
            Charikar 2002). Of 2,000 planted pairs of 64 numbers all were found at a correlation of 0.98, 99.7% at 0.95
            and 97% at 0.9; of 32 numbers 99.7%, 97% and 88%. Of strangers' pairs 0.6% are looked at.
    """
    import numpy as np

    count = len(vectors)
    crowded = np.zeros(count, dtype=bool)
    if count <= ALL_PAIRS:
        return np.argwhere(np.triu(np.ones((count, count), dtype=bool), 1)), crowded
    signs = vectors > np.median(vectors, axis=0)
    found = []
    in_crowds = np.zeros(count, dtype=np.int64)
    for band in range(BANDS):
        seed = int.from_bytes(hashlib.sha256(f"band {band}".encode()).digest()[:4], "big")
        chosen = np.random.RandomState(seed).permutation(vectors.shape[1])[:BITS]
        keys = signs[:, chosen] @ (1 << np.arange(len(chosen)))
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.append(True, np.diff(keys[order]) != 0))
        sizes = np.diff(np.append(starts, count))
        for size in np.unique(sizes[sizes > 1]).tolist():
            members = order[starts[sizes == size][:, None] + np.arange(size)]  # each row in the order of its numbers
            if size > most:
                in_crowds[members] += 1
            else:
                left, right = np.triu_indices(size, 1)
                found.append((members[:, left] * count + members[:, right]).ravel())
    crowded = in_crowds > BANDS // 2
    flat = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return np.stack([flat // count, flat % count], axis=1), crowded
