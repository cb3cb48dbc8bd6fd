"""One line a turn, and nothing of what was said."""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from junto.advisors import LoggingAdvisor, ReasoningAdvisor
from junto.advisors.masking import logged, mask
from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    Event,
    Finish,
    ModelWarning,
    Outcome,
    QuotaError,
    ReasoningDelta,
    RunContext,
    Secret,
    TextDelta,
    Usage,
    UsageUpdate,
)
from junto.core.testing import ScriptedModel


def turns(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(r)["junto"] for r in caplog.records if getattr(r, "event", "") == "chat.turn"]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="junto.chat")
    return caplog


async def test_a_turn_is_one_line_with_ids_cost_and_outcome(
    lines: pytest.LogCaptureFixture,
) -> None:
    usage = Usage(input_tokens=7, output_tokens=3, reasoning_tokens=1)
    finish = Finish(metadata={"request_id": "r-1"})
    model = ScriptedModel([TextDelta("hello"), UsageUpdate(usage), finish])
    client = ChatClient(model, advisors=[LoggingAdvisor()])

    await client.call("question", conversation_id="c-1")

    [turn] = turns(lines)
    assert len(lines.records) == 1
    expected = {
        "conversation_id": "c-1",
        "model": "scripted:script",
        "advisors": "logging",
        "mode": "call",
        "outcome": "finished",
        "finish": "stop",
        "input_tokens": 7,
        "output_tokens": 3,
        "reasoning_tokens": 1,
        "request_id": "r-1",
        "prompt_chars": 8,
        "answer_chars": 5,
    }
    assert expected.items() <= turn.items()
    assert turn["duration_s"] >= turn["first_event_s"] >= 0
    assert lines.records[0].getMessage().startswith("chat.turn run_id=")


async def test_no_text_of_question_or_answer_is_logged(lines: pytest.LogCaptureFixture) -> None:
    client = ChatClient(ScriptedModel("the-answer"), advisors=[LoggingAdvisor()])

    await client.call("the-question")

    assert "the-answer" not in lines.text
    assert "the-question" not in lines.text
    assert "the-" not in repr([r.__dict__ for r in lines.records])


async def test_texts_are_logged_when_asked_for_after_redaction_and_on_one_line(
    lines: pytest.LogCaptureFixture,
) -> None:
    advisor = LoggingAdvisor(content=True, redact=lambda text: text.replace("4711", "***"))
    client = ChatClient(ScriptedModel("ok\x1b[2Jdone"), advisors=[advisor])

    await client.call("my pin\nis 4711")

    [turn] = turns(lines)
    assert turn["prompt"] == "my pin is ***"
    assert "\x1b" not in turn["answer"]
    assert "\n" not in lines.records[0].getMessage()


async def test_a_failure_is_logged_as_an_error_with_its_code(
    lines: pytest.LogCaptureFixture,
) -> None:
    error = QuotaError("spent", status=403, code="FreeTier", request_id="r-2")
    model = ScriptedModel([TextDelta("half"), error])
    client = ChatClient(model, advisors=[LoggingAdvisor()])

    with pytest.raises(QuotaError):
        await client.call("hi")

    [turn] = turns(lines)
    assert lines.records[0].levelno == logging.ERROR
    assert turn["outcome"] == "failed"
    assert turn["error"] == "QuotaError"
    assert (turn["status"], turn["code"], turn["answer_chars"]) == (403, "FreeTier", 4)
    assert turn["request_id"] == "r-2"


async def test_a_warning_of_the_model_is_not_taken_for_its_first_event(
    lines: pytest.LogCaptureFixture,
) -> None:
    model = ScriptedModel([ModelWarning("script", "top_p", "no effect"), OSError("cut")])
    client = ChatClient(model, advisors=[LoggingAdvisor()])

    with pytest.raises(OSError, match="cut"):
        await client.call("hi")

    assert "first_event_s" not in turns(lines)[0]


async def test_a_reader_that_leaves_is_logged_as_abandoned(
    lines: pytest.LogCaptureFixture,
) -> None:
    client = ChatClient(ScriptedModel("one two"), advisors=[LoggingAdvisor()])

    async with client.stream("hi") as stream:
        async for _ in stream:
            break

    assert [turn["outcome"] for turn in turns(lines)] == ["abandoned"]


async def test_interleaved_streams_keep_their_ids(lines: pytest.LogCaptureFixture) -> None:
    client = ChatClient(ScriptedModel("a b c"), advisors=[LoggingAdvisor()])

    async def ask(i: int) -> str:
        async with client.stream("hi", conversation_id=f"c{i}") as stream:
            async for _ in stream:
                await asyncio.sleep(0)
            return f"{stream.context.run_id} c{i}"

    asked = await asyncio.gather(*(ask(i) for i in range(20)))

    logged = [f"{turn['run_id']} {turn['conversation_id']}" for turn in turns(lines)]
    assert sorted(logged) == sorted(asked)


async def test_a_logger_that_fails_does_not_harm_the_run() -> None:
    class Broken:
        def debug(self, event: str, **values: Any) -> None:
            msg = "no disk"
            raise OSError(msg)

        info = warning = error = debug

    client = ChatClient(ScriptedModel("fine"), advisors=[LoggingAdvisor(logger=Broken())])

    assert (await client.call("hi")).text == "fine"


@pytest.fixture
def configured() -> Iterator[list[structlog.typing.EventDict]]:
    """What an application that has configured structlog, with its context variables, logs."""
    lines: list[structlog.typing.EventDict] = []

    def keep(_: Any, method: str, line: structlog.typing.EventDict) -> Any:
        lines.append({**line, "log_level": method})
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep])
    yield lines
    structlog.reset_defaults()


async def test_an_async_bound_logger_of_structlog_gets_its_lines_as_well(
    lines: pytest.LogCaptureFixture,
) -> None:
    structlog.configure(
        wrapper_class=structlog.stdlib.AsyncBoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        processors=[structlog.stdlib.render_to_log_kwargs],
    )
    try:
        await ChatClient(ScriptedModel("x"), advisors=[LoggingAdvisor()]).call("hi")
        with pytest.raises(TypeError, match="sync_bl"):
            LoggingAdvisor(logger=structlog.get_logger().bind())
    finally:
        structlog.reset_defaults()

    assert [record.getMessage() for record in lines.records if record.levelname == "INFO"] == [
        "chat.turn"
    ]


async def test_an_application_that_configured_structlog_gets_its_lines_there(
    configured: list[structlog.typing.EventDict],
) -> None:
    client = ChatClient(ScriptedModel("fine"), advisors=[LoggingAdvisor()])

    await client.call("hi")

    assert [line["event"] for line in configured if line["log_level"] == "info"] == ["chat.turn"]


def test_nothing_reaches_standard_output_and_structlog_stays_unconfigured() -> None:
    code = """
import asyncio, logging
import structlog
from junto.advisors import LoggingAdvisor, ReasoningAdvisor
from junto.core import ChatClient
from junto.core.testing import ScriptedModel
client = ChatClient(ScriptedModel("fine"), advisors=[LoggingAdvisor()])
asyncio.run(client.call("hi"))
logging.basicConfig(level="DEBUG")
asyncio.run(client.call("hi"))
assert not structlog.is_configured()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == ""
    assert done.stderr.count("chat.turn") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"logger": "mine"}, "pass junto.core.get_logger.'mine'."),
        ({"logger": logging.getLogger("mine")}, "pass junto.core.get_logger.'mine'."),
        ({"logger": 3}, "not 3"),
        ({"redact": "***"}, "redact is a function"),
    ],
)
def test_a_logger_that_could_not_log_is_refused_at_once(
    arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        LoggingAdvisor(**arguments)


class Talks(Advisor):
    """Logs in each hook, as an application's advisor would."""

    log = structlog.get_logger("mine")

    async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
        self.log.info("before", expected=ctx.conversation_id)
        return request

    def on_event(self, event: Event, ctx: RunContext) -> Event:
        self.log.info("event", expected=ctx.conversation_id)
        return event

    async def on_close(self, outcome: Outcome, ctx: RunContext) -> None:
        self.log.info("close", expected=ctx.conversation_id)


def says(text: str) -> Callable[[], None]:
    return lambda: structlog.get_logger("provider").info(text)


async def test_lines_further_in_carry_the_ids_and_the_readers_do_not(
    configured: list[structlog.typing.EventDict],
) -> None:
    model = ScriptedModel([says("asked"), "one", "two"])
    client = ChatClient(model, advisors=[LoggingAdvisor(), Talks()])

    async with client.stream("hi", conversation_id="c-1") as stream:
        async for _ in stream:
            structlog.get_logger("reader").info("reading")
        run_id = stream.context.run_id

    reading = [line for line in configured if line["event"] == "reading"]
    assert reading
    assert all("run_id" not in line for line in reading)
    inside = [line for line in configured if line["event"] != "reading"]
    assert {line["event"] for line in inside} > {"before", "event", "close", "asked", "chat.turn"}
    assert {(line["run_id"], line["conversation_id"]) for line in inside} == {(run_id, "c-1")}
    assert structlog.contextvars.get_contextvars() == {}


async def test_a_hundred_streams_in_one_task_never_mix(
    configured: list[structlog.typing.EventDict],
) -> None:
    client = ChatClient(
        ScriptedModel(["a", says("asked"), "b", "c"]), advisors=[LoggingAdvisor(), Talks()]
    )
    streams = [client.stream("hi", conversation_id=f"c{i}") for i in range(100)]
    order = random.Random(1)

    left = list(streams)
    while left:
        stream = order.choice(left)
        if await anext(stream, None) is None:
            left.remove(stream)

    talked = [line for line in configured if "expected" in line]
    assert len(talked) == 100 * 6
    assert all(line["conversation_id"] == line["expected"] for line in talked)
    ids = {line["conversation_id"]: line["run_id"] for line in configured}
    assert ids == {f"c{i}": stream.context.run_id for i, stream in enumerate(streams)}
    assert len({(line["run_id"], line["conversation_id"]) for line in configured}) == 100


async def test_a_run_inside_a_run_has_its_own_id(
    configured: list[structlog.typing.EventDict],
) -> None:
    inner = ChatClient(ScriptedModel([says("inner")]), advisors=[LoggingAdvisor()])

    async def tool() -> None:
        await inner.call("hi")
        says("outer")()

    outer = ChatClient(ScriptedModel([tool, "x"]), advisors=[LoggingAdvisor()])
    await outer.call("hi")

    told = {line["event"]: line["run_id"] for line in configured}
    turns = [line["run_id"] for line in configured if line["event"] == "chat.turn"]
    assert (told["inner"], told["outer"]) == tuple(turns)
    assert turns[0] != turns[1]


async def test_a_run_inside_a_run_does_not_take_over_its_conversation(
    configured: list[structlog.typing.EventDict],
) -> None:
    inner = ChatClient(ScriptedModel([says("inner")]), advisors=[LoggingAdvisor()])

    async def tool() -> None:
        await inner.call("hi")
        says("outer")()

    outer = ChatClient(ScriptedModel([tool, "x"]), advisors=[LoggingAdvisor()])
    await outer.call("hi", conversation_id="c")

    told = {line["event"]: line.get("conversation_id") for line in configured}
    assert (told["inner"], told["outer"]) == (None, "c")


async def test_binding_can_be_left_out(configured: list[structlog.typing.EventDict]) -> None:
    client = ChatClient(ScriptedModel([says("asked")]), advisors=[LoggingAdvisor(bind=False)])

    await client.call("hi")

    assert [line for line in configured if line["event"] == "asked" and "run_id" in line] == []


KEYS = [
    "sk-" + "abc123def456ghi7",
    "ghp_" + "a1b2c3d4e5f6",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "SyA1234567890",
    "eyJhbGciOiJI" + ".eyJzdWIiOiIx.sig",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_is_in_no_value_even_with_content(
    lines: pytest.LogCaptureFixture, key: str
) -> None:
    error = QuotaError("spent", status=403, code=f"code {key}", request_id=f"r {key}")
    model = ScriptedModel([TextDelta(f"take {key}, ok"), error])
    client = ChatClient(model, advisors=[LoggingAdvisor(content=True)])

    with pytest.raises(QuotaError):
        await client.call(f"my key is {key}.", conversation_id=f"c {key}")

    everything = repr([record.__dict__ for record in lines.records])
    assert key not in everything
    assert "MIIE" not in everything
    [turn] = turns(lines)
    assert turn["prompt"].startswith("my key is [masked]")
    assert turn["conversation_id"] == "c [masked]"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Bearer abcdef123", "Authorization: Bearer [masked]"),
        ('{"api_key": "abcdef"}', '{"api_key": "[masked]"}'),
        ("password=hunter22&x=1", "password=[masked]&x=1"),
        ("ask-me and risk-taking and a token of thanks", None),
    ],
)
def test_named_secrets_are_masked_and_plain_words_are_not(text: str, kept: str | None) -> None:
    assert mask(text) == (text if kept is None else kept)


@pytest.mark.parametrize("hidden", ["sk-\u200babcdef123456", "s\x00k-abcdef123456"])
@pytest.mark.parametrize("around", ["{}", "\x1b[1m{}\x1b[0m"])
def test_what_is_not_seen_hides_no_key(hidden: str, around: str) -> None:
    assert logged(around.format(hidden)) == "[masked]"


async def test_a_secret_object_shows_itself_masked_only(lines: pytest.LogCaptureFixture) -> None:
    secret = Secret("abcdefghijklmnopqrstuvwxyz")
    model = ScriptedModel([TextDelta("x"), Finish(metadata={"request_id": secret})])

    await ChatClient(model, advisors=[LoggingAdvisor()]).call("hi")

    assert secret.reveal() not in repr([record.__dict__ for record in lines.records])
    assert turns(lines)[0]["request_id"].startswith("Secret(")


def raises(text: str) -> str:
    raise LookupError(text)


@pytest.mark.parametrize(
    ("redact", "told"), [(raises, "LookupError"), (lambda text: None, "gave NoneType")]
)
async def test_what_cannot_be_redacted_is_not_logged(
    lines: pytest.LogCaptureFixture, redact: Any, told: str
) -> None:
    client = ChatClient(
        ScriptedModel("the-answer"), advisors=[LoggingAdvisor(content=True, redact=redact)]
    )

    await client.call("the-question")

    [turn] = turns(lines)
    assert turn["redact_error"] == told
    assert not {"prompt", "answer"} & turn.keys()
    assert "the-" not in repr([record.__dict__ for record in lines.records])


async def test_control_characters_are_in_no_value(lines: pytest.LogCaptureFixture) -> None:
    model = ScriptedModel([TextDelta("x"), Finish(metadata={"request_id": "r\x1b[2J\r\n\u202e"})])
    client = ChatClient(model, advisors=[LoggingAdvisor(name="log\nfake chat.turn")])

    await client.call("hi", conversation_id="c\x00\x9b\u2028x")

    [turn] = turns(lines)
    values = [value for value in turn.values() if isinstance(value, str)]
    assert all(value.isprintable() for value in values)
    assert (turn["conversation_id"], turn["request_id"]) == ("c x", "r")


async def test_tokens_are_told_by_kind_and_never_made_up(lines: pytest.LogCaptureFixture) -> None:
    kinds = {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
        "reasoning_tokens": 0,
        "cached_tokens": 4,
        "cache_write_tokens": 5,
        "image_tokens": 6,
        "audio_tokens": 7,
    }
    for usage in (Usage(**kinds, estimated=True), Usage(output_tokens=0), None):
        events: list[Event] = [TextDelta("x")]
        events += [] if usage is None else [UsageUpdate(usage)]
        await ChatClient(ScriptedModel(events), advisors=[LoggingAdvisor()]).call("hi")

    told = [{k: v for k, v in turn.items() if "token" in k} for turn in turns(lines)]
    assert told == [{**kinds, "tokens_estimated": True}, {"output_tokens": 0}, {}]


@pytest.mark.parametrize("structlog_first", [True, False])
@pytest.mark.parametrize("level", ["", "logging.basicConfig(level='DEBUG')"])
def test_an_application_without_structlog_has_nothing_on_standard_output(
    structlog_first: bool, level: str
) -> None:
    code = f"""
import asyncio, logging, sys
{"import structlog" if structlog_first else ""}
from junto.advisors import LoggingAdvisor, ReasoningAdvisor, SafeGuardAdvisor
from junto.core import ChatClient
from junto.core.testing import ScriptedModel
{level}
advisors = [LoggingAdvisor(content=True), SafeGuardAdvisor(["secret"]), ReasoningAdvisor()]
model = ScriptedModel("<think>so</think>fine", "a secret", OSError())
client = ChatClient(model, advisors=advisors)
async def main():
    await client.call("hi")
    await client.call("hi")
    try:
        await client.call("hi")
    except OSError:
        pass
asyncio.run(main())
if {structlog_first}:
    assert not structlog.is_configured()
    assert structlog.contextvars.get_contextvars() == {{}}
else:
    assert "structlog" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == ""
    assert done.stderr.count("chat.turn run_id=") == (3 if level else 1)


async def test_a_line_for_each_advisor_when_asked_for(lines: pytest.LogCaptureFixture) -> None:
    lines.set_level(logging.DEBUG, logger="junto.chat")
    advisors = [LoggingAdvisor(per_advisor=True), ReasoningAdvisor("drop")]
    model = ScriptedModel([ReasoningDelta("hm"), TextDelta("x"), TextDelta("y")])

    await ChatClient(model, advisors=advisors).call("hi")

    told = [vars(r)["junto"] for r in lines.records if vars(r)["event"] == "chat.advisor"]
    assert {line["advisor"]: (line["dropped"], line["chars_gave"]) for line in told} == {
        "logging": (0, 2),
        "reasoning": (1, 2),
        "(model)": (0, 4),
    }
    assert {line["run_id"] for line in told} == {turns(lines)[0]["run_id"]}
    assert "hm" not in lines.text


async def test_no_line_for_each_advisor_otherwise(lines: pytest.LogCaptureFixture) -> None:
    lines.set_level(logging.DEBUG, logger="junto.chat")

    await ChatClient(ScriptedModel("x"), advisors=[LoggingAdvisor()]).call("hi")

    assert [vars(r)["event"] for r in lines.records] == ["chat.started", "chat.turn"]
