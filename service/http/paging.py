"""Keyset pagination: pages are cut by the key of the last item, so nothing shifts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from sqlalchemy import Integer as SqlInteger
from sqlalchemy import Table, bindparam, select

from service.http.fields import Integer, Uuid, between
from service.store.database import Database
from service.store.statements import Row, Statement

MAX_LIMIT = 100


class Pages:
    """Statements of a list, the newest first, by an identifier that grows with time.

    To be made where modules are loaded. columns: all by default.
    """

    def __init__(self, table: Table, *columns: Any) -> None:
        query = select(*(columns or (table,))).order_by(table.c.id.desc())
        query = query.limit(bindparam("most", type_=SqlInteger))
        self.first = Statement(query)
        self.later = Statement(query.where(table.c.id < bindparam("after")))


class Page:
    def __init__(self, limit: int, after: UUID | None) -> None:
        self._limit, self._after = limit, after

    async def read(self, database: Database, pages: Pages) -> tuple[Sequence[Row], UUID | None]:
        """The page's rows, and what `after` is for the next page, if there is one."""
        most = self._limit + 1
        if self._after:
            rows = await database.fetch(pages.later, most=most, after=self._after)
        else:
            rows = await database.fetch(pages.first, most=most)
        page = rows[: self._limit]
        return page, page[-1].id if len(rows) > self._limit else None


async def _page(
    limit: Annotated[Integer, *between(1, MAX_LIMIT), Query(description="items of the page")] = 20,
    after: Annotated[Uuid | None, Query(description="`next` of the page before")] = None,
) -> Page:
    return Page(limit, after)


Paged = Annotated[Page, Depends(_page)]
