"""What each hook is called with, checked when a chain is built.

A hook with a wrong signature would fail at its first call, perhaps only when a run goes
wrong.  The check asks the signature alone, and calls nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias
from weakref import WeakSet

from attrs import Factory, frozen

__all__ = ["HOOKS", "check_signature"]

_Faults: TypeAlias = "tuple[tuple[Callable[[Any], bool], str], ...]"


@frozen(eq=False)
class _Hook:
    """How a hook is called, and which kinds of function it cannot be."""

    head: str
    arguments: tuple[str, ...]
    faults: _Faults
    checked: tuple[WeakSet[Any], WeakSet[Any]] = Factory(lambda: (WeakSet[Any](), WeakSet[Any]()))


_YIELDS = "it has a yield, and is to give one value: use return"
_AWAITS = "it is async, and is called for each event without await: await in an around"
_one_value: _Faults = (
    (inspect.isasyncgenfunction, _YIELDS),
    (inspect.isgeneratorfunction, _YIELDS),
)
_at_once: _Faults = (
    (inspect.iscoroutinefunction, _AWAITS),
    (inspect.isasyncgenfunction, _AWAITS),
    (inspect.isgeneratorfunction, "it has a yield: return a tuple for several events"),
)
_stream: _Faults = (
    (inspect.iscoroutinefunction, "it is async and has no yield, so it gives no stream"),
    (inspect.isgeneratorfunction, "it has a yield and is not async"),
)

HOOKS = {
    "before": _Hook("async def before", ("request", "ctx"), _one_value),
    "around": _Hook("async def around", ("request", "next", "ctx"), _stream),
    "open": _Hook("def open", ("ctx",), _at_once),
    "on_event": _Hook("def on_event", ("event", "ctx"), _at_once),
    "after": _Hook("async def after", ("response", "ctx"), _one_value),
    "on_close": _Hook("async def on_close", ("outcome", "ctx"), _one_value),
}
"""The hooks by name, in the order in which a run meets them."""

_OTHERS = {
    "observer": _Hook("def observer", ("ctx",), _at_once),
    "observe": _Hook("def observe", ("observation",), _at_once),
    "model": _Hook("async def model", ("request",), _stream),
}
_STREAMS = ("around", "model")


def check_signature(hook: str, name: str, function: Any) -> None:
    """Raise if ``function`` cannot be the hook of that name.

    Args:
        hook: One of :data:`HOOKS`, ``"observer"``, or ``"observe"`` and ``"model"`` for
            a function that is an observer or a model itself.
        name: The advisor's, or its own.
        function: A function, a bound method, a partial, or an object with ``__call__``.

    Raises:
        TypeError: It cannot be called like that, or is of the wrong kind; the text has
            the right signature.
    """
    rule = HOOKS.get(hook) or _OTHERS[hook]
    plain = getattr(function, "__func__", function)
    is_bound = plain is not function
    checked = rule.checked[is_bound]
    is_function = inspect.isfunction(plain)
    if is_function and plain in checked:
        return
    fault = _fault(rule, function)
    if fault is not None:
        arguments = ("self",) * is_bound + rule.arguments
        right = f"{rule.head}({', '.join(arguments)})" + ", with a yield" * (hook in _STREAMS)
        of = {"observe": f"observer {name}", "model": f"model {name}"}.get(
            hook, f"{hook} of advisor {name!r}"
        )
        msg = f"{of} has the wrong signature: {fault}; write {right}"
        raise TypeError(msg)
    if is_function:
        checked.add(plain)


def _fault(rule: _Hook, function: Any) -> str | None:
    if not callable(function):
        return f"it is {function!r}, which cannot be called"
    signature = _signature(function)
    if signature is None:
        return None
    try:
        signature.bind(*rule.arguments)
    except TypeError:
        wanted, taken = ", ".join(rule.arguments), ", ".join(signature.parameters)
        return f"it is called with ({wanted}) and takes ({taken})"
    body = _body(function)
    return next((why for is_wrong, why in rule.faults if is_wrong(body)), None)


def _signature(function: Any) -> inspect.Signature | None:
    """What it takes; ``None`` if it does not tell, as a callable made in C need not."""
    # What a decorator wraps is not what will be called, unless it is all that is known.
    for follow_wrapped in (False, True):
        with suppress(TypeError, ValueError):
            return inspect.signature(function, follow_wrapped=follow_wrapped)
    return None


def _body(function: Any) -> Any:
    """What will run: it knows whether it is async, and whether it has a yield."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__
