"""Idempotency keys: what was answered once is answered again, and done once.

Source: the behaviour of Stripe's API, and draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Text, bindparam, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from service.errors import ServiceError
from service.store.database import Database
from service.store.statements import Statement, Step
from service.store.tables import KEYS

_STORED = Statement(
    select(KEYS).where(KEYS.c.operation == bindparam("operation"), KEYS.c.key == bindparam("key"))
)
# Without it the insert would wait for another process, and then find nothing.
_LOCK = Statement(
    select(literal(1).label("ours")).where(
        func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0))
    )
)
_RECORD = {
    dialect.__name__.rpartition(".")[2]: Statement(
        dialect.insert(KEYS).on_conflict_do_nothing().returning(KEYS.c.key)
    )
    for dialect in (postgresql, sqlite)
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    location: str | None = None
    is_replay: bool = False


Effect = tuple[Step, Answer]
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
            step, answer = await effect()
            await self._database.execute(step)
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
        step, answer = await effect()
        record = {
            "operation": operation,
            "key": key,
            "fingerprint": fingerprint,
            "status": answer.status,
            "location": answer.location,
            "body": answer.body,
            "created_at": datetime.now(UTC),
        }
        steps = [Step(_RECORD[self._database.dialect], record), step]
        if self._database.dialect == "postgresql":
            steps.insert(0, Step(_LOCK, {"name": f"{operation} {key}"}))
        done = await self._database.execute(*steps)
        if done == len(steps):
            return answer
        if steps[done].statement is _LOCK:
            raise _conflict()
        found = await self._stored(operation, key, fingerprint)
        assert found, "a record that was in the way is gone"
        return found

    async def _stored(self, operation: str, key: str, fingerprint: bytes) -> Answer | None:
        rows = await self._database.fetch(_STORED, operation=operation, key=key)
        if not rows:
            return None
        (row,) = rows
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
