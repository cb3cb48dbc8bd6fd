"""What a download says of itself while it runs."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from attrs import frozen

__all__ = ["FetchListener", "FetchProgress", "Phase"]

Phase: TypeAlias = Literal["waiting", "downloading", "refused", "verifying", "done"]


@frozen
class FetchProgress:
    """How far a download is.

    Attributes:
        name: The model's name.
        source: Where the bytes come from now.
        phase: ``waiting`` (another process is fetching the same), ``downloading``,
            ``refused`` (this source is passed over; ``note`` says why), ``verifying``,
            ``done``.
        done: Bytes that are here.
        total: Bytes of the whole file.
        note: One sentence for people.
    """

    name: str
    source: str
    phase: Phase
    done: int
    total: int
    note: str = ""


class FetchListener(Protocol):
    """Who wants to know.  Called in the thread that fetches, several times a second."""

    def __call__(self, progress: FetchProgress, /) -> object:
        """Take note; what it returns does not matter."""
