"""The one file that names the application."""

from __future__ import annotations

import logging
import os
import sys
from pkgutil import resolve_name

from starlette.types import ASGIApp

from service.domain import Domain

# The variable is for tests, and for trying another one without an edit.
DOMAIN: Domain = resolve_name(os.environ.get("HOTPATH_DOMAIN", "service.screening:DOMAIN"))


def app() -> ASGIApp:
    """For the workers of a server, which find the settings in the environment."""
    from service.app import create_server_app

    try:
        return create_server_app(DOMAIN.settings(), DOMAIN)
    except Exception as error:
        logging.getLogger("hotpath").critical("cannot start: %s", error, exc_info=error)
        sys.exit(3)  # by which uvicorn knows not to start the worker again
