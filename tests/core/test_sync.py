"""The synchronous client: the same runs, for those who wait."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest
from blockbuster import BlockBuster

from junto.core import (
    Advisor,
    ChatClient,
    ChatRequest,
    ConcurrentReadError,
    Event,
    OutcomeKind,
    ReasoningDelta,
    RunContext,
    StreamClosedError,
    StreamConsumedError,
    StreamStateError,
    SyncChatClient,
    TextDelta,
    advisor,
)
from junto.core._worker import Worker
from junto.core.testing import RecordingAdvisor, ScriptedModel, hang

from .kit import texts


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before

    assert {thread for thread in left if thread.name == "junto-sync"} == set()


def test_a_call_gives_the_whole_answer() -> None:
    model = ScriptedModel("Hello, world")
    with SyncChatClient(model) as client:
        assert client.call("Hi", system="Be brief.").text == "Hello, world"

    assert (model.requests[0].system, model.requests[0].stream) == ("Be brief.", False)


def test_a_stream_gives_its_events() -> None:
    with SyncChatClient(ScriptedModel("a b")) as client, client.stream("?") as stream:
        assert texts(list(stream)) == ["a", " b"]
        assert stream.response().text == "a b"
        assert stream.outcome is not None
        assert stream.outcome.kind is OutcomeKind.FINISHED


def test_a_stream_gives_its_text() -> None:
    script: list[Event] = [ReasoningDelta("hm", shown="(hm) "), TextDelta("yes")]
    with SyncChatClient(ScriptedModel(script)) as client, client.stream("?") as stream:
        assert list(stream.text()) == ["(hm) ", "yes"]
        with pytest.raises(StreamConsumedError):
            next(stream.text())


def test_a_response_reads_what_is_left() -> None:
    with SyncChatClient(ScriptedModel("a b")) as client, client.stream("?") as stream:
        assert next(stream.text()) == "a"
        assert stream.response().text == "a b"
        assert stream.response() is stream.response()


def test_an_error_is_raised_as_the_same_object() -> None:
    problem = OSError("cut")
    with SyncChatClient(ScriptedModel(["a", problem])) as client:
        with pytest.raises(OSError, match="cut") as raised:
            client.call("?")
        assert raised.value is problem
        with client.stream("?") as stream, pytest.raises(OSError, match="cut") as raised:
            list(stream)
        assert raised.value is problem


def test_an_error_does_not_keep_what_was_waited_for() -> None:
    def fails() -> None:
        raise OSError("cut")

    def waited_for() -> int:
        return sum(isinstance(thing, Future) for thing in gc.get_objects())

    gc.collect()
    before = waited_for()
    gc.disable()
    try:
        # pytest.raises would keep the error itself.
        with suppress(OSError), SyncChatClient(ScriptedModel([fails])) as client:
            client.call("?")
        assert waited_for() == before
    finally:
        gc.enable()


def test_a_break_closes_the_provider_when_the_block_is_left() -> None:
    model, seen = ScriptedModel("a b c"), RecordingAdvisor()
    with SyncChatClient(model, advisors=[seen]) as client:
        with client.stream("?") as stream:
            for _ in stream:
                break
            assert model.open_streams == 1
        assert model.open_streams == 0
        assert seen.last.kind is OutcomeKind.ABANDONED


async def test_it_works_inside_a_running_loop(blockbuster: BlockBuster) -> None:
    # This loop stands still meanwhile, as the page says.
    blockbuster.deactivate()
    try:
        with SyncChatClient(ScriptedModel("a b")) as client, client.stream("?") as stream:
            assert list(stream.text()) == ["a", " b"]
            assert client.call("?").text == "a b"
    finally:
        blockbuster.activate()


def test_the_callers_context_variables_are_seen_and_left_alone() -> None:
    variable = ContextVar("variable", default="none")
    seen: list[str] = []

    class Looks(Advisor):
        async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
            seen.append(variable.get())
            variable.set("changed")
            return request

    with SyncChatClient(ScriptedModel("a"), advisors=[Looks()]) as client:
        variable.set("mine")
        client.call("?")
        with client.stream("?") as stream:
            list(stream)

    assert (seen, variable.get()) == (["mine", "mine"], "mine")


def interrupted(way: Callable[[SyncChatClient], object]) -> tuple[ScriptedModel, RecordingAdvisor]:
    """Ask in some way, and press Ctrl-C while the model is silent."""
    main = threading.main_thread().ident
    assert main is not None
    model = ScriptedModel(["a", lambda: signal.pthread_kill(main, signal.SIGINT), hang()], "again")
    seen = RecordingAdvisor()
    with SyncChatClient(model, advisors=[seen]) as client:
        with pytest.raises(KeyboardInterrupt):
            way(client)
        assert model.open_streams == 0
        assert client.call("?").text == "again"
    return model, seen


def test_ctrl_c_during_a_call_cancels_the_run_and_closes_it() -> None:
    _, seen = interrupted(lambda client: client.call("?"))

    assert seen.activations[0].kind is OutcomeKind.CANCELLED


def test_ctrl_c_while_a_stream_is_read_cancels_the_run_and_closes_it() -> None:
    def reads(client: SyncChatClient) -> None:
        with client.stream("?") as stream:
            list(stream)

    _, seen = interrupted(reads)

    assert seen.activations[0].kind is OutcomeKind.CANCELLED


class Waits:
    """A model that tells threads when it waits, until it is told to go on."""

    provider = model = "waits"

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self.go_on: Callable[[], object] = lambda: None

    async def stream(self, request: ChatRequest) -> Any:
        yield TextDelta("a")
        loop, gate = asyncio.get_running_loop(), asyncio.Event()
        self.go_on = lambda: loop.call_soon_threadsafe(gate.set)
        self.waiting.set()
        await gate.wait()
        yield TextDelta("b")

    async def aclose(self) -> None: ...


def in_thread(function: Callable[[], object], outcomes: list[object]) -> threading.Thread:
    def run() -> None:
        try:
            outcomes.append(function())
        except Exception as error:  # noqa: BLE001  the test looks at it
            outcomes.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_a_second_thread_gets_an_error_and_harms_nothing() -> None:
    model, outcomes = Waits(), list[object]()
    with SyncChatClient(model) as client, client.stream("?") as stream:
        thread = in_thread(lambda: list(stream.text()), outcomes)
        model.waiting.wait()
        with pytest.raises(ConcurrentReadError):
            next(stream.text())
        model.go_on()
        thread.join()

    assert outcomes == [["a", "b"]]


def test_closing_a_stream_from_another_thread_interrupts_its_reader() -> None:
    model, outcomes = Waits(), list[object]()
    with SyncChatClient(model) as client:
        stream = client.stream("?")
        thread = in_thread(lambda: list(stream.text()), outcomes)
        model.waiting.wait()
        stream.close()
        thread.join()

    assert isinstance(outcomes[0], StreamClosedError)
    assert outcomes[0].response is not None
    assert outcomes[0].response.text == "a"


@pytest.mark.parametrize("way", ["stream", "call"])
def test_closing_the_client_interrupts_whoever_waits(way: str) -> None:
    model, outcomes = Waits(), list[object]()
    client = SyncChatClient(model)
    ask = (lambda: list(client.stream("?"))) if way == "stream" else (lambda: client.call("?"))
    thread = in_thread(ask, outcomes)
    model.waiting.wait()
    client.close()
    thread.join()

    error = outcomes[0]
    assert isinstance(error, StreamClosedError)
    assert (error.response is None) == (way == "call")


def test_a_question_that_the_loop_never_got_to_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled, outcomes = threading.Event(), list[object]()
    monkeypatch.setattr(Worker, "_begin", lambda *_: scheduled.set())
    client = SyncChatClient(ChatClient(ScriptedModel("a")))
    thread = in_thread(lambda: client.call("?"), outcomes)
    scheduled.wait()
    client.close()
    thread.join()

    assert isinstance(outcomes[0], StreamClosedError)


def test_many_threads_share_a_client() -> None:
    outcomes: list[object] = []
    with SyncChatClient(ScriptedModel("a b c")) as client:
        threads = [in_thread(lambda: client.call("?").text, outcomes) for _ in range(8)]
        for thread in threads:
            thread.join()

    assert outcomes == ["a b c"] * 8


def test_closing_the_client_closes_its_streams() -> None:
    model, seen = ScriptedModel("a b c"), RecordingAdvisor()
    client = SyncChatClient(model, advisors=[seen])
    stream = client.stream("?")
    next(iter(stream))
    client.close()

    assert (model.open_streams, seen.last.kind) == (0, OutcomeKind.ABANDONED)
    stream.close()
    client.close()


def test_a_closed_client_says_so() -> None:
    client = SyncChatClient(ScriptedModel("a"))
    client.close()
    with pytest.raises(StreamClosedError, match="make a new one"):
        client.call("?")
    with pytest.raises(StreamClosedError, match="make a new one"):
        list(client.stream("?"))


def test_nothing_begins_before_the_first_question() -> None:
    with SyncChatClient(ScriptedModel("a")) as client:
        client.stream("?")
        assert "junto-sync" not in {thread.name for thread in threading.enumerate()}


def test_a_model_that_was_made_here_is_closed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[ScriptedModel] = []

    async def aclose(self: ScriptedModel) -> None:
        closed.append(self)

    monkeypatch.setattr(ScriptedModel, "aclose", aclose)
    theirs = ChatClient("scripted:Hello")
    with SyncChatClient(theirs) as client:
        client.call("?")
    assert closed == []
    with SyncChatClient("scripted:Hello") as client:
        assert client.call("?").text == "Hello"
    assert len(closed) == 1


def test_a_hook_that_waits_for_its_own_loop_gets_an_error() -> None:
    class Asks(Advisor):
        async def before(self, request: ChatRequest, ctx: RunContext) -> ChatRequest:
            client.call("And?")
            return request

    client = SyncChatClient(ScriptedModel("a"), advisors=[Asks()])
    with client, pytest.raises(StreamStateError, match="await a ChatClient instead"):
        client.call("?")


def test_defaults_for_a_client_that_is_there_are_refused() -> None:
    with pytest.raises(TypeError, match=r"client\.mutate\(system=…\)"):
        SyncChatClient(ChatClient(ScriptedModel("a")), system="Be brief.")
    with pytest.raises(ValueError, match="nothing to ask"):
        SyncChatClient(ScriptedModel("a")).stream("")


def test_a_stream_that_is_dropped_is_closed_and_warned_about() -> None:
    model = ScriptedModel("a b c")
    with SyncChatClient(model) as client:
        stream = client.stream("?")
        next(iter(stream))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del stream
            gc.collect()
        client.call("?")  # the loop has been round
        assert model.open_streams == 0

    assert [warning.category for warning in caught] == [ResourceWarning]


def test_a_client_that_is_dropped_takes_its_thread_along() -> None:
    client = SyncChatClient(ScriptedModel("a"))
    client.call("?")
    del client
    gc.collect()


def script(body: str) -> subprocess.CompletedProcess[str]:
    header = """
        from junto.core import Advisor, SyncChatClient
        from junto.core.testing import ScriptedModel

        class Closing(Advisor):
            async def on_close(self, outcome, ctx):
                print("closed", outcome.kind)

        client = SyncChatClient(ScriptedModel("a b c"), advisors=[Closing()])
    """
    code = textwrap.dedent(header) + textwrap.dedent(body)
    paths = os.pathsep.join(path for path in sys.path if path.endswith("core"))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_script_that_forgets_to_close_ends_and_closes() -> None:
    done = script("""
        stream = client.stream("?")
        print(next(stream.text()))
    """)

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "a\nclosed abandoned\n")


def test_a_script_that_fails_ends_and_closes() -> None:
    done = script("""
        for piece in client.stream("?").text():
            raise KeyError(piece)
    """)

    assert done.returncode == 1
    assert "KeyError: 'a'" in done.stderr
    assert "closed abandoned" in done.stdout


def test_a_hook_that_closes_the_client_is_refused_and_the_client_can_be_closed_after() -> None:
    async def closes(request: Any, ctx: Any) -> Any:
        client.close()
        return request

    client = SyncChatClient(ScriptedModel("x"), advisors=[advisor.before(closes)])
    with pytest.raises(StreamStateError, match="a hook cannot wait"):
        client.call("?")
    before = threads()
    client.close()

    assert before
    assert threads() == []


def test_a_run_that_was_cancelled_from_inside_does_not_say_that_the_client_is_closed() -> None:
    async def cancels(request: Any, ctx: Any) -> Any:
        raise asyncio.CancelledError

    with SyncChatClient(ScriptedModel("x"), advisors=[advisor.before(cancels)]) as client:
        with pytest.raises(StreamClosedError, match="from inside the run"):
            client.call("?")
        assert client.call("?", without=["cancels"]).text == "x"


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "junto-sync"]
