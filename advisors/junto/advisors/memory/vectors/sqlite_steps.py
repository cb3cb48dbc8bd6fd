"""The transactions of vectors in SQLite: fixed text, bound values."""

from __future__ import annotations

import heapq
import sqlite3
from array import array
from collections.abc import Callable, Iterable, Sequence

from junto.core.memory import ConversationKey, Recalled, VectorRecord

from ..stores.sqlite_file import Schema
from .ranking import Found, Query, best, mismatch

__all__ = ["SCHEMA", "add", "clear", "delete", "prune", "search"]

SCHEMA = Schema(
    "vector",
    (
        """
        CREATE TABLE vector_models (
            tenant TEXT NOT NULL PRIMARY KEY,
            model TEXT NOT NULL,
            length INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE vector_memories (
            place INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            conversation TEXT NOT NULL,
            id TEXT NOT NULL,
            created REAL NOT NULL,
            vector BLOB NOT NULL,
            body BLOB NOT NULL,
            UNIQUE (tenant, conversation, id)
        );
        CREATE INDEX vector_created ON vector_memories (tenant, created);
        """,
    ),
)

# By how much a cosine in single precision may be off, at any length of vectors in use.
_ERROR = 1e-3

_SCOPE = (
    "SELECT place FROM vector_memories WHERE tenant = ? AND (? OR conversation = ?) "
    "ORDER BY created DESC, conversation, id LIMIT ?"
)


def add(
    key: ConversationKey,
    records: Sequence[tuple[VectorRecord, array[float]]],
    model: str,
    clock: Callable[[], float],
    db: sqlite3.Connection,
) -> None:
    """Store the memories whose ids are not there."""
    given = (model, len(records[0][1]))
    stored = _model(key.tenant, db)
    if stored is None:
        db.execute("REPLACE INTO vector_models VALUES (?, ?, ?)", (key.tenant, *given))
    elif stored != given:
        raise mismatch(stored, given)
    now = clock()
    db.executemany(
        "INSERT INTO vector_memories (tenant, conversation, id, created, vector, body) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (
                *(key.tenant, key.conversation, record.id),
                now if record.created is None else record.created,
                vector.tobytes(),
                # As bytes: NUL and lone surrogates come back as they were.
                record.text.encode("utf-8", "surrogatepass"),
            )
            for record, vector in records
        ],
    )


def search(
    query: Query, most: int, fast: Callable[[], bool], db: sqlite3.Connection
) -> Sequence[Recalled]:
    """The memories nearest to a vector, among the newest so many."""
    key = query.key
    stored, given = _model(key.tenant, db), (query.model, len(query.vector))
    if stored is None or query.limit < 1:
        return ()
    if stored != given:
        raise mismatch(stored, given)
    scope = (key.tenant, query.wide, key.conversation, most)
    # With the extension a few are chosen, with a margin; without it all are looked at.  Who
    # is found, and in which order, is decided by the same sums.
    places = _near(query, scope, db) if fast() else None
    rows = _rows(scope, places, db)
    at: dict[tuple[str, str], int] = {}
    found: list[Found] = []
    for place, conversation, id_, created, blob in rows:
        vector = array("f")
        vector.frombytes(blob)
        at[conversation, id_] = place
        found.append(Found(conversation, id_, created, query.score(vector)))
    return tuple(
        Recalled(
            ConversationKey(one.conversation, key.tenant),
            one.id,
            _body(at[one.conversation, one.id], db),
            one.score,
            one.created,
        )
        for one in best(found, query)
    )


def _near(query: Query, scope: tuple[object, ...], db: sqlite3.Connection) -> list[int]:
    near: list[tuple[float, int]] = db.execute(
        "SELECT vec_distance_cosine(vector, ?), place FROM vector_memories "  # noqa: S608  a constant
        f"WHERE place IN ({_SCOPE})",
        (query.vector.tobytes(), *scope),
    ).fetchall()
    nearest = heapq.nsmallest(query.limit, near)
    reach = nearest[-1][0] + 2 * _ERROR if nearest else 0.0
    return [place for distance, place in near if distance <= reach]


def _rows(
    scope: tuple[object, ...], places: list[int] | None, db: sqlite3.Connection
) -> Iterable[tuple[int, str, str, float, bytes]]:
    columns = "SELECT place, conversation, id, created, vector FROM vector_memories WHERE place"
    if places is None:
        return db.execute(f"{columns} IN ({_SCOPE})", scope)
    return (db.execute(f"{columns} = ?", (place,)).fetchone() for place in places)


def _body(place: int, db: sqlite3.Connection) -> str:
    row = db.execute("SELECT body FROM vector_memories WHERE place = ?", (place,)).fetchone()
    body: bytes = row[0]
    return body.decode("utf-8", "surrogatepass")


def _model(tenant: str, db: sqlite3.Connection) -> tuple[str, int] | None:
    """Model and length of a tenant's vectors, if it has any."""
    row: tuple[str, int] | None = db.execute(
        "SELECT model, length FROM vector_models m WHERE tenant = ? "
        "AND EXISTS (SELECT 1 FROM vector_memories v WHERE v.tenant = m.tenant)",
        (tenant,),
    ).fetchone()
    return row


def delete(key: ConversationKey, ids: Sequence[str] | None, db: sqlite3.Connection) -> None:
    """Forget some memories of a conversation, or all."""
    where = "DELETE FROM vector_memories WHERE tenant = ? AND conversation = ?"
    if ids is None:
        db.execute(where, (key.tenant, key.conversation))
    else:
        rows = [(key.tenant, key.conversation, one) for one in ids]
        db.executemany(f"{where} AND id = ?", rows)


def clear(tenant: str, db: sqlite3.Connection) -> None:
    """Forget all of a tenant's memories."""
    db.execute("DELETE FROM vector_memories WHERE tenant = ?", (tenant,))


def prune(before: float, tenant: str | None, db: sqlite3.Connection) -> int:
    """Forget what is older."""
    return db.execute(
        "DELETE FROM vector_memories WHERE created < ?1 AND (?2 IS NULL OR tenant = ?2)",
        (before, tenant),
    ).rowcount
