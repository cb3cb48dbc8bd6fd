"""One chat completion, asked for over HTTP: what a provider of this protocol begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from junto.core import ChatRequest, ModelWarning

from .asking import OneRequest, post_question, request_id_of
from .chat_completions import CompletionReader, encode_body, encode_messages, number_of_choices
from .client import json_headers
from .encoding import dump_json
from .failures import Origin
from .transport import Clock, Exchange, Transport

__all__ = ["ask_completion"]


def ask_completion(
    transport: Transport,
    url: str,
    origin: Origin,
    request: ChatRequest,
    *,
    parameters: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    reasoning: bool = False,
    warnings: Sequence[ModelWarning] = (),
) -> OneRequest:
    """``request`` as a chat completion, for :func:`~junto.providers.asking.stream_answer`.

    Args:
        transport: Sends it.
        url: Where to, with ``/chat/completions``.
        origin: The same in words, with the model's name and the key.
        request: What is asked; a plain call where it is not to be streamed.
        parameters: Its options by their names on the wire.
        headers: More of them.
        reasoning: Send the chain of thought of earlier answers back.
        warnings: What of it has no effect.

    Raises:
        TypeError: A parameter or a tool's schema holds something that is not JSON.
    """
    streamed = request.stream
    messages = encode_messages(request.messages, reasoning=reasoning)
    body = dump_json(encode_body(origin.model, messages, parameters, streamed=streamed))
    sent = json_headers(streamed=streamed) | dict(headers or {})
    choices = number_of_choices(parameters)

    async def send(clock: Clock) -> Exchange:
        return await post_question(transport, url, body, headers=sent, origin=origin, clock=clock)

    def reader_of(exchange: Exchange) -> CompletionReader:
        request_id = request_id_of(exchange, origin) or ""
        return CompletionReader(origin, choices=choices, request_id=request_id)

    return OneRequest(send, reader_of, warnings)
