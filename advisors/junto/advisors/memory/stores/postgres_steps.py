"""The steps of a PostgreSQL store: fixed text, bound values.

``~`` stands for the prefix of the tables.  All times are the server's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from junto.core.memory import ConversationInfo, ConversationKey, Lease, Turn, turn_from_json

from .postgres_schema import Connection
from .rules import busy, replayed, stale

__all__ = ["Steps", "describe", "prune"]

_NOW = "extract(epoch FROM clock_timestamp())::float8"

# When a conversation was last alive; greatest() passes over NULL.
_ALIVE = "greatest(updated, lease_until)"

_LOAD = (
    "SELECT seq, created, body FROM ~turns JOIN ~conversations USING (key) "  # noqa: S608  a constant
    f"WHERE key = $1 AND {_ALIVE} >= {_NOW} - $2::float8 ORDER BY seq DESC LIMIT $3"
)
_LOCK = (
    "SELECT open_turn, open_hash, lease_until - now AS left, "  # noqa: S608  a constant
    f"coalesce({_ALIVE} < now - $2::float8, false) AS over "
    f"FROM ~conversations, LATERAL (SELECT {_NOW} AS now) AS clock "
    "WHERE key = $1 FOR UPDATE OF ~conversations"
)
_MAKE = (
    "INSERT INTO ~conversations (key, tenant, conversation) VALUES ($1, $2, $3) "
    "ON CONFLICT DO NOTHING"
)
_FORGET = "DELETE FROM ~turns WHERE key = $1"
_ANEW = "UPDATE ~conversations SET head = 0, updated = NULL WHERE key = $1"
_STORED = "SELECT seq, created, body, input_hash, fence FROM ~turns WHERE key = $1 AND turn_id = $2"
_OPEN = (
    "UPDATE ~conversations SET open_turn = $2, open_hash = $3, "  # noqa: S608  a constant
    f"lease_until = {_NOW} + $4::float8, fence = nextval('~fence') "
    "WHERE key = $1 RETURNING fence"
)
_RENEW = (
    f"UPDATE ~conversations SET lease_until = {_NOW} + $4::float8 "  # noqa: S608  a constant
    "WHERE key = $1 AND open_turn = $2 AND fence = $3 RETURNING fence"
)
_COMMIT = (
    "WITH c AS (UPDATE ~conversations SET head = head + 1, "  # noqa: S608  a constant
    f"updated = {_NOW}, open_turn = NULL, open_hash = NULL, lease_until = NULL "
    "WHERE key = $1 AND open_turn = $2 AND fence = $3 RETURNING head, updated) "
    "INSERT INTO ~turns (key, seq, turn_id, fence, input_hash, created, body) "
    "SELECT $1, c.head, $2, $3, $4, coalesce($5::float8, c.updated), $6 FROM c RETURNING seq"
)
_ABORT = (
    "WITH gone AS (DELETE FROM ~conversations "
    "WHERE key = $1 AND open_turn = $2 AND fence = $3 AND updated IS NULL) "
    "UPDATE ~conversations SET open_turn = NULL, open_hash = NULL, lease_until = NULL "
    "WHERE key = $1 AND open_turn = $2 AND fence = $3 AND updated IS NOT NULL"
)
_CLEAR = "DELETE FROM ~conversations WHERE key = $1"
_DESCRIBE = (
    "SELECT conversation, updated, (SELECT count(*) FROM ~turns t WHERE t.key = c.key) AS turns "  # noqa: S608  a constant
    f"FROM ~conversations c WHERE tenant = $1 AND {_ALIVE} >= {_NOW} - $2::float8 "
    "AND EXISTS (SELECT FROM ~turns t WHERE t.key = c.key) ORDER BY updated DESC"
)
_COUNT_OVER = (
    "WITH gone AS (DELETE FROM ~conversations "  # noqa: S608  a constant
    f"WHERE ($1::text IS NULL OR tenant = $1) AND {_ALIVE} < {_NOW} - $2::float8 RETURNING key) "
    "SELECT count(*) FROM ~turns JOIN gone USING (key)"
)
_COUNT_OLD = (
    "WITH gone AS (DELETE FROM ~turns t USING ~conversations c "  # noqa: S608  a constant
    f"WHERE c.key = t.key AND ($1::text IS NULL OR tenant = $1) AND created < {_NOW} - $2::float8 "
    "RETURNING seq) SELECT count(*) FROM gone"
)
# Two steps: what a statement sees of other tables is older than the locks that it gets.
_EMPTY = (
    "SELECT key FROM ~conversations c WHERE open_turn IS NULL "
    "AND NOT EXISTS (SELECT FROM ~turns t WHERE t.key = c.key) FOR UPDATE SKIP LOCKED"
)
_DROP = (
    "DELETE FROM ~conversations c WHERE key = ANY($1::bytea[]) AND open_turn IS NULL "
    "AND NOT EXISTS (SELECT FROM ~turns t WHERE t.key = c.key)"
)


@frozen
class Steps:
    """What can be done with one conversation.

    Attributes:
        key: Which.
        prefix: What the names of the tables begin with.
        ttl: Seconds of silence after which it is over; infinite for never.
    """

    key: ConversationKey
    prefix: str
    ttl: float

    @property
    def _id(self) -> bytes:
        return bytes.fromhex(self.key.digest())

    def _sql(self, text: str) -> str:
        return text.replace("~", self.prefix)

    async def load(self, limit: int, db: Connection) -> Sequence[Turn]:
        """The newest turns of a conversation that is not over."""
        rows = await db.fetch(self._sql(_LOAD), self._id, self.ttl, limit)
        return tuple(_turn(row) for row in reversed(rows))

    async def append(self, lease: Lease, body: str, created: float | None, db: Connection) -> None:
        """Store a turn, unless it is there or another one runs."""
        row = await self._locked(db)
        if await self._stored(lease.turn_id, db) is not None:
            return
        if row["open_turn"] not in {None, lease.turn_id} and row["left"] >= 0:
            raise busy(row["left"])
        await self.commit(await self._open(lease, 0.0, db), body, created, db)

    async def begin(
        self, wanted: Lease, db: Connection, *, seconds: float, takeover: bool
    ) -> Lease | Turn:
        """Take the conversation, or give the turn that was stored before."""
        row = await self._locked(db)
        stored = await self._stored(wanted.turn_id, db)
        if stored is not None:
            return replayed(_turn(stored), stored["input_hash"], wanted.input_hash)
        if row["open_turn"] is not None and row["left"] >= 0 and not takeover:
            this = row["open_turn"] == wanted.turn_id
            same = Lease(wanted.turn_id, 0, row["open_hash"]) if this else None
            raise busy(row["left"], same, wanted.input_hash)
        return await self._open(wanted, seconds, db)

    async def renew(self, lease: Lease, seconds: float, db: Connection) -> None:
        """Let the lease last for so long."""
        found = await db.fetchval(self._sql(_RENEW), self._id, lease.turn_id, lease.fence, seconds)
        if found is None:
            raise stale()

    async def commit(self, lease: Lease, body: str, created: float | None, db: Connection) -> int:
        """Store the turn, unless it is stored; the lease must be the conversation's."""
        given = (self._id, lease.turn_id, lease.fence, lease.input_hash, created, body)
        seq = await db.fetchval(self._sql(_COMMIT), *given)
        if seq is not None:
            return int(seq)
        # Asked afterwards: the same commit may have been under way.
        stored = await self._stored(lease.turn_id, db)
        if stored is None or stored["fence"] != lease.fence:
            raise stale()
        return int(stored["seq"])

    async def abort(self, lease: Lease, db: Connection) -> None:
        """Free the conversation, and leave no row of it if it has no turns."""
        await db.execute(self._sql(_ABORT), self._id, lease.turn_id, lease.fence)

    async def clear(self, db: Connection) -> None:
        """Forget the conversation, and with it the lease of a turn that runs."""
        await db.execute(self._sql(_CLEAR), self._id)

    async def _locked(self, db: Connection) -> Any:
        """The conversation's row, which nobody else changes until the transaction ends."""
        row = await db.fetchrow(self._sql(_LOCK), self._id, self.ttl)
        while row is None:
            # It may go again before it is locked.
            names = self.key.tenant, self.key.conversation
            await db.execute(self._sql(_MAKE), self._id, *names)
            row = await db.fetchrow(self._sql(_LOCK), self._id, self.ttl)
        if row["over"]:
            await db.execute(self._sql(_FORGET), self._id)
            await db.execute(self._sql(_ANEW), self._id)
        return row

    async def _stored(self, turn_id: str, db: Connection) -> Any:
        return await db.fetchrow(self._sql(_STORED), self._id, turn_id)

    async def _open(self, wanted: Lease, seconds: float, db: Connection) -> Lease:
        given = (self._id, wanted.turn_id, wanted.input_hash, seconds)
        return evolve(wanted, fence=int(await db.fetchval(self._sql(_OPEN), *given)))


async def describe(
    tenant: str, prefix: str, ttl: float, db: Connection
) -> Sequence[ConversationInfo]:
    """The conversations that have turns and are not over, the newest first."""
    rows = await db.fetch(_DESCRIBE.replace("~", prefix), tenant, ttl)
    return tuple(
        ConversationInfo(ConversationKey(row["conversation"], tenant), row["turns"], row["updated"])
        for row in rows
    )


async def prune(
    older_than: float, tenant: str | None, prefix: str, ttl: float, db: Connection
) -> int:
    """Delete turns that are older, and conversations that are over or empty."""
    over = await db.fetchval(_COUNT_OVER.replace("~", prefix), tenant, ttl)
    old = await db.fetchval(_COUNT_OLD.replace("~", prefix), tenant, older_than)
    empty = await db.fetch(_EMPTY.replace("~", prefix))
    await db.execute(_DROP.replace("~", prefix), [row["key"] for row in empty])
    return int(over) + int(old)


def _turn(row: Any) -> Turn:
    return evolve(turn_from_json(row["body"]), seq=row["seq"], created=row["created"])
