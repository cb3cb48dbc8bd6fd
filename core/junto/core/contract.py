"""What a hook may return, and what becomes of one that breaks the rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast, get_args

from .chat import ChatRequest, ChatResponse
from .context import RunContext
from .errors import AdvisorContractError
from .events import Event

if TYPE_CHECKING:
    from .levels import Level
    from .run import Run

__all__ = [
    "check_after",
    "check_before",
    "check_open",
    "checked",
    "content_of",
    "contract_error",
    "isolated",
]

_EVENTS: tuple[type, ...] = get_args(Event)


def checked(out: object, name: str) -> tuple[Event, ...]:
    """What a hook returned, as a tuple of events.

    Raises:
        AdvisorContractError: It is neither an event nor a tuple of events.
    """
    outs = cast("tuple[object, ...]", out if isinstance(out, tuple) else (out,))
    for event in outs:
        if event.__class__ not in _EVENTS:
            raise _wrong(event, name)
    return cast("tuple[Event, ...]", outs)


def _wrong(out: object, name: str) -> AdvisorContractError:
    if inspect.iscoroutine(out):
        out.close()
        what = "a coroutine: on_event is synchronous, await in around"
    elif out is None:
        what = "None: return the event, another one, or () to drop it"
    elif isinstance(out, _EVENTS):
        what = f"{type(out).__name__}: return an event itself, not a class of your own made of one"
    else:
        what = f"{type(out).__name__}: return an event or a tuple of events"
    return AdvisorContractError(f"on_event of advisor {name!r} returned {what}", advisor=name)


def contract_error(level: Level, hook: str, got: object, wanted: str) -> AdvisorContractError:
    """A hook returned what it may not."""
    msg = f"{hook} of advisor {level.name!r} returned {type(got).__name__}; it returns {wanted}"
    return AdvisorContractError(msg, advisor=level.name)


def check_before(level: Level, result: object, _: object) -> None:
    """Raise if ``before`` returned something else than a request or a response."""
    if not isinstance(result, ChatRequest | ChatResponse):
        raise contract_error(level, "before", result, "the request, or a response")


def check_after(level: Level, result: object, given: ChatResponse) -> None:
    """Raise if ``after`` returned no response, or changed what has been delivered."""
    if not isinstance(result, ChatResponse):
        raise contract_error(level, "after", result, "the response")
    if not level.buffered and content_of(result) != content_of(given):
        msg = (
            f"after of advisor {level.name!r} changed the answer, which has been "
            "delivered already: declare buffered = True to change it"
        )
        raise AdvisorContractError(msg, advisor=level.name)


def check_open(level: Level, hook: Any) -> Callable[..., Any]:
    """Raise if ``open`` gave no hook."""
    if inspect.iscoroutine(hook):
        hook.close()
    if not callable(hook):
        raise contract_error(level, "open", hook, "a function like on_event")
    return hook  # type: ignore[no-any-return]  # told just now


def content_of(response: ChatResponse) -> tuple[object, object]:
    """What a reader has seen of a response."""
    return response.messages, response.sources


def isolated(run: Run, level: Level, hook: Any) -> Callable[..., Any]:
    """A hook whose failure leaves its advisor out."""
    left_out = run.left_out

    def guarded(event: Event, ctx: RunContext) -> Event | tuple[Event, ...]:
        if hook is None or (left_out and level in left_out):
            return event
        try:
            out = hook(event, ctx)
            return event if out is event else checked(out, level.name)
        except Exception as error:  # noqa: BLE001  what isolation means
            run.leave_out(level, "on_event", error)
            return event

    return guarded
