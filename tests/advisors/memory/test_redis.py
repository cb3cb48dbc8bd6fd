"""The Redis store: its keys, their time to live, its scripts."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from junto.advisors import RedisStore
from junto.advisors.memory.stores.redis_scripts import LAYOUT, Script
from junto.core import StoreFormatError, StoreUnavailableError, UserMessage
from junto.core.memory import ALL, ConversationKey, Lease, Turn, hash_input

from ...servers import Servers
from .factories import reached


def turn_of(text: str, **more: Any) -> Turn:
    return Turn(text, [UserMessage(text)], **more)


@pytest.fixture
async def db(servers: Servers) -> AsyncIterator[Any]:
    """A connection beside the store."""
    client = redis.asyncio.Redis.from_url(reached(servers.redis), decode_responses=True)
    yield client
    await client.aclose()


@pytest.fixture
async def own(db: Any, servers: Servers) -> str:
    """A prefix under which there is nothing."""
    prefix = f"{servers.own}_own"
    for key in await keys(db, prefix):
        await db.unlink(key)
    return prefix


async def keys(db: Any, prefix: str) -> list[str]:
    return [key async for key in db.scan_iter(match=f"{prefix}:*", count=1000)]


def store_of(servers: Servers, own: str, **options: Any) -> RedisStore:
    return RedisStore(reached(servers.redis), prefix=own, **options)


async def test_the_keys_of_a_conversation_are_in_one_slot(
    db: Any, servers: Servers, own: str
) -> None:
    store = store_of(servers, own)
    key = ConversationKey("c{x}", "t")
    await store.append(key, turn_of("a"))
    lease = await store.begin(key, "b", "", seconds=60)
    assert isinstance(lease, Lease)

    found = [name for name in await keys(db, own) if key.digest() in name]

    assert sorted(found) == [f"{own}:{{{key.digest()}}}:{n}" for n in ("log", "meta", "turns")]
    assert await db.llen(f"{own}:{{{key.digest()}}}:log") == 1
    await store.aclose()


async def test_a_cleared_conversation_leaves_no_key(db: Any, servers: Servers, own: str) -> None:
    store = store_of(servers, own)
    for text in "ab":
        await store.append("c", turn_of(text))
    lease = await store.begin("c", "x", "", seconds=60)
    assert isinstance(lease, Lease)
    await store.clear("c")
    second = await store.begin("c", "x", "", seconds=60)
    assert isinstance(second, Lease)
    await store.abort("c", second)
    await store.aclose()

    assert await keys(db, own) == [f"{own}:version"]


async def test_pruning_everything_leaves_no_key(db: Any, servers: Servers, own: str) -> None:
    store = store_of(servers, own)
    for tenant in ("", "t"):
        await store.append(ConversationKey("c", tenant), turn_of("a", created=1000.0))

    assert await store.prune(3600) == 2
    await store.aclose()

    assert await keys(db, own) == [f"{own}:version"]


async def test_turns_that_are_pruned_amid_others_leave_their_neighbours_found(
    servers: Servers, own: str
) -> None:
    store = store_of(servers, own)
    for i in range(1, 9):
        old = {"created": 1000.0} if i in {1, 2, 4, 6, 7} else {}
        await store.append("c", turn_of(str(i), **old))

    assert await store.prune(3600) == 5
    for text in "358":
        again = await store.begin("c", text, hash_input([UserMessage(text)]), seconds=60)
        assert isinstance(again, Turn)
        assert (again.id, again.seq) == (text, int(text))
    await store.append("c", turn_of("9"))
    assert [turn.seq for turn in await store.load("c", ALL)] == [3, 5, 8, 9]
    await store.aclose()


async def test_only_so_many_turns_are_kept_and_they_are_found(
    db: Any, servers: Servers, own: str
) -> None:
    store = store_of(servers, own, max_turns=2)
    for text in "abcd":
        await store.append("c", turn_of(text))

    assert [(turn.id, turn.seq) for turn in await store.load("c", ALL)] == [("c", 3), ("d", 4)]
    again = await store.begin("c", "c", hash_input([UserMessage("c")]), seconds=60)
    assert isinstance(again, Turn)
    assert again.seq == 3
    meta = f"{own}:{{{ConversationKey('c').digest()}}}:meta"
    assert await db.hget(meta, "offset") == "2"
    # What has gone is unknown.
    assert isinstance(
        await store.begin("c", "a", hash_input([UserMessage("a")]), seconds=60), Lease
    )
    await store.clear("c")
    await store.aclose()


async def test_a_time_to_live_is_on_all_keys(db: Any, servers: Servers, own: str) -> None:
    store = store_of(servers, own, ttl=3600)
    await store.append("c", turn_of("a"))
    lease = await store.begin("c", "b", "", seconds=600)
    assert isinstance(lease, Lease)

    left = {name.rpartition(":")[2]: await db.pttl(name) for name in await keys(db, own)}

    assert left.pop("version") == -1
    assert len(left) == 5
    assert all(3500_000 < time <= 4200_000 for time in left.values())
    assert left["log"] > 3600_000, "a turn that runs keeps its conversation alive"
    await store.aclose()


async def test_a_store_without_a_time_to_live_keeps_what_it_writes(
    db: Any, servers: Servers, own: str
) -> None:
    passing, lasting = store_of(servers, own, ttl=3600), store_of(servers, own)
    await passing.append("c", turn_of("a"))
    await lasting.append("c", turn_of("b"))
    await passing.append("d", turn_of("a"))

    kept = [f"{own}:{{{ConversationKey('c').digest()}}}:{n}" for n in ("log", "meta", "turns")]
    kept += [f"{own}:tenants", *(k for k in await keys(db, own) if ":index:" in k)]

    assert [await db.pttl(name) for name in kept] == [-1] * 5
    await passing.aclose()
    await lasting.aclose()


async def test_a_lease_that_nobody_takes_up_does_not_stay_for_ever(
    db: Any, servers: Servers, own: str
) -> None:
    store = store_of(servers, own)
    await store.begin("c", "a", "", seconds=60)

    (meta,) = [name for name in await keys(db, own) if name.endswith(":meta")]

    assert 0 < await db.pttl(meta) <= (86_400 + 61) * 1000
    await store.append("c", turn_of("a"))
    assert await db.pttl(meta) == -1
    await store.aclose()


async def test_a_conversation_that_is_over_is_listed_no_more(
    db: Any, servers: Servers, own: str
) -> None:
    store = store_of(servers, own, ttl=3600)
    await store.append("c", turn_of("a"))
    for name in await keys(db, own):
        if "{" in name:
            await db.pexpire(name, 0)

    assert await store.load("c", ALL) == ()
    assert await store.describe() == ()
    assert await keys(db, own) == [f"{own}:version"]
    await store.append("c", turn_of("b"))
    assert [info.turns for info in await store.describe()] == [1]
    assert [turn.seq for turn in await store.load("c", ALL)] == [1]
    await store.aclose()


async def test_a_script_that_the_server_does_not_know_is_sent(servers: Servers, own: str) -> None:
    store = store_of(servers, own)
    new = Script(f"return '{secrets.token_hex(8)}'")

    assert await store._server.run(new, []) == await store._server.run(new, [])
    await store.aclose()


async def test_keys_of_a_newer_version_are_refused_with_what_to_do(
    db: Any, servers: Servers, own: str
) -> None:
    await db.set(f"{own}:version", LAYOUT + 1)
    store = store_of(servers, own)

    with pytest.raises(StoreFormatError, match=r"has version 2 .* use a newer junto"):
        await store.load("c", 1)
    await store.aclose()


async def test_what_is_no_turn_is_a_typed_error(db: Any, servers: Servers, own: str) -> None:
    store = store_of(servers, own)
    log = f"{own}:{{{ConversationKey('c').digest()}}}:log"
    await db.rpush(log, "no turn")

    with pytest.raises(StoreFormatError, match="is no turn of junto"):
        await store.load("c", 1)
    await db.delete(log)
    await db.set(log, "no list")
    with pytest.raises(StoreUnavailableError, match="WRONGTYPE"):
        await store.load("c", 1)
    await store.aclose()
