"""The tutorial's service: as a process with recordings, and in this one with made-up trouble."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

import qwq_chat
import stand_in
from junto.core import (
    AuthenticationError,
    ChatConnectionError,
    ChatError,
    ChatModel,
    ChatTimeoutError,
    ContentFilteredError,
    InterruptedStreamError,
    ProtocolError,
    QuotaError,
    RateLimitedError,
    ReasoningDelta,
    RejectedRequestError,
    TextDelta,
    UnavailableError,
)
from junto.core.testing import ScriptedModel, Step

EXAMPLE = Path(qwq_chat.__file__)
STREAM = "/qwq/chat-client/stream/chat"
SIMPLE = "/qwq/chat-client/simple/chat"


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "DASHSCOPE" not in name}
    return {**kept, **changes}


def recorded(name: str, part: str) -> str:
    """Join a recording's text, by other means than the provider's."""
    found = re.findall(rb'"%s":"([^"]*)"' % part.encode(), stand_in.RECORDINGS[name])
    return b"".join(found).decode()


def printed(name: str) -> str:
    return f"<think>{recorded(name, 'reasoning_content')}</think>{recorded(name, 'content')}"


class Service:
    """The example as a process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(EXAMPLE), "--stand-in", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment(),
        )
        self.lines: list[str] = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.url = self.wait_for(r"Running on (http://127\.0\.0\.1:\d+)")[1]

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()

    def wait_for(self, pattern: str, since: int = 0) -> re.Match[str]:
        def found() -> re.Match[str] | None:
            return re.search(pattern, "".join(self.lines[since:]))

        with self.changed:
            match = self.changed.wait_for(found, timeout=30)
        assert match is not None, "".join(self.lines)
        return match

    def stop(self) -> str:
        self.process.terminate()
        assert self.process.stdout is not None
        with self.process:
            out = self.process.stdout.read()
            self.process.wait(timeout=30)
            self.reader.join(timeout=30)
        return out


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    service = Service()
    yield service
    assert service.stop() == ""
    assert service.process.returncode in {0, -15}
    assert "Traceback" not in "".join(service.lines)


@pytest.fixture
async def http(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(service.url) as session:
        yield session


async def test_the_thinking_comes_in_tags_and_then_the_answer(http: aiohttp.ClientSession) -> None:
    async with http.get(STREAM) as response:
        text = await response.text()

    assert response.status == 200
    assert response.content_type == "text/plain"
    assert response.charset == "utf-8"
    assert text == printed("introduction")


async def test_pieces_arrive_while_the_model_still_speaks(http: aiohttp.ClientSession) -> None:
    async with http.get(STREAM) as response:
        pieces = [piece async for piece in response.content.iter_any()]

    assert pieces[0].startswith(b"<think>")
    assert len(pieces) > 10
    assert b"".join(pieces).decode() == printed("introduction")


async def test_simple_chat_gives_the_same_whole(http: aiohttp.ClientSession) -> None:
    async with http.get(SIMPLE) as response:
        text = await response.text()

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Length" in response.headers
    assert text == printed("introduction")


@pytest.mark.parametrize("path", [STREAM, SIMPLE])
async def test_a_second_question_remembers_the_first(
    http: aiohttp.ClientSession, path: str
) -> None:
    first = 'Which is larger,\n9.9 or "9.11"?'
    async with http.get(path, params={"prompt": first}) as response:
        conversation = response.headers["X-Conversation-Id"]
        assert await response.text() == printed("nine_point_nine")

    async with http.get(path, params={"conversation_id": conversation}) as response:
        text = await response.text()

    assert response.headers["X-Conversation-Id"] == conversation
    assert text == printed("memory").replace(stand_in.BLANK.decode(), first)


async def test_conversations_do_not_meet(http: aiohttp.ClientSession) -> None:
    for conversation in ("one", "two"):
        async with http.get(SIMPLE, params={"conversation_id": conversation}) as response:
            assert await response.text() == printed("introduction")


async def test_each_conversation_without_an_id_gets_its_own(http: aiohttp.ClientSession) -> None:
    ids = set()
    for params in ({}, {}, {"conversation_id": "", "prompt": ""}):
        async with http.get(SIMPLE, params=params) as response:
            ids.add(response.headers["X-Conversation-Id"])
            assert await response.text() == printed("introduction")

    assert len(ids) == 3


async def test_many_ask_at_once(http: aiohttp.ClientSession) -> None:
    async def ask(number: int) -> str:
        prompt = "9.9?" if number % 2 else ""
        async with http.get(STREAM, params={"prompt": prompt}) as response:
            return await response.text()

    answers = await asyncio.gather(*(ask(number) for number in range(20)))

    assert answers == [printed("introduction"), printed("nine_point_nine")] * 10


@pytest.mark.parametrize("wrong", ["a b", "a\r\nX-Other: 1", "x" * 129, "会话", "\x00"])
@pytest.mark.parametrize("path", [STREAM, SIMPLE])
async def test_an_id_that_cannot_be_is_refused(
    http: aiohttp.ClientSession, path: str, wrong: str
) -> None:
    async with http.get(path, params={"conversation_id": wrong}) as response:
        text = await response.text()

    assert response.status == 400
    assert text.startswith("conversation_id: 1 to 128 ")
    assert "X-Conversation-Id" not in response.headers


async def test_leaving_stops_the_model(http: aiohttp.ClientSession, service: Service) -> None:
    since = len(service.lines)
    response = await http.get(STREAM, params={"conversation_id": "left"})
    await response.content.readany()
    response.close()

    stopped = await asyncio.to_thread(
        service.wait_for, r"stopped after (\d+) of (\d+) frames", since
    )
    assert int(stopped[1]) < int(stopped[2])
    await asyncio.to_thread(service.wait_for, r"chat\.turn .*outcome=cancelled", since)

    async with http.get(SIMPLE, params={"conversation_id": "left"}) as response:
        assert await response.text() == printed("introduction")


async def test_a_turn_is_one_line_without_content(
    http: aiohttp.ClientSession, service: Service
) -> None:
    since = len(service.lines)
    params = {"prompt": "a private question", "conversation_id": "logged"}
    async with http.get(SIMPLE, params=params) as response:
        await response.text()

    line = await asyncio.to_thread(
        service.wait_for, r"INFO junto\.chat: chat\.turn .*conversation_id=logged .*\n", since
    )
    assert "model=dashscope:qwq-plus" in line[0]
    assert "outcome=finished" in line[0]
    assert "private" not in "".join(service.lines)


async def test_the_parameter_without_effect_is_warned_of_once(
    http: aiohttp.ClientSession, service: Service
) -> None:
    for _ in range(2):
        async with http.get(SIMPLE) as response:
            await response.text()

    found = [line for line in service.lines if "top_p" in line]
    assert len(found) == 1
    assert "qwq-plus" in found[0]


def test_without_a_key_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env=environment(DASHSCOPE_API_KEY=" "),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    for word in ("AI_DASHSCOPE_API_KEY", " DASHSCOPE_API_KEY", "--stand-in"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, str(EXAMPLE), "--stand-in", "--port", str(port)],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", qwq_chat.KEYS)
async def test_either_variable_has_the_key(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in qwq_chat.KEYS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "sk-made-up")

    async with stand_in.stand_in() as base_url:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", base_url)
        async with qwq_chat.dashscope() as model:
            client = qwq_chat.make_client(model)
            response = await client.call("9.9?", conversation_id="1")

    assert response.text == recorded("nine_point_nine", "content")


# With a scripted model: what the service makes of errors.


@asynccontextmanager
async def serving(model: ChatModel) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    @asynccontextmanager
    async def opened() -> AsyncIterator[ChatModel]:
        yield model

    server = TestServer(qwq_chat.make_app(opened))
    async with TestClient(server) as client:
        yield client


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RejectedRequestError("too long"), 400),
        (ContentFilteredError("no"), 422),
        (RateLimitedError("slow down"), 429),
        (QuotaError("nothing left"), 503),
        (UnavailableError("overloaded"), 503),
        (AuthenticationError("the key came from a place"), 502),
        (ChatTimeoutError("no answer"), 504),
        (ChatConnectionError("no connection"), 502),
        (ProtocolError("odd"), 502),
        (ChatError("other"), 500),
    ],
)
@pytest.mark.parametrize("path", [STREAM, SIMPLE])
async def test_an_error_before_the_first_piece_is_a_status(
    path: str, error: ChatError, status: int
) -> None:
    async with serving(ScriptedModel([error])) as client:
        response = await client.get(path)
        text = await response.text()

    assert response.status == status
    assert text.endswith("\n")
    assert (str(error) in text) is (status < 500)


async def test_how_long_to_wait_is_passed_on() -> None:
    error = RateLimitedError("slow down", retry_after=2.4)
    async with serving(ScriptedModel([error])) as client:
        response = await client.get(STREAM)

    assert response.headers["Retry-After"] == "2"


async def test_an_error_after_the_first_piece_breaks_the_reply_off() -> None:
    script: list[Step] = [ReasoningDelta("hm"), TextDelta("half"), InterruptedStreamError("cut")]
    async with serving(ScriptedModel(script, "whole")) as client:
        response = await client.get(STREAM, params={"conversation_id": "1"})
        assert response.status == 200
        assert await response.content.readexactly(21) == b"<think>hm</think>half"
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()

        after = await client.get(SIMPLE, params={"conversation_id": "1"})
        assert await after.text() == "whole"


async def test_an_empty_answer_is_an_answer() -> None:
    async with serving(ScriptedModel("")) as client:
        for path in (STREAM, SIMPLE):
            response = await client.get(path)
            assert (response.status, await response.text()) == (200, "")


async def test_a_head_request_does_not_ask_the_model() -> None:
    model = ScriptedModel("Hello")
    async with serving(model) as client:
        for path in (STREAM, SIMPLE):
            assert (await client.head(path)).status == 405

    assert model.requests == []


async def test_the_request_is_the_one_of_the_tutorial() -> None:
    model = ScriptedModel("Hello")
    async with serving(model) as client:
        await (await client.get(STREAM)).text()

    request = model.requests[0]
    assert request.user_text == "你好，介绍下你自己"
    assert request.options.top_p == 0.7
    assert request.system == ""


# The stand-in.


async def test_the_stand_in_refuses_a_plain_call_as_qwq_does() -> None:
    async with stand_in.stand_in() as base_url, aiohttp.ClientSession() as http:
        url = f"{base_url}/services/aigc/text-generation/generation"
        async with http.post(url, json={}) as response:
            body = await response.json()

    assert response.status == 400
    assert body["message"].startswith("This model only support stream mode")


@pytest.mark.parametrize("name", stand_in.RECORDINGS)
def test_recordings_have_the_layout_of_the_service(name: str) -> None:
    recording = stand_in.RECORDINGS[name]
    assert recording.endswith(b"\n\n")
    frames = recording.decode().split("\n\n")[:-1]
    for number, frame in enumerate(frames, 1):
        head, data = frame.split("data:")
        assert head == f"id:{number}\nevent:result\n:HTTP_STATUS/200\n"
        value = json.loads(data)
        assert json.dumps(value, ensure_ascii=False, separators=(",", ":")) == data
        reason = value["output"]["choices"][0]["finish_reason"]
        assert reason == ("stop" if number == len(frames) else "null")
