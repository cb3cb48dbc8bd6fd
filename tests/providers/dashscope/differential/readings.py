"""What a reader made of an answer, in one form for all readers."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from junto.core import (
    ChatError,
    ChatOptions,
    ChatRequest,
    Choice,
    InterruptedStreamError,
    ProtocolError,
    ProviderError,
)
from junto.providers.dashscope import DashScopeModel

from ....standin import Recording, StandIn
from ..conftest import KEY, Heard, hear

FIELDS = ("text", "reasoning", "tool_calls", "finish", "usage", "error")
RUNNING = {None, "", "null"}

Call = tuple[str, str, str]


@frozen
class Said:
    """One choice of an answer.

    Attributes:
        text: The answer's text.
        reasoning: Its chain of thought.
        tool_calls: Id, name and arguments of each call.
        finish: The service's word for why it ended; `None` while it has given none.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[Call, ...] = ()
    finish: str | None = None


@frozen
class Reading:
    """An answer, as a reader hands it to its user.

    Attributes:
        choices: By index; those of which nothing was said are left out.
        usage: Counts by kind; kinds that were not told are left out.
        error: What the reader told its user of a failure: `"429 Throttling"`, `"broken off"`,
            `"not readable"`, the name of an exception that nobody meant; `None` for a success.
    """

    choices: Mapping[int, Said] = field(factory=dict)
    usage: Mapping[str, int] = field(factory=dict)
    error: str | None = None

    def get(self, name: str) -> Any:
        """One of `FIELDS`, to be compared."""
        if name in {"usage", "error"}:
            return getattr(self, name)
        said = {index: getattr(choice, name) for index, choice in self.choices.items()}
        return {index: value for index, value in said.items() if value}

    def differs(self, other: "Reading") -> set[str]:
        """The names of the fields in which two readings differ."""
        return {name for name in FIELDS if self.get(name) != other.get(name)}


def refusal(status: int | None, code: str | None) -> str:
    """The error that a service or a reader told."""
    return f"{status or '?'} {code or '?'}"


def counted(usage: Mapping[str, Any]) -> dict[str, int]:
    """The counts that were told."""
    return {name: count for name, count in usage.items() if count is not None}


def stream_asked(recording: Recording) -> bool:
    """Whether the recorded answer is, or was to be, a stream."""
    return not (recording.status == 200 and recording.name.endswith(".json"))


def choices_asked(recording: Recording) -> int:
    """How many answers were asked for."""
    return len(recording.expect.get("choices", "1"))


def model_for(recording: Recording, server: StandIn) -> DashScopeModel:
    """A model that speaks the protocol of a recording."""
    return DashScopeModel(
        "qwen-plus",
        api_key=KEY,
        base_url=server.url,
        dialect="compatible" if recording.protocol == "compat" else "native",
    )


async def our_reading(model: DashScopeModel, recording: Recording) -> Reading:
    """What junto makes of the next reply."""
    extra: dict[str, Any] = {}
    if recording.expect.get("cumulative"):
        extra["incremental_output"] = False
    if choices_asked(recording) > 1:
        extra["n"] = choices_asked(recording)
    return as_reading(await hear(model, ChatRequest("你好", options=ChatOptions(extra=extra))))


def as_reading(heard: Heard) -> Reading:
    """The common form of what `hear` heard."""
    calls = tuple((c["id"], c["name"], c["arguments"]) for c in heard.tool_calls)
    finish = heard.finish and heard.finish.metadata["raw_reason"]
    choices = {0: Said(heard.text, heard.reasoning, calls, finish or None)}
    if heard.finish is not None:
        choices |= {c.index: _other(c) for c in heard.finish.metadata.get("choices", ())}
    usage = {
        name: getattr(heard.usage, f"{name}_tokens", None)
        for name in ("input", "output", "total", "reasoning", "cached")
    }
    return Reading(choices, counted(usage), _error(heard.error))


def _other(choice: Choice) -> Said:
    message = choice.message
    calls = tuple((c.id, c.name, c.arguments) for c in message.tool_calls)
    finish = choice.finish_reason and choice.finish_reason.value
    return Said(message.text, message.reasoning, calls, finish)


def _error(error: ChatError | None) -> str | None:
    match error:
        case None:
            return None
        case ProviderError():
            return refusal(error.status, error.code)
        case InterruptedStreamError():
            return "broken off"
        case ProtocolError():
            return "not readable"
        case _:
            return type(error).__name__
