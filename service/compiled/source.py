"""From a declared route to the text of the function that answers it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl

from fastapi import params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute, RouteContext, serialize_response
from fastapi.security import SecurityScopes
from fastapi.utils import is_body_allowed_for_status_code
from pydantic_core import PydanticUndefined, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request, cookie_parser
from starlette.responses import Response
from starlette.routing import BaseRoute

from service.compiled import private
from service.compiled.additions import Additions
from service.compiled.bodies import replay, rest_of_body
from service.compiled.private import Dependant, ModelField

JSON_TYPES = frozenset(
    (b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8")
)
"""What clients send; every other spelling is for FastAPI to read."""

_CONVERTORS = frozenset(
    ("StringConvertor", "PathConvertor", "IntegerConvertor", "FloatConvertor", "UUIDConvertor")
)
_ATOMS = (type(None), bool, int, float, str, bytes, Enum)


class NotCompiled(Exception):
    """Says why FastAPI answers the route."""


@dataclass
class Source:
    text: str
    names: dict[str, Any]
    """What the text refers to, beside `route`, `router`, `hand_on` and `carry`, for which see
    routes.py."""


def source(context: RouteContext) -> Source:
    """Of `async def answer(scope, receive, send, path_params)`. Raises: NotCompiled."""
    return _Writer(context).written()


class _Writer:
    """Three parts, in their order: nothing of the user's runs in the first, which hands on to
    FastAPI whatever is not plain; the second calls the user's functions, each as often as FastAPI
    would; the third makes the answer."""

    def __init__(self, context: RouteContext) -> None:
        self._route = context
        self._names: dict[str, Any] = {}
        self._checks: list[str] = []
        self._calls: list[str] = []
        self._headers: dict[bytes, str] = {}
        self._solved: dict[Any, str] = {}
        self._uses = {"request": False, "query": False, "cookies": False, "response": False}
        self._additions = _additions_of(type(context.original_route))
        self._has_body = context.body_field is not None
        _refuse_the_unusual(context)

    def written(self) -> Source:
        dependant: Dependant = self._route.dependant
        endpoint = self._solve(dependant)
        lines = ["async def answer(scope, receive, send, path_params):"]
        lines += _indented(self._reading_of_body() + self._reading_of_head(), 1)
        lines += _indented(["route.answered += 1", *self._scope()], 1)
        if self._uses["request"]:
            lines += _indented([f"request = {self._request()}"], 1)
        if self._uses["response"]:
            lines += _indented(
                [
                    f"response = {self._name('Response', Response)}()",
                    'del response.headers["content-length"]',
                    "response.status_code = None",
                ],
                1,
            )
        seen = self._seen_by_handlers()
        lines += _indented(["sending = False", "try:"], 1)
        lines += _indented([*self._calls, *self._endpoint(dependant, endpoint)], 2)
        lines += _indented(
            [
                "except Exception as error:",
                f"    await carry(scope, receive, send, {seen}, [error], sending)",
                "else:",
                f"    await carry(scope, receive, send, {seen}, [outcome], False)",
            ],
            1,
        )
        return Source("\n".join(lines) + "\n", self._names)

    # The first part.

    def _reading_of_body(self) -> list[str]:
        if not self._has_body:
            return []
        self._names |= {
            "replay": replay,
            "rest_of_body": rest_of_body,
            "JSON_TYPES": JSON_TYPES,
            "parse": self._additions.parse,
        }
        media_type = self._header(b"content-type")
        lines = self._reading_of_headers()
        return [
            *lines,
            f"if {media_type} not in JSON_TYPES:",
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
        lines = [] if self._has_body else self._reading_of_headers()
        again = "receive"
        checks = []
        if self._has_body:
            again = "again or replay((message,), None, receive)"
            checks += ["document = parse(body)"]
        if self._uses["query"]:
            self._names["parse_qsl"] = parse_qsl
            lines += ["query_list, query = (), {}"]
            checks += [
                'if scope["query_string"]:',
                '    query_list = parse_qsl(scope["query_string"].decode("latin-1"), True)',
                "    query = dict(query_list)",
            ]
        if self._uses["cookies"]:
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
            *_indented([*checks, "is_plain = True"], 1),
            "except Exception:",
            "    pass",
            "if not is_plain:",
            f"    return await hand_on(scope, {again}, send)",
        ]

    def _solve(self, dependant: Dependant) -> dict[str, str]:
        """By parameter, the expression of its value; as FastAPI's solve_dependencies does it."""
        if dependant.background_tasks_param_name:
            raise NotCompiled("background tasks")
        if dependant.websocket_param_name:
            raise NotCompiled("a parameter for WebSockets")
        values: dict[str, str] = {}
        for sub in dependant.dependencies:
            if private.is_generator(sub):
                raise NotCompiled(f"a dependency with yield: {_called(sub)}")
            if sub.concurrency is not None:
                raise NotCompiled(f"a dependency with a limit of concurrency: {_called(sub)}")
            arguments = self._solve(sub)
            key = private.cache_key(sub)
            known = self._solved.get(key) if sub.use_cache else None
            if known is None:
                known = f"value_{len(self._names)}"
                self._calls.append(f"{known} = {self._call(known, sub, arguments)}")
            self._solved.setdefault(key, known)
            if sub.name is not None:
                values[sub.name] = known
        for field in dependant.path_params:
            values[field.name] = self._scalar(field, lambda alias: f"path_params.get({alias!r})")
        for field in dependant.query_params:
            values[field.name] = self._query(field)
        for field in dependant.header_params:
            values[field.name] = self._header_field(field)
        for field in dependant.cookie_params:
            self._uses["cookies"] = True
            values[field.name] = self._scalar(field, lambda alias: f"cookies.get({alias!r})")
        for field in dependant.body_params:
            values[field.name] = self._body(field, len(dependant.body_params) == 1)
        for name in (dependant.http_connection_param_name, dependant.request_param_name):
            if name:
                self._uses["request"] = True
                values[name] = "request"
        if dependant.response_param_name:
            self._uses["response"] = True
            values[dependant.response_param_name] = "response"
        if dependant.security_scopes_param_name:
            self._names["SecurityScopes"] = SecurityScopes
            scopes = private.oauth_scopes(dependant)
            values[dependant.security_scopes_param_name] = f"SecurityScopes(scopes={scopes!r})"
        return values

    def _call(self, name: str, dependant: Dependant, arguments: dict[str, str]) -> str:
        call = self._name(f"call_{name}", dependant.call)
        given = "".join(f", {parameter}={value}" for parameter, value in arguments.items())
        if private.is_coroutine_callable(dependant.call):
            return f"await {call}({given[2:]})"
        return f"await {self._name('run_in_threadpool', run_in_threadpool)}({call}{given})"

    def _name(self, name: str, value: Any) -> str:
        self._names[name] = value
        return name

    def _header(self, name: bytes) -> str:
        return self._headers.setdefault(name, f"header_{len(self._headers)}")

    def _header_field(self, field: ModelField) -> str:
        def read(alias: str) -> str:
            header = self._header(alias.lower().encode("latin-1"))
            return f'{header} if {header} is None else {header}.decode("latin-1")'

        def read_all(alias: str) -> str:
            name = alias.lower().encode("latin-1")
            wanted = f'for name, value in scope["headers"] if name == {name!r}'
            return f'[value.decode("latin-1") {wanted}] or None'

        return self._scalar(
            field, read_all if private.is_list(field) else read, private.is_list(field)
        )

    def _query(self, field: ModelField) -> str:
        self._uses["query"] = True
        if not private.is_list(field):
            return self._scalar(field, lambda alias: f"query.get({alias!r})")
        return self._scalar(
            field,
            lambda alias: f"[value for name, value in query_list if name == {alias!r}] or None",
            may_be_list=True,
        )

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

    def _body(self, field: ModelField, is_alone: bool) -> str:
        if isinstance(field.field_info, params.Form):
            raise NotCompiled("a form")
        if is_alone and not self._route._embed_body_fields and not _is_embedded(field):
            self._checks.append("raw = document")
            return self._validated(field, None)
        alias = private.only_alias(field)
        if alias is None:
            raise NotCompiled(f"a part of the body with several aliases: {field.name}")
        self._names["Undefined"] = PydanticUndefined
        self._checks.append(f"raw = document.get({alias!r}, Undefined)")
        return self._validated(field, "raw is Undefined")

    def _validated(self, field: ModelField, is_missing: str | None) -> str:
        variable = f"value_{len(self._names)}"
        validate = self._name(f"validate_{variable}", field._type_adapter.validator.validate_python)
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
        default = self._name(name, field.default)
        if not isinstance(field.default, _ATOMS):
            self._names["deepcopy"] = deepcopy
            default = f"deepcopy({default})"
        if field.field_info.validate_default:
            validate = self._name(f"of_{name}", field._type_adapter.validator.validate_python)
            return f"{validate}({default}, from_attributes=True)"
        return default

    # The second part.

    def _scope(self) -> list[str]:
        """What Starlette's router notes, for endpoints and for middleware outside."""
        self._names["declared"] = self._route.original_route
        self._names["endpoint"] = self._route.endpoint
        lines = [
            'scope["endpoint"] = endpoint',
            'scope["path_params"] = path_params',
            'scope["route"] = declared',
            'if "router" not in scope:',
            '    scope["router"] = router',
        ]
        included = private.scope_of_included(self._route)
        if included:
            self._names["included"] = included
            lines += ['scope.setdefault("fastapi", {}).update(included)']
        return lines

    def _request(self) -> str:
        made = f"{self._name('Request', Request)}(scope, receive, send)"
        if self._additions.request is not None:
            made = f"{self._name('make_request', self._additions.request)}(scope, receive)"
        if not self._has_body:
            return made
        return f"{self._name('with_body', private.with_body)}({made}, body, document)"

    def _seen_by_handlers(self) -> str:
        """The request, unless a class made it: its own handlers never see that one."""
        if self._additions.request is not None:
            return "None"
        return "request" if self._uses["request"] else self._request() if self._has_body else "None"

    # The third part.

    def _endpoint(self, dependant: Dependant, arguments: dict[str, str]) -> list[str]:
        is_coroutine = private.is_coroutine_callable(dependant.call)
        plain_call = self._name("plain_call", Response.__call__)
        self._names["Response"] = Response
        lines = [
            f"raw = {self._call('endpoint', dependant, arguments)}",
            "if isinstance(raw, Response):",
            *_indented([*self._appended_to("raw"), "outcome = raw"], 1),
            "else:",
        ]
        lines += _indented(self._serialized(is_coroutine), 1)
        return [
            *lines,
            f"if type(outcome).__call__ is {plain_call} and outcome.background is None:",
            "    sending = True",
            '    await send({"type": "http.response.start", "status": outcome.status_code, '
            '"headers": outcome.raw_headers})',
            '    await send({"type": "http.response.body", "body": outcome.body})',
            "    return",
        ]

    def _appended_to(self, response: str) -> list[str]:
        if not self._additions.headers:
            return []
        added = self._name("added_headers", list(self._additions.headers))
        return [f"{response}.raw_headers.extend({added})"]

    def _serialized(self, is_coroutine: bool) -> list[str]:
        """What the endpoint returned is sent, or becomes a response called outcome."""
        route = self._route
        is_plain = route.response_field is not None and isinstance(
            route.response_class, DefaultPlaceholder
        )
        dumping = {
            "include": route.response_model_include,
            "exclude": route.response_model_exclude,
            "by_alias": route.response_model_by_alias,
            "exclude_unset": route.response_model_exclude_unset,
            "exclude_defaults": route.response_model_exclude_defaults,
            "exclude_none": route.response_model_exclude_none,
        }
        self._names |= {
            "serialize_response": serialize_response,
            "endpoint_context": private.endpoint_context,
            "path_format": route.dependant.path,
            "endpoint_call": route.dependant.call,
            "response_field": route.response_field,
            "dumping": dumping,
        }
        by_fastapi = (
            "content = await serialize_response(field=response_field, response_content=raw, "
            f"is_coroutine={is_coroutine}, dump_json={is_plain}, "
            "endpoint_ctx=endpoint_context(endpoint_call, path_format, scope), **dumping)"
        )
        if not is_plain:
            return [by_fastapi, *self._response(is_plain)]
        adapter = route.response_field._type_adapter
        self._names |= {
            "ValidationError": ValidationError,
            "validate_answer": adapter.validator.validate_python,
            "to_json": adapter.serializer.to_json,
        }
        # What is not said is as the serializer has it by itself.
        said = f", by_alias={route.response_model_by_alias}"
        for name, value in dumping.items():
            if name != "by_alias" and value is not None and value is not False:
                said += f", {name}={self._name(f'dump_{name}', value)}"
        validated = "validate_answer(raw, from_attributes=True)"
        if not is_coroutine:
            self._names["run_in_threadpool"] = run_in_threadpool
            validated = "await run_in_threadpool(validate_answer, raw, from_attributes=True)"
        lines = [
            "try:",
            f"    valid = {validated}",
            "except ValidationError:",
            f"    {by_fastapi}  # raises it in its own words",
            "else:",
            f"    content = to_json(valid{said})",
        ]
        if self._uses["response"]:
            return [*lines, *self._response(is_plain)]
        headers = [(b"content-type", b"application/json"), *self._additions.headers]
        status = route.status_code or 200
        shown = "".join(f", {pair!r}" for pair in headers)
        return [
            *lines,
            "sending = True",
            f'await send({{"type": "http.response.start", "status": {status}, '
            f'"headers": [(b"content-length", b"%d" % len(content)){shown}]}})',
            'await send({"type": "http.response.body", "body": content})',
            "return",
        ]

    def _response(self, is_plain: bool) -> list[str]:
        """As FastAPI builds it, where more than the usual can come out."""
        route = self._route
        response_class = route.response_class
        if isinstance(response_class, DefaultPlaceholder):
            response_class = response_class.value
        arguments: Sequence[str] = ["background=None"]
        lines = [f"status = {route.status_code or None!r}"]
        if self._uses["response"]:
            lines += ["status = response.status_code or status"]
        lines += ['stated = {} if status is None else {"status_code": status}']
        made = self._name("response_class", Response if is_plain else response_class)
        if is_plain:
            arguments = [*arguments, 'media_type="application/json"']
        self._names["is_body_allowed"] = is_body_allowed_for_status_code
        lines += [
            f"outcome = {made}(content, {', '.join(arguments)}, **stated)",
            "if not is_body_allowed(outcome.status_code):",
            '    outcome.body = b""',
        ]
        if self._uses["response"]:
            lines += ["outcome.headers.raw.extend(response.headers.raw)"]
        return [*lines, *self._appended_to("outcome")]


def _refuse_the_unusual(context: RouteContext) -> None:
    dependant = context.dependant
    body_field = context.body_field
    if private.is_generator(dependant):
        raise NotCompiled("the endpoint streams")
    if context.max_body_size is not None:
        raise NotCompiled("a limit of its own for the body")
    if not private.is_fastapis_own(context.app):
        raise NotCompiled("its ASGI application was replaced, or wrapped")
    if body_field is not None and isinstance(body_field.field_info, params.Form):
        raise NotCompiled("a form")
    for name, convertor in context.param_convertors.items():
        if type(convertor).__name__ not in _CONVERTORS:
            raise NotCompiled(f"a path convertor that is not Starlette's: {name}")


def _additions_of(kind: type[BaseRoute]) -> Additions:
    """Raises: NotCompiled where the class does something that it does not state."""
    for name in ("handle", "matches"):
        if getattr(kind, name) is not getattr(APIRoute, name):
            raise NotCompiled(f"a route class with a {name} of its own: {kind.__name__}")
    overriding = next(base for base in kind.__mro__ if "get_route_handler" in vars(base))
    if overriding is APIRoute:
        return Additions()
    stated = vars(overriding).get("compiled")
    if not isinstance(stated, Additions):
        raise NotCompiled(f"a route class that says nothing of itself: {overriding.__name__}")
    return stated


def _is_embedded(field: ModelField) -> bool:
    return bool(getattr(field.field_info, "embed", None))


def _called(dependant: Dependant) -> str:
    return getattr(dependant.call, "__name__", type(dependant.call).__name__)


def _indented(lines: Sequence[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]
