"""The command of the upstream, a stand-in for sources of exchange rates: part of the sample."""

from __future__ import annotations

from typing import Annotated

import typer

from hotpath_go.commands import Host, Port, address, become


def upstream(
    host: Host = "127.0.0.1",
    port: Port = 9000,
    delay_ms: Annotated[float, typer.Option(min=0, help="how long each answer takes")] = 20,
) -> None:
    """Serves exchange rates for trying out /v1/rates: GET /rates/NAME?base=EUR."""
    listen = address(host, port)
    become("upstream", "-listen", listen, "-delay", f"{delay_ms}ms", variables={})
