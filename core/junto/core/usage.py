"""What an answer cost, and why it ended."""

from __future__ import annotations

from enum import StrEnum

from attrs import evolve, fields, frozen

__all__ = ["COUNTS", "FinishReason", "Usage"]


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    """It said all it had to say, or met a stop sequence."""
    LENGTH = "length"
    """It reached a limit of tokens: the answer is cut."""
    TOOL_CALLS = "tool_calls"
    """It wants tools to be run."""
    CONTENT_FILTER = "content_filter"
    """A filter of the provider or of an advisor ended it."""
    UNKNOWN = "unknown"
    """The provider gave no reason, or one that junto does not know."""


def _sum(left: int | None, right: int | None) -> int | None:
    if left is None:
        return right
    return left if right is None else left + right


# One is made per network read; without slots that takes a third less.
@frozen(kw_only=True, slots=False)
class Usage:
    """Numbers of tokens.  ``None`` means that the provider did not say; never zero.

    Attributes:
        input_tokens: Of the request, cached ones included.
        output_tokens: Of the answer, reasoning included.
        total_tokens: Of both, as the provider counts.
        reasoning_tokens: The part of ``output_tokens`` spent on thinking.
        cached_tokens: The part of ``input_tokens`` read from a cache.
        cache_write_tokens: The part of ``input_tokens`` written to a cache.
        image_tokens: The part of ``input_tokens`` that images and films took.
        audio_tokens: The part of ``input_tokens`` that sound took.
        estimated: Counted by us and not by the provider.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    image_tokens: int | None = None
    audio_tokens: int | None = None
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """The usage of both; a number that only one of them knows is kept."""
        counts = {name: _sum(getattr(self, name), getattr(other, name)) for name in COUNTS}
        return evolve(self, estimated=self.estimated or other.estimated, **counts)


COUNTS = tuple(a.name for a in fields(Usage) if a.name != "estimated")
"""The names of the numbers in a :class:`Usage`."""
