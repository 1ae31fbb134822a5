"""What the kernels' messages have in common."""

from __future__ import annotations

SERVICE = "/hotpath.v1.Kernels/"
