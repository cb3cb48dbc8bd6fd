"""The chat model: what a chain calls."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, Unpack
from urllib.parse import urlsplit

from junto.core import AuthenticationError, ChatOptions, ChatRequest, Event, ModelWarning, Secret

from ..asking import OneRequest, stream_answer
from ..chat_completions import encode_options
from ..client import HTTPClient
from ..completions import ask_completion
from ..failures import Origin
from ..keys import find_key
from ..transport import ConnectionOptions, Transport, check_address, is_loopback
from ._errors import hint_of, judge
from ._options import OURS, OpenAIOptions
from ._servers import SERVERS, switches_of

__all__ = ["OpenAIModel"]


class OpenAIModel(HTTPClient):
    """A chat model of OpenAI, or of a server that speaks its chat completions.

    Making one needs no key and no network.  One instance serves any number of requests at
    once, on any number of event loops.  Close it with ``async with`` or :meth:`aclose`.

    Args:
        model: Its name there.
        server: One of :data:`SERVERS`: where it is, and how it names what servers name
            differently.
        base_url: Another address, up to and including ``/v1``; a bare host gets ``/v1``.
            Without it the variable ``OPENAI_BASE_URL`` counts (``VLLM_BASE_URL`` with
            ``server="vllm"``, and so on), then the server's own address.
        api_key: The key; better left to the environment.  It is looked for at the first
            request, in ``OPENAI_API_KEY`` (``DEEPSEEK_API_KEY`` with
            ``server="deepseek"``, and so on).  Without one none is sent.
        headers: More headers of each request, such as ``OpenAI-Project``.
        allow_http: Let a key go over plain http to another machine.
        **connection: Clocks and connections, as
            :class:`~junto.providers.transport.ConnectionOptions` has them.  Over plain http
            each request has a connection of its own, unless ``keep_alive=True``.

    Raises:
        ValueError: For a server, header or URL that cannot be right.
    """

    provider: str = "openai"
    options_type: type[ChatOptions] = OpenAIOptions

    def __init__(
        self,
        model: str,
        *,
        server: str = "openai",
        base_url: str | None = None,
        api_key: str | Secret | None = None,
        headers: Mapping[str, str] | None = None,
        allow_http: bool = False,
        **connection: Unpack[ConnectionOptions],
    ) -> None:
        if not model:
            raise ValueError("a model needs a name, such as 'gpt-5.6'")
        if server not in SERVERS:
            raise ValueError(
                f"no server {server!r}: one of {', '.join(SERVERS)}; others go into base_url="
            )
        if any(header.lower() == "authorization" for header in headers or ()):
            raise ValueError("the key goes into api_key=, not into headers=")
        self.model = model
        self.server = server
        self._row = SERVERS[server]
        self._variable = f"{server.upper()}_API_KEY"
        base_url = base_url or os.environ.get(f"{server.upper()}_BASE_URL") or self._row.base_url
        example = SERVERS["openai"].base_url
        url = check_address(base_url, path="/v1", example=example, allow_http=True)
        self.base_url: str = url.removesuffix("/chat/completions")
        # llama.cpp and others close a connection behind each stream, without a word.
        connection.setdefault("keep_alive", self.base_url.startswith("https:"))
        super().__init__(Transport(**connection))
        self._allow_http = allow_http
        self._headers = dict(headers or {})
        self._given = Secret(api_key) if isinstance(api_key, str) else api_key

    def __repr__(self) -> str:
        host = urlsplit(self.base_url).netloc
        return f"OpenAIModel({self.model!r}, server={self.server!r}, host={host!r})"

    def stream(self, request: ChatRequest) -> AsyncIterator[list[Event]]:
        """Ask, and yield a list of events for each read that brought some.

        Nothing happens before the first pull, and the connection is freed before this
        ends, fails, is cancelled or is closed.

        Raises:
            AuthenticationError: No key, or one that the server refuses.
            RejectedRequestError: The request is wrong, or holds what the model cannot take.
            RateLimitedError: Too fast.
            QuotaError: Nothing left to spend.
            ContentFilteredError: Moderation said no, at the start or in the middle.
            UnavailableError: The server has trouble of its own, or loads the model.
            ChatConnectionError: No connection.
            ChatTimeoutError: One of the four clocks ran out.
            InterruptedStreamError: The answer broke off; carries the text so far.
            ProtocolError: Not what was agreed on, a redirect, or beyond a limit.
        """
        return stream_answer(lambda: self._ask(request), self.timeouts)

    def _ask(self, request: ChatRequest) -> OneRequest:
        options = request.options
        name = options.model or self.model
        parameters, warnings = self._parameters(options, name)
        keep = getattr(options, "send_reasoning", None)
        return ask_completion(
            self._transport,
            f"{self.base_url}/chat/completions",
            self._origin(name),
            request,
            parameters=parameters,
            headers=self._headers,
            reasoning=self._row.keeps_reasoning if keep is None else keep,
            warnings=warnings,
        )

    def _parameters(
        self, options: ChatOptions, name: str
    ) -> tuple[dict[str, Any], list[ModelWarning]]:
        """What is set, as this server calls it; and a warning for what it has no name for."""
        renamed = {"max_tokens": self._row.max_tokens}
        parameters = encode_options(options, renamed=renamed, without=OURS)
        switches, lost = switches_of(self._row, options)
        for key, value in switches.items():
            given = parameters.get(key, {})
            parameters[key] = {**value, **given} if isinstance(value, dict) else given or value
        advice = f"is not sent to {self.server!r}, which has no name for it: try reasoning_effort"
        return parameters, [ModelWarning(name, option, f"{option} {advice}") for option in lost]

    def _origin(self, name: str) -> Origin:
        """Where a request for ``name`` goes, with the key.

        Raises:
            AuthenticationError: There is no key where one is needed, or it would be read on
                the way.
        """
        parts = urlsplit(self.base_url)
        alone = is_loopback(parts.hostname or "")
        found = find_key(self._given, (self._variable,))
        if found is None and self.base_url == self._row.base_url and not alone:
            raise AuthenticationError(
                f"no key for {parts.netloc}: set {self._variable}, or pass api_key=",
                kind="no_key",
            )
        if found is not None and parts.scheme == "http" and not (alone or self._allow_http):
            raise AuthenticationError(
                f"{parts.netloc} is asked over plain http: the key from {found[1]} would be"
                " readable on the way; use https, pass allow_http=True, or leave the key out",
                kind="insecure",
            )
        key, source = found or (None, self._variable)
        return Origin(name, parts.netloc, key, source, judge=judge, hint=hint_of)
