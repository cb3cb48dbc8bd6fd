"""The file of a SQLite store: how it is made, opened and brought up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from attrs import frozen

from junto.core import StoreFormatError

__all__ = ["SCHEMA_VERSION", "Schema", "opened"]


@frozen
class Schema:
    """Tables that belong together, of which a file may hold several kinds.

    Attributes:
        name: Whose table ``NAME_schema`` holds the version.
        migrations: The n-th brings a file from version n to n + 1.
    """

    name: str
    migrations: tuple[str, ...]

    @property
    def version(self) -> int:
        """What this junto writes."""
        return len(self.migrations)


# Migrations are never changed, only added to.
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

TURNS = Schema("memory", _MIGRATIONS)

SCHEMA_VERSION = TURNS.version
"""What this junto writes."""


def opened(path: Path, timeout: float, schema: Schema = TURNS) -> sqlite3.Connection:
    """A connection to the file, which is made or brought up to date first.

    Args:
        path: The file; a new one can be read and written by its owner alone.
        timeout: Seconds to wait for other processes.
        schema: The tables that it has to have.

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
        _migrate(connection, schema)
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


def _migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    if _version(connection, schema) == schema.version:
        return
    table = f"{schema.name}_schema"
    connection.execute("BEGIN IMMEDIATE")
    # Whatever goes wrong, the caller closes the connection, and nothing has happened.
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (version INTEGER NOT NULL)")
    version = _version(connection, schema)
    if version > schema.version:
        msg = (
            f"the file has version {version} of the {schema.name} schema, and this junto knows "
            f"versions up to {schema.version}: use a newer junto"
        )
        raise StoreFormatError(msg)
    # executescript() would commit first.
    for script in schema.migrations[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute(f"DELETE FROM {table}")  # noqa: S608  a constant
    connection.execute(f"INSERT INTO {table} VALUES (?)", (schema.version,))  # noqa: S608  as above
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, schema: Schema) -> int:
    table = f"{schema.name}_schema"
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if connection.execute(query, (table,)).fetchone() is None:
        return 0
    row = connection.execute(f"SELECT max(version) FROM {table}").fetchone()  # noqa: S608  as above
    return int(row[0] or 0)
