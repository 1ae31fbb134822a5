"""SQLite by Python's own driver, in two threads: one reads, one writes.

So readers never wait behind writers. The way to a thread and back costs several times what a small
statement does, so what is asked for while the thread is busy goes there together; and what is
written together is committed together, each a savepoint of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from service.store.statements import Made, Row

MOST_TOGETHER = 64
_SAVEPOINT = "job"
_RETRY_S = 0.01
_STEPS_BETWEEN_LOOKS = 10_000  # of SQLite's virtual machine: well under a millisecond


class Connection(sqlite3.Connection):
    """In WAL mode, and with what each connection has to say of itself."""

    def __init__(self, database: str, timeout: float, **more: Any) -> None:
        super().__init__(database, timeout, **more)
        try:
            self._write_ahead(time.monotonic() + timeout)
            self.execute("PRAGMA synchronous=FULL")  # NORMAL may lose commits when power fails
            self.execute("PRAGMA foreign_keys=ON")
        except BaseException:
            self.close()
            raise

    def _write_ahead(self, ends_at: float) -> None:
        """SQLite does not wait where two connections are the first ones of a database: it would be
        a deadlock of theirs."""
        while True:
            try:
                self.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > ends_at:
                    raise
                time.sleep(_RETRY_S)
            else:
                return


def arguments(timeout_s: float) -> dict[str, Any]:
    """Of sqlite3.connect, for whoever opens a connection in the thread that will use it.

    timeout_s: with another one who writes.
    """
    # Python's driver would otherwise begin transactions by itself, and too late.
    return {"factory": Connection, "timeout": timeout_s, "isolation_level": None}


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


class Sqlite:
    def __init__(self, path: str, timeout_s: float) -> None:
        self._reading = _Thread(path, timeout_s, _one_by_one)
        self._writing = _Thread(path, timeout_s, _in_one_commit)

    async def fetch(self, statement: Made, values: dict[str, Any]) -> list[Row]:
        arguments = statement.arguments(values)

        def read(connection: sqlite3.Connection) -> Sequence[Any]:
            return connection.execute(statement.sql, arguments).fetchall()

        return statement.rows(await self._reading.run(read))

    async def execute(self, steps: list[tuple[Made, dict[str, Any]]]) -> int:
        ready = [(statement.sql, statement.arguments(values)) for statement, values in steps]

        def write(connection: sqlite3.Connection) -> int:
            for place, (sql, arguments) in enumerate(ready, 1):
                found = connection.execute(sql, arguments).fetchall()
                if not found and place < len(ready):
                    connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
                    return place - 1
            return len(ready)

        done: int = await self._writing.run(write)
        return done

    def failed(self) -> None:
        """A thread that met a fault opens its file anew by itself."""

    async def close(self) -> None:
        await self._reading.close()
        await self._writing.close()


Task = Callable[[sqlite3.Connection], Any]


class _Job:
    __slots__ = ("answer", "ends_at", "error", "result", "task")

    def __init__(self, task: Task, answer: asyncio.Future[Any], ends_at: float) -> None:
        self.task, self.answer, self.ends_at = task, answer, ends_at
        self.result: Any = None
        self.error: BaseException | None = None

    def is_wanted(self) -> bool:
        """What waits for a caller that left is not begun."""
        return not self.answer.done()

    def try_it(self, connection: sqlite3.Connection) -> None:
        try:
            self.result = self.task(connection)
        except BaseException as error:
            self.error = error


def _one_by_one(connection: sqlite3.Connection, jobs: list[_Job]) -> None:
    for job in jobs:
        if job.is_wanted():
            # What nobody waits for any more is not read to its end: all others wait behind it.
            connection.set_progress_handler(job.answer.done, _STEPS_BETWEEN_LOOKS)
            job.try_it(connection)


def _in_one_commit(connection: sqlite3.Connection, jobs: list[_Job]) -> None:
    """Raises: sqlite3.Error, where all of them failed."""
    left_s = max(job.ends_at for job in jobs) - time.monotonic()
    connection.execute(f"PRAGMA busy_timeout={max(0, 1000 * left_s):.0f}")
    # A transaction that reads first and writes later cannot wait for another writer.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for job in jobs:
            if not job.is_wanted():
                continue
            connection.execute(f"SAVEPOINT {_SAVEPOINT}")
            job.try_it(connection)
            if job.error:
                if not connection.in_transaction:  # as after a full disk: all is taken back
                    raise job.error
                connection.execute(f"ROLLBACK TO {_SAVEPOINT}")
            connection.execute(f"RELEASE {_SAVEPOINT}")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


class _Thread:
    """One connection in a thread of its own. To be used on one event loop.

    carry_out: does several jobs; what it raises is the failure of all of them.
    """

    def __init__(
        self,
        path: str,
        timeout_s: float,
        carry_out: Callable[[sqlite3.Connection, list[_Job]], None],
    ) -> None:
        self._path, self._timeout_s, self._carry_out = path, timeout_s, carry_out
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._work, name="sqlite", daemon=True)
        self._connection: sqlite3.Connection | None = None  # the thread's own

    async def run(self, task: Task) -> Any:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._thread.start()
        answer = self._loop.create_future()
        self._jobs.put(_Job(task, answer, time.monotonic() + self._timeout_s))
        return await answer

    async def close(self) -> None:
        if self._loop:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        assert self._loop
        while jobs := self._next_jobs():
            try:
                if self._connection is None:
                    self._connection = sqlite3.connect(self._path, **arguments(self._timeout_s))
                self._carry_out(self._connection, jobs)
            except BaseException as error:
                for job in jobs:
                    job.error = error
            if any(_is_fault(job.error) for job in jobs):
                self._close()
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(_settle, jobs)
        self._close()

    def _next_jobs(self) -> list[_Job]:
        """Those that are there, once there are some; none at the end."""
        jobs: list[_Job] = []
        while not jobs or (len(jobs) < MOST_TOGETHER and not self._jobs.empty()):
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None


def _is_fault(error: BaseException | None) -> bool:
    """Whether the connection should be opened anew: not where another writer was waited for, nor
    where the statement is at fault."""
    if error is None or isinstance(error, sqlite3.IntegrityError):
        return False
    return not (isinstance(error, sqlite3.OperationalError) and _is_busy(error))


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.answer.done():  # its caller left
            continue
        if job.error:
            job.answer.set_exception(job.error)
        else:
            job.answer.set_result(job.result)
