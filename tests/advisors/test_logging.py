"""One line a turn, and nothing of what was said."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from junto.advisors import LoggingAdvisor
from junto.core import (
    ChatClient,
    Finish,
    ModelWarning,
    QuotaError,
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
    with structlog.testing.capture_logs() as logs:
        yield logs
    structlog.reset_defaults()


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
from junto.advisors import LoggingAdvisor
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
