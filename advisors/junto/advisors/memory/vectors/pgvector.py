"""Vectors in PostgreSQL, where the server has pgvector."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from junto.core import MissingExtraError, StoreFormatError, StoreUnavailableError
from junto.core.memory import (
    ConversationKey,
    KeyLike,
    Recalled,
    RecallScope,
    VectorRecord,
    check_id,
    check_key,
)

from ..stores.rules import check_limits
from .ranking import Query, check_records, mismatch

__all__ = ["PgVectors"]

# The n-th brings a database from version n to n + 1.  They are never changed, only added to.
_MIGRATIONS = (
    """
    CREATE TABLE junto_vector_models (
        tenant text COLLATE "C" PRIMARY KEY,
        model text NOT NULL,
        length integer NOT NULL
    );
    CREATE TABLE junto_vector_memories (
        tenant text COLLATE "C" NOT NULL,
        conversation text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        created double precision NOT NULL,
        vector vector NOT NULL,
        body bytea NOT NULL,
        PRIMARY KEY (tenant, conversation, id)
    );
    CREATE INDEX junto_vector_created ON junto_vector_memories (tenant, created);
    """,
)

# Which of several that come at once makes the tables.
_LOCK = 0x6A756E746F  # "junto"

_NO_EXTENSION = (
    "the PostgreSQL server has no pgvector for this database: install it (on Debian the package "
    "postgresql-VERSION-pgvector), then run CREATE EXTENSION vector as a superuser; or keep "
    "the memories in sqlite:///FILE"
)


class PgVectors:
    """Memories in PostgreSQL, for any number of workers; needs pgvector and an extra.

    A search is exact: the server looks at each of the tenant's or conversation's vectors.
    The tables, whose names begin with ``junto_vector``, are made at the first use.

    Args:
        address: Of the database, as ``postgresql://user@host/name``.
        max_connections: How many connections each event loop may have.
        timeout: Seconds to wait for a connection, and for each statement.
        clock: Seconds since 1970; for tests.

    Raises:
        MissingExtraError: asyncpg is not installed.
    """

    def __init__(
        self,
        address: str,
        *,
        max_connections: int = 5,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_limits(max_connections=max_connections, timeout=timeout)
        try:
            self._driver: Any = importlib.import_module("asyncpg")
        except ModuleNotFoundError as error:
            msg = "vectors in PostgreSQL need an extra: pip install 'junto[postgres]'"
            raise MissingExtraError(msg) from error
        self._address = address
        self._max_connections = max_connections
        self._timeout = timeout
        self._clock = clock
        self._closed = False
        # A pool lives on the loop that made it.
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Any]]
        self._pools = WeakKeyDictionary()

    async def add(self, key: KeyLike, records: Sequence[VectorRecord], *, model: str) -> None:
        """Remember all of them, or none."""
        key = check_key(key)
        check_id(model, "model")
        checked = check_records(records)
        if not checked:
            return
        now = self._clock()
        rows = [
            (
                *(key.tenant, key.conversation, record.id),
                now if record.created is None else record.created,
                vector.tolist(),
                # As bytes: PostgreSQL takes neither NUL nor lone surrogates in text.
                record.text.encode("utf-8", "surrogatepass"),
            )
            for record, vector in checked
        ]
        given = (model, len(checked[0][1]))
        async with self._connection() as connection:
            # Two steps: who waited here for another to commit sees its memories in the next.
            await connection.execute(
                "INSERT INTO junto_vector_models VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant) DO UPDATE SET tenant = $1",
                *(key.tenant, *given),
            )
            await connection.execute(
                "UPDATE junto_vector_models SET model = $2, length = $3 WHERE tenant = $1 "
                "AND NOT EXISTS (SELECT 1 FROM junto_vector_memories v WHERE v.tenant = $1)",
                *(key.tenant, *given),
            )
            await self._check_model(connection, key.tenant, given)
            await connection.executemany(
                "INSERT INTO junto_vector_memories "
                "VALUES ($1, $2, $3, $4, $5::real[]::vector, $6) ON CONFLICT DO NOTHING",
                rows,
            )

    async def search(
        self,
        key: KeyLike,
        vector: Sequence[float],
        *,
        model: str,
        limit: int,
        scope: RecallScope = "conversation",
        min_score: float = -1.0,
    ) -> Sequence[Recalled]:
        """The memories nearest to a vector."""
        key = check_key(key)
        query = Query.of(key, vector, model=model, limit=limit, scope=scope, min_score=min_score)
        async with self._connection() as connection:
            await self._check_model(connection, key.tenant, (model, len(query.vector)))
            # The vectors have the length 1, so this product is the cosine.
            rows = await connection.fetch(
                "SELECT * FROM (SELECT conversation, id, body, "
                "-(vector <#> $4::real[]::vector) AS score, created "
                "FROM junto_vector_memories WHERE tenant = $1 AND ($2 OR conversation = $3)) AS m "
                "WHERE score >= $5 ORDER BY score DESC, created DESC, conversation, id LIMIT $6",
                *(key.tenant, query.wide, key.conversation, query.vector.tolist()),
                *(min_score, max(0, limit)),
            )
        return tuple(
            Recalled(
                ConversationKey(row["conversation"], key.tenant),
                row["id"],
                row["body"].decode("utf-8", "surrogatepass"),
                row["score"],
                row["created"],
            )
            for row in rows
        )

    async def delete(self, key: KeyLike, ids: Iterable[str] | None = None) -> None:
        """Forget some memories of a conversation, or all."""
        key = check_key(key)
        chosen = None if ids is None else [check_id(one, "id") for one in ids]
        async with self._connection() as connection:
            await connection.execute(
                "DELETE FROM junto_vector_memories WHERE tenant = $1 AND conversation = $2 "
                "AND ($3::text[] IS NULL OR id = ANY($3))",
                *(key.tenant, key.conversation, chosen),
            )

    async def clear(self, tenant: str = "") -> None:
        """Forget all of a tenant's memories."""
        check_id(tenant, "tenant", empty=True)
        async with self._connection() as connection:
            await connection.execute("DELETE FROM junto_vector_memories WHERE tenant = $1", tenant)

    async def prune(self, older_than: float, *, tenant: str | None = None) -> int:
        """Forget what is older than so many seconds."""
        if tenant is not None:
            check_id(tenant, "tenant", empty=True)
        async with self._connection() as connection:
            done: str = await connection.execute(
                "DELETE FROM junto_vector_memories "
                "WHERE created < $1 AND ($2::text IS NULL OR tenant = $2)",
                *(self._clock() - older_than, tenant),
            )
        return int(done.rsplit(maxsplit=1)[-1])

    @staticmethod
    async def _check_model(connection: Any, tenant: str, given: tuple[str, int]) -> None:
        row = await connection.fetchrow(
            "SELECT model, length FROM junto_vector_models m WHERE tenant = $1", tenant
        )
        stored = given if row is None else (row["model"], row["length"])
        if stored != given:
            empty = not await connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM junto_vector_memories WHERE tenant = $1)", tenant
            )
            if not empty:
                raise mismatch(stored, given)

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Any]:
        """A connection in a transaction."""
        if self._closed:
            raise StoreUnavailableError("this store is closed: make a new one")
        driver = self._driver
        try:
            pool = await self._pool()
            async with pool.acquire(timeout=self._timeout) as connection, connection.transaction():
                yield connection
        except (OSError, driver.PostgresError, driver.InterfaceError) as error:
            # The address may hold a password, so only the server's words are repeated.
            msg = f"the vector store in PostgreSQL cannot be used: {error}"
            raise StoreUnavailableError(msg) from error

    async def _pool(self) -> Any:
        """The pool of this loop, which the first to come makes."""
        loop = asyncio.get_running_loop()
        task = self._pools.get(loop)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._pools[loop] = loop.create_task(self._connect())
        return await asyncio.shield(task)

    async def _connect(self) -> Any:
        pool: Any = await self._driver.create_pool(
            self._address,
            min_size=0,
            max_size=self._max_connections,
            timeout=self._timeout,
            command_timeout=self._timeout,
        )
        try:
            async with pool.acquire() as connection, connection.transaction():
                await self._migrate(connection)
        except BaseException:
            pool.terminate()
            raise
        return pool

    async def _migrate(self, connection: Any) -> None:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if not await connection.fetchval("SELECT to_regtype('vector') IS NOT NULL"):
            try:
                async with connection.transaction():
                    await connection.execute("CREATE EXTENSION vector")
            except self._driver.PostgresError as error:
                raise StoreUnavailableError(_NO_EXTENSION) from error
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS junto_vector_schema (version integer NOT NULL)"
        )
        version = await connection.fetchval("SELECT max(version) FROM junto_vector_schema") or 0
        if version > len(_MIGRATIONS):
            msg = (
                f"the database has version {version} of the vector schema, and this junto knows "
                f"versions up to {len(_MIGRATIONS)}: use a newer junto"
            )
            raise StoreFormatError(msg)
        for script in _MIGRATIONS[version:]:
            await connection.execute(script)
        await connection.execute("DELETE FROM junto_vector_schema")
        await connection.execute("INSERT INTO junto_vector_schema VALUES ($1)", len(_MIGRATIONS))

    async def aclose(self) -> None:
        """Close the connections of this event loop; those of others go with their loops."""
        self._closed = True
        task = self._pools.pop(asyncio.get_running_loop(), None)
        if task is None:
            return
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is None:
            pool = task.result()
            try:
                async with asyncio.timeout(self._timeout):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    def __repr__(self) -> str:
        return "PgVectors('postgresql://…')"
