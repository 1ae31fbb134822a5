"""What the modules of a package offer: a file for each, and no list of them beside it."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

Kind = TypeVar("Kind")


def found_in(package: str, kind: type[Kind]) -> tuple[Kind, ...]:
    """The values of a type in the package's modules, by the modules' names."""
    path = import_module(package).__path__
    modules = [import_module(f"{package}.{module.name}") for module in iter_modules(path)]
    found = [value for module in modules for value in vars(module).values()]
    return tuple({id(value): value for value in found if isinstance(value, kind)}.values())
