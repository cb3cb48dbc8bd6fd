"""What the stores on servers share: connections, loops, crashes, cancellation, secrets."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it has no types
import pytest
import redis.asyncio
import redis.exceptions

from junto.advisors import MemoryAdvisor, PostgresStore, RedisStore
from junto.core import ChatClient, StoreUnavailableError, UserMessage
from junto.core.memory import ALL, ConversationKey, Lease, LeasedStore, Turn
from junto.core.testing import ScriptedModel

from ...servers import PrivatePostgres, PrivateRedis, Servers
from .factories import Make, reached

PRIVATE = {"postgres": PrivatePostgres, "redis": PrivateRedis}
STORES: dict[str, Any] = {"postgres": PostgresStore, "redis": RedisStore}
DRIVER_ERRORS = (OSError, asyncpg.PostgresError, redis.exceptions.RedisError)

both = pytest.mark.parametrize("kind", ["postgres", "redis"])


def turn_of(text: str) -> Turn:
    return Turn(text, [UserMessage(text)])


def opened(servers: Servers, kind: str, **options: Any) -> Any:
    if kind == "postgres":
        return PostgresStore(reached(servers.postgres), **options)
    return RedisStore(reached(servers.redis), prefix=servers.own, **options)


@pytest.fixture(params=["postgres", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def one(kind: str, servers: Servers) -> AsyncIterator[Any]:
    """A store with a single connection: if it is lost or out of step, nothing works."""
    store = opened(servers, kind, max_connections=1)
    yield store
    await store.aclose()


def steps(store: Any, where: ConversationKey) -> list[Callable[[], Any]]:
    lease = Lease("t", 1, "")
    return [
        lambda: store.load(where, ALL),
        lambda: store.append(where, turn_of("t")),
        lambda: store.begin(where, "t", "", seconds=60, takeover=True),
        lambda: store.renew(where, lease, seconds=60),
        lambda: store.commit(where, lease, turn_of("t")),
        lambda: store.abort(where, lease),
        lambda: store.describe(where.tenant),
        lambda: store.prune(60, tenant=where.tenant),
        lambda: store.clear(where),
    ]


async def test_cancellation_at_every_await_leaves_the_connection_good(one: Any) -> None:
    where = ConversationKey("cancelled", "t")
    await one.append(ConversationKey("kept", "t"), turn_of("kept"))

    for number in range(len(steps(one, where))):
        for rounds in range(1, 30):
            task = asyncio.ensure_future(steps(one, where)[number]())
            for _ in range(rounds):
                await asyncio.sleep(0)
            over = task.done()
            task.cancel()
            await asyncio.wait({task})
            (found,) = await one.load(ConversationKey("kept", "t"), ALL)
            assert found.id == "kept"
            if over:
                break


async def test_more_tasks_than_connections_wait_for_each_other(one: Any) -> None:
    where = ConversationKey("many", "t")

    await asyncio.gather(*(one.append(where, turn_of(str(i))) for i in range(20)))

    assert sorted(turn.seq for turn in await one.load(where, ALL)) == list(range(1, 21))


def test_connections_of_a_loop_end_with_it(kind: str, servers: Servers) -> None:
    store = opened(servers, kind)

    for _ in range(3):
        asyncio.run(store.load("c", 1))
        # A connection that is left open would warn now.
        gc.collect()

    assert loops_of(store) == 0
    asyncio.run(store.aclose())


def loops_of(store: Any) -> int:
    inner = store._database if isinstance(store, PostgresStore) else store._server
    return len(inner._loops._all)


def test_closing_a_store_closes_the_connections_of_other_threads(
    kind: str, servers: Servers
) -> None:
    store, used, closed = opened(servers, kind), threading.Event(), threading.Event()
    told: list[BaseException] = []

    async def other() -> None:
        await store.load("c", 1)
        used.set()
        await asyncio.to_thread(closed.wait)
        try:
            await store.load("c", 1)
        except StoreUnavailableError as error:
            told.append(error)

    thread = threading.Thread(target=lambda: asyncio.run(other()))
    thread.start()
    used.wait()
    asyncio.run(store.aclose())
    closed.set()
    thread.join()
    gc.collect()

    assert ["is closed" in str(error) for error in told] == [True]


async def test_a_store_that_is_dropped_leaves_no_connection(kind: str, servers: Servers) -> None:
    store = opened(servers, kind)
    await store.load("c", 1)

    del store
    gc.collect()
    await asyncio.sleep(0)
    closing = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(closing)
    gc.collect()

    assert [task.exception() for task in closing] == [None]


async def test_a_closed_store_says_so_and_closing_again_is_no_error(one: Any) -> None:
    await one.load("c", 1)

    await one.aclose()
    await one.aclose()

    with pytest.raises(StoreUnavailableError, match="is closed"):
        await one.load("c", 1)


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@both
async def test_who_cannot_be_reached_is_a_typed_error_without_the_password(
    kind: str, nobody: int, caplog: pytest.LogCaptureFixture
) -> None:
    store = STORES[kind](f"{kind}://joe:geheim@127.0.0.1:{nobody}/0")
    model = ScriptedModel("ok")
    client = ChatClient(model, advisors=[MemoryAdvisor(store)])

    with pytest.raises(StoreUnavailableError, match=f"{kind}://127.0.0.1:{nobody}/0") as caught:
        await client.call("hi", conversation_id="c")
    await store.aclose()

    assert model.requests == []
    assert isinstance(caught.value.__cause__, DRIVER_ERRORS)
    told = f"{caught.value!r} {caught.value.__cause__!r} {store!r} {caplog.text}"
    assert "geheim" not in told
    assert "joe" not in told


@both
async def test_a_server_that_says_nothing_is_waited_for_no_longer_than_wanted(kind: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        store = STORES[kind](f"{kind}://127.0.0.1:{port}/0?", timeout=0.05)

        with pytest.raises(StoreUnavailableError, match=r"no answer within 0\.05 seconds|[Tt]ime"):
            await store.load("c", 1)
        await store.aclose()


async def test_ids_may_be_as_long_as_they_may_be(store: LeasedStore) -> None:
    letters = [chr(i) for i in range(0x20000, 0x20000 + 3 * 255)]
    assert not {unicodedata.category(letter) for letter in letters} & {"Cc", "Cf", "Cs"}
    tenant, name, turn = ("".join(letters[i::3]) for i in range(3))
    where = ConversationKey(name, tenant)

    await store.append(where, turn_of(turn))

    assert [found.id for found in await store.load(where, ALL)] == [turn]
    assert list(await store.conversations(tenant)) == [name]
    await store.clear(where)


async def test_a_limit_beyond_all_bounds_is_no_limit(store: LeasedStore) -> None:
    for text in "ab":
        await store.append("c", turn_of(text))

    assert [found.id for found in await store.load("c", 10**30)] == ["a", "b"]


@both
def test_a_store_is_made_with_an_address_or_what_has_connections(kind: str) -> None:
    for wrong in (None, 5, b"redis://h", redis.asyncio.Redis, object()):
        with pytest.raises(TypeError, match=r"a store takes an address or a (pool|client) of"):
            STORES[kind](wrong)


@both
async def test_what_was_acknowledged_outlasts_a_crash_of_the_server(kind: str) -> None:
    private = reached(PRIVATE[kind])
    await asyncio.to_thread(private.__enter__)
    try:
        store = STORES[kind](private.address)
        await store.append("c", turn_of("first"))
        lease = await store.begin("c", "second", "", seconds=600)
        await asyncio.to_thread(private.crash)

        with pytest.raises(StoreUnavailableError):
            await store.commit("c", lease, turn_of("second"))
        await asyncio.to_thread(private.start)

        # The same store works again, and the lease is as good as it was.
        assert await store.commit("c", lease, turn_of("second")) == 2
        assert [turn.id for turn in await store.load("c", ALL)] == ["first", "second"]
        await store.aclose()
    finally:
        await asyncio.to_thread(private.remove)


async def test_whoever_asks_again_after_a_lost_reply_gets_the_same_number(
    make: Make, tmp_path: Path, servers: Servers
) -> None:
    store: Any = make(tmp_path)
    where = ConversationKey(servers.own, "lost")
    lease = await store.begin(where, "t", "h", seconds=60)

    numbers = await asyncio.gather(*(store.commit(where, lease, turn_of("t")) for _ in range(8)))

    assert numbers == [1] * 8
    await store.clear(where)
    await store.aclose()


async def test_what_was_given_stays_open(kind: str, servers: Servers) -> None:
    if kind == "postgres":
        given: Any = await asyncpg.create_pool(reached(servers.postgres), min_size=0)
        store: Any = PostgresStore(given)
    else:
        given = redis.asyncio.Redis.from_url(
            reached(servers.redis), decode_responses=True, driver_info=None
        )
        store = RedisStore(given, prefix=servers.own)
    where = ConversationKey("é", "given")
    await store.append(where, turn_of("ü"))
    assert [turn.id for turn in await store.load(where, ALL)] == ["ü"]
    assert [info.key for info in await store.describe("given")] == [where]

    def elsewhere() -> None:
        with pytest.raises(StoreUnavailableError, match="another event loop: give an address"):
            asyncio.run(store.load(where, ALL))

    await asyncio.to_thread(elsewhere)
    await store.aclose()

    assert await (given.fetchval("SELECT 1") if kind == "postgres" else given.ping())
    await (given.close() if kind == "postgres" else given.aclose())
