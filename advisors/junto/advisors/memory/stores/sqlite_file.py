"""The file of a SQLite store: how it is made, opened and brought up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from junto.core import StoreFormatError

__all__ = ["SCHEMA_VERSION", "opened"]

# The n-th brings a file from version n to n + 1.  They are never changed, only added to.
_MIGRATIONS = (
    """
    CREATE TABLE memory_conversations (
        tenant TEXT NOT NULL,
        conversation TEXT NOT NULL,
        head INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0,
        open_turn TEXT,
        open_hash TEXT,
        lease_until REAL,
        updated REAL,
        PRIMARY KEY (tenant, conversation)
    ) WITHOUT ROWID;
    CREATE INDEX memory_updated ON memory_conversations (tenant, updated);
    CREATE TABLE memory_turns (
        tenant TEXT NOT NULL,
        conversation TEXT NOT NULL,
        seq INTEGER NOT NULL,
        turn_id TEXT NOT NULL,
        fence INTEGER NOT NULL,
        input_hash TEXT NOT NULL,
        created REAL NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (tenant, conversation, seq),
        UNIQUE (tenant, conversation, turn_id),
        FOREIGN KEY (tenant, conversation)
            REFERENCES memory_conversations (tenant, conversation) ON DELETE CASCADE
    );
    CREATE INDEX memory_created ON memory_turns (created);
    """,
)

SCHEMA_VERSION = len(_MIGRATIONS)
"""What this junto writes."""


def opened(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection to the file, which is made or brought up to date first.

    Args:
        path: The file; a new one can be read and written by its owner alone.
        timeout: Seconds to wait for other processes.

    Raises:
        OSError: It cannot be opened, or is a symbolic link.
        sqlite3.Error: It cannot be used.
        StoreFormatError: It was written by a newer junto.
    """
    # SQLite would make it readable for all, and follow a link that somebody put there.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    os.close(os.open(path, flags, 0o600))
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        _write_ahead(connection, time.monotonic() + timeout)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, deadline: float) -> None:
    # While several processes open a new file, this is refused at once: no time-out applies.
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(connection: sqlite3.Connection) -> None:
    if _version(connection) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    # Whatever goes wrong, the caller closes the connection, and nothing has happened.
    connection.execute("CREATE TABLE IF NOT EXISTS memory_schema (version INTEGER NOT NULL)")
    version = _version(connection)
    if version > SCHEMA_VERSION:
        msg = (
            f"the file has version {version} of the memory schema, and this junto knows "
            f"versions up to {SCHEMA_VERSION}: use a newer junto"
        )
        raise StoreFormatError(msg)
    # executescript() would commit first.
    for script in _MIGRATIONS[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute("DELETE FROM memory_schema")
    connection.execute("INSERT INTO memory_schema VALUES (?)", (SCHEMA_VERSION,))
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'memory_schema'"
    if connection.execute(query).fetchone() is None:
        return 0
    row = connection.execute("SELECT max(version) FROM memory_schema").fetchone()
    return int(row[0] or 0)
