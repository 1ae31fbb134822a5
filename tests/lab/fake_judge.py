"""What the fake servers must answer."""

from __future__ import annotations

import time
from typing import Any


def hits(expected: Any, document: Any) -> str | None:
    """expected: for each name its (row, score)."""
    for result, due in zip(document["results"], expected, strict=True):
        if (got := [[hit["row"], hit["score"]] for hit in result["hits"]]) != due:
            return f"hits of {result['name']!r}: expected (row, score) {due}, got {got}"
    return None


def laborious(seconds: Any, _: Any) -> str | None:
    """Content with the answer, after so much work."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return None
