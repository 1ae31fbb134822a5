"""Checks of single values, with errors that `problems` words."""

from __future__ import annotations

from typing import Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError


def between(low: float, high: float) -> tuple[AfterValidator, Any]:
    """A range check whose error gives both ends. NaN is outside of every range."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise PydanticCustomError(
                "out_of_range", "out of range", {"expected": f"{low} to {high}"}
            )
        return value

    return AfterValidator(check), Field(json_schema_extra={"minimum": low, "maximum": high})
