"""One string names a store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from junto.advisors import (
    InProcessStore,
    MemoryAdvisor,
    PostgresStore,
    RedisStore,
    SQLiteStore,
    open_store,
)
from junto.core import MissingExtraError


@pytest.mark.parametrize("text", ["memory:", "memory://", "MEMORY:"])
def test_memory_is_this_process(text: str) -> None:
    assert isinstance(open_store(text, max_turns=5), InProcessStore)


def test_sqlite_is_a_file(tmp_path: Path) -> None:
    assert repr(open_store("sqlite:///chat.db")) == "SQLiteStore('chat.db')"
    assert repr(open_store("sqlite:////a/b%20c.db")) == "SQLiteStore('/a/b c.db')"
    assert isinstance(MemoryAdvisor(f"sqlite:///{tmp_path}/chat.db").store, SQLiteStore)


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("postgres://u:pw@h/d", PostgresStore, "postgres://h/d"),
        (
            "postgresql://u:p%2Fw@[::1]:1,h:2/d?password=pw",
            PostgresStore,
            "postgresql://[::1]:1,h:2/d",
        ),
        ("postgresql:///d?host=/run", PostgresStore, "postgresql:///d"),
        ("redis://:p@w@h:6379/1", RedisStore, "redis://h:6379/1"),
        ("REDISS://u:pw@h?db=1", RedisStore, "rediss://h"),
    ],
)
def test_a_server_is_shown_without_user_password_and_options(
    text: str, kind: type, shown: str
) -> None:
    store = open_store(text, prefix="my_chat", ttl=60)

    assert isinstance(store, kind)
    assert repr(store) == f"{kind.__name__}({shown!r})"


@pytest.mark.parametrize("place", ["u:p/w@h", "u:p?w@h", "u:p#w@h", "h:pw", "u:1/2@h"])
@pytest.mark.parametrize("scheme", ["postgresql", "redis"])
def test_a_password_that_cuts_its_address_is_refused_without_repeating_it(
    scheme: str, place: str
) -> None:
    with pytest.raises(ValueError, match=r"write these as %2F") as caught:
        open_store(f"{scheme}://{place}/db")

    assert "w" not in str(caught.value).replace("password with", "").replace("write", "")


@pytest.mark.parametrize("prefix", ["", "A", "a1", 'a"; DROP TABLE x; --', "a" * 33, "é", "a\n"])
@pytest.mark.parametrize("scheme", ["postgresql", "redis"])
def test_a_prefix_is_letters_of_names_only(scheme: str, prefix: str) -> None:
    with pytest.raises(ValueError, match="a prefix has 1 to 32"):
        open_store(f"{scheme}://h", prefix=prefix)


@pytest.mark.parametrize(
    "text", ["", "chat.db", "sqlite:chat.db", "sqlite:///", "memory:x", "redis:x", "mysql://a:pw@b"]
)
def test_anything_else_is_told_how_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///FILE") as caught:
        open_store(text)

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "extra"),
    [("postgres://h/d", "postgres"), ("postgresql://h/d", "postgres"), ("redis://h", "redis")],
)
def test_what_is_missing_is_told_by_its_extra(
    text: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Neither asyncpg nor redis.
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    with pytest.raises(MissingExtraError, match=rf"pip install 'junto\[{extra}\]'"):
        open_store(text)
