"""The tables of a PostgreSQL store: how they are made and brought up to date."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from junto.core import StoreFormatError

__all__ = ["SCHEMA_VERSION", "Connection", "migrate"]

# The n-th brings tables from version n to n + 1.  They are never changed, only added to;
# `~` stands for the prefix.  A key is the digest of tenant and conversation: what is
# indexed has a limit that three ids of 255 characters would exceed.
_MIGRATIONS = (
    """
    CREATE SEQUENCE ~fence;
    CREATE TABLE ~conversations (
        key BYTEA PRIMARY KEY,
        tenant TEXT COLLATE "C" NOT NULL,
        conversation TEXT COLLATE "C" NOT NULL,
        head BIGINT NOT NULL DEFAULT 0,
        fence BIGINT NOT NULL DEFAULT 0,
        open_turn TEXT COLLATE "C",
        open_hash TEXT COLLATE "C",
        lease_until DOUBLE PRECISION,
        updated DOUBLE PRECISION,
        CHECK ((open_turn IS NULL) = (lease_until IS NULL))
    );
    CREATE INDEX ~updated ON ~conversations (tenant, updated);
    CREATE TABLE ~turns (
        key BYTEA NOT NULL REFERENCES ~conversations ON DELETE CASCADE,
        seq BIGINT NOT NULL,
        turn_id TEXT COLLATE "C" NOT NULL,
        fence BIGINT NOT NULL,
        input_hash TEXT COLLATE "C" NOT NULL,
        created DOUBLE PRECISION NOT NULL,
        body TEXT COLLATE "C" NOT NULL,
        PRIMARY KEY (key, seq),
        UNIQUE (key, turn_id)
    );
    CREATE INDEX ~created ON ~turns (created)
    """,
)

SCHEMA_VERSION = len(_MIGRATIONS)
"""What this junto writes."""

# Whoever makes tables in this database holds it: CREATE IF NOT EXISTS races with itself.
_LOCK = int.from_bytes(b"junto-m", "big")


# Not to_regclass(): after waiting for the lock, its cache may not know what is new.
_IS_THERE = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables "
    "WHERE tablename = $1 AND schemaname = ANY (current_schemas(false)))"
)


class Connection(Protocol):
    """What is used of asyncpg's connection."""

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """All rows."""
        ...

    async def fetchrow(self, query: str, *args: Any) -> Any:
        """The first row, if there is one."""
        ...

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first value of the first row."""
        ...

    async def execute(self, query: str, *args: Any) -> str:
        """What was done; a text without arguments may have several statements."""
        ...

    def transaction(self, *, isolation: str) -> AbstractAsyncContextManager[None]:
        """A transaction."""
        ...


async def migrate(db: Connection, prefix: str) -> None:
    """Make the tables, or bring them up to date.

    Raises:
        StoreFormatError: They were made by a newer junto.
    """
    if await _version(db, prefix) == SCHEMA_VERSION:
        return
    async with db.transaction(isolation="read_committed"):
        await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        version = await _version(db, prefix)
        for script in _MIGRATIONS[version:]:
            await db.execute(script.replace("~", prefix))
        await db.execute(
            "CREATE TABLE IF NOT EXISTS ~schema (version BIGINT NOT NULL)".replace("~", prefix)
        )
        await db.execute("DELETE FROM ~schema".replace("~", prefix))
        await db.execute("INSERT INTO ~schema VALUES ($1)".replace("~", prefix), SCHEMA_VERSION)


async def _version(db: Connection, prefix: str) -> int:
    if not await db.fetchval(_IS_THERE, f"{prefix}schema"):
        return 0
    text = "SELECT max(version) FROM ~schema".replace("~", prefix)
    version = int(await db.fetchval(text) or 0)
    if version > SCHEMA_VERSION:
        msg = (
            f"the database has version {version} of the memory schema, and this junto knows "
            f"versions up to {SCHEMA_VERSION}: use a newer junto"
        )
        raise StoreFormatError(msg)
    return version
