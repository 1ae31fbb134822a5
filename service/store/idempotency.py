"""Idempotency keys: what was answered once is answered again, and done once.

Source: the behaviour of Stripe's API, and draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Executable, select, text
from sqlalchemy.dialects import postgresql, sqlite

from service.errors import ServiceError
from service.store.database import Database
from service.store.tables import KEYS


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    location: str | None = None
    is_replay: bool = False


Effect = tuple[Executable, Answer]
"""What a request writes, and what it answers once that is there."""


class Idempotency:
    """operation: method and path of the route; each has keys of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_use: set[tuple[str, str]] = set()

    async def carry_out(
        self, operation: str, key: str | None, body: bytes, effect: Callable[[], Awaitable[Effect]]
    ) -> Answer:
        """Runs effect and stores what it says, or gives the answer of the key's first use.

        body: of the request, as it came; the same key with another one is an error.
        Raises: ServiceError idempotency_conflict, idempotency_key_reused,
            database_unavailable; what effect raises, which leaves the key unused.
        """
        if key is None:
            statement, answer = await effect()
            async with self._database.write() as connection:
                await connection.execute(statement)
            return answer
        if (operation, key) in self._in_use:
            raise _conflict()
        self._in_use.add((operation, key))
        try:
            return await self._carry_out_once(operation, key, hashlib.sha256(body).digest(), effect)
        finally:
            self._in_use.remove((operation, key))

    async def _carry_out_once(
        self,
        operation: str,
        key: str,
        fingerprint: bytes,
        effect: Callable[[], Awaitable[Effect]],
    ) -> Answer:
        if found := await self._stored(operation, key, fingerprint):
            return found
        statement, answer = await effect()
        insert = postgresql.insert if self._database.dialect == "postgresql" else sqlite.insert
        record = (
            insert(KEYS)
            .values(
                operation=operation,
                key=key,
                fingerprint=fingerprint,
                status=answer.status,
                location=answer.location,
                body=answer.body,
                created_at=datetime.now(UTC),
            )
            .on_conflict_do_nothing()
        )
        async with self._database.write() as connection:
            if self._database.dialect == "postgresql":
                # Without it the insert would wait for another process, and then find nothing.
                is_ours = await connection.scalar(
                    text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
                    {"name": f"{operation} {key}"},
                )
                if not is_ours:
                    raise _conflict()
            is_first = (await connection.execute(record)).rowcount == 1
            if is_first:
                await connection.execute(statement)
        if is_first:
            return answer
        found = await self._stored(operation, key, fingerprint)
        assert found, "a record that was in the way is gone"
        return found

    async def _stored(self, operation: str, key: str, fingerprint: bytes) -> Answer | None:
        query = select(KEYS).where(KEYS.c.operation == operation, KEYS.c.key == key)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise ServiceError(
                "idempotency_key_reused",
                "Idempotency-Key: expected the body of the key's first request, got another one",
            )
        return Answer(row.status, row.body, row.location, is_replay=True)

    async def prune(self, older_than: timedelta) -> int:
        """Removes keys by age. Returns how many."""
        statement = KEYS.delete().where(KEYS.c.created_at < datetime.now(UTC) - older_than)
        async with self._database.write() as connection:
            return (await connection.execute(statement)).rowcount


def _conflict() -> ServiceError:
    return ServiceError(
        "idempotency_conflict", "Idempotency-Key: a request with this key is being carried out"
    )
