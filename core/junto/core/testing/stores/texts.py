"""Checks of content: whatever was said comes back as it was."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ...memory import MemoryStore, Turn, TurnStatus
from ...messages import (
    AssistantMessage,
    AudioPart,
    ImagePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolMessage,
    UserMessage,
    VideoPart,
)
from ...usage import FinishReason, Usage
from ..kits.loops import claim
from .base import ALL, Checks, key, say

__all__ = ["TextChecks"]


class TextChecks(Checks):
    """Turns are values: stored and loaded they are equal."""

    def test_every_kind_of_message_and_part_comes_back(self) -> None:
        """With all that they carry."""
        asked = UserMessage(
            [
                TextPart("look", cache=True),
                ImagePart(url="https://example.com/i.png"),
                AudioPart(data=bytes(range(256)), media_type="audio/wav"),
                VideoPart(url="data:video/mp4;base64,AA==", media_type="video/mp4"),
            ]
        )
        thought = ReasoningPart("hm", shown="<think>hm</think>", signature="seal")
        call = ToolCallPart("call-1", "look_up", '{"q": "not json')
        failed = ToolMessage("no", call_id="call-1", name="look_up", is_error=True)
        output: list[Message] = [AssistantMessage([thought, "so", call]), failed]
        output.append(AssistantMessage(()))
        self._come_back([Turn("1", [asked], output), Turn("2", [failed], [])])

    def test_all_that_is_known_of_a_turn_comes_back(self) -> None:
        """Finish reason, usage, status, parent, metadata."""
        usage = Usage(input_tokens=1, output_tokens=0, cached_tokens=3, estimated=True)
        whole = say(
            "a",
            finish_reason=FinishReason.LENGTH,
            usage=usage,
            status=TurnStatus.INCOMPLETE,
            parent="",
            metadata={"model": "m", "n": 1.5, "deep": {"a": [1, None, True, "\ud800"]}},
        )
        self._come_back([whole, say("b", parent="turn-a"), say("c")])

    def test_nul_and_control_characters_come_back(self) -> None:
        """Some stores end texts there, or refuse them."""
        text = "".join(map(chr, range(32))) + "\x7f\x85\u2028\u2029\ufeff\ufffe\uffff"
        self._come_back([say(text, "1"), say("\x00", "2"), say("a\x00b", "3")])

    def test_lone_surrogates_come_back(self) -> None:
        """They are what is left of an emoji that was cut in two."""
        odd = ("\ud83d", "\ude00", "a\ud83d", "\ude00\ud83d", "\ud83d\ude00", "😀\ud83d\ude00😀")
        self._come_back([say(text, str(i)) for i, text in enumerate(odd)])

    def test_any_text_comes_back(self) -> None:
        """Drawn from all characters there are, the same ones each time."""
        draw = random.Random(5)  # noqa: S311  nothing secret
        texts = ["".join(chr(draw.randrange(0x110000)) for _ in range(200)) for _ in range(20)]
        texts += ["'\"\\`${}%s%%;--/*", "\\u0000", "\\ud800", '{"v": 1}', "\r\n\r", " \t "]
        self._come_back([say(text, str(i)) for i, text in enumerate(texts)])

    def test_a_long_text_comes_back(self) -> None:
        """A megabyte, unless less is declared."""
        self._come_back([say("ab€\x00" * (self.large // 4), "1"), say("short", "2")])

    def test_many_messages_in_one_turn_come_back(self) -> None:
        """As after a long loop of tools."""
        output: list[AssistantMessage | ToolMessage] = []
        for i in range(300):
            output.append(AssistantMessage(ToolCallPart(str(i), "look", "{}")))
            output.append(ToolMessage("found", call_id=str(i)))
        self._come_back([Turn("1", [UserMessage("a")], output)])

    def test_a_turn_without_messages_comes_back(self) -> None:
        """There is nothing against it."""
        self._come_back([Turn("1", ())])

    def _come_back(self, turns: Sequence[Turn]) -> None:
        async def main(store: MemoryStore) -> None:
            where = key()
            for turn in turns:
                await store.append(where, turn)
            found = await store.load(where, ALL)
            claim(len(found) == len(turns), f"of {len(turns)} turns {len(found)} came back")
            for one, two in zip(turns, found, strict=True):
                claim(one == two, f"stored {_short(one)}, and loaded {_short(two)}")

        self.play(main)


def _short(turn: Turn) -> str:
    text = ascii(turn)
    return text if len(text) < 500 else f"{text[:500]}…"
