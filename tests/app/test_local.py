"""The whole way: the command, the advisors, and a real model on this machine."""

import time
from collections.abc import Callable

import pytest

from junto.core import ModelFileError
from junto.providers.local import DEFAULT_MODEL, cache_folder, locate

from .conftest import Run, Terminal

pytestmark = pytest.mark.local_model


@pytest.fixture
def cache() -> str:
    """Return the person's own cache, with the model in it."""
    try:
        locate(DEFAULT_MODEL)
    except ModelFileError as error:
        pytest.skip(str(error))
    return str(cache_folder())


def test_a_question_is_answered_on_standard_output_alone(junto: Run, cache: str) -> None:
    start = time.monotonic()
    done = junto(
        "chat", "What is the capital of France? Answer in one sentence.", JUNTO_CACHE=cache
    )

    assert done.returncode == 0, done.stderr
    assert b"Paris" in done.stdout
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""
    assert time.monotonic() - start < 30


def test_thinking_is_real_and_stays_beside_the_answer(junto: Run, cache: str) -> None:
    done = junto("chat", "--think", "-o", "max_tokens=200", "What is 3 + 4?", JUNTO_CACHE=cache)

    assert done.returncode == 0, done.stderr
    assert b"7" in done.stdout
    assert not done.stdout.startswith(b"<think>")
    assert done.stderr.startswith(b"(thinking)\n")
    assert len(done.stderr.split()) > 3


def test_a_conversation_remembers_and_survives_ctrl_c(
    terminal: Callable[..., Terminal], cache: str
) -> None:
    screen = terminal("chat", "-o", "temperature=0", JUNTO_CACHE=cache)
    screen.expect("> ")
    screen.send("Write a very long story about a king.\n")
    screen.expect("king.")  # the echo; what comes next is the answer, in whatever words
    screen.expect("e", 30)
    screen.send("\x03")
    screen.expect("stopped")
    for question in ("My name is Ada.", "What is my name?"):
        screen.expect("> ")
        screen.send(question + "\n")
        screen.expect(question)
    assert "Ada" in screen.expect("> ")
    screen.send("\x04")

    assert screen.leave() == 0
