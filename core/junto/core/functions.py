"""Advisors made of one function.

::

    @advisor
    async def shout(request, next, ctx):
        async for event in next(request):
            yield TextDelta(event.text.upper()) if isinstance(event, TextDelta) else event


    @advisor.before
    def briefly(request, ctx):
        return request.with_system("Be brief.")
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypedDict, TypeVar, Unpack, overload

from attrs import evolve

from .chat import ChatRequest, ChatResponse
from .context import Outcome, RunContext
from .hooks import Advisor, AroundFunction, EventHook, Placement
from .plugins.resolving import place_advisor
from .signatures import HOOKS, check_signature
from .supports import SupportsHook

__all__ = ["AdvisorLike", "FunctionAdvisor", "Settings", "advisor", "as_item"]

F = TypeVar("F", bound=Callable[..., Any])

AdvisorLike: TypeAlias = Advisor | SupportsHook | Placement | AroundFunction | str
"""What goes into a list of advisors: an object with hooks, one that is placed, a plain
function, which steers as :data:`advisor` makes of it, or the name of a plugin, such as
``"memory"`` or ``"memory?max_messages=20"``."""

_Request: TypeAlias = ChatRequest | ChatResponse
_Before: TypeAlias = Callable[[ChatRequest, RunContext], _Request | Awaitable[_Request]]
_After: TypeAlias = Callable[[ChatResponse, RunContext], ChatResponse | Awaitable[ChatResponse]]
_OnClose: TypeAlias = Callable[[Outcome, RunContext], Awaitable[object] | None]
_Open: TypeAlias = Callable[[RunContext], EventHook]


class Settings(TypedDict, total=False):
    """What an advisor made of a function can declare; see :class:`~junto.core.Advisor`.

    The name is the function's unless it is given.
    """

    name: str
    order: int
    runs_before: str | Iterable[str]
    runs_after: str | Iterable[str]
    requires: str | Iterable[str]
    buffered: bool
    isolated: bool
    terminal: bool
    role: str
    holds: int


_KINDS = {"name": str, "role": str, "order": int, "holds": int} | dict.fromkeys(
    ("buffered", "isolated", "terminal"), bool
)


class FunctionAdvisor(Advisor):
    """An advisor whose one hook is a function; made by :data:`advisor`."""

    def __init__(self, hook: str, function: Callable[..., Any], settings: Settings) -> None:
        unknown = settings.keys() - Settings.__annotations__.keys()
        if unknown:
            known = ", ".join(Settings.__annotations__)
            msg = f"{min(unknown)!r} is nothing that an advisor declares; there are {known}"
            raise TypeError(msg)
        for name, given in settings.items():
            kind = _KINDS.get(name)
            if kind is None:
                continue
            # A bool is an int as well, but no order.
            if not isinstance(given, kind) or isinstance(given, bool) is not (kind is bool):
                msg = f"{name} is of type {kind.__name__}, not {given!r}"
                raise TypeError(msg)
        self.name: str = _name(function)
        vars(self).update(settings)
        check_signature(hook, self.name or repr(function), function)
        self.hook = hook
        self.__doc__ = getattr(function, "__doc__", None)
        self.function = function
        setattr(self, hook, function)

    def __repr__(self) -> str:
        return f"<advisor.{self.hook} {self.name or self.function!r} order={int(self.order)}>"


class _Form(Generic[F]):
    """A decorator that makes an advisor of a function."""

    def __init__(self, hook: str) -> None:
        self._hook = hook

    @overload
    def __call__(self, function: F, /, **settings: Unpack[Settings]) -> Advisor: ...
    @overload
    def __call__(self, /, **settings: Unpack[Settings]) -> Callable[[F], Advisor]: ...
    def __call__(
        self, function: F | None = None, /, **settings: Unpack[Settings]
    ) -> Advisor | Callable[[F], Advisor]:
        """Make an advisor of ``function``, which may be sync or async where it is awaited.

        Raises:
            TypeError: The function has the wrong signature, or a setting does not exist.
        """
        if function is None:
            return lambda function: FunctionAdvisor(self._hook, function, settings)
        return FunctionAdvisor(self._hook, function, settings)


class _Forms(_Form[AroundFunction]):
    """One decorator for the full form, and one for each hook."""

    before: Final = _Form[_Before]("before")
    open: Final = _Form[_Open]("open")
    on_event: Final = _Form[EventHook]("on_event")
    after: Final = _Form[_After]("after")
    on_close: Final = _Form[_OnClose]("on_close")


advisor: Final = _Forms("around")
"""Makes an advisor of a function: ``@advisor`` of one that steers, ``@advisor.before``,
``.open``, ``.on_event``, ``.after`` and ``.on_close`` of one that is that hook.

With parentheses it takes what an advisor declares: ``@advisor.before(order=Phase.GUARD)``.
Functions, partials and callable objects will do, and those that are awaited may be plain
functions as well.
"""


def _has_hook(given: Any) -> bool:
    """Whether a callable object is an advisor all the same; other methods have such names."""
    for hook in HOOKS:
        method = getattr(given, hook, None)
        if method is not None:
            try:
                check_signature(hook, "", method)
            except TypeError:
                continue
            return True
    return False


def _name(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    name: str = getattr(function, "__name__", type(function).__name__)
    return "" if name == "<lambda>" else name


def as_item(item: AdvisorLike) -> Advisor | Placement:
    """An item of a list of advisors; a name is looked up, a function made an advisor.

    Raises:
        PluginError: The name leads to no advisor.
        TypeError: The function has another signature than one that steers.
    """
    if isinstance(item, str):
        item = place_advisor(item)
    if not isinstance(item, Placement):
        return _made(item)
    if isinstance(item.advisor, str):
        named = place_advisor(item.advisor)
        item = evolve(item, advisor=named.advisor, plugin=named.plugin)
    made = _made(item.advisor)
    return item if made is item.advisor else evolve(item, advisor=made)


def _made(given: Any) -> Advisor:
    if isinstance(given, type | Advisor) or not callable(given) or _has_hook(given):
        return given  # type: ignore[no-any-return]  # an advisor, or refused when it is placed
    try:
        steers: Any = given
        return advisor(steers)
    except TypeError as error:
        msg = f"{error}; or, for one hook only, advisor.before(f), advisor.on_event(f) and so on"
        raise TypeError(msg) from None
