"""What a guard does with an answer while it is on its way."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from attrs import field, frozen

__all__ = ["Mode", "OnBlock", "Sides", "Window", "bound_of", "check_mode", "check_word", "window"]


def _whole(least: int) -> Any:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not isinstance(value, int):
            msg = f"{attribute.name} is a whole number, not {value!r}"
            raise TypeError(msg)
        if value < least:
            msg = f"{attribute.name} is at least {least}, not {value}"
            raise ValueError(msg)

    return check


@frozen(repr=False)
class Window:
    """The last characters are held back until the check has seen what follows them.

    Of a forbidden passage of at most ``characters`` nothing has left when the verdict
    falls, and of one of at most ``characters + context`` at most its length less
    ``characters``.  The check never sees a longer one whole, so all of that may leave.
    :meth:`leak` says the same in numbers.

    That holds for any check that blocks each text which has the passage in it, and
    however the provider cuts: what leaves depends on the text alone.  A passage reaches to
    the character at which the check can be sure; what is not seen counts like any other.

    Attributes:
        characters: How many are held back at least.
        every: The check is asked after each so many characters, counted from the
            beginning of the text, and at its end.  So many more may be held, less one.
            For a check that costs something.
        context: How many characters in front of what is held the check sees as well, at
            least; with shorter texts all.
    """

    characters: int = field(validator=_whole(1))
    every: int = field(default=1, kw_only=True, validator=_whole(1))
    context: int = field(default=2000, kw_only=True, validator=_whole(0))

    @property
    def holds(self) -> int:
        """How many characters may be held back at one time."""
        return self.characters + self.every - 1

    def leak(self, length: int) -> int:
        """How much of a passage of that length may have left when the verdict falls.

        That is all of a passage too long for the check to see it whole.
        """
        if length > self.characters + self.context:
            return length
        return max(0, length - self.characters)

    def __repr__(self) -> str:
        every = "" if self.every == 1 else f", every={self.every}"
        context = "" if self.context == 2000 else f", context={self.context}"
        return f"window({self.characters}{every}{context})"


def window(characters: int, *, every: int = 1, context: int = 2000) -> Window:
    """Hold back the last characters of an answer; see :class:`Window`.

    Raises:
        ValueError: For numbers that are too small.
    """
    return Window(characters, every=every, context=context)


Mode: TypeAlias = Window | Literal["buffer", "observe"]
"""``window(n)``, ``"buffer"`` or ``"observe"``."""


OnBlock: TypeAlias = Literal["refuse", "stop", "raise"]

Sides: TypeAlias = Literal["both", "input", "output"]


def check_word(name: str, value: str, words: object) -> None:
    """Raise if it is not one of the words."""
    known = get_args(words)
    if value not in known:
        msg = f"{name} is one of {', '.join(known)}, not {value!r}"
        raise ValueError(msg)


def check_mode(mode: object) -> None:
    """Raise if it is none."""
    if isinstance(mode, Window) or mode in {"buffer", "observe"}:
        return
    msg = f"mode is window(n), 'buffer' or 'observe', not {mode!r}"
    raise ValueError(msg) if isinstance(mode, str) else TypeError(msg)


def bound_of(mode: Mode) -> str:
    """In words, what can leave before the verdict."""
    if isinstance(mode, Window):
        n, whole = mode.characters, mode.characters + mode.context
        longer = f"of one up to {whole} at most its length - {n}, " if whole > n else ""
        return f"at most 0 characters of a passage up to {n} leak, {longer}of a longer one all"
    return "nothing leaks" if mode == "buffer" else "everything passes, and is reported"
