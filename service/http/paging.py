"""Keyset pagination: pages are cut by the key of the last item, so nothing shifts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import Row, Table, select

from service.http.fields import Integer, Uuid, between
from service.store.database import Database

MAX_LIMIT = 100


class Page:
    """The newest first, by an identifier that grows with time."""

    def __init__(self, limit: int, after: UUID | None) -> None:
        self._limit, self._after = limit, after

    async def read(
        self, database: Database, table: Table, *columns: Any
    ) -> tuple[Sequence[Row[Any]], UUID | None]:
        """The page's rows, and what `after` is for the next page, if there is one."""
        query = select(*(columns or (table,))).order_by(table.c.id.desc()).limit(self._limit + 1)
        if self._after:
            query = query.where(table.c.id < self._after)
        async with database.read() as connection:
            rows = (await connection.execute(query)).all()
        page = rows[: self._limit]
        return page, page[-1].id if len(rows) > self._limit else None


async def _page(
    limit: Annotated[Integer, *between(1, MAX_LIMIT), Query(description="items of the page")] = 20,
    after: Annotated[Uuid | None, Query(description="`next` of the page before")] = None,
) -> Page:
    return Page(limit, after)


Paged = Annotated[Page, Depends(_page)]
