"""The third part of a compiled route: from what the endpoint returned to what is sent."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import RouteContext, serialize_response
from fastapi.utils import is_body_allowed_for_status_code
from pydantic_core import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from . import private
from .text import Names, indented


class Answering:
    """Begins with `raw`, what the endpoint returned. It ends by returning, after all was sent, or
    with `outcome`, a response that is for FastAPI's machinery to send.

    headers: that are appended to every response.
    sets_response: whether something of the user's got `response`, to set status and headers.
    """

    def __init__(
        self,
        names: Names,
        route: RouteContext,
        headers: Sequence[tuple[bytes, bytes]],
        sets_response: bool,
    ) -> None:
        self._names, self._route = names, route
        self._headers, self._sets_response = list(headers), sets_response

    def lines(self) -> list[str]:
        plain_call = self._names.add("plain_call", Response.__call__)
        self._names["Response"] = Response
        return [
            "if isinstance(raw, Response):",
            *indented([*self._appended_to("raw"), "outcome = raw"]),
            "else:",
            *indented(self._serialized(private.is_coroutine_callable(self._route.dependant.call))),
            f"if type(outcome).__call__ is {plain_call} and outcome.background is None:",
            "    sending = True",
            '    await send({"type": "http.response.start", "status": outcome.status_code, '
            '"headers": outcome.raw_headers})',
            '    await send({"type": "http.response.body", "body": outcome.body})',
            "    return",
        ]

    def _appended_to(self, response: str) -> list[str]:
        if not self._headers:
            return []
        added = self._names.add("added_headers", list(self._headers))
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
                said += f", {name}={self._names.add(f'dump_{name}', value)}"
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
        if self._sets_response:
            return [*lines, *self._response(is_plain)]
        headers = [(b"content-type", b"application/json"), *self._headers]
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
        if self._sets_response:
            lines += ["status = response.status_code or status"]
        lines += ['stated = {} if status is None else {"status_code": status}']
        made = self._names.add("response_class", Response if is_plain else response_class)
        if is_plain:
            arguments = [*arguments, 'media_type="application/json"']
        self._names["is_body_allowed"] = is_body_allowed_for_status_code
        lines += [
            f"outcome = {made}(content, {', '.join(arguments)}, **stated)",
            "if not is_body_allowed(outcome.status_code):",
            '    outcome.body = b""',
        ]
        if self._sets_response:
            lines += ["outcome.headers.raw.extend(response.headers.raw)"]
        return [*lines, *self._appended_to("outcome")]
