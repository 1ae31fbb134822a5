"""What a domain lets its users choose about a measurement, on the command line as well.

Imports nothing but the standard library, so that a domain can name this wherever it runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, get_type_hints


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about the work: a domain derives from it, and each field with its
    default becomes an option of the command."""

    def facts(self) -> Mapping[str, Any]:
        """What a stored run says of them. Raises: ServiceError where they are wrong."""
        return {}

    @staticmethod
    def said(facts: Mapping[str, Any]) -> str:
        """Those facts in words, for the page."""
        return ", ".join(f"{name} {value}" for name, value in facts.items())


def with_fields_of(options: type[Options]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """On the command line the command's parameter `options` is one option for each field."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            command(
                options=options(**{f.name: given.pop(f.name) for f in fields(options)}), **given
            )

        hints = get_type_hints(options, include_extras=True)
        own = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default,
                              annotation=hints[f.name])
            for f in fields(options)
        ]  # fmt: skip
        given = inspect.signature(command, eval_str=True).parameters.values()
        parameters = [*(p for p in given if p.name != "options"), *own]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate
