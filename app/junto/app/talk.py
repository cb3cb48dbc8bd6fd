"""The conversation at the terminal.

The event loop rests while the person types: a line is read on the main thread, where
readline and Ctrl-C work as everywhere, and each turn is one run of the same loop.  A turn
that is interrupted is cancelled, so that the provider is closed before the next line.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import importlib
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

from junto.core import ChatOptions, ChatResponse, Usage

from .failures import say
from .screen import OutputError, Screen
from .session import Session, Settings

__all__ = ["Talk"]

_PROMPT = "> "
_MORE = ". "

_HELP = """\
/help          this list
/clear         a new conversation: the model forgets what was said
/think on|off  let the model think first, or not
/usage         the tokens of this chat
/save FILE     write what was said into a file
/exit          leave, as Ctrl-D does
Ctrl-C         stop the answer
A line that ends in \\ goes on in the next one. A space in front sends a line that begins with /."""


class _Leave(Exception):  # noqa: N818  not an error
    """The person wants to go."""


class Talk:
    """Reads questions and shows answers until the person leaves.

    Args:
        settings: What the command line said.
        screen: Where it shows.
        details: Print tracebacks.
    """

    def __init__(self, settings: Settings, screen: Screen, *, details: bool = False) -> None:
        self._settings = settings
        self._screen = screen
        self._details = details
        self._options = ChatOptions()
        self._conversation = ""
        self._said: list[tuple[str, str]] = []
        self._commands: dict[str, Callable[[str], None]] = {
            "/help": self._help,
            "/clear": self._clear,
            "/think": self._think,
            "/usage": self._usage,
            "/save": self._save,
            "/exit": self._exit,
            "/quit": self._exit,
        }

    def run(self) -> None:
        """Talk until the person leaves.

        Raises:
            ChatError: The model cannot be used at all.
            OutputError: Nobody reads any more.
        """
        _load_readline()
        with asyncio.Runner() as runner:
            self._session = Session(self._settings, self._screen)
            self._conversation = self._session.conversation
            try:
                runner.run(self._session.load())
                self._screen.note(
                    f"{self._session.model} · /help lists the commands, Ctrl-D leaves, "
                    "Ctrl-C stops an answer"
                )
                while True:
                    self._answer(runner, _read_question())
            except (EOFError, _Leave):
                pass
            finally:
                runner.run(self._session.aclose())

    def _answer(self, runner: asyncio.Runner, line: str | None) -> None:
        if line is None:
            self._screen.note("")
        elif line.startswith("/"):
            self._command(line)
        elif line.strip():
            self._turn(runner, line.strip())

    def _turn(self, runner: asyncio.Runner, question: str) -> None:
        turn = _Turn(self._session, question, self._conversation, self._options)
        try:
            response = runner.run(turn.run())
        except KeyboardInterrupt:
            if not turn.over:
                raise  # pressed again while the turn was being closed
            self._screen.note("stopped")
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the chat goes on
            say(error, self._screen, details=self._details)
        else:
            self._said.append((question, response.text))
            if self._screen.is_terminal:
                self._screen.note("")

    def _command(self, line: str) -> None:
        name, _, rest = line.strip().partition(" ")
        command = self._commands.get(name)
        if command is None:
            near = difflib.get_close_matches(name, self._commands, n=1)
            hint = f"did you mean {near[0]}?" if near else "/help lists them"
            self._screen.note(f"there is no command {name}; {hint}")
            return
        command(rest.strip())

    def _help(self, _: str) -> None:
        self._screen.note(_HELP)

    def _clear(self, _: str) -> None:
        self._conversation = uuid.uuid4().hex
        self._said.clear()
        name = f": {self._conversation}" if self._settings.store else ""
        self._screen.note(f"a new conversation begins{name}")

    def _think(self, word: str) -> None:
        if word not in {"on", "off"}:
            self._screen.note("/think on, or /think off")
            return
        self._options = ChatOptions(thinking=word == "on")
        self._screen.note(f"thinking is {word}")

    def _usage(self, _: str) -> None:
        count = self._session.turns
        turns = "1 turn" if count == 1 else f"{count} turns"
        self._screen.note(f"{turns}: {_tokens(self._session.usage)}")

    def _save(self, name: str) -> None:
        if not name:
            self._screen.note("name a file, as in: /save chat.md")
            return
        path = Path(name).expanduser()
        blocks = [f"## {question}\n\n{answer.strip()}\n" for question, answer in self._said]
        try:
            with path.open("x", encoding="utf-8", errors="replace") as file:
                file.write("\n".join(blocks))
        except FileExistsError:
            self._screen.note(f"{path} is there already; name another file")
        except OSError as error:
            self._screen.note(f"{path} cannot be written: {error.strerror or error}")
        else:
            self._screen.note(f"saved in {path}")

    def _exit(self, _: str) -> None:
        raise _Leave


class _Turn:
    """One turn, which knows whether it has ended."""

    def __init__(
        self, session: Session, question: str, conversation: str, options: ChatOptions
    ) -> None:
        self._asked = (question, conversation, options)
        self._session = session
        self.over = False

    async def run(self) -> ChatResponse:
        try:
            return await self._session.turn(*self._asked)
        finally:
            self.over = True


def _read_question() -> str | None:
    """A question, which may take several lines; ``None`` when it was given up by Ctrl-C.

    Raises:
        EOFError: The person left.
    """
    lines: list[str] = []
    try:
        while True:
            line = _read_line(_MORE if lines else _PROMPT)
            lines.append(line.removesuffix("\\"))
            if not line.endswith("\\"):
                return "\n".join(lines)
    except KeyboardInterrupt:
        return None
    except EOFError:
        # The shell's prompt would stand behind ours.
        print(file=sys.stderr)
        raise


def _read_line(prompt: str) -> str:
    if sys.stdout.isatty():
        return input(prompt)
    # input() would write its prompt among the answers.
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")


def _load_readline() -> None:
    """Let input() edit its line and remember earlier ones, until the program ends."""
    if os.environ.get("TERM", "dumb") != "dumb":
        with contextlib.suppress(ImportError):
            importlib.import_module("readline")


def _tokens(usage: Usage) -> str:
    named = (
        ("in", usage.input_tokens),
        ("out", usage.output_tokens),
        ("of it thinking", usage.reasoning_tokens),
        ("of the input cached", usage.cached_tokens),
    )
    known = [f"{count:,} {name}" for name, count in named if count is not None]
    estimated = " (estimated)" if usage.estimated else ""
    return f"tokens {', '.join(known)}{estimated}" if known else "the provider counts no tokens"
