"""The exact upper bound that lets `screen` discard most names unseen."""

from __future__ import annotations

from math import ceil

from service.screening.contract.kernels import BONUS_THRESHOLD, PREFIX_WEIGHT

SLACK = 1e-9  # far above float64's rounding here, far below one common character


def fewest_common(cutoff: float, query_length: int, name_length: int, prefix: int) -> int:
    """The fewest common characters with which a name can still reach the cutoff.

    Jaro is at most (c/|a| + c/|b| + 1)/3 for c common characters; the bonus of a common
    prefix then adds prefix * 0.1 of what is missing to 1, above Jaro 0.7 only.
    Solved for c, less a slack, so that rounding never discards a hit.

    query_length, name_length: 1 at least. prefix: 0 to 4.
    Returns: 0 for cutoff 0, else 1 at least (without a common character the score is 0).
    """
    if cutoff <= 0:
        return 0
    bonus = PREFIX_WEIGHT * prefix
    jaro = cutoff
    if cutoff > BONUS_THRESHOLD:
        jaro = max(BONUS_THRESHOLD, (cutoff - bonus) / (1 - bonus))
    common = (3 * jaro - 1) / (1 / query_length + 1 / name_length)
    return max(1, ceil(common - SLACK))
