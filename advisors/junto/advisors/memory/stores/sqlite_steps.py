"""The transactions of a SQLite store: fixed text, bound values.

Each takes the connection last, inside a transaction that its caller begins and ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve, frozen

from junto.core.memory import ConversationInfo, ConversationKey, Lease, Turn, turn_from_json

from .rules import busy, replayed, stale

__all__ = ["Steps", "Written", "describe", "prune"]

_MICROSECONDS = 1_000_000

# When a conversation was last alive: it is over if that is older than the time to live.
_ALIVE = "max(updated, ifnull(lease_until, updated))"


@frozen
class Written:
    """A turn on its way into the file.

    Attributes:
        lease: By which it is stored.
        body: Its JSON.
        created: When it was stored first, if it comes from another store.
    """

    lease: Lease
    body: str
    created: float | None


@frozen
class Steps:
    """What can be done with one conversation.

    Attributes:
        key: Which.
        clock: Seconds since 1970, asked inside the transaction: it may have waited.
        ttl: Seconds of silence after which it is over; infinite for never.
    """

    key: ConversationKey
    clock: Callable[[], float]
    ttl: float

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.clock()

    @property
    def oldest(self) -> float:
        """When a conversation has to have spoken last, not to be over."""
        return self.now - self.ttl

    @property
    def _ids(self) -> tuple[str, str]:
        return self.key.tenant, self.key.conversation

    def load(self, limit: int, db: sqlite3.Connection) -> Sequence[Turn]:
        """The newest turns of a conversation that is not over."""
        rows = db.execute(
            "SELECT seq, created, body FROM memory_turns "  # noqa: S608  a constant
            "JOIN memory_conversations USING (tenant, conversation) "
            f"WHERE tenant = ? AND conversation = ? AND {_ALIVE} >= ? "
            "ORDER BY seq DESC LIMIT ?",
            (*self._ids, self.oldest, limit),
        ).fetchall()
        return tuple(_turn(*row) for row in reversed(rows))

    def append(self, written: Written, db: sqlite3.Connection) -> None:
        """Store a turn, unless it is there or another one runs."""
        open_turn, _, until = self._conversation(db)
        turn_id = written.lease.turn_id
        if self._stored(turn_id, db) is not None:
            return
        if open_turn not in {None, turn_id} and until >= self.now:
            raise busy(until - self.now)
        lease = self._open(written.lease, self.now, db)
        self._insert(evolve(written, lease=lease), db)

    def begin(
        self, wanted: Lease, db: sqlite3.Connection, *, seconds: float, takeover: bool
    ) -> Lease | Turn:
        """Take the conversation, or give the turn that was stored before."""
        open_turn, open_hash, until = self._conversation(db)
        stored = self._stored(wanted.turn_id, db)
        if stored is not None:
            return replayed(_turn(*stored[:3]), stored[3], wanted.input_hash)
        if open_turn is not None and until >= self.now and not takeover:
            same = Lease(open_turn, 0, open_hash) if open_turn == wanted.turn_id else None
            raise busy(until - self.now, same, wanted.input_hash)
        return self._open(wanted, self.now + seconds, db)

    def renew(self, lease: Lease, seconds: float, db: sqlite3.Connection) -> None:
        """Let the lease last for so long."""
        changed = db.execute(
            "UPDATE memory_conversations SET lease_until = ? "
            "WHERE tenant = ? AND conversation = ? AND open_turn = ? AND fence = ?",
            (self.now + seconds, *self._ids, lease.turn_id, lease.fence),
        ).rowcount
        if not changed:
            raise stale()

    def commit(self, written: Written, db: sqlite3.Connection) -> int:
        """Store the turn, unless it is stored; the lease must be the conversation's."""
        stored = self._stored(written.lease.turn_id, db)
        if stored is not None and stored[4] == written.lease.fence:
            return int(stored[0])
        return self._insert(written, db)

    def abort(self, lease: Lease, db: sqlite3.Connection) -> None:
        """Free the conversation, and leave no row of it if it has no turns."""
        db.execute(
            "UPDATE memory_conversations "
            "SET open_turn = NULL, open_hash = NULL, lease_until = NULL "
            "WHERE tenant = ? AND conversation = ? AND open_turn = ? AND fence = ?",
            (*self._ids, lease.turn_id, lease.fence),
        )
        db.execute(
            "DELETE FROM memory_conversations WHERE tenant = ? AND conversation = ? "
            "AND open_turn IS NULL AND updated IS NULL",
            self._ids,
        )

    def clear(self, db: sqlite3.Connection) -> None:
        """Forget the conversation, and with it the lease of a turn that runs."""
        db.execute(
            "DELETE FROM memory_conversations WHERE tenant = ? AND conversation = ?", self._ids
        )

    def _conversation(self, db: sqlite3.Connection) -> Any:
        """The conversation's row, which is made if there is none, or if it is over."""
        db.execute(
            "DELETE FROM memory_conversations "  # noqa: S608  a constant
            f"WHERE tenant = ? AND conversation = ? AND {_ALIVE} < ?",
            (*self._ids, self.oldest),
        )
        db.execute(
            "INSERT INTO memory_conversations (tenant, conversation) VALUES (?, ?) "
            "ON CONFLICT DO NOTHING",
            self._ids,
        )
        return db.execute(
            "SELECT open_turn, open_hash, lease_until FROM memory_conversations "
            "WHERE tenant = ? AND conversation = ?",
            self._ids,
        ).fetchone()

    def _stored(self, turn_id: str, db: sqlite3.Connection) -> Any:
        return db.execute(
            "SELECT seq, created, body, input_hash, fence FROM memory_turns "
            "WHERE tenant = ? AND conversation = ? AND turn_id = ?",
            (*self._ids, turn_id),
        ).fetchone()

    def _open(self, wanted: Lease, until: float, db: sqlite3.Connection) -> Lease:
        # The clock makes it larger than any fence of a conversation that was deleted.
        least = int(self.now * _MICROSECONDS)
        row = db.execute(
            "UPDATE memory_conversations SET open_turn = ?, open_hash = ?, lease_until = ?, "
            "fence = max(fence + 1, ?) WHERE tenant = ? AND conversation = ? RETURNING fence",
            (wanted.turn_id, wanted.input_hash, until, least, *self._ids),
        ).fetchone()
        return evolve(wanted, fence=int(row[0]))

    def _insert(self, written: Written, db: sqlite3.Connection) -> int:
        lease, created = written.lease, written.created
        row = db.execute(
            "UPDATE memory_conversations SET head = head + 1, updated = ?, "
            "open_turn = NULL, open_hash = NULL, lease_until = NULL "
            "WHERE tenant = ? AND conversation = ? AND open_turn = ? AND fence = ? "
            "RETURNING head",
            (self.now, *self._ids, lease.turn_id, lease.fence),
        ).fetchone()
        if row is None:
            raise stale()
        when = self.now if created is None else created
        values = (row[0], lease.turn_id, lease.fence, lease.input_hash, when, written.body)
        db.execute(
            "INSERT INTO memory_turns (tenant, conversation, seq, turn_id, fence, input_hash, "
            "created, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._ids, *values),
        )
        return int(row[0])


def describe(tenant: str, oldest: float, db: sqlite3.Connection) -> Sequence[ConversationInfo]:
    """The conversations that have turns and are not over, the newest first."""
    rows = db.execute(
        "SELECT conversation, count(*), updated FROM memory_conversations "  # noqa: S608  a constant
        "JOIN memory_turns USING (tenant, conversation) "
        f"WHERE tenant = ? AND {_ALIVE} >= ? GROUP BY conversation ORDER BY updated DESC",
        (tenant, oldest),
    )
    return tuple(ConversationInfo(ConversationKey(row[0], tenant), row[1], row[2]) for row in rows)


def prune(before: float, tenant: str | None, oldest: float, db: sqlite3.Connection) -> int:
    """Delete turns that are older, and conversations that are over or empty."""
    count: int = db.execute("SELECT count(*) FROM memory_turns").fetchone()[0]
    db.execute(
        "DELETE FROM memory_conversations "  # noqa: S608  a constant
        f"WHERE (?1 IS NULL OR tenant = ?1) AND {_ALIVE} < ?2",
        (tenant, oldest),
    )
    db.execute(
        "DELETE FROM memory_turns WHERE (?1 IS NULL OR tenant = ?1) AND created < ?2",
        (tenant, before),
    )
    db.execute(
        "DELETE FROM memory_conversations AS c WHERE open_turn IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM memory_turns t "
        "WHERE t.tenant = c.tenant AND t.conversation = c.conversation)"
    )
    return count - int(db.execute("SELECT count(*) FROM memory_turns").fetchone()[0])


def _turn(seq: int, created: float, body: str) -> Turn:
    return evolve(turn_from_json(body), seq=seq, created=created)
