"""The chat model: what a chain calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Unpack

from attrs import evolve

from junto.core import ChatOptions, ChatRequest, Event

from ..asking import stream_answer
from ..client import HTTPClient
from ._asking import Endpoints, OneAsking
from ._hosts import is_compatible
from ._messages import path_of
from ._models import Capabilities, capabilities_of
from ._options import DashScopeOptions
from ._request import Settings
from ._service import Service, ServiceOptions

__all__ = ["DashScopeModel"]


class DashScopeModel(HTTPClient):
    """A chat model of Alibaba Cloud Model Studio (百炼).

    Making one needs no key and no network.  One instance serves any number of requests at
    once, on any number of event loops.  Close it with ``async with`` or :meth:`aclose`.

    Models that only stream, or may be thinking, are streamed also for ``call()``; others
    get a plain call then.  The native protocol has two endpoints, and a model answers on
    one of them: the capability table knows which, and where it is wrong the other is tried
    once, and remembered.  Nothing else is ever sent twice, but what goes
    out on a kept connection that turns out to be closed.

    Args:
        model: Its name on DashScope.  Unknown names are sent as they are.
        dialect: ``"native"`` or ``"compatible"`` (OpenAI's protocol, as DashScope speaks
            it); by default native, but for models that only answer on the other, and for a
            ``base_url`` that ends with ``/compatible-mode/v1``.
        capabilities: What the model can do, where the table is wrong or does not know it;
            a mapping changes only what it names.
        strict: What a model ignores or does not support is a
            :class:`~junto.core.RejectedRequestError`, and nothing is sent, in place of a
            :class:`~junto.core.ModelWarning`.
        **service: Key, region, clocks and connections: see :class:`ServiceOptions`.

    Raises:
        ValueError: For a region, workspace or URL that cannot be right.
    """

    provider: str = "dashscope"
    options_type: type[ChatOptions] = DashScopeOptions

    def __init__(
        self,
        model: str = "qwq-plus",
        *,
        dialect: Literal["native", "compatible"] | None = None,
        capabilities: Capabilities | Mapping[str, Any] | None = None,
        strict: bool = False,
        **service: Unpack[ServiceOptions],
    ) -> None:
        if not model:
            raise ValueError("a model needs a name, such as 'qwq-plus'")
        if dialect not in {None, "native", "compatible"}:
            raise ValueError(f"dialect is 'native' or 'compatible', not {dialect!r}")
        self.model = model
        self._service = Service(**service)
        super().__init__(self._service.transport)
        self._dialect = dialect
        if capabilities is not None and not isinstance(capabilities, Capabilities):
            capabilities = evolve(capabilities_of(model), **capabilities)
        self._capabilities = capabilities
        settings = Settings(
            workspace=self._service.workspace,
            inspection=self._service.inspection,
            strict=strict,
        )
        self._shared = Endpoints(self._service, settings, {})

    def __repr__(self) -> str:
        return f"DashScopeModel({self.model!r}, host={self._service.host!r})"

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._service.base_url

    @property
    def workspace(self) -> str | None:
        """The id of the workspace, where one was given."""
        return self._service.workspace

    @property
    def capabilities(self) -> Capabilities:
        """What is known of the model: what was given, else its row of the table."""
        return self._capabilities or capabilities_of(self.model)

    def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        """Ask, and yield a list of events for each read that brought some.

        Nothing happens before the first pull, and the connection is freed before this
        ends, fails, is cancelled or is closed.

        Raises:
            AuthenticationError: No key, or one that the service refuses.
            RejectedRequestError: The request is wrong, or holds what the model cannot take.
            RateLimitedError: Too fast.
            QuotaError: Nothing left to spend.
            ContentFilteredError: Moderation said no, at the start or in the middle.
            UnavailableError: The service has trouble of its own.
            ChatConnectionError: No connection.
            ChatTimeoutError: One of the four clocks ran out.
            InterruptedStreamError: The answer broke off; carries the text so far.
            ProtocolError: Not what was agreed on, a redirect, or beyond a limit.
        """
        return stream_answer(lambda: self._ask(request), self.timeouts)

    def _ask(self, request: ChatRequest) -> OneAsking:
        name = request.options.model or self.model
        can = self.capabilities if name == self.model else capabilities_of(name)
        path = self._shared.found.get(name) or can.path or path_of(request.messages)
        if self._dialect == "compatible" or (
            self._dialect is None and is_compatible(self.base_url)
        ):
            path = "compatible"
        return OneAsking(self._shared, request, name, can, path)
