"""The first part of a compiled route: what a request must be like, and the values in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from fastapi import params
from pydantic_core import PydanticUndefined
from starlette.requests import cookie_parser

from . import private
from .bodies import replay, rest_of_body
from .private import ModelField
from .text import Names, NotCompiled, indented

JSON_TYPES = frozenset(
    (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
)
"""What clients send; every other spelling is for FastAPI to read."""

_ATOMS = (type(None), bool, int, float, str, bytes)


class Checks:
    """Reads and validates the fields of a route as FastAPI does. What a field's method returns is
    the variable that has its value. Nothing of the user's but validators runs here, and whatever
    fails is handed on to FastAPI.

    parse: of a route that takes a body.
    """

    def __init__(self, names: Names, parse: Callable[[bytes], Any] | None, embeds: bool) -> None:
        self._names = names
        self._parse, self._embeds = parse, embeds
        self._headers: dict[bytes, str] = {}
        self._has_query = self._has_cookies = False
        self._checks: list[str] = []

    def path(self, field: ModelField) -> str:
        return self._scalar(field, lambda alias: f"path_params.get({alias!r})")

    def header(self, field: ModelField) -> str:
        def read(alias: str) -> str:
            header = self._header(alias.lower().encode("latin-1"))
            return f'{header} if {header} is None else {header}.decode("latin-1")'

        def read_all(alias: str) -> str:
            name = alias.lower().encode("latin-1")
            wanted = f'for name, value in scope["headers"] if name == {name!r}'
            return f'[value.decode("latin-1") {wanted}] or None'

        if private.is_list(field):
            return self._scalar(field, read_all, may_be_list=True)
        return self._scalar(field, read)

    def query(self, field: ModelField) -> str:
        self._has_query = True
        if not private.is_list(field):
            return self._scalar(field, lambda alias: f"query.get({alias!r})")
        return self._scalar(
            field,
            lambda alias: f"[value for name, value in query_list if name == {alias!r}] or None",
            may_be_list=True,
        )

    def cookie(self, field: ModelField) -> str:
        self._has_cookies = True
        return self._scalar(field, lambda alias: f"cookies.get({alias!r})")

    def body(self, field: ModelField, is_alone: bool) -> str:
        if isinstance(field.field_info, params.Form):
            raise NotCompiled("a form")
        if is_alone and not self._embeds and not _is_embedded(field):
            self._checks.append("raw = document")
            return self._validated(field, None)
        alias = private.only_alias(field)
        if alias is None:
            raise NotCompiled(f"a part of the body with several aliases: {field.name}")
        self._names["Undefined"] = PydanticUndefined
        self._checks.append(f"raw = document.get({alias!r}, Undefined)")
        return self._validated(field, "raw is Undefined")

    def lines(self, with_body: Sequence[str] = ()) -> list[str]:
        """with_body: what is done with a body before anything is made of it."""
        return [*self._reading_of_body(), *with_body, *self._reading_of_head()]

    def _reading_of_body(self) -> list[str]:
        if self._parse is None:
            return []
        self._names |= {
            "replay": replay,
            "rest_of_body": rest_of_body,
            "JSON_TYPES": JSON_TYPES,
            "parse": self._parse,
        }
        media_type, encoding = self._header(b"content-type"), self._header(b"content-encoding")
        lines = self._reading_of_headers()
        return [
            *lines,
            f"if {media_type} not in JSON_TYPES or {encoding} is not None:",
            "    return await hand_on(scope, receive, send)",
            "again = None",
            "try:",
            "    message = await receive()",
            "except Exception as error:",
            "    again = replay((), error, receive)",
            "if again is not None:",
            "    return await hand_on(scope, again, send)",
            'if message["type"] == "http.request" and not message.get("more_body", False):',
            '    body = message.get("body", b"")',
            "else:",
            "    body, again = await rest_of_body(message, receive)",
            "    if body is None:",
            "        return await hand_on(scope, again, send)",
        ]

    def _reading_of_headers(self) -> list[str]:
        if not self._headers:
            return []
        lines = [f"{' = '.join(self._headers.values())} = None"]
        lines += ['for name, value in scope["headers"]:']
        for position, (name, variable) in enumerate(self._headers.items()):
            # The first one counts, as in Starlette's Headers.
            lines += [f"    {'elif' if position else 'if'} name == {name!r}:"]
            lines += [f"        if {variable} is None:", f"            {variable} = value"]
        return lines

    def _reading_of_head(self) -> list[str]:
        """And of the body's content: whatever may fail because of the request."""
        lines = self._reading_of_headers() if self._parse is None else []
        again = "receive"
        checks = []
        if self._parse is not None:
            again = "again or replay((message,), None, receive)"
            checks += ["document = parse(body)"]
        if self._has_query:
            self._names["parse_qsl"] = parse_qsl
            lines += ["query_list, query = (), {}"]
            checks += [
                'if scope["query_string"]:',
                '    query_list = parse_qsl(scope["query_string"].decode("latin-1"), True)',
                "    query = dict(query_list)",
            ]
        if self._has_cookies:
            self._names["cookie_parser"] = cookie_parser
            lines += ["cookies = {}"]
            checks += [
                'for name, value in scope["headers"]:',
                '    if name == b"cookie":',
                '        cookies.update(cookie_parser(value.decode("latin-1")))',
            ]
        checks += self._checks
        if not checks:
            return lines
        # Handed on after the exception is done with, or it would be the context of others.
        return [
            *lines,
            "is_plain = False",
            "try:",
            *indented([*checks, "is_plain = True"], 1),
            "except Exception:",
            "    pass",
            "if not is_plain:",
            f"    return await hand_on(scope, {again}, send)",
        ]

    def _header(self, name: bytes) -> str:
        return self._headers.setdefault(name, f"header_{len(self._headers)}")

    def _scalar(
        self, field: ModelField, read: Callable[[str], str], may_be_list: bool = False
    ) -> str:
        """read: of the alias, an expression that is None where the request has none."""
        if private.is_model_of_parameters(field):
            raise NotCompiled(f"a model of parameters: {field.name}")
        if private.is_json_field(field) or (private.is_list(field) and not may_be_list):
            raise NotCompiled(f"a parameter that is neither text nor a list of it: {field.name}")
        alias = private.only_alias(field)
        if alias is None:
            raise NotCompiled(f"a parameter with several aliases: {field.name}")
        self._checks.append(f"raw = {read(alias)}")
        return self._validated(field, "raw is None")

    def _validated(self, field: ModelField, is_missing: str | None) -> str:
        variable = self._names.variable()
        validate = self._names.add(
            f"validate_{variable}", field._type_adapter.validator.validate_python
        )
        valid = f"{variable} = {validate}(raw, from_attributes=True)"
        if is_missing is None:
            self._checks.append(valid)
        elif field.field_info.is_required():
            self._checks += [
                f"if {is_missing}:",
                f"    raise ValueError({field.name!r})",
                valid,
            ]
        else:
            if field.field_info.default_factory is not None:
                raise NotCompiled(f"a parameter with a factory of defaults: {field.name}")
            default = self._default(f"default_{variable}", field)
            self._checks += [
                f"if {is_missing}:",
                f"    {variable} = {default}",
                "else:",
                f"    {valid}",
            ]
        return variable

    def _default(self, name: str, field: ModelField) -> str:
        default = self._names.add(name, field.default)
        if type(field.default) not in _ATOMS and not isinstance(field.default, Enum):
            self._names["deepcopy"] = deepcopy
            default = f"deepcopy({default})"
        if field.field_info.validate_default:
            validate = self._names.add(f"of_{name}", field._type_adapter.validator.validate_python)
            return f"{validate}({default}, from_attributes=True)"
        return default


def _is_embedded(field: ModelField) -> bool:
    return bool(getattr(field.field_info, "embed", None))
