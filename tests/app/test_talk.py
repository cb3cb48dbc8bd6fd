"""`junto chat` in a terminal: a conversation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Terminal

Start = Callable[..., Terminal]


def test_it_says_whom_one_talks_with_and_how_to_leave(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted:echo")

    banner = screen.expect("> ")
    assert "acted:echo" in banner
    assert "Ctrl-D" in banner


def test_ctrl_d_leaves_with_exit_code_0_and_closes_the_model(
    terminal: Start, trace: Callable[[], list[str]]
) -> None:
    screen = terminal("chat", "-m", "acted")
    screen.expect("> ")
    screen.send("\x04")

    assert screen.leave() == 0
    assert trace() == ["model closed"]


@pytest.mark.parametrize("word", ["/exit", "/quit"])
def test_a_command_leaves_as_well(terminal: Start, word: str) -> None:
    screen = terminal("chat", "-m", "acted")
    screen.expect("> ")
    screen.send(word + "\n")

    assert screen.leave() == 0


def test_the_model_remembers_until_a_new_conversation_begins(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted")
    for question in ("one", "two"):
        screen.expect("> ")
        screen.send(question + "\n")
    screen.expect("[User: one][Assistant: ")
    screen.expect("[User: two]")
    screen.expect("> ")
    screen.send("/clear\n")
    screen.expect("a new conversation begins")
    screen.expect("> ")
    screen.send("three\n")

    assert "one" not in screen.expect("[User: three]")


def test_ctrl_c_stops_the_turn_and_not_the_program(
    terminal: Start, trace: Callable[[], list[str]]
) -> None:
    screen = terminal("chat", "-m", "acted:endless")
    screen.expect("> ")
    screen.send("for ever\n")
    screen.expect("it begins")
    screen.send("\x03")
    screen.expect("stopped")
    screen.expect("> ")
    assert trace() == ["closed"]
    screen.send("quick\n")
    screen.expect("it begins and ends")
    screen.expect("> ")
    screen.send("\x04")

    assert screen.leave() == 0
    assert "Traceback" not in screen.seen


def test_a_stopped_turn_is_not_remembered(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted:endless")
    screen.expect("> ")
    screen.send("for ever\n")
    screen.expect("it begins")
    screen.send("\x03")
    screen.expect("> ")
    screen.send("/save chat.md\n")
    screen.expect("saved in chat.md")
    screen.expect("> ")
    screen.send("\x04")

    assert screen.leave() == 0


def test_ctrl_c_at_the_prompt_gives_the_line_up(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted")
    screen.expect("> ")
    screen.send("half a quest")
    screen.expect("half a quest")
    screen.press("\x03", "> ")
    screen.send("whole\n")

    screen.expect("[User: whole]")


def test_an_error_is_told_and_the_chat_goes_on(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted:denied")
    for _ in range(2):
        screen.expect("> ")
        screen.send("hi\n")
        screen.expect("junto: the key is wrong: set ACTED_KEY to another one")
    screen.expect("> ")
    screen.send("\x04")

    assert screen.leave() == 0


def test_thinking_can_be_switched_while_talking(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted", "--think")
    for word in ("off", "on"):
        screen.expect("> ")
        screen.send(f"/think {word}\n")
        screen.expect(f"thinking is {word}")
        screen.expect("> ")
        screen.send("hi\n")
        screen.expect(f"[thinking: {word == 'on'}")


def test_usage_is_that_of_all_turns(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted")
    for _ in range(2):
        screen.expect("> ")
        screen.send("hi\n")
        screen.expect("[thinking")
    screen.expect("> ")
    screen.send("/usage\n")

    screen.expect("2 turns: tokens 2,400 in, 68 out")


def test_what_was_said_can_be_saved_but_not_over_another_file(
    terminal: Start, tmp_path: Path
) -> None:
    (tmp_path / "old.md").write_text("old")
    screen = terminal("chat", "-m", "scripted:Hello there")
    for line, answer in (
        ("hi", "Hello there"),
        ("/save chat.md", "saved in chat.md"),
        ("/save old.md", "old.md is there already"),
        ("/save", "name a file"),
    ):
        screen.expect("> ")
        screen.send(line + "\n")
        screen.expect(answer)

    assert (tmp_path / "chat.md").read_text() == "## hi\n\nHello there\n"
    assert (tmp_path / "old.md").read_text() == "old"


def test_help_lists_every_command(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted")
    screen.expect("> ")
    screen.send("/help\n")

    listed = screen.expect("begins with /.")
    for word in ("/clear", "/think", "/usage", "/save", "/exit", "Ctrl-C"):
        assert word in listed


def test_a_command_that_is_not_there_names_the_nearest(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted")
    screen.expect("> ")
    screen.send("/claer\n")

    screen.expect("there is no command /claer; did you mean /clear?")


def test_a_question_may_have_several_lines_and_begin_with_a_slash(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted")
    screen.expect("> ")
    screen.send(" /etc is \\\n")
    screen.expect(". ")
    screen.send("what?\n")

    screen.expect("[User: /etc is \r\nwhat?]")


def test_bytes_that_are_no_text_are_no_error(terminal: Start) -> None:
    screen = terminal("chat", "-m", "acted", TERM="dumb")
    screen.expect("> ")
    screen.send_bytes(b"a\xffb\n")

    screen.expect("[User: a\ufffdb]")


def test_with_standard_output_in_a_file_only_answers_go_there(
    terminal: Start, tmp_path: Path
) -> None:
    screen = terminal("chat", "-m", "scripted:Hello there", stdout_to=tmp_path / "answers")
    for _ in range(2):
        screen.expect("> ")
        screen.send("hi\n")
    screen.expect("> ")
    screen.send("\x04")

    assert screen.leave() == 0
    assert (tmp_path / "answers").read_text() == "Hello there\nHello there\n"


def test_a_log_line_does_not_land_in_an_answer(terminal: Start) -> None:
    screen = terminal("chat", "-m", "scripted:Hello there", "-v")
    screen.expect("> ")
    screen.send("hi\n")

    screen.expect("Hello there\r\nINFO junto.chat: chat.turn")
