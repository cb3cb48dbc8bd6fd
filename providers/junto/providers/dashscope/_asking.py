"""One request to the service: sent once, or twice if the first endpoint was the wrong one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from junto.core import ChatRequest, Event, ModelWarning, RejectedRequestError

from ..asking import next_events
from ..assembly import AnswerReader
from ..chat_completions import CompletionReader
from ..failures import Origin
from ..transport import Clock, Exchange
from ._models import Capabilities, Path
from ._reader import NativeReader
from ._request import Call, Settings, prepare
from ._service import Service

__all__ = ["Endpoints", "OneAsking"]

_OTHER: Mapping[Path, Path] = {"text": "multimodal", "multimodal": "text"}
_CUT = (
    "the service cut it at its limit of time for plain calls"
    " (x-dashscope-partialresponse); stream it instead"
)


@frozen
class Endpoints:
    """What the requests of one client share.

    Attributes:
        service: Sends them.
        settings: What holds for each of them.
        found: Of models that have answered: the path that turned out to be theirs.
    """

    service: Service
    settings: Settings
    found: dict[str, Path]


class OneAsking:
    """One request, ready to be sent.

    Args:
        shared: Of the client.
        request: What is asked.
        model: The model's name.
        can: What is known of it.
        path: The endpoint to begin with.

    Raises:
        RejectedRequestError: The request cannot be sent to this model.
    """

    def __init__(
        self,
        shared: Endpoints,
        request: ChatRequest,
        model: str,
        can: Capabilities,
        path: Path,
    ) -> None:
        self._shared = shared
        self._request = request
        self._name = model
        self._can = can
        self._call = self._prepare(path)
        self.warnings: Sequence[ModelWarning] = self._call.warnings

    async def begin(self, clock: Clock) -> tuple[Exchange, AnswerReader, list[Event]]:
        """Send it, and switch to the other endpoint once if this one says "url error"."""
        known = self._shared.found
        call = self._call
        other = None if self._name in known else _OTHER.get(call.path)
        try:
            begun = await self._send(call, clock, look=other is not None)
        except RejectedRequestError as error:
            if error.kind != "wrong_path" or other is None:
                raise
            begun = await self._send_again(other, error, clock)
            call = evolve(call, path=other)
        if other is not None:
            known[self._name] = call.path
        return begun

    async def _send_again(
        self, path: Path, first: RejectedRequestError, clock: Clock
    ) -> tuple[Exchange, AnswerReader, list[Event]]:
        """The same on the other endpoint; if that is wrong too, the first error counts."""
        try:
            return await self._send(self._prepare(path), clock, look=True)
        except RejectedRequestError as second:
            if second.kind not in {"wrong_path", "unsupported_part"}:
                second.attempts = 2
                raise
        raise first

    async def _send(
        self, call: Call, clock: Clock, *, look: bool
    ) -> tuple[Exchange, AnswerReader, list[Event]]:
        """Post ``call``; with ``look``, read on until the answer has really begun."""
        service = self._shared.service
        origin = await service.origin(call.model)
        exchange = await service.post(call.url_path, call.body, call.headers, origin, clock)
        events: list[Event] = []
        try:
            reader = _reader_of(call, origin, exchange)
            while look and not (events or reader.finished or reader.failure):
                events = await next_events(exchange, reader)
            if not events and reader.failure is not None:
                raise reader.failure  # noqa: TRY301  the connection is closed just below
        except BaseException:
            exchange.close()
            raise
        return exchange, reader, events

    def _prepare(self, path: Path) -> Call:
        return prepare(self._request, self._name, self._can, path, self._shared.settings)


def _reader_of(call: Call, origin: Origin, exchange: Exchange) -> AnswerReader:
    request_id = exchange.headers.get("x-request-id", "")
    partial = exchange.headers.get("x-dashscope-partialresponse", "").strip().lower() == "true"
    cut = _CUT if partial else ""
    if call.path == "compatible":
        return CompletionReader(
            origin, choices=call.choices, request_id=request_id, cut=cut, id_is_request=True
        )
    return NativeReader(
        origin,
        cumulative=call.cumulative,
        choices=call.choices,
        request_id=request_id,
        cut=cut,
    )
