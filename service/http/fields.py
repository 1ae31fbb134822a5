"""Checks of single values, with errors that `problems` words."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

Identifier = Annotated[UUID, Path(alias="id")]
"""The `{id}` of a path."""


def between(low: float, high: float) -> tuple[AfterValidator, Any]:
    """A range check whose error gives both ends. NaN is outside of every range."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise PydanticCustomError(
                "out_of_range", "out of range", {"expected": f"{low} to {high}"}
            )
        return value

    return AfterValidator(check), Field(json_schema_extra={"minimum": low, "maximum": high})
