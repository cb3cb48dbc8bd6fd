"""What an author declares, and what all checks share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from ...functions import AdvisorLike
from ..kits.classes import Guarded
from ..kits.loops import play
from .bench import Bench, Seen

__all__ = ["Checks"]

T = TypeVar("T")


class Checks(Guarded):
    """The declarations of an advisor's author; see ``AdvisorContract``."""

    changes_text: ClassVar[bool | None] = None
    drops: ClassVar[tuple[type, ...]] = ()
    changes_usage: ClassVar[bool] = False
    changes_finish: ClassVar[bool] = False
    short_circuits: ClassVar[bool] = False
    asks_again: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    handles_errors: ClassVar[bool] = False
    reads_ahead: ClassVar[bool] = False
    recovers: ClassVar[bool] = True
    samples: ClassVar[Sequence[str]] = ()
    secrets: ClassVar[Sequence[str]] = ()
    prompt: ClassVar[str] = "Why is the sky blue?"
    conversation_id: ClassVar[str | None] = "contract"
    params: ClassVar[Mapping[str, Any]] = {}
    limit: ClassVar[float] = 5.0

    def advisor(self) -> AdvisorLike:
        """Make the advisor."""
        msg = f"{type(self).__name__} has no advisor(): define it, and return a new advisor"
        raise NotImplementedError(msg)

    def beside(self) -> Iterable[AdvisorLike]:
        """Further advisors that it needs in its chain."""
        return ()

    def expected_text(self, text: str) -> str | None:
        """What the model's text becomes; ``None`` says nothing."""
        return None

    def made(self) -> AdvisorLike:
        """A new advisor, or the one that a fixture gave."""
        return self.advisor() if self._given is None else self._given

    def bench(self, *scripts: Any, **how: Any) -> Bench:
        """A chain around a new advisor; see ``Bench``."""
        return Bench(self, *scripts, **how)

    def play(self, main: Callable[[], Coroutine[Any, Any, T]], **how: Any) -> T:
        """Run ``main`` in a loop of its own; see ``play``."""
        return play(main, limit=self.limit, **how)

    def answers(self, *scripts: Sequence[Any], **how: Any) -> list[Seen]:
        """What a reader gets of each script, each with a new advisor."""

        async def main() -> list[Seen]:
            return [await bench.read() for bench in benches]

        benches = [self.bench(script, **how) for script in scripts]
        result = self.play(main)
        for bench in benches:
            bench.settled()
        return result
