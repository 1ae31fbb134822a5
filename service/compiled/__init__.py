"""Declared FastAPI routes, compiled: straight-line code made from each declaration at start-up,
inside of the app's middleware. docs/compiled-routes.md says what it does and what it leaves alone.

It imports nothing else of this service, to be taken along into another one.
"""

from .additions import Additions, parse_json
from .routes import CompiledRoute, CompiledRoutes, compile_routes

__all__ = ["Additions", "CompiledRoute", "CompiledRoutes", "compile_routes", "parse_json"]
