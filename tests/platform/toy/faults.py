"""What a kernel of the toy does before it computes, if its input asks for it."""

from __future__ import annotations

import os
import time
from typing import Literal

from tests.platform.toy.gate import Gate

Fault = Literal["none", "raises", "panics", "dies"]


class Panic(BaseException):
    """Passes every `except Exception`, as a panic of compiled code may."""


def befall(fault: Fault, wait_s: float, gate: str) -> None:
    """wait_s: how long the call takes, at least; gate: where it waits, see Gate. Other threads
    may run meanwhile."""
    time.sleep(wait_s)
    Gate(gate).pass_through()
    if fault == "raises":
        raise ZeroDivisionError("a secret")
    if fault == "panics":
        raise Panic("a secret")
    if fault == "dies":
        os._exit(1)
