"""What holds for any bytes that a service may send."""

import itertools
import math
import random
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from junto.core import (
    ChatError,
    Event,
    Finish,
    ProtocolError,
    ProviderError,
    ReasoningDelta,
    Restart,
    Secret,
    TextDelta,
    ToolCallDelta,
    TransportError,
    Usage,
    UsageUpdate,
    collect,
)
from junto.providers.assembly import AnswerReader
from junto.providers.chat_completions import CompletionReader
from junto.providers.dashscope._errors import origin_of
from junto.providers.dashscope._reader import NativeReader
from junto.providers.failures import parse_failure, retry_after, to_error
from junto.providers.sse import SSEParser, SSERecord

KEY = "sk-0123456789abcdef-secret"
ORIGIN = origin_of("qwen-plus", "test.example", Secret(KEY), "DASHSCOPE_API_KEY")
STATUSES = (400, 401, 403, 404, 408, 409, 413, 418, 429, 500, 503, 504)
# Limits that a small input reaches.
SMALL_EVENT, SMALL_ANSWER = 300, 100

UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

Check = Callable[[bytes, random.Random], None]


def cut(body: bytes, chance: random.Random) -> list[bytes]:
    """The body in some pieces."""
    at = sorted(chance.randrange(len(body) + 1) for _ in range(chance.choice([1, 3, 20])))
    return [body[a:z] for a, z in itertools.pairwise([0, *at, len(body)])]


def each(body: bytes) -> list[bytes]:
    """The body byte by byte."""
    return [body[at : at + 1] for at in range(len(body))]


@attrs.frozen
class Outcome:
    """What a reader made of pieces: without usage, which comes once a read."""

    events: list[Event]
    usage: Usage | None
    failure: ChatError | None

    def same(self, other: "Outcome") -> None:
        """Both are the same, however the pieces were cut."""
        assert self.events == other.events
        assert self.usage == other.usage
        assert type(self.failure) is type(other.failure)
        assert str(self.failure) == str(other.failure)


def outcome_of(reader: AnswerReader, pieces: Iterable[bytes]) -> Outcome:
    """Read as the loop of every provider does, and hold the laws of one reading."""
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
        if reader.finished or reader.failure is not None:
            break
    else:
        events += reader.end()
    failure = reader.failure
    assert (failure is None) == reader.finished, "an answer ends with its finish or a failure"
    assert isinstance(failure, ProviderError | TransportError | ProtocolError | None)
    finishes = [event for event in events if isinstance(event, Finish)]
    assert finishes == events[-1:] * reader.finished, "one finish, and it is the last event"
    for event in events:
        check_event(event)
    start = max((i + 1 for i, e in enumerate(events) if isinstance(e, Restart)), default=0)
    text = "".join([event.text for event in events[start:] if isinstance(event, TextDelta)])
    assert reader.partial_text == text
    response = collect(events)
    assert response.text == text
    if failure is not None:
        assert failure.partial_text == text
        check_error(failure)
    return Outcome(
        [event for event in events if not isinstance(event, UsageUpdate)],
        next((e.usage for e in reversed(events) if isinstance(e, UsageUpdate)), None),
        failure,
    )


def check_event(event: Event) -> None:
    """An event says something, and what it says can be written."""
    if isinstance(event, TextDelta | ReasoningDelta):
        assert event.text
    elif isinstance(event, ToolCallDelta):
        assert event.index >= 0
        assert event.id or event.name or event.arguments
    elif isinstance(event, UsageUpdate):
        counts = attrs.astuple(event.usage)
        assert all(count is None or type(count) in {int, bool} for count in counts)
        assert any(count is not None for count in counts)
    check_text(attrs.asdict(event, recurse=False))


def check_text(value: Any) -> None:
    """No text in a value, however deep, holds half a character."""
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                text.encode()
            case Mapping() as table:
                left += [*table.keys(), *table.values()]
            case list() | tuple() as items:
                left += items
            case inner if attrs.has(type(inner)):
                left += attrs.asdict(inner, recurse=False).values()


def on_one_line(text: str) -> bool:
    """Whether nothing in a text controls a terminal, or the direction of writing."""
    return not {unicodedata.category(character) for character in text} & UNSAFE


def check_error(error: ChatError) -> None:
    """An error is short, on one line, and without the key."""
    said = str(error)
    assert 0 < len(said) <= 500
    assert on_one_line(said)
    assert KEY not in said
    check_text([said, getattr(error, "partial_text", "")])
    for name in ("code", "request_id", "kind"):
        value = getattr(error, name, None)
        assert value is None or (on_one_line(value) and KEY not in value and len(value) <= 100)
        check_text(value)
    wait = getattr(error, "retry_after", None)
    assert wait is None or (wait >= 0 and math.isfinite(wait))


def _check_reader(make: Callable[[], AnswerReader], body: bytes, chance: random.Random) -> None:
    whole = outcome_of(make(), [body])
    whole.same(outcome_of(make(), cut(body, chance)))
    if len(body) < 300 or chance.random() < 0.1:  # it takes as long as a hundred others
        whole.same(outcome_of(make(), each(body)))


def check_native(body: bytes, chance: random.Random) -> None:
    """The native protocol, incremental or cumulative, with one choice or several."""
    cumulative, choices = chance.random() < 0.3, chance.choice([1, 1, 1, 2, 4])
    _check_reader(
        lambda: NativeReader(ORIGIN, cumulative=cumulative, choices=choices), body, chance
    )


def check_compatible(body: bytes, chance: random.Random) -> None:
    """Chat completions, with one choice or several."""
    choices = chance.choice([1, 1, 2])
    _check_reader(
        lambda: CompletionReader(ORIGIN, choices=choices, id_is_request=True), body, chance
    )


def check_limits(body: bytes, chance: random.Random) -> None:
    """A reader whose limits are near."""
    native = chance.random() < 0.7

    def make() -> AnswerReader:
        reader: AnswerReader = NativeReader(ORIGIN) if native else CompletionReader(ORIGIN)
        reader._parser = SSEParser(limit=SMALL_EVENT)
        reader._assembly._room = SMALL_ANSWER
        return reader

    _check_reader(make, body, chance)


def check_sse(body: bytes, chance: random.Random) -> None:
    """The parser alone, at a limit that is near or far."""
    limit = chance.choice([40, SMALL_EVENT, 1 << 20])

    def parse(pieces: Iterable[bytes]) -> tuple[list[SSERecord], bool | str]:
        parser = SSEParser(limit=limit)
        records: list[SSERecord] = []
        try:
            for piece in pieces:
                records += parser.feed(piece)
            records += parser.close()
        except ProtocolError as error:
            return records, str(error)
        return records, parser.truncated

    whole = parse([body])
    assert all(len(record.data) <= limit for record in whole[0])
    assert parse(cut(body, chance)) == whole
    assert parse(each(body)) == whole


def check_failure(body: bytes, chance: random.Random) -> None:
    """A body with an error status."""
    error = to_error(parse_failure(body, chance.choice(STATUSES)), ORIGIN)
    assert isinstance(error, ProviderError)
    check_error(error)


def check_retry_after(body: bytes, chance: random.Random) -> None:
    """A header that says when to try again."""
    name = chance.choice(["retry-after", "retry-after-ms"])
    wait = retry_after({name: body.decode("utf-8", "replace")})
    assert wait is None or (wait >= 0 and math.isfinite(wait))


CHECKS: dict[str, Check] = {
    "native": check_native,
    "compatible": check_compatible,
    "limits": check_limits,
    "sse": check_sse,
    "failure": check_failure,
    "retry_after": check_retry_after,
}


def check(data: bytes) -> None:
    """Hold the law that the first byte names; the second one is the seed of its choices."""
    laws = list(CHECKS.values())
    law, seed = (data[0], data[1]) if len(data) > 1 else (0, 0)
    laws[law % len(laws)](data[2:], random.Random(seed))
