"""`junto chat PROMPT`: one answer on standard output, everything else beside it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import JUNTO, Run, Terminal

HELLO = ("chat", "-m", "scripted:Hello there")


def test_the_answer_is_all_there_is_on_standard_output(junto: Run) -> None:
    done = junto(*HELLO, "hi")

    assert (done.stdout, done.stderr, done.returncode) == (b"Hello there\n", b"", 0)


@pytest.mark.parametrize("prompt", [(), ("-",)])
def test_a_question_can_be_piped_in(junto: Run, prompt: tuple[str, ...]) -> None:
    done = junto("chat", "-m", "acted:echo", *prompt, stdin="\ufeff你好\ntwo\n".encode())

    assert "[User: 你好\ntwo\n]" in done.stdout.decode()


def test_words_without_quotes_are_one_question(junto: Run) -> None:
    assert b"[User: why is it so?]" in junto("chat", "-m", "acted", "why", "is", "it", "so?").stdout


@pytest.mark.parametrize("arguments", [(), ("",), (" \n",), ("-",)])
def test_nothing_to_ask_is_wrong_usage(junto: Run, arguments: tuple[str, ...]) -> None:
    done = junto("chat", "-m", "acted", *arguments)

    assert done.returncode == 2
    assert b"give a PROMPT" in done.stderr
    assert done.stdout == b""


def test_a_question_may_look_like_an_option_behind_two_dashes(junto: Run) -> None:
    assert b"[User: --help]" in junto("chat", "-m", "acted", "--", "--help").stdout


def test_an_answer_ends_with_exactly_one_newline(junto: Run) -> None:
    done = junto("chat", "-m", "acted:thinks", "hi")

    assert done.stdout == b"the answer\n"


def test_each_piece_is_written_when_it_comes(environment: dict[str, str], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [*JUNTO, "chat", "-m", "acted:stepwise", "hi"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment | {"ACTED_FIFO": str(fifo)},
    )
    assert process.stdout is not None
    with process.stdout as answer:
        first = answer.read(5)
        # Only now may the model go on.
        fifo.write_bytes(b"")
        rest = answer.read()

    assert (first, rest, process.wait()) == (b"first", b" second\n", 0)


@pytest.mark.parametrize("model", ["acted:thinks", "acted:tags"])
def test_thinking_goes_to_standard_error(junto: Run, model: str) -> None:
    done = junto("chat", "-m", model, "hi")

    assert done.stdout == b"the answer\n"
    assert done.stderr.startswith(b"(thinking)\nlet me see")


def test_thinking_can_be_hidden(junto: Run) -> None:
    assert junto("chat", "-m", "acted:thinks", "-R", "hide", "hi").stderr == b""


@pytest.mark.parametrize("colour", [True, False])
def test_thinking_is_dimmed_in_a_terminal_that_may_have_colour(
    terminal: Callable[..., Terminal], *, colour: bool
) -> None:
    screen = terminal("chat", "-m", "acted:thinks", "hi", **({} if colour else {"NO_COLOR": "1"}))

    assert screen.leave() == 0
    opening = "\x1b[2m" if colour else "(thinking)\r\n"
    closing = "\x1b[0m" if colour else ""
    assert f"{opening}let me see[31m{closing}\r\n\r\nthe answer\r\n" in screen.seen


def test_a_dumb_terminal_gets_no_escape_sequence(terminal: Callable[..., Terminal]) -> None:
    screen = terminal("chat", "-m", "acted:thinks", "hi", TERM="dumb")

    assert screen.leave() == 0
    assert "\x1b" not in screen.seen


def test_control_characters_of_the_model_are_taken_out(junto: Run) -> None:
    done = junto("chat", "-m", "acted:rude", "hi")

    assert (done.stdout, done.returncode) == (b"a]0;stolenb2Jcde\tf\ng?h\n", 0)


def test_a_character_that_the_terminal_lacks_is_no_error(junto: Run) -> None:
    done = junto(
        "chat", "-m", "scripted:你好 there", "hi", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )

    assert (done.stdout, done.returncode) == (b"?? there\n", 0)


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_bytes_on_the_command_line_are_taken_for_utf_8(junto: Run, locale: str) -> None:
    raw = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = junto("chat", "-m", "acted", "你好".encode(), PYTHONIOENCODING="utf-8", **raw)
    broken = junto("chat", "-m", "acted", b"a\xffb", PYTHONIOENCODING="utf-8", **raw)

    assert "[User: 你好]" in done.stdout.decode()
    assert "[User: a\ufffdb]" in broken.stdout.decode()


def test_system_text_and_options_reach_the_model(junto: Run) -> None:
    done = junto("chat", "-m", "acted", "-s", "Be brief.", "-o", "top-p=0.5", "--think", "hi")

    assert done.stdout == b"[System: Be brief.][User: hi][thinking: True, top_p: 0.5]\n"


def test_without_a_word_about_thinking_the_model_decides(junto: Run) -> None:
    assert b"[thinking: None" in junto("chat", "-m", "acted", "hi").stdout
    assert b"[thinking: False" in junto("chat", "-m", "acted", "--no-think", "hi").stdout


def test_an_option_that_is_not_there_names_the_nearest(junto: Run) -> None:
    done = junto("chat", "-m", "acted", "-o", "temprature=1", "hi")

    assert done.returncode == 2
    assert b"did you mean 'temperature'?" in done.stderr


def test_the_model_can_be_named_in_the_environment(junto: Run) -> None:
    assert junto("chat", "hi", JUNTO_MODEL="scripted:Hello there").stdout == b"Hello there\n"


def test_an_error_is_one_line_that_names_the_fix(junto: Run) -> None:
    done = junto("chat", "-m", "acted:denied", "hi")

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"junto: the key is wrong: set ACTED_KEY to another one\n"


def test_an_error_in_mid_answer_ends_the_line_and_fails(junto: Run) -> None:
    done = junto("chat", "-m", "acted:broken", "hi")

    assert (done.returncode, done.stdout) == (1, b"so far\n")
    assert done.stderr == b"junto: no further: set ACTED_KEY\n"


def test_a_traceback_is_printed_only_when_asked_for(junto: Run) -> None:
    assert b"Traceback" not in junto("chat", "-m", "acted:buggy", "hi").stderr
    assert b"Traceback" in junto("chat", "-m", "acted:buggy", "-v", "hi").stderr


def test_an_unexpected_error_says_how_to_learn_more(junto: Run) -> None:
    done = junto("chat", "-m", "acted:buggy", "hi")

    assert done.returncode == 1
    assert (
        done.stderr == b"junto: unexpected KeyError: 'bug'\njunto: -v shows where it comes from\n"
    )


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("qwen2.5", "did you mean 'qwen2.5-coder-0.5b'?"),
        ("qwen2.6-coder", "did you mean 'qwen2.5-coder-0.5b'?"),
        ("dashscop:qwen-plus", "did you mean 'dashscope'?"),
        ("no/such/file.gguf", "does not exist"),
        ("xyzzy", "`junto models` lists"),
        ("qwen-plus", "provider:model (acted, dashscope, openai, scripted)"),
    ],
)
def test_a_model_that_is_not_there_is_an_error_with_a_way_out(
    junto: Run, model: str, hint: str
) -> None:
    done = junto("chat", "-m", model, "hi")

    assert (done.returncode, done.stdout) == (1, b"")
    assert hint in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_warnings_and_cut_answers_are_told_beside_the_answer(junto: Run) -> None:
    done = junto("chat", "-m", "acted:cut", "hi")

    assert done.stdout == b"as far as\n"
    assert b"warning: top_p has no effect\n" in done.stderr
    assert b"the answer is cut" in done.stderr


def test_a_log_line_comes_only_when_asked_for_and_on_standard_error(junto: Run) -> None:
    done = junto(*HELLO, "-v", "hi")

    assert done.stdout == b"Hello there\n"
    assert done.stderr.count(b"chat.turn") == done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("option", ["-vv", "--log-level=debug"])
def test_more_can_be_logged(junto: Run, option: str) -> None:
    assert b"chat.started" in junto(*HELLO, option, "hi").stderr


def test_ctrl_c_closes_the_model_and_exits_with_130(
    terminal: Callable[..., Terminal], trace: Callable[[], list[str]]
) -> None:
    screen = terminal("chat", "-m", "acted:endless", "hi")
    screen.expect("it begins")
    screen.send("\x03")

    assert screen.leave() == 130
    assert trace() == ["closed", "model closed"]
    assert "Traceback" not in screen.seen


def test_a_reader_that_has_enough_ends_it_quietly(
    environment: dict[str, str], trace: Callable[[], list[str]]
) -> None:
    process = subprocess.Popen(
        [*JUNTO, "chat", "-m", "acted:much", "hi"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        assert process.stdout.readline() == b"a line\n"
        process.stdout.close()
        said = process.stderr.read()

    assert (said, process.wait()) == (b"", 128 + signal.SIGPIPE)
    assert trace() == ["closed", "model closed"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_in_one_line(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*JUNTO, *HELLO, "hi"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
        )

    assert done.returncode == 1
    assert b"No space left" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_closed_streams_are_no_error(environment: dict[str, str]) -> None:
    line = f"'{sys.executable}' -m junto.app chat -m 'scripted:Hello there' hi >&- 2>&- <&-"
    done = subprocess.run(["/bin/sh", "-c", line], env=environment, check=False)

    assert done.returncode == 0


def test_memory_can_be_left_out(junto: Run) -> None:
    assert b"advisors=logging,reasoning " in junto(*HELLO, "-v", "--memory", "0", "hi").stderr
