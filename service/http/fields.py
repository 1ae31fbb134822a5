"""Checks of single values, with errors that `problems` words."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

_BEYOND = 10**18
_is_integer = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII).fullmatch
_is_uuid = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch


def _integer(text: Any) -> Any:
    if not isinstance(text, str):
        return text  # a default
    if not _is_integer(text):
        raise PydanticKnownError("int_parsing")
    # What has more digits becomes the nearest that is out of every range: Python would refuse to
    # read some thousand of them, with another error.
    return int(text) if len(text) <= 18 else -_BEYOND if text[0] == "-" else _BEYOND


def _uuid(text: Any) -> Any:
    if isinstance(text, str) and not _is_uuid(text):
        raise PydanticKnownError("uuid_parsing", {"error": "another form"})
    return text


Integer = Annotated[int, BeforeValidator(_integer)]
"""An integer of a path or a query, written as in JSON: no sign but minus, no blank, no underscore,
no leading zero, ASCII digits. Pydantic's own is more lenient."""

Uuid = Annotated[UUID, BeforeValidator(_uuid)]
"""A UUID of a path or a query, in the form of RFC 9562, in either case."""

Identifier = Annotated[Uuid, Path(alias="id")]
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
