"""Checks of tool calls, whose pieces come in more ways than anything else."""

from __future__ import annotations

from collections.abc import Sequence

from ...usage import FinishReason
from ..kits.loops import claim
from ..validator import validate_events
from ..wire import Blank, CallPiece, Frame
from .base import Checks

__all__ = ["CallingChecks"]

_END = Frame(finish=FinishReason.TOOL_CALLS)
_WEATHER = ("call-a", "weather", '{"city": "Paris"}')
_TIME = ("call-b", "time", '{"zone": "CET"}')


def _opened(index: int | None, call: tuple[str, str, str], arguments: str = "") -> CallPiece:
    return CallPiece(index=index, id=call[0], name=call[1], arguments=arguments)


def _rest(index: int | None, arguments: str | None) -> CallPiece:
    return CallPiece(index=index, arguments=arguments)


class CallingChecks(Checks):
    """Whatever its pieces are, a call is a call."""

    def test_a_tool_call_in_one_piece_is_read(self) -> None:
        """Id, name and arguments in one frame."""
        self._calls([Frame(calls=_opened(0, _WEATHER, _WEATHER[2]))], _WEATHER, where="in one")

    def test_fragments_of_a_tool_call_are_joined(self) -> None:
        """Later pieces have the index and more of the arguments."""
        pieces = [_opened(0, _WEATHER), *[_rest(0, part) for part in _thirds(_WEATHER[2])]]
        self._calls([Frame(calls=piece) for piece in pieces], _WEATHER, where="in fragments")

    def test_tool_calls_may_come_interleaved(self) -> None:
        """Pieces of parallel calls belong where their index says."""
        pieces = [_opened(0, _WEATHER), _opened(1, _TIME)]
        for one, other in zip(_thirds(_WEATHER[2]), _thirds(_TIME[2]), strict=True):
            pieces += [_rest(0, one), _rest(1, other)]
        frames = [Frame(calls=piece) for piece in pieces]
        self._calls(frames, _WEATHER, _TIME, where="interleaved")

    def test_tool_calls_may_share_a_frame(self) -> None:
        """One frame can hold the tail of a call and the head of the next."""
        frames = [
            Frame(calls=_opened(0, _WEATHER)),
            Frame(calls=[_rest(0, _WEATHER[2]), _opened(1, _TIME)]),
            Frame(calls=_rest(1, _TIME[2])),
        ]
        self._calls(frames, _WEATHER, _TIME, where="in one frame")

    def test_tool_calls_may_have_no_index(self) -> None:
        """A piece with a new id opens a call, one without belongs to the latest."""
        frames = [
            Frame(calls=_opened(None, _WEATHER)),
            *[Frame(calls=_rest(None, part)) for part in _thirds(_WEATHER[2])],
            Frame(calls=_opened(None, _TIME, _TIME[2])),
        ]
        self._calls(frames, _WEATHER, _TIME, where="without an index")

    def test_ids_and_names_may_be_repeated(self) -> None:
        """Some services send id and name with every piece."""
        parts = _thirds(_WEATHER[2])
        frames = [Frame(calls=_opened(0, _WEATHER, part)) for part in parts]
        self._calls(frames, _WEATHER, where="with its id in each piece")

    def test_later_pieces_may_write_null_or_nothing(self) -> None:
        """What a piece does not say is missing, null or empty, its arguments too."""
        for blank in Blank:
            pieces = [
                CallPiece(index=0, id=_WEATHER[0], name=_WEATHER[1]),
                *[_rest(0, part) for part in _thirds(_WEATHER[2])],
                _rest(0, None),
            ]
            frames = [Frame(calls=piece, blank=blank) for piece in pieces]
            self._calls(frames, _WEATHER, where=f"with {blank.value}")

    def test_a_tool_call_may_come_with_the_finish(self) -> None:
        """The last frame can hold the last piece."""
        head, *parts = _thirds(_WEATHER[2])
        last = Frame(calls=_rest(0, "".join(parts)), finish=FinishReason.TOOL_CALLS)
        frames = [Frame(calls=_opened(0, _WEATHER, head)), last]
        self._calls(frames, _WEATHER, where="beside the finish", end=False)

    def test_arguments_stay_as_the_model_wrote_them(self) -> None:
        """They are text: they may be broken JSON, or none at all."""
        for arguments in ('{"city": "Par', "", "{}}", '{"n": 1e999, "é": "\\ud83d"}'):
            call = ("call-a", "weather", arguments)
            frame = Frame(calls=_opened(0, call, arguments))
            self._calls([frame], call, where="with odd arguments")

    def test_text_and_tool_calls_both_count(self) -> None:
        """A model may say something before it calls."""
        frames = [Frame("Let me "), Frame("see."), Frame(calls=_opened(0, _WEATHER, _WEATHER[2]))]
        text = self._calls(frames, _WEATHER, where="behind text")
        claim(text == "Let me see.", f"in front of a tool call 'Let me see.' became {text!r}")

    def test_a_whole_answer_has_its_tool_calls(self) -> None:
        """``call()`` gives the same calls."""
        self.needs("tools")
        frames = [
            Frame(calls=_opened(0, _WEATHER, _WEATHER[2])),
            Frame(calls=_opened(1, _TIME, _TIME[2])),
            _END,
        ]
        (heard,) = self.hear(frames, request=self.request(stream=False))
        got = [(c.id, c.name, c.arguments) for c in heard.well("a call").tool_calls]
        claim(got == [_WEATHER, _TIME], f"the calls of a whole answer are {got}")

    def _calls(
        self,
        frames: Sequence[Frame],
        *wanted: tuple[str, str, str],
        where: str,
        end: bool = True,
    ) -> str:
        self.needs("tools")
        (heard,) = self.hear([*frames, _END] if end else frames)
        response = heard.well(f"a tool call {where}")
        got = [(c.id, c.name, c.arguments) for c in response.tool_calls]
        claim(got == [*wanted], f"a tool call {where} became {got}, not {[*wanted]}")
        finish = response.finish_reason
        claim(finish is FinishReason.TOOL_CALLS, f"a tool call {where} finished as {finish!r}")
        validate_events(heard.events)
        return response.text


def _thirds(text: str) -> list[str]:
    third = len(text) // 3
    return [text[:third], text[third : 2 * third], text[2 * third :]]
