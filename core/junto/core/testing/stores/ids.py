"""Checks of ids: who may have which, and that nobody gets another's."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Coroutine
from typing import Any, cast

from ...memory import ConversationKey, LeasedStore, MemoryStore, has_leases, is_managed
from ..kits.loops import claim
from .base import ALL, Checks, fails, key, say, texts_of

__all__ = ["IdChecks"]

_HOSTILE = (
    "'; DROP TABLE turns; --",
    '"; SELECT * FROM turns WHERE "1"="1',
    "%",
    "_",
    "*",
    "[a-z]*",
    "a\\",
    "../../etc/passwd",
    "C:\\aux",
    "${IFS}$(id)",
    "{0.__class__}",
    "' .. redis.call('FLUSHALL') .. '",
    "return redis.call('KEYS', '*')",
    "a:b:c",
    "{slot}",
    "NULL",
    "0",
    "-1",
    " ",
    " a",
    "a ",
    "é",
    "e\u0301",
    "İ",
    "ß",
    "SS",
    "😀" * 100,
    "x" * 255,
)
"""Ids that may be, and that somebody may stumble over."""

_IMPOSSIBLE: tuple[Any, ...] = (
    *("", "x" * 256, "a\nb", "a\x00b", "a\x7fb", "a\u202eb", "a\u200bb", "a\ud800b"),
    *(None, 1, b"a", ["a"]),
)
"""Ids that no store takes."""


class IdChecks(Checks):
    """Ids are texts, compared character by character."""

    def test_any_possible_id_is_a_conversation_of_its_own(self) -> None:
        """SQL, Lua, patterns, paths and composed characters mean nothing."""

        async def main(store: MemoryStore) -> None:
            tenant = key().tenant
            for i, name in enumerate(_HOSTILE):
                await store.append(ConversationKey(name, tenant), say(str(i)))
            for i, name in enumerate(_HOSTILE):
                found = texts_of(await store.load(ConversationKey(name, tenant), ALL))
                claim(found == [str(i)], f"conversation {name!a} has {found}, not its own turn")
            listed = sorted(await store.conversations(tenant))
            claim(listed == sorted(_HOSTILE), "the list of conversations has other ids than stored")

        self.play(main)

    def test_any_possible_id_is_a_turn_of_its_own(self) -> None:
        """The same for the ids of turns."""

        async def main(store: MemoryStore) -> None:
            where = key()
            for name in _HOSTILE:
                await store.append(where, say("a", name))
            found = [turn.id for turn in await store.load(where, ALL)]
            claim(found == list(_HOSTILE), "turns come back with other ids than stored")

        self.play(main)

    def test_tenants_do_not_meet(self) -> None:
        """Not even where ids would be the same if they were joined."""

        async def main(store: MemoryStore) -> None:
            base = key().tenant
            pairs = [("a", "b:c"), ("a:b", "c"), ("", "a:b:c"), ("ab", "c"), ("a", "bc")]
            keys = [ConversationKey(name, f"{base}{tenant}") for tenant, name in pairs]
            keys += [ConversationKey(f":{name}", f"{base}{tenant}") for tenant, name in pairs]
            for i, where in enumerate(keys):
                await store.append(where, say(str(i)))
            for i, where in enumerate(keys):
                found = texts_of(await store.load(where, ALL))
                claim(found == [str(i)], f"{where!r} has {found}: turns of another tenant")

        self.play(main)

    def test_normal_forms_are_not_folded(self) -> None:
        """An id is what it is, not what it looks like."""

        async def main(store: MemoryStore) -> None:
            tenant = key().tenant
            forms = {unicodedata.normalize(form, "Ǖﬁ①") for form in ("NFC", "NFD", "NFKC")}
            names = [*forms, "CASE", "case", "Case"]
            for name in names:
                await store.append(ConversationKey(name, tenant), say(name.encode().hex()))
            for name in names:
                found = texts_of(await store.load(ConversationKey(name, tenant), ALL))
                claim(found == [name.encode().hex()], f"{name!a} is taken for another id")

        self.play(main)

    def test_impossible_ids_are_refused_the_same_way_everywhere(self) -> None:
        """``ValueError`` or ``TypeError``, by every method."""

        async def main(store: MemoryStore) -> None:
            for bad in _IMPOSSIBLE:
                for where in (bad, ConversationKey(bad), ConversationKey("a", _or_number(bad))):
                    for name, call in _calls(store).items():
                        what = f"{name} with {where!a}"
                        await fails(call(where), (ValueError, TypeError), what)

        self.play(main)

    def test_impossible_turn_ids_are_refused(self) -> None:
        """And nothing is stored of such a turn."""

        async def main(store: MemoryStore) -> None:
            where = key()
            for bad in _IMPOSSIBLE:
                step = store.append(where, say("a", bad) if bad is not None else _nameless())
                await fails(step, (ValueError, TypeError), f"append of turn {bad!a}")
            found = await store.load(where, ALL)
            claim(not found, f"turns with impossible ids are stored: {found!r}")

        self.play(main)

    def test_a_bare_id_is_a_conversation_without_tenant(self) -> None:
        """``"42"`` is the same as ``ConversationKey("42")``."""

        async def main(store: MemoryStore) -> None:
            bare: Any = key().conversation
            await store.append(bare, say("a"))
            found = texts_of(await store.load(ConversationKey(bare), ALL))
            claim(found == ["a"], f"stored by its bare id, a conversation has {found} by its key")
            await store.clear(bare)
            claim(not await store.load(ConversationKey(bare), ALL), "clear takes no bare id")

        self.play(main)

    def test_an_impossible_tenant_has_no_list(self) -> None:
        """Not even an empty one."""

        async def main(store: MemoryStore) -> None:
            for bad in ("a\nb", "x" * 256, "a\ud800", 1, None):
                given = cast("str", bad)
                step: Any = store.conversations(given)
                await fails(step, (ValueError, TypeError), f"conversations({bad!a})")
                if is_managed(store):
                    described: Any = store.describe(given)
                    await fails(described, (ValueError, TypeError), f"describe({bad!a})")

        self.play(main)

    def test_the_repr_tells_nothing_of_a_conversation(self) -> None:
        """Reprs end up in logs."""

        async def main(store: MemoryStore) -> None:
            where = key()
            await store.append(where, say("a secret"))
            shown = repr(store)
            for secret in ("a secret", where.conversation, where.tenant):
                claim(secret not in shown, f"the repr tells of a conversation: {shown}")

        self.play(main)


def _nameless() -> Any:
    return say("a", cast("str", 1))


def _or_number(bad: Any) -> Any:
    # An empty tenant is none, and so it may be.
    return bad or 1


def _calls(store: MemoryStore) -> dict[str, Callable[[Any], Coroutine[Any, Any, object]]]:
    given: Any = store
    calls: dict[str, Callable[[Any], Coroutine[Any, Any, object]]] = {
        "load": lambda where: given.load(where, 1),
        "append": lambda where: given.append(where, say("a")),
        "clear": given.clear,
    }
    if has_leases(store):
        leased: LeasedStore = store
        calls["begin"] = lambda where: leased.begin(where, "1", "", seconds=1)
    return calls
