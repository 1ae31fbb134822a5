"""Other services, asked at once: bounded, with one deadline, and never believed."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Literal, Self

import httpx2

from service.engines import deadline
from service.settings import Settings

Reason = Literal["timeout", "unreachable", "status", "too_large", "invalid"]


class UpstreamError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@lru_cache(maxsize=1024)  # a quarter of what asking costs
def _get(url: httpx2.URL, query: tuple[tuple[str, str], ...]) -> httpx2.Request:
    return httpx2.Request(
        "GET",
        url.copy_merge_params(dict(query)),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


class Upstreams:
    """The configured upstreams. Asks no other host, follows no redirect, keeps no cookie."""

    def __init__(self, settings: Settings) -> None:
        self.urls = {name: httpx2.URL(str(url)) for name, url in settings.upstreams.items()}
        self._may_ask = settings.may_ask
        self._timeout_s = settings.upstream_timeout_s
        self._max_bytes = settings.upstream_max_bytes
        self._places = asyncio.Semaphore(settings.upstream_connections)
        # The transport without the client around it, which would add what is not wanted here:
        # redirects, cookies, credentials and proxies from the environment. One for each
        # upstream, because looking for a free connection among those of all others costs time.
        tls = httpx2.create_ssl_context()
        self._transports = {
            name: httpx2.AsyncHTTPTransport(tls, limits=httpx2.Limits()) for name in self.urls
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(transport.aclose() for transport in self._transports.values()))

    async def ask_all(self, query: dict[str, str]) -> dict[str, bytes | UpstreamError]:
        """GET on each; by name the JSON text that came, or why there is none."""
        timeout_s = min(self._timeout_s, deadline.remaining_s())
        answers: dict[str, bytes | UpstreamError] = {}

        async def ask(name: str, url: httpx2.URL) -> None:
            try:
                async with self._places:
                    answers[name] = await self._ask(name, _get(url, tuple(query.items())))
            except UpstreamError as error:
                answers[name] = error
            except (httpx2.TransportError, OSError):
                answers[name] = UpstreamError("unreachable")

        tasks = [asyncio.create_task(ask(name, url)) for name, url in self.urls.items()]
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*tasks)
        except TimeoutError:
            pass
        return {name: answers.get(name, UpstreamError("timeout")) for name in self.urls}

    async def _ask(self, name: str, request: httpx2.Request) -> bytes:
        url = request.url
        if not self._may_ask(url.host, url.port or (443 if url.scheme == "https" else 80)):
            raise UpstreamError("unreachable")
        response = await self._transports[name].handle_async_request(request)
        try:
            if response.status_code != 200:
                raise UpstreamError("status")
            media_type = response.headers.get("content-type", "").partition(";")[0].strip()
            if media_type.lower() != "application/json" or "content-encoding" in response.headers:
                raise UpstreamError("invalid")
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_bytes:
                    raise UpstreamError("too_large")
            return body
        finally:
            await response.aclose()
