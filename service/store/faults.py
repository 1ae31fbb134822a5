"""What an error of a database means: whose fault it is, in words for who called and for the log."""

from __future__ import annotations

import os
import sqlite3
import ssl
from pathlib import Path

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.database_url import DatabaseUrl, SqliteFile

BUSY = "the database is busy or gone; retry later"
READ_ONLY = "the database is read-only"
LOGIN = "the database refuses the service's login"
MISSING = "there is no such database"
FORBIDDEN = "the database does not permit the service to do this"
FULL = "the database has no room left"
INSECURE = "the connection to the database cannot be secured"
UNREADABLE = "the database's file cannot be opened"
DAMAGED = "the database's file is not a database, or is damaged"

FAULTS = (
    *(TimeoutError, PoolTimeout, OSError, DBAPIError),
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sqlite3.Error,
)
"""All that using a database raises, of this module's concern or not."""

# SQLSTATEs and their classes, by appendix A of PostgreSQL's manual. The first that fits holds.
# engine: go
# The gateway has the same words.
# engine: end
_STATES = {
    "25006": READ_ONLY,
    "28": LOGIN,
    "3D000": MISSING,
    "42501": FORBIDDEN,
    "53100": FULL,
    "08": BUSY,  # connection
    "40": BUSY,  # transaction rolled back: deadlock
    "53": BUSY,  # no disk, memory or connections left
    "55": BUSY,  # lock not available
    "57": BUSY,  # cancelled by our timeout, or shutting down
    "58": BUSY,  # I/O
}
_SQLITE_CODES = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_INTERRUPT: BUSY,
    sqlite3.SQLITE_IOERR: BUSY,
    sqlite3.SQLITE_PROTOCOL: BUSY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: UNREADABLE,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_FULL: FULL,
}


def fault(error: BaseException) -> str | None:
    """What the caller is told; None where the statement is at fault, not the database."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error):
        return _SQLITE_CODES.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(cause, asyncpg.DataError):
        return None
    # It words a server that takes no TLS in a plain ConnectionError.
    if isinstance(cause, ssl.SSLError) or (type(cause) is ConnectionError and "SSL" in str(cause)):
        return INSECURE
    if state := getattr(cause, "sqlstate", None):
        found = (words for start, words in _STATES.items() if state.startswith(start))
        return next(found, None)
    if isinstance(error, DBAPIError):
        is_gone = isinstance(error, InterfaceError | OperationalError)
        return BUSY if error.connection_invalidated or is_gone else None
    return BUSY


def explained(error: BaseException, database: DatabaseUrl) -> str:
    """What the operators are told: one line, with no secret in it."""
    cause = _cause(error)
    words = f"{type(cause).__name__}: {cause}".strip(": ")
    if isinstance(database, SqliteFile) and isinstance(cause, sqlite3.Error):
        words = f"{words}{_explained_file(Path(database.path))}"
    return f"{database}: {' '.join(words.split())}"


def _explained_file(path: Path) -> str:
    """What can be seen of the file; SQLite has one code for most of it."""
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {folder}"
    if path.is_dir():
        return "; it is a folder, not a file"
    # Not opened to see: closing it again would take away the locks of this process's connections.
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return "; the file may not be read and written by this user"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"; in the folder {folder} this user may not write, where SQLite keeps its log"
    return ""


def _cause(error: BaseException) -> BaseException:
    """The driver's own error."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig
