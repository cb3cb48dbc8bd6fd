"""A whole answer of JSON: posted for, read, or found to be an error (wire.md section 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from attrs import frozen

from junto.core import ChatError, ProtocolError, Usage, clean_text

from ..assembly import UNREADABLE
from ..encoding import dump_json
from ..failures import Origin, parse_failure, to_error
from ._request import Settings, headers_of
from ._service import Service
from ._usage import EMPTY, Meta, decode_meta, to_usage

__all__ = ["Answer", "Whole", "ask_whole", "read_whole"]

T = TypeVar("T")

_ERROR_LIMIT = 64 * 1024
_BOM = b"\xef\xbb\xbf"


class Answer(msgspec.Struct, Generic[T], gc=False):
    """A payload.  A ``code`` with something in it, or an ``error``, makes it an error."""

    output: T | None = None
    code: str | int | None = None
    error: Any = None


@frozen
class Whole(Generic[T]):
    """A whole answer that is no error.

    Attributes:
        output: What was asked for, of which only the types are known to be right; a float
            is a number, never NaN or infinite.
        usage: Tokens.
        request_id: Of the body, else of the headers.
    """

    output: T
    usage: Usage
    request_id: str | None


async def ask_whole(
    service: Service,
    origin: Origin,
    path: str,
    body: Any,
    read: Callable[[bytes, Origin, str | None], T | ChatError],
) -> T:
    """Post ``body``, and give what ``read`` makes of the answer.

    Args:
        service: Where to.
        origin: Of the service, for the model that is asked.
        path: With the prefix of its protocol.
        body: To be sent as JSON.
        read: Makes a value, or the error to raise, of the answer, where it came from and
            the id of the request in its headers.

    Raises:
        ChatError: No answer, or one that is an error.
    """
    settings = Settings(workspace=service.workspace, inspection=service.inspection)
    headers = headers_of(settings, streamed=False)
    answer, request_id = await service.post_whole(path, dump_json(body), headers, origin)
    value = read(answer, origin, request_id)
    del answer  # a traceback that shows locals would show it
    if isinstance(value, ChatError):
        raise value
    return value


def read_whole(
    body: bytes, decoder: msgspec.json.Decoder[Answer[T]], origin: Origin, request_id: str | None
) -> Whole[T] | ChatError:
    """Read an answer with status 200, or say what is wrong with it.

    The error is returned and not raised, as a traceback from here would hold the body.

    Args:
        body: Of the answer.
        decoder: Says what stands in ``output``.
        origin: Where it came from.
        request_id: Of the headers.
    """
    why = "there is no output"
    try:
        answer = decoder.decode(body.removeprefix(_BOM))
    except UNREADABLE as error:
        why = str(error)
        body = body[:_ERROR_LIMIT]  # what is not as agreed on may be long, an error is not
    else:
        if answer.output is not None and not answer.code and not answer.error:
            meta = decode_meta(body)
            return Whole(answer.output, _usage_of(meta), _id_of(meta, origin) or request_id)
    failure = parse_failure(body, 200, request_id=request_id)
    if failure.code or failure.type or failure.message or (failure.status or 0) >= 400:
        return to_error(failure, origin)
    return ProtocolError(
        f"the answer is not what was agreed on: {origin.scrub(why)}",
        request_id=request_id,
    )


def _usage_of(meta: Meta) -> Usage:
    """Often there is a total alone: then all of it is input, as nothing is generated."""
    counts = meta.usage or EMPTY
    if counts.input_tokens is None and counts.output_tokens is None:
        counts = msgspec.structs.replace(counts, input_tokens=counts.total_tokens)
    return to_usage(counts)


def _id_of(meta: Meta, origin: Origin) -> str | None:
    return clean_text(origin.scrub(meta.request_id or ""), 100) or None
