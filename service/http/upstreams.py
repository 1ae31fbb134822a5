"""Other services, asked at once: bounded, with one deadline, and never believed."""

from __future__ import annotations

import asyncio
from typing import Literal, Self
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from service import deadlines
from service.settings import Settings, address_of

Reason = Literal["timeout", "unreachable", "status", "too_large", "invalid"]


def with_query(url: str, query: dict[str, str]) -> str:
    """What is asked for comes behind what was given, none of whose bytes change."""
    _, has_query, given = url.partition("?")
    separator = "?" if not has_query else "&" if given and given[-1] != "&" else ""
    return url + separator + urlencode(sorted(query.items()))


class UpstreamError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Upstreams:
    """The configured upstreams. Asks no other host, follows no redirect, keeps no cookie."""

    def __init__(self, settings: Settings) -> None:
        self.urls = {name: url.get_secret_value() for name, url in settings.upstreams.items()}
        self._may_ask = settings.may_ask
        self._timeout_s = settings.upstream_timeout_s
        self._max_bytes = settings.upstream_max_bytes
        self._places = asyncio.Semaphore(settings.upstream_connections)

    async def __aenter__(self) -> Self:
        # Proxies and credentials from the environment stay unused, as aiohttp has it by default.
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the places are the limit
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            skip_auto_headers=("User-Agent",),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # there is one for all
        )
        # An upstream is asked once: aiohttp would repeat a GET after a connection that broke, even
        # one that was new. There is no public way to say so; tests/contract/test_rates.py holds it.
        self._client._retry_connection = False
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask_all(self, query: dict[str, str]) -> dict[str, bytes | UpstreamError]:
        """GET on each; by name the JSON text that came, or why there is none."""
        timeout_s = min(self._timeout_s, deadlines.remaining_s())
        answers: dict[str, bytes | UpstreamError] = {}

        async def ask(name: str, url: str) -> None:
            try:
                async with self._places:
                    answers[name] = await self._ask(with_query(url, query))
            except UpstreamError as error:
                answers[name] = error
            except (aiohttp.ClientError, OSError):
                answers[name] = UpstreamError("unreachable")

        tasks = [asyncio.create_task(ask(name, url)) for name, url in self.urls.items()]
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*tasks)
        except TimeoutError:
            pass
        return {name: answers.get(name, UpstreamError("timeout")) for name in self.urls}

    async def _ask(self, url: str) -> bytes:
        if not self._may_ask(*address_of(url)):
            raise UpstreamError("unreachable")
        as_given = URL(url, encoded=True)
        async with self._client.get(as_given, allow_redirects=False) as response:
            if response.status != 200:
                raise UpstreamError("status")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
            if media_type.lower() != "application/json" or "Content-Encoding" in response.headers:
                raise UpstreamError("invalid")
            body = b""
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._max_bytes:
                    raise UpstreamError("too_large")
            return body
