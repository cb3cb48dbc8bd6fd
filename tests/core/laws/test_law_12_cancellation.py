"""Law 12: a cancellation reaches the caller as what it is, always."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from junto.core import RunContext, TextDelta

from ..kit import Noted, client_of
from .lab import Provider, Stack, answer, got, script

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    path
    for part in ("core", "advisors", "providers", "app")
    for path in (ROOT / part).rglob("*.py")
]


@pytest.mark.parametrize("where", ["before", "after", "on_close", "provider"])
async def test_law_12_a_cancel_anywhere_is_a_cancelled_error(
    way: str, stack: Stack, where: str
) -> None:
    waiting = asyncio.Event()

    async def hangs(value: object = None, ctx: RunContext | None = None) -> None:
        waiting.set()
        await asyncio.get_running_loop().create_future()

    hooks = {} if where == "provider" else {where: hangs}
    steps = script(TextDelta("a"), *[hangs] * (not hooks), *answer("b"))
    advisors = [*stack.half(), Noted("hangs", **hooks), *stack.half()]
    model = Provider("events", steps)
    seen: list[int] = []

    async def asks() -> None:
        try:
            await got(client_of(model, *advisors), way)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            seen.append(task.cancelling() if task else -1)
            raise

    task = asyncio.create_task(asks())
    await waiting.wait()
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task

    assert seen == [1]
    assert model.open_streams == 0


@pytest.mark.parametrize("where", ["before", "after", "provider"])
async def test_law_12_a_cancel_that_somebody_swallows_reaches_the_caller_all_the_same(
    way: str, stack: Stack, where: str
) -> None:
    waiting = asyncio.Event()

    async def swallows(value: object = None, ctx: RunContext | None = None) -> object:
        waiting.set()
        with suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        return value

    hooks = {} if where == "provider" else {where: swallows}
    model = Provider("events", script(TextDelta("a"), *[swallows] * (not hooks), *answer("b")))
    advisors = [*stack.half(), Noted("swallows", **hooks), *stack.half()]
    task = asyncio.create_task(got(client_of(model, *advisors), way))
    await waiting.wait()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert model.open_streams == 0


async def test_law_12_a_timeout_around_the_question_is_the_callers_own(
    way: str, stack: Stack
) -> None:
    async def hangs() -> None:
        await asyncio.get_running_loop().create_future()

    client = client_of(Provider("events", [TextDelta("a"), hangs]), *stack.made())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await got(client, way)
    task = asyncio.current_task()

    assert task is not None
    assert task.cancelling() == 0


def _nodes(path: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_law_12_wait_for_is_used_nowhere() -> None:
    used = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in _nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == "wait_for"
        if isinstance(node.value, ast.Name) and node.value.id == "asyncio"
    ]

    assert SOURCES
    assert used == []


SCOPES = {"timeout", "timeout_at", "TaskGroup", "CancelScope", "move_on_after", "fail_after"}


def _opens_a_scope(node: ast.AsyncWith | ast.With) -> bool:
    calls = (item.context_expr for item in node.items)
    return any(
        isinstance(call, ast.Call)
        and (
            call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        )
        in SCOPES
        for call in calls
    )


def test_law_12_no_scope_spans_a_yield() -> None:
    spanned = [
        f"{path.name}:{node.lineno}"
        for path in SOURCES
        for node in _nodes(path)
        if isinstance(node, ast.AsyncWith | ast.With) and _opens_a_scope(node)
        if any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node))
    ]

    assert spanned == []


async def test_law_12_no_timer_is_armed_where_nothing_waits(
    way: str, stack: Stack, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed: list[object] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_at", lambda *args, **kwargs: armed.append(args))
    monkeypatch.setattr(loop, "call_later", lambda *args, **kwargs: armed.append(args))

    await got(client_of(Provider(cut, answer("a b c")), *stack.made()), way)

    assert armed == []
