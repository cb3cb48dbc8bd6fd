"""Finding think tags inside plain text, however it is cut."""

from __future__ import annotations

import re

from .events import Event, ReasoningDelta, TextDelta

__all__ = ["ThinkSplitter"]


class ThinkSplitter:
    """Splits ``<think>…</think>`` in front of an answer from the answer.  Pure, no I/O.

    Feed it pieces of text; what it gives does not depend on how the text was cut.  Only
    what is the first thing of the answer (after white space) is thinking: a tag later on
    is text, because a user can make a model echo one.  A block that is never closed is
    thinking to the end, and a closing tag without an opening one is text.

    Only the very tag counts: ``<THINK>``, ``<think >`` and ``<think/>`` are text.  The
    first closing tag ends a block, also when an opening one stands in it.  White space
    around the block belongs to neither side.

    Args:
        started: The opening tag was part of the prompt, so that the text begins inside
            the block.  If the model repeats the tag, that is dropped.
        anywhere: A tag later in the answer opens a block as well, unless it stands in
            Markdown's code: in a fenced block, or between backticks.
        opening: The opening tag.
        closing: The closing tag.

    Attributes:
        unclosed: The text ended inside a block; known after :meth:`flush`.

    Raises:
        ValueError: For a tag that is empty or has white space at its ends, for two of which
            one begins with the other; with ``anywhere``, for an opening tag with Markdown's
            backtick, tilde or line break in it.
    """

    def __init__(
        self,
        *,
        started: bool = False,
        anywhere: bool = False,
        opening: str = "<think>",
        closing: str = "</think>",
    ) -> None:
        _check_tags(opening, closing)
        self._opening = opening
        self._closing = closing
        self._markdown = _Markdown(opening) if anywhere else None
        self._state = "started" if started else "before"
        self._held = ""
        # What runs on and decides nothing is not looked at each time.
        self._more: list[str] = []
        self._runs = ""
        self._trim = True
        # Whether white space, or nothing, stands in front of what comes next.
        self._spaced = True
        self.unclosed: bool = False

    @property
    def done(self) -> bool:
        """Nothing is held, and all that follows is text."""
        return self._state == "text" and not self._held and self._markdown is None

    def feed(self, text: str) -> list[Event]:
        """Take the next piece of text; give what is certain by now."""
        runs = self._runs
        if runs and not (text.strip() if runs == " " else text.strip(runs)):
            self._more.append(text)
            return []
        self._join(text)
        events: list[Event] = []
        while self._held and self._step(events):
            pass
        self._runs = self._run_held()
        return events

    def flush(self) -> list[Event]:
        """The text has ended: give what was held."""
        self._join("")
        held, self._held = self._held, ""
        if self._state in {"inside", "started"}:
            held = held.strip() if self._trim else held.rstrip()
            self.unclosed = self._state == "inside" or bool(held)
            return [ReasoningDelta(held)] if held else []
        if self._state == "gap":
            held = held.lstrip()
        return [TextDelta(held)] if held else []

    def _join(self, text: str) -> None:
        self._held = "".join((self._held, *self._more, text)) if self._more else self._held + text
        self._more, self._runs = [], ""

    def _run_held(self) -> str:
        """The one kind of character that is held, if more of it changes nothing."""
        if self._state != "text":
            return " " if self._held.isspace() else ""
        first = self._held[:1]
        return first if first in "`~" and not self._held.strip(first) else ""

    def _step(self, events: list[Event]) -> bool:
        """Take one step; whether another may follow."""
        if self._state in {"before", "started"}:
            return self._begin()
        if self._state == "inside":
            return self._inside(events)
        if self._state == "gap":
            self._held = self._held.lstrip()
            if not self._held:
                return False
            self._state = "text"
        return self._text(events)

    def _begin(self) -> bool:
        start = self._held.lstrip()
        if start.startswith(self._opening):
            self._held = start[len(self._opening) :]
            self._state = "inside"
        elif self._opening.startswith(start):
            return False
        else:
            self._state = "text" if self._state == "before" else "inside"
        return True

    def _inside(self, events: list[Event]) -> bool:
        if self._trim:
            self._held = self._held.lstrip()
            if not self._held:
                return False
            self._trim = False
        at = self._held.find(self._closing)
        if at >= 0:
            thought, self._held = self._held[:at].rstrip(), self._held[at + len(self._closing) :]
            # Between two words of the answer the white space after the block is theirs.
            self._state = "gap" if self._spaced else "text"
        else:
            keep = len(self._held) - _overlap(self._held, self._closing)
            keep = len(self._held[:keep].rstrip())
            thought, self._held = self._held[:keep], self._held[keep:]
        if thought:
            events.append(ReasoningDelta(thought))
        return at >= 0

    def _text(self, events: list[Event]) -> bool:
        markdown = self._markdown
        end, found = markdown.read(self._held) if markdown else (len(self._held), False)
        text, self._held = self._held[:end], self._held[end:]
        if text:
            events.append(TextDelta(text))
            self._spaced = text[-1].isspace()
        if found:
            self._held = self._held[len(self._opening) :]
            self._state, self._trim = "inside", True
        return found


def _check_tags(opening: str, closing: str) -> None:
    """Raise if the tags could not be found, or not be told from each other."""
    for name, tag in (("opening", opening), ("closing", closing)):
        if not (bare := tag.strip()):
            msg = f"{name} is a tag such as '<think>', not {tag!r}"
            raise ValueError(msg)
        if tag != bare:
            msg = f"a tag has no white space at its ends: write {name}={bare!r}, not {tag!r}"
            raise ValueError(msg)
    if opening.startswith(closing) or closing.startswith(opening):
        msg = f"give two tags of which neither begins with the other, not {opening!r}, {closing!r}"
        raise ValueError(msg)


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of ``tag``."""
    tail = text[1 - len(tag) :] if len(tag) > 1 else ""
    at = tail.find(tag[0])
    while at >= 0:
        if tag.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(tag[0], at + 1)
    return 0


class _Markdown:
    """Reads text up to the next tag that does not stand in code.

    Of Markdown it knows fences, and code between backticks, which ends at the latest
    with its paragraph.
    """

    def __init__(self, tag: str) -> None:
        if set(tag) & set("`~\n"):
            msg = f"a tag to find anywhere has no backtick, tilde or line break, as {tag!r} has"
            raise ValueError(msg)
        self._tag = tag
        self._marks = re.compile(rf"{re.escape(tag)}|\n|`+|~+")
        self._blank = True  # nothing but white space on this line so far
        self._fence = ""  # the run that opened the fenced block
        self._info = False  # on the line of that run
        self._closing = False  # the line so far closes the block
        self._span = 0  # how many backticks opened the code in this line

    def read(self, text: str) -> tuple[int, bool]:
        """Give how far the text is certain to be text, and whether a tag stands there."""
        at = 0
        while match := self._marks.search(text, at):
            self._pass(text[at : match.start()])
            found, at = match[0], match.start()
            if found == self._tag:
                if not (self._fence or self._span):
                    return at, True
                self._pass(found)
            elif found == "\n":
                self._end_line()
            elif match.end() == len(text):
                return at, False  # the run may go on
            else:
                self._run(found)
            at = match.end()
        end = len(text) - _overlap(text[at:], self._tag)
        self._pass(text[at:end])
        return end, False

    def _pass(self, text: str) -> None:
        if text and not text.isspace():
            self._blank = self._closing = False

    def _end_line(self) -> None:
        if self._closing:
            self._fence = ""
        if self._blank:
            self._span = 0
        self._info = self._closing = False
        self._blank = True

    def _run(self, run: str) -> None:
        """Take a run of backticks or tildes."""
        starts, self._blank = self._blank, False
        if self._info:
            if run[0] == self._fence[0] == "`":
                # No fence has a backtick on its line: it was code in this line.
                self._span = 0 if len(run) == len(self._fence) else len(self._fence)
                self._fence, self._info = "", False
        elif self._fence:
            self._closing = starts and run.startswith(self._fence)
        elif starts and len(run) >= 3:
            self._fence, self._info, self._span = run, True, 0
        elif run[0] == "`":
            self._span = 0 if len(run) == self._span else self._span or len(run)
