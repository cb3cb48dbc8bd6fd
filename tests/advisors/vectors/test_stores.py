"""What every vector store does, and that all of them find the same."""

from __future__ import annotations

import asyncio
import math
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from junto.advisors import (
    InProcessVectors,
    PgVectors,
    SQLiteStore,
    SQLiteVectors,
    open_vectors,
)
from junto.core import (
    EmbeddingMismatchError,
    StoreFormatError,
    StoreUnavailableError,
    UserMessage,
)
from junto.core.memory import ConversationKey, Turn, VectorRecord, VectorStore, unit_vector

KEY = ConversationKey("c", "t")
M: Any = {"model": "m"}


def record(name: str, *vector: float, created: float | None = 1.0) -> VectorRecord:
    return VectorRecord(name, f"text of {name}", vector or (1.0, 0.0), created)


async def ids(store: VectorStore, *vector: float, key: Any = KEY, **how: Any) -> list[str]:
    found = await store.search(key, vector, **{"model": "m", "limit": 99, **how})
    return [one.id for one in found]


async def test_the_nearest_come_first_with_their_cosine(store: VectorStore) -> None:
    records = [record("far", -1, 0), record("near", 2, 0.1), record("same", 30, 0)]
    await store.add(KEY, records, **M)

    found = await store.search(KEY, (0.5, 0), limit=3, **M)

    assert [one.id for one in found] == ["same", "near", "far"]
    assert [one.score for one in found] == pytest.approx([1, 2 / math.hypot(2, 0.1), -1], abs=1e-6)
    assert (found[0].key, found[0].text, found[0].created) == (KEY, "text of same", 1.0)
    assert await ids(store, 1, 0, limit=2) == ["same", "near"]
    assert await ids(store, 1, 0, limit=0) == []
    assert await ids(store, 1, 0, min_score=0.5) == ["same", "near"]


async def test_of_equals_the_newer_comes_first(store: VectorStore) -> None:
    await store.add(KEY, [record("b"), record("a"), record("new", created=2.0)], **M)

    assert await ids(store, 1, 0) == ["new", "a", "b"]


async def test_an_id_that_is_there_changes_nothing(store: VectorStore) -> None:
    await store.add(KEY, [record("a", 1, 0)], **M)
    await store.add(KEY, [record("a", 0, 1), record("b", 0, 1)], **M)

    (found,) = await store.search(KEY, (1, 0), limit=1, **M)
    assert found.id == "a"
    assert found.score == pytest.approx(1)


async def test_other_conversations_only_where_that_is_asked_for_and_other_tenants_never(
    store: VectorStore,
) -> None:
    for key in (
        KEY,
        ConversationKey("d", "t"),
        ConversationKey("c", "other"),
        ConversationKey("c"),
    ):
        await store.add(key, [record(f"{key.tenant}/{key.conversation}")], **M)

    assert await ids(store, 1, 0) == ["t/c"]
    assert await ids(store, 1, 0, scope="tenant") == ["t/c", "t/d"]
    assert await ids(store, 1, 0, key="c", scope="tenant") == ["/c"]
    assert await ids(store, 1, 0, key=ConversationKey("c", "nobody"), scope="tenant") == []


async def test_what_is_deleted_is_not_found(store: VectorStore) -> None:
    other = ConversationKey("d", "t")
    await store.add(KEY, [record("a"), record("b")], **M)
    await store.add(other, [record("a"), record("e")], **M)

    await store.delete(KEY, ["a", "unknown"])
    assert await ids(store, 1, 0, scope="tenant") == ["b", "a", "e"]
    await store.delete(other)
    assert await ids(store, 1, 0, scope="tenant") == ["b"]
    await store.delete(KEY, [])
    await store.clear("other")
    assert await ids(store, 1, 0) == ["b"]
    await store.clear("t")
    assert await ids(store, 1, 0, scope="tenant") == []


async def test_memories_go_by_age(make: Callable[..., Any]) -> None:
    store = make(clock=lambda: 100.0)
    await store.add(KEY, [record("old", created=10.0), record("now", created=None)], **M)
    await store.add("c", [record("old", created=10.0)], **M)

    assert await store.prune(50, tenant="t") == 1
    assert await ids(store, 1, 0) == ["now"]
    assert await store.prune(50) == 1
    assert await store.prune(50) == 0
    await store.aclose()


async def test_vectors_of_another_length_or_model_are_refused_with_what_to_do(
    store: VectorStore,
) -> None:
    await store.add(KEY, [record("a", 1, 0)], **M)

    for vector, model in (((1.0, 0.0, 0.0), "m"), ((1.0, 0.0), "n")):
        with pytest.raises(EmbeddingMismatchError, match=r"clear\(\) the store for this tenant"):
            await store.search(KEY, vector, model=model, limit=1)
        with pytest.raises(EmbeddingMismatchError):
            await store.add(KEY, [VectorRecord("b", "b", vector)], model=model)
    with pytest.raises(EmbeddingMismatchError, match="have one length"):
        await store.add("new", [record("b", 1, 0), record("c", 1)], **M)

    assert await ids(store, 1, 0, scope="tenant") == ["a"]
    await store.add("c", [record("another tenant's", 1, 0, 0)], model="n")


async def test_who_has_no_memories_any_more_takes_another_model(store: VectorStore) -> None:
    await store.add(KEY, [record("a", 1, 0)], **M)
    await store.clear("t")

    assert await ids(store, 1, 0, 0, model="n") == []
    await store.add(KEY, [record("b", 1, 0, 0)], model="n")

    assert await ids(store, 1, 0, 0, model="n") == ["b"]
    with pytest.raises(EmbeddingMismatchError):
        await ids(store, 1, 0)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (lambda s: s.add("", [record("a")], model="m"), ValueError),
        (lambda s: s.add(None, [record("a")], model="m"), ValueError),
        (lambda s: s.add(ConversationKey("c", "\0"), [record("a")], model="m"), ValueError),
        (lambda s: s.add("c", [record("a\n")], model="m"), ValueError),
        (lambda s: s.add("c", [record("a", 0, 0)], model="m"), ValueError),
        (lambda s: s.add("c", [record("a", math.nan)], model="m"), ValueError),
        (lambda s: s.add("c", [record("a")], model=""), ValueError),
        (lambda s: s.search("c\u200b", (1, 0), model="m", limit=1), ValueError),
        (lambda s: s.search("c", (), model="m", limit=1), ValueError),
        (lambda s: s.search("c", (math.inf, 0), model="m", limit=1), ValueError),
        (lambda s: s.search("c", (1, 0), model="m", limit=1, scope="all"), ValueError),
        (lambda s: s.delete("\ud800"), ValueError),
        (lambda s: s.delete("c", [""]), ValueError),
        (lambda s: s.clear("\x7f"), ValueError),
        (lambda s: s.clear(7), TypeError),
        (lambda s: s.prune(1, tenant="\u202e"), ValueError),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_opened(
    make: Callable[..., Any], step: Any, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make()
    for name in ("_work", "_pool"):
        if hasattr(store, name):
            monkeypatch.setattr(store, name, None)

    with pytest.raises(error):
        await step(store)


HOSTILE = "'; DROP TABLE vector_memories; -- \0 \ud800\udc00 \udfff $1 %s {0} é 你好 \U0001f600"


async def test_any_text_and_any_allowed_id_come_back_unchanged(store: VectorStore) -> None:
    name = "'; DROP TABLE junto_vector_memories; -- 你好 %s"
    key = ConversationKey(name, name)
    await store.add(key, [VectorRecord(name, HOSTILE * 100, (1, 0))], **M)

    (found,) = await store.search(key, (1, 0), limit=1, scope="tenant", **M)

    assert (found.key, found.id, found.text) == (key, name, HOSTILE * 100)


async def test_many_can_add_at_once(store: VectorStore) -> None:
    await asyncio.gather(*(store.add(KEY, [record(f"{i:02}")], **M) for i in range(20)))

    assert len(await ids(store, 1, 0)) == 20


async def test_of_many_who_come_first_one_decides_the_model(store: VectorStore) -> None:
    results = await asyncio.gather(
        *(store.add(KEY, [record(f"{i}")], model=f"m{i % 2}") for i in range(6)),
        return_exceptions=True,
    )

    failed = [i for i, result in enumerate(results) if result is not None]
    assert all(isinstance(results[i], EmbeddingMismatchError) for i in failed)
    assert {i % 2 for i in failed} in ({0}, {1})
    assert len(failed) == 3


async def test_a_store_that_is_closed_says_so(make: Callable[..., Any]) -> None:
    store = make()
    if isinstance(store, InProcessVectors):
        return
    await store.add(KEY, [record("a")], **M)
    await store.aclose()
    await store.aclose()

    with pytest.raises(StoreUnavailableError, match="is closed"):
        await ids(store, 1, 0)


async def test_every_store_finds_what_exact_arithmetic_finds(make: Callable[..., Any]) -> None:
    # Many near ties: what only looks alike in single precision must not be mixed up.
    numbers = random.Random(5)
    base = [numbers.gauss(0, 1) for _ in range(24)]
    records: list[VectorRecord] = []
    for i in range(300):
        noise = numbers.choice((1e-3, 1e-2, 1.0))
        vector = [number + noise * numbers.gauss(0, 1) for number in base]
        records.append(VectorRecord(f"{i:03}", "", vector, float(i)))
    bounds: Any = {} if isinstance(make(), PgVectors) else {"max_scanned": 250}
    store, exact = make(**bounds), InProcessVectors(**{"max_scanned": 300, **bounds})
    for chosen in (store, exact):
        await chosen.add(KEY, records, **M)
    searches: list[Any] = [
        {"limit": 7},
        {"limit": 40, "min_score": 0.99},
        {"limit": 3, "scope": "tenant"},
    ]

    for how in searches:
        found = await store.search(KEY, base, model="m", **how)
        wanted = await exact.search(KEY, base, model="m", **how)
        assert [one.score for one in found] == pytest.approx([w.score for w in wanted], abs=1e-6)
        if isinstance(store, SQLiteVectors):
            assert found == wanted
    await store.aclose()


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9), max_size=9
    )
)
def test_a_unit_vector_has_the_length_one_or_there_is_none(numbers: list[float]) -> None:
    if not any(numbers):
        with pytest.raises(ValueError, match="at least one number that is not 0"):
            unit_vector(numbers)
    else:
        assert math.hypot(*unit_vector(numbers)) == pytest.approx(1, abs=1e-5)


async def test_a_search_looks_at_the_newest_so_many(tmp_path: Path) -> None:
    for store in (
        InProcessVectors(max_scanned=2),
        SQLiteVectors(tmp_path / "v.db", max_scanned=2),
    ):
        await store.add(KEY, [record(str(i), 1, i, created=float(i)) for i in range(4)], **M)
        assert await ids(store, 1, 0) == ["2", "3"]
        await store.aclose()


def test_an_address_names_a_store(tmp_path: Path) -> None:
    assert isinstance(open_vectors("memory:"), InProcessVectors)
    assert isinstance(open_vectors(f"sqlite:///{tmp_path / 'v.db'}"), SQLiteVectors)
    assert repr(open_vectors("postgresql://u:secret@h/d")) == "PgVectors('postgresql://…')"
    with pytest.raises(ValueError, match="write memory:") as caught:
        open_vectors("mysql://u:secret@h/d")
    assert "secret" not in str(caught.value)


async def test_a_file_may_hold_turns_and_memories(tmp_path: Path) -> None:
    turns, memories = SQLiteStore(tmp_path / "chat.db"), SQLiteVectors(tmp_path / "chat.db")
    await turns.append("c", Turn("1", [UserMessage("a")]))
    await memories.add("c", [record("a")], **M)

    assert len(await turns.load("c", 9)) == 1
    assert await ids(memories, 1, 0, key="c") == ["a"]
    await turns.aclose()
    await memories.aclose()


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    store = SQLiteVectors(path)
    await store.add(KEY, [record("a")], **M)
    await store.aclose()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE vector_schema SET version = 2")
    db.close()
    store = SQLiteVectors(path)

    with pytest.raises(StoreFormatError, match=r"version 2 of the vector schema"):
        await ids(store, 1, 0)
    await store.aclose()
