"""Whether an answer is right: checked before load and for every request under load.

A check is a JSON object beside its request:
    kind: the import string of a judge, or "bytes" for content that must be exactly the text
        `expected`.
    status: that the answer must have.
    engine: whether the server's engine answers, and must be named in the headers.
    expected: what the judge takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pkgutil import resolve_name
from typing import Any

from loadtests.lab.scenario import Judge

Check = Mapping[str, Any]


def fault(
    check: Check,
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    expected_headers: Mapping[str, str],
) -> str | None:
    """What is wrong with the answer, or None.

    headers: any mapping that ignores case. Numbers must be equal exactly: JSON carries a float64
    to the last bit.
    """
    if status != check["status"]:
        shown = content[:300].decode(errors="replace")
        return f"status: expected {check['status']}, got {status}: {shown}"
    if check["engine"]:
        for name, value in expected_headers.items():
            if headers.get(name) != value:
                return f"{name}: expected {value}, got {headers.get(name)}"
    expected = check["expected"]
    if check["kind"] == "bytes":
        right = content == expected.encode()
        return None if right else f"body: expected {expected!r}, got {content[:300]!r}"
    judged = judge(check["kind"])
    try:
        return judged(expected, json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        return f"body: expected an answer of this route, got {content[:300]!r} ({error!r})"


@cache
def judge(kind: str) -> Judge:
    found: Judge = resolve_name(kind)
    return found
