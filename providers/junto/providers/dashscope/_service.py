"""The service as a whole: where it is, with which key, and how one request is posted."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack
from urllib.parse import urlsplit

from junto.core import ProtocolError, Secret, TransportError

from ..asking import post_question, request_id_of
from ..failures import Origin
from ..transport import Clock, ConnectionOptions, Exchange, Transport
from ._errors import origin_of
from ._hosts import base_url_of, check_base_url, check_workspace, url_of
from ._key import find_key, read_key_file

__all__ = ["Service", "ServiceOptions"]

_BASE_URL = "DASHSCOPE_HTTP_BASE_URL"
_JSON_LIMIT = 16 * 1024 * 1024


class ServiceOptions(ConnectionOptions, total=False):
    """Where the service is and how it is reached: keywords of each of its models.

    Those of :class:`~junto.providers.transport.ConnectionOptions` are among them.

    The key is looked for at the first request: in ``api_key``, then in the variables
    ``DASHSCOPE_API_KEY`` and ``AI_DASHSCOPE_API_KEY``, then in ``key_file``.
    """

    api_key: str | Secret
    """The key; better left to the environment."""
    key_file: str | Path
    """A file that holds the key; by default the vendor's own, ``~/.dashscope/api_key``, or
    what ``DASHSCOPE_API_KEY_FILE_PATH`` names."""
    region: str
    """``"cn"``, ``"intl"``, ``"us"``, ``"hk"``, ``"eu"``, ``"jp"``, ``"finance"``, or a full
    id such as ``"cn-beijing"``.  A key belongs to one region."""
    base_url: str
    """Instead of a region: a host, or all up to and including ``/api/v1`` or
    ``/compatible-mode/v1``.  With neither, ``DASHSCOPE_HTTP_BASE_URL`` counts, then
    Beijing."""
    workspace: str
    """The id of a workspace."""
    data_inspection: bool | Mapping[str, str]
    """Stricter moderation: ``True``, or such as ``{"input": "cip", "output": "cip"}``."""
    allow_http: bool
    """Let ``base_url`` be plain http to another machine."""


class Service:
    """One account at one host.

    Raises:
        ValueError: For a region, workspace or URL that cannot be right.
        TypeError: For a keyword that does not exist.
    """

    def __init__(self, **options: Unpack[ServiceOptions]) -> None:
        unknown = options.keys() - ServiceOptions.__annotations__.keys()
        if unknown:
            known = ", ".join(ServiceOptions.__annotations__)
            raise TypeError(
                f"{min(unknown)!r} is no keyword of a DashScope model; for the service there"
                f" are {known}"
            )
        self.workspace = check_workspace(options.get("workspace"))
        base_url, region = options.get("base_url"), options.get("region")
        if base_url is None and region is None:
            base_url = os.environ.get(_BASE_URL) or None
        url = base_url_of(region or "cn", self.workspace) if base_url is None else base_url
        self.base_url = check_base_url(url, allow_http=options.get("allow_http", False))
        self.inspection = _inspection(options.get("data_inspection", False))
        given = options.get("api_key")
        self._given = Secret(given) if isinstance(given, str) else given
        self._key_file = options.get("key_file")
        self._key: tuple[Secret, str] | None = None
        self.transport = Transport(
            timeouts=options.get("timeouts"),
            session=options.get("session"),
            connections=options.get("connections", 1000),
            ssl_context=options.get("ssl_context"),
            proxy=options.get("proxy"),
            trust_env=options.get("trust_env", False),
            redirects=options.get("redirects", 0),
            keep_alive=options.get("keep_alive", True),
        )

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.base_url).netloc

    async def origin(self, model: str) -> Origin:
        """Where requests for ``model`` go, with the key.

        Raises:
            AuthenticationError: There is no key, or what is there cannot be one.
        """
        if self._key is None:
            self._key = find_key(self._given)
        if self._key is None:
            self._key = await asyncio.to_thread(read_key_file, self._key_file)
        key, source = self._key
        return origin_of(model, self.host, key, source)

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str], origin: Origin, clock: Clock
    ) -> Exchange:
        """Send ``body``; return with the answer's headers read and found in order.

        Raises:
            ChatError: No connection, a refusal of the service, or an answer that is not
                to be read.  The connection is closed then.
        """
        return await post_question(
            self.transport,
            url_of(self.base_url, path),
            body,
            headers=headers,
            origin=origin,
            clock=clock,
        )

    async def post_whole(
        self, path: str, body: bytes, headers: Mapping[str, str], origin: Origin
    ) -> tuple[bytes, str | None]:
        """Send ``body``; return the whole answer, at most 16 MiB, and the request's id.

        The clock of the first event measures the whole answer.

        Raises:
            ChatError: As :meth:`post` does, and for an answer that breaks off.
        """
        exchange = await self.post(path, body, headers, origin, Clock(self.transport.timeouts))
        request_id = request_id_of(exchange, origin)
        whole = bytearray()
        try:
            while len(whole) <= _JSON_LIMIT and (data := await exchange.read()):
                whole += data
            if len(whole) > _JSON_LIMIT:
                raise ProtocolError(  # noqa: TRY301  the connection is closed just below
                    f"the answer is longer than {_JSON_LIMIT} bytes"
                )
        except (TransportError, ProtocolError) as error:
            data = b""  # a traceback that shows locals would show it
            whole.clear()
            error.request_id = request_id
            raise
        finally:
            exchange.close()
        return bytes(whole), request_id


def _inspection(value: bool | Mapping[str, str]) -> str | None:  # noqa: FBT001  as it was given
    if value is False:
        return None
    if value is not True and not isinstance(value, Mapping):
        raise TypeError(f"data_inspection is True, False or a mapping, not {value!r}")
    return json.dumps({"input": "cip", "output": "cip"} if value is True else dict(value))
