"""Tool calls out of fragments."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from junto.core import Event, ProtocolError, ToolCallDelta

from .._json_scan import JSONScanner
from .._values import is_json
from .surrogates import mend_text

__all__ = ["ToolCalls", "ToolFragment"]

_LIMIT = 1024 * 1024
_MOST = 1024
_SHORT = 64


class Function(msgspec.Struct, gc=False):
    """The inner half of a tool-call fragment; ``arguments`` is JSON text, or a piece of it."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolFragment(msgspec.Struct, gc=False):
    """A piece of a tool call.  Any of it may be missing, null or empty."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class _Call:
    """One call, as far as it is known."""

    __slots__ = ("_scanned", "_scanner", "arguments", "id", "name", "position", "size")

    def __init__(self, position: int) -> None:
        self.position = position
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.size = 0
        self._scanner: JSONScanner | None = None
        self._scanned = 0

    @property
    def whole(self) -> bool:
        """Whether the arguments are all there; each piece of them is looked at once."""
        if self.size <= _SHORT and is_json("".join(self.arguments)):
            return True
        self._scanner = self._scanner or JSONScanner()
        for piece in self.arguments[self._scanned :]:
            self._scanner.feed(piece.encode("utf-8", "surrogatepass"))
        self._scanned = len(self.arguments)
        return self._scanner.closed


class ToolCalls:
    """The calls of one answer.  Each gets the next number from 0, and keeps it.

    A fragment belongs to the call of its ``index``; without one, to that of its ``id``;
    without either, to the latest call, unless it opens another: it has a name, and the
    arguments before it are whole.  The first id and name that are not empty count, and
    arguments are added up; in a cumulative stream only their new end is.
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "_cumulative")

    def __init__(self, *, cumulative: bool = False) -> None:
        self._cumulative = cumulative
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def apply(self, fragments: list[ToolFragment], events: list[Event]) -> None:
        """Merge the fragments of one frame, and append a delta for each that says more.

        Raises:
            ProtocolError: A call's arguments are longer than 1 MiB, or there are more than
                1024 calls.
        """
        for fragment in fragments:
            call = self._call_of(fragment)
            new_id = fragment.id if fragment.id and not call.id else ""
            if new_id:
                call.id = new_id
                self._by_id.setdefault(new_id, call)
            name = arguments = ""
            if fragment.function is not None:
                if fragment.function.name and not call.name:
                    name = call.name = fragment.function.name
                arguments = self._more(call, fragment.function.arguments)
            if new_id or name or arguments:
                events.append(ToolCallDelta(call.position, new_id, name, arguments))

    def events(self) -> list[Event]:
        """All calls as they stand, one delta each: after a restart."""
        return [
            ToolCallDelta(
                call.position,
                mend_text(call.id),
                mend_text(call.name),
                mend_text("".join(call.arguments)),
            )
            for call in self._calls
            if call.id or call.name or call.arguments
        ]

    def _call_of(self, fragment: ToolFragment) -> _Call:
        if fragment.index is not None:
            call = self._by_index.get(fragment.index)
            if call is None:
                call = self._by_index[fragment.index] = self._new()
            return call
        if fragment.id:
            call = self._by_id.get(fragment.id)
            return self._new() if call is None else call
        if not self._calls:
            return self._new()
        latest = self._calls[-1]
        named = fragment.function is not None and fragment.function.name
        if named and latest.name and latest.whole:
            return self._new()
        return latest

    def _new(self) -> _Call:
        if len(self._calls) >= _MOST:
            raise ProtocolError(f"the answer has more than {_MOST} tool calls")
        call = _Call(len(self._calls))
        self._calls.append(call)
        return call

    def _more(self, call: _Call, arguments: str | dict[str, Any] | None) -> str:
        if not arguments and arguments != {}:
            return ""
        if not isinstance(arguments, str):  # seen from gateways only: an object, not its text
            arguments = json.dumps(arguments, ensure_ascii=False)
        if self._cumulative and len(arguments) >= call.size:
            arguments = arguments.removeprefix("".join(call.arguments))
        call.size += len(arguments)
        if call.size > _LIMIT:
            raise ProtocolError(f"the arguments of a tool call are longer than {_LIMIT} characters")
        if arguments:
            call.arguments.append(arguments)
        return arguments
