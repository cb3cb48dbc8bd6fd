"""What every memory store promises, as a class of tests."""

from __future__ import annotations

from .cancelling import CancelChecks
from .fencing import FenceChecks
from .ids import IdChecks
from .leases import LeaseChecks
from .managing import ManageChecks
from .simple import SimpleChecks
from .texts import TextChecks
from .together import TogetherChecks

__all__ = [
    "CancelChecks",
    "FenceChecks",
    "IdChecks",
    "LeaseChecks",
    "ManageChecks",
    "MemoryContract",
    "SimpleChecks",
    "TextChecks",
    "TogetherChecks",
]


class MemoryContract(
    SimpleChecks,
    IdChecks,
    TextChecks,
    TogetherChecks,
    LeaseChecks,
    FenceChecks,
    CancelChecks,
    ManageChecks,
    subject="store",
    maker="store",
):
    """Checks a memory store against :class:`~junto.core.memory.MemoryStore`.

    ::

        class TestMine(MemoryContract):
            def store(self):
                return Mine()

    ``store`` gives a store each time; a pytest fixture of that name will do as well, with
    one for each check.  It need not be empty: every check takes conversations of its own.
    Each check runs its own event loop, and awaits the store's ``aclose()`` at its end if
    there is one.

    Whether leases, and what people can do, are checked goes by what the store itself
    declares (``leases = True``, ``managed = True``).  Beyond that:

    Attributes:
        lasting: The store that ``again`` gives has what this one stored.
        loops: The store can be used from several event loops and threads.
        large: The largest text that is stored, in characters.
        limit: Seconds after which something counts as hanging.
        overrides: Checks that a subclass overrides on purpose, each with the reason.
    """
