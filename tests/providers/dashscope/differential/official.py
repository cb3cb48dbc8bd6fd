"""The official SDKs: what each of them hands to a user who asks for the whole answer.

The SDKs' own merging is used, not one of ours, and only public names.  They get HTTP clients
that look at no variable of the environment, and speak to loopback alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

import dashscope
import httpx
import httpx2
import openai
import requests
from attrs import define, field
from dashscope.v2.errors import DashScopeError
from openai import AsyncOpenAI

from ....standin import Recording
from ..conftest import KEY
from .readings import (
    RUNNING,
    Call,
    Reading,
    Said,
    choices_asked,
    counted,
    refusal,
    stream_asked,
)

# The SDKs' parameters are typed for literals.
QUESTION: Any = [{"role": "user", "content": "你好"}]
# The SDKs merge the frames of any model, but hand through those that the service has merged
# already only for some models.
PLAIN_MODEL, CUMULATIVE_MODEL = "qwen-plus", "qwen-omni-turbo"

Read = Callable[[Recording], Awaitable[Reading]]


@define
class Told:
    """What has come of an answer, also when an exception ends it."""

    choices: dict[int, Said] = field(factory=dict)
    usage: dict[str, int] = field(factory=dict)

    def reading(self, error: str | None = None) -> Reading:
        return Reading(dict(self.choices), dict(self.usage), error)


class OfficialSDKs:
    """The SDKs, ready to read from a server.

    Args:
        url: Of the server, up to and including `/api/v1`.
    """

    def __init__(self, url: str) -> None:
        self._native = url
        self._compatible = url.replace("/api/v1", "/compatible-mode/v1")
        self._stack = AsyncExitStack()
        self.readers: dict[str, Read] = {
            "dashscope.Generation": self._generation,
            "dashscope.AsyncClient": self._client,
            "openai.AsyncOpenAI": self._openai,
        }

    def for_protocol(self, protocol: str) -> dict[str, Read]:
        """The readers of a protocol's answers, by name."""
        wanted = "openai" if protocol == "compat" else "dashscope"
        return {name: read for name, read in self.readers.items() if name.startswith(wanted)}

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        http = await enter(httpx.AsyncClient(trust_env=False, verify=False))
        self._dashscope = dashscope.AsyncClient(
            api_key=KEY,
            base_url=self._native,
            protocol="native",
            max_retries=0,
            http_client=http,
            config_path="/nowhere",
        )
        http2 = await enter(httpx2.AsyncClient(trust_env=False, verify=False))
        self._chat = AsyncOpenAI(
            api_key=KEY, base_url=self._compatible, max_retries=0, http_client=http2
        )
        self._session = self._stack.enter_context(requests.Session())
        self._session.trust_env = False
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _generation(self, recording: Recording) -> Reading:
        """`Generation.call`, as it has been since 1.0, and its sibling for multimodal models."""
        return await asyncio.to_thread(self._generate, recording)

    def _generate(self, recording: Recording) -> Reading:
        told = Told()
        api: Any = dashscope.Generation
        if recording.protocol == "native-mm":
            api = dashscope.MultiModalConversation
        options: dict[str, Any] = {}
        if stream_asked(recording):
            options = {"stream": True, "incremental_output": False}
        try:
            answer = api.call(
                _model(recording),
                messages=QUESTION,
                api_key=KEY,
                base_address=self._native,
                session=self._session,
                result_format="message",
                n=choices_asked(recording),
                **options,
            )
            for response in answer if options else [answer]:
                if response.status_code != 200:
                    code = None if response.code == "Unknown" else response.code
                    return told.reading(refusal(response.status_code, code))
                _take_response(told, response)
        except requests.JSONDecodeError:
            return told.reading("not readable")
        except requests.RequestException:
            return told.reading("broken off")
        except Exception as error:  # noqa: BLE001  whatever the SDK lets through is its reading
            return told.reading(type(error).__name__)
        return told.reading()

    async def _client(self, recording: Recording) -> Reading:
        """`AsyncClient`, which is new in 2.0."""
        told = Told()
        options: dict[str, Any] = {"n": choices_asked(recording)}
        if stream_asked(recording):
            options |= {"stream": True, "incremental_output": False}
        resource = (
            self._dashscope.multimodal.chat
            if recording.protocol == "native-mm"
            else self._dashscope.chat.completions
        )
        try:
            answer: Any = await resource.create(
                model=_model(recording), messages=QUESTION, **options
            )
            if "stream" not in options:
                _take_chunk(told, answer)
                return told.reading()
            async for chunk in answer:
                _take_chunk(told, chunk)
        except DashScopeError as error:
            if error.status_code is None:
                return told.reading("not readable")
            return told.reading(refusal(error.status_code, error.code))
        except httpx.TransportError:
            return told.reading("broken off")
        except Exception as error:  # noqa: BLE001  whatever the SDK lets through is its reading
            return told.reading(type(error).__name__)
        return told.reading()

    async def _openai(self, recording: Recording) -> Reading:
        """`AsyncOpenAI`, with its own way of adding chunks up."""
        told = Told()
        completions = self._chat.chat.completions
        options: dict[str, Any] = {
            "model": PLAIN_MODEL,
            "messages": QUESTION,
            "n": choices_asked(recording),
        }
        try:
            if not stream_asked(recording):
                _take_completion(told, await completions.create(**options))
                return told.reading()
            async with completions.stream(**options) as stream:
                async for event in stream:
                    if event.type == "chunk":
                        _take_completion(told, event.snapshot)
        except openai.APIStatusError as error:
            return told.reading(refusal(error.status_code, error.code))
        except openai.APIConnectionError:
            return told.reading("broken off")
        except openai.APIError as error:
            return told.reading(refusal(None, error.code))
        except Exception as error:  # noqa: BLE001  whatever the SDK lets through is its reading
            return told.reading(type(error).__name__)
        return told.reading()


def _model(recording: Recording) -> str:
    return CUMULATIVE_MODEL if recording.expect.get("cumulative") else PLAIN_MODEL


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join([part.get("text") or "" for part in content])
    return content or ""


def _calls(calls: Iterable[Any] | None) -> tuple[Call, ...]:
    """Calls, as objects or as mappings."""
    found: list[Call] = []
    for call in calls or ():
        function = _get(call, "function")
        parts = (_get(call, "id"), _get(function, "name"), _get(function, "arguments"))
        found.append((parts[0] or "", parts[1] or "", parts[2] or ""))
    return tuple(found)


def _get(value: Any, *names: str) -> Any:
    """What is under these names, one inside the other; `None` where there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def _finish(reason: Any) -> str | None:
    return None if reason in RUNNING else str(reason)


def _native_usage(usage: Any) -> dict[str, int]:
    cached = _get(usage, "prompt_tokens_details", "cached_tokens")
    return counted(
        {
            "input": _get(usage, "input_tokens"),
            "output": _get(usage, "output_tokens"),
            "total": _get(usage, "total_tokens"),
            "reasoning": _get(usage, "output_tokens_details", "reasoning_tokens"),
            "cached": _get(usage, "cached_tokens") if cached is None else cached,
        }
    )


def _take_response(told: Told, response: Any) -> None:
    """A response of the old interface: dictionaries with attributes, which repeat the whole."""
    output = response.output
    for place, choice in enumerate(output.get("choices") or ()):
        message = choice.get("message") or {}
        told.choices[choice.get("index", place)] = Said(
            _text(message.get("content")),
            message.get("reasoning_content") or "",
            _calls(message.get("tool_calls")),
            _finish(choice.get("finish_reason")),
        )
    if not output.get("choices") and output.get("text"):
        told.choices[0] = Said(output["text"], finish=_finish(output.get("finish_reason")))
    if response.usage:
        told.usage = _native_usage(response.usage)


def _take_chunk(told: Told, chunk: Any) -> None:
    """A chunk that repeats the whole, or a whole completion, of the new interface."""
    for choice in chunk.choices:
        message = getattr(choice, "delta", None) or choice.message
        told.choices[choice.index] = Said(
            message.content or "",
            message.reasoning_content or "",
            _calls(message.tool_calls),
            _finish(choice.finish_reason),
        )
    if chunk.usage is not None:
        told.usage = _native_usage(chunk.usage)


def _take_completion(told: Told, completion: Any) -> None:
    """A completion, or what a stream has come to so far."""
    for choice in completion.choices or ():
        message = choice.message
        told.choices[choice.index] = Said(
            message.content or "",
            getattr(message, "reasoning_content", None) or "",
            _calls(message.tool_calls),
            _finish(choice.finish_reason),
        )
    usage = completion.usage
    if usage is not None:
        told.usage = counted(
            {
                "input": usage.prompt_tokens,
                "output": usage.completion_tokens,
                "total": usage.total_tokens,
                "reasoning": _get(usage, "completion_tokens_details", "reasoning_tokens"),
                "cached": _get(usage, "prompt_tokens_details", "cached_tokens"),
            }
        )
