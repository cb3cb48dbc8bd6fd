"""A key that cannot be printed by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, final

__all__ = ["Secret"]


@final
class Secret:
    """A key or password, masked wherever it might be shown.

    ``repr``, ``str``, formatting, logs and tracebacks with locals show ``sk-…3f9a`` at
    most; it cannot be pickled.  Only :meth:`reveal` gives the text, and it belongs into
    the one line that builds a header.
    """

    __slots__ = ("_reveal",)

    def __init__(self, text: str) -> None:
        # A closure, so that no attribute holds the text where a debugger's or a log's
        # walk over attributes would find it.
        def reveal() -> str:
            return text

        self._reveal: Callable[[], str] = reveal

    def reveal(self) -> str:
        """The text itself."""
        return self._reveal()

    def __repr__(self) -> str:
        text = self._reveal()
        shown = f"{text[:3]}…{text[-4:]}" if len(text) >= _SHOWN_FROM else "…"
        return f"Secret({shown})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.reveal()

    def __hash__(self) -> int:
        return hash(self._reveal())

    def __reduce__(self) -> NoReturn:
        msg = "a Secret cannot be pickled or copied to disk"
        raise TypeError(msg)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


_SHOWN_FROM = 16
