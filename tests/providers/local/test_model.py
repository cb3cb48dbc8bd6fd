"""LocalModel with a stand-in for llama.cpp in the worker process."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest

from junto.core import (
    ChatModel,
    ChatOptions,
    ChatRequest,
    Event,
    Finish,
    FinishReason,
    InterruptedStreamError,
    MissingExtraError,
    ModelFileError,
    ModelWarning,
    ReasoningDelta,
    RejectedRequestError,
    UnavailableError,
    Usage,
    UsageUpdate,
)
from junto.providers.local import LocalModel

from .support import read, text_of

Stream = AsyncGenerator[Any, None]


def ask(text: str, **options: Any) -> ChatRequest:
    return ChatRequest(text, options=ChatOptions(**options))


def opened(model: LocalModel, text: str) -> Stream:
    return cast("Stream", model.stream(ask(text)))


async def test_a_local_model_is_a_chat_model(fake: LocalModel) -> None:
    assert isinstance(fake, ChatModel)
    assert (fake.provider, fake.model) == ("local", "tiny")


async def test_an_answer_is_text_then_usage_then_finish(fake: LocalModel) -> None:
    events = await read(fake, ask("say Hel|lo"))

    assert text_of(events) == "Hello"
    usage, finish = events[-2:]
    assert usage == UsageUpdate(Usage(input_tokens=3, output_tokens=4, total_tokens=7))
    assert isinstance(finish, Finish)
    assert finish.reason is FinishReason.STOP
    assert finish.metadata == {"model": "tiny", "raw_reason": "stop", "request_id": "fake-1"}


async def test_the_port_has_a_random_key_and_no_open_origins(fake: LocalModel) -> None:
    seen = json.loads(text_of(await read(fake, ask("params"))))

    assert len(seen["api_keys"]) == 1
    assert len(seen["api_keys"][0]) >= 32
    assert seen["hostnames"] == ["127.0.0.1"]
    assert seen["cors_origins"] != "*"
    assert seen["threads"] == fake.threads
    assert seen["n_ctx"] == fake.slots * fake.context_tokens


async def test_thoughts_in_tags_come_as_reasoning(fake: LocalModel) -> None:
    request = ask("say <th|ink>\nHm.|\n</thi|nk>\n\nYes.", thinking=True)
    events = await read(fake, request)

    assert "".join(e.text for e in events if isinstance(e, ReasoningDelta)) == "Hm."
    assert text_of(events) == "Yes."


async def test_tags_are_text_where_nobody_asked_for_thoughts(fake: LocalModel) -> None:
    assert text_of(await read(fake, ask("say <think>a</think>b"))) == "<think>a</think>b"


async def test_what_has_no_effect_is_warned_of_first(fake: LocalModel) -> None:
    events = await read(fake, ask("say x", logprobs=True))

    assert isinstance(events[0], ModelWarning)
    assert events[0].parameter == "logprobs"


async def test_closing_a_stream_stops_the_model_and_frees_its_place(
    fake: LocalModel, tmp_path: Path
) -> None:
    marker = tmp_path / "stopped"
    stream = opened(fake, f"endless {marker}")
    assert await anext(stream)
    await stream.aclose()

    # There is one place only: this answer can begin when the other has ended.
    assert text_of(await read(fake, ask("say next"))) == "next"
    assert marker.read_text() == "stopped"


async def test_closing_does_not_wait_for_a_prompt_that_is_being_read(fake: LocalModel) -> None:
    await fake.load()
    stream = opened(fake, "read")
    reading = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    reading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await reading
    assert text_of(await read(fake, ask("say next"))) == "next"


async def test_a_stream_that_waits_for_its_turn_can_be_cancelled(fake: LocalModel) -> None:
    first = opened(fake, "endless")
    assert await anext(first)
    waiting = [asyncio.ensure_future(read(fake, ask(f"say {n}"))) for n in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await first.aclose()

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert isinstance(answers[0], asyncio.CancelledError)
    assert [text_of(cast("list[Event]", a)) for a in answers[1:]] == ["1", "2"]


async def test_two_places_answer_at_once(fake_runtime: None, gguf: Path) -> None:
    model = LocalModel(gguf, slots=2)
    one, two = opened(model, "endless"), opened(model, "endless")
    for _ in range(3):
        assert await anext(one)
        assert await anext(two)
    await one.aclose()
    await two.aclose()
    await model.aclose()


async def test_first_uses_at_once_load_the_model_once(fake: LocalModel) -> None:
    await asyncio.gather(*(fake.load() for _ in range(8)))
    loaded = await fake._loaded()
    await fake.load()

    assert await fake._loaded() is loaded


async def test_a_cancelled_first_use_leaves_the_others_their_model(fake: LocalModel) -> None:
    first, second = asyncio.ensure_future(fake.load()), asyncio.ensure_future(fake.load())
    await asyncio.sleep(0)
    first.cancel()
    await second

    assert first.cancelled()


def test_one_model_serves_several_event_loops(fake_runtime: None, gguf: Path) -> None:
    model = LocalModel(gguf)
    answers = [asyncio.run(read(model, ask(f"say {n}"))) for n in range(2)]
    asyncio.run(model.aclose())

    assert [text_of(answer) for answer in answers] == ["0", "1"]


async def test_the_death_of_the_process_is_an_interruption_and_the_next_request_restarts_it(
    fake: LocalModel,
) -> None:
    with pytest.raises(InterruptedStreamError) as caught:
        await read(fake, ask("die"))

    assert caught.value.partial_text == "half an ans"
    assert text_of(await read(fake, ask("say back"))) == "back"


async def test_closing_the_model_ends_its_streams_and_may_be_repeated(fake: LocalModel) -> None:
    stream = opened(fake, "endless")
    assert await anext(stream)
    await fake.aclose()
    await fake.aclose()

    with pytest.raises(InterruptedStreamError):
        [item async for item in stream]


async def test_a_prompt_that_is_too_long_is_refused_with_both_sizes(fake: LocalModel) -> None:
    with pytest.raises(RejectedRequestError, match=r"5000 tokens.*holds 4096.*context_tokens") as e:
        await read(fake, ask("overflow"))

    assert e.value.kind == "context_length"


async def test_what_the_runtime_raises_is_a_refused_request(fake: LocalModel) -> None:
    with pytest.raises(RejectedRequestError, match="no such template"):
        await read(fake, ask("raise no such template"))


@pytest.mark.parametrize(
    ("stem", "error", "words"),
    [
        ("broken", ModelFileError, "tensor is missing.*fetch it again"),
        ("nolib", MissingExtraError, "libgomp1"),
        ("killed", UnavailableError, "status 9"),
    ],
)
async def test_a_model_that_does_not_load_says_why_and_what_to_do(
    fake_runtime: None, gguf: Path, stem: str, error: type[Exception], words: str
) -> None:
    path = gguf.with_stem(stem)
    shutil.copy(gguf, path)

    with pytest.raises(error, match=words):
        await read(LocalModel(path), ask("say x"))


async def test_without_llama_cpp_the_error_names_the_extra(
    gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'junto\[local\]'"):
        await read(LocalModel(gguf), ask("say x"))


async def test_a_missing_file_is_found_out_at_the_first_request(tmp_path: Path) -> None:
    model = LocalModel(tmp_path / "none.gguf")

    with pytest.raises(ModelFileError, match="does not exist"):
        await read(model, ask("say x"))


@pytest.mark.parametrize("number", ["slots", "context_tokens", "threads"])
def test_numbers_below_one_are_refused(number: str) -> None:
    arguments: dict[str, Any] = {number: 0}
    with pytest.raises(ValueError, match=number):
        LocalModel(**arguments)


def test_a_process_that_leaves_a_stream_open_ends_silently(fake_runtime: None, gguf: Path) -> None:
    script = f"""
        import asyncio, sys
        sys.path[:] = {sys.path!r}
        from junto.core import ChatRequest
        from junto.providers.local import LocalModel

        async def main():
            global stream, model
            model = LocalModel({str(gguf)!r})
            stream = model.stream(ChatRequest("endless"))
            print(await anext(stream) != [])

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_the_face_does_not_load_llama_cpp() -> None:
    code = f"import sys; sys.path[:] = {sys.path!r}; import junto.providers.local"
    code += "; sys.exit('xllamacpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
