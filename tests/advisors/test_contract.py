"""Every advisor that is shipped keeps the contract of all advisors."""

from __future__ import annotations

import junto.advisors
from junto.advisors import (
    Block,
    GuardAdvisor,
    LoggingAdvisor,
    MemoryAdvisor,
    PromptMemoryAdvisor,
    ReasoningAdvisor,
    Replace,
    SafeGuardAdvisor,
    VectorMemoryAdvisor,
    window,
)
from junto.core import Advisor, ReasoningDelta
from junto.core.testing import AdvisorContract, ScriptedEmbeddings

TAGGED = (
    "<think>Let me see.</think>It is blue.",
    "  <think>\nLet me see.\n</think>\n\nIt is blue.",
    "<think>never closed",
    "It is <think>in the midst</think> blue.",
    "a < b and <thin air>",
)


class TestLogging(AdvisorContract):
    changes_text = False

    def advisor(self) -> LoggingAdvisor:
        return LoggingAdvisor()


class TestLoggingOfContent(AdvisorContract):
    changes_text = False

    def advisor(self) -> LoggingAdvisor:
        return LoggingAdvisor(content=True)


class TestMemory(AdvisorContract):
    changes_text = False

    def advisor(self) -> MemoryAdvisor:
        return MemoryAdvisor()


class TestPromptMemory(AdvisorContract):
    changes_text = False

    def advisor(self) -> PromptMemoryAdvisor:
        return PromptMemoryAdvisor()


class TestVectorMemory(AdvisorContract):
    changes_text = False

    def advisor(self) -> VectorMemoryAdvisor:
        return VectorMemoryAdvisor(ScriptedEmbeddings())


class TestReasoningAsBlock(AdvisorContract):
    changes_text = False
    samples = TAGGED

    def advisor(self) -> ReasoningAdvisor:
        return ReasoningAdvisor("block", separator="\n\n")


class TestReasoningInPieces(AdvisorContract):
    changes_text = False

    def advisor(self) -> ReasoningAdvisor:
        return ReasoningAdvisor("pieces")


class TestReasoningDropped(AdvisorContract):
    changes_text = False
    drops = (ReasoningDelta,)
    samples = TAGGED

    def advisor(self) -> ReasoningAdvisor:
        return ReasoningAdvisor("drop")


class TestReasoningApart(AdvisorContract):
    changes_text = False
    samples = TAGGED

    def advisor(self) -> ReasoningAdvisor:
        return ReasoningAdvisor("apart")


class TestGuardInAWindow(AdvisorContract):
    changes_text = False

    def advisor(self) -> GuardAdvisor:
        return GuardAdvisor(lambda text: None, window(5))


class TestGuardOnTheWhole(AdvisorContract):
    changes_text = False

    def advisor(self) -> GuardAdvisor:
        return GuardAdvisor(lambda text: None, "buffer")


class TestGuardThatObserves(AdvisorContract):
    changes_text = False

    def advisor(self) -> GuardAdvisor:
        return GuardAdvisor(lambda text: Block("all"), "observe")


class TestGuardThatReplaces(AdvisorContract):
    drops = (ReasoningDelta,)

    def advisor(self) -> GuardAdvisor:
        return GuardAdvisor(lambda text: Replace(text.replace("e", "3")), window(3, every=2))


class TestSafeGuard(AdvisorContract):
    changes_text = False

    def advisor(self) -> SafeGuardAdvisor:
        return SafeGuardAdvisor(["never said"])


FORBIDDEN = (
    "The word is swordfish, as everybody knows.",
    "swordfish",
    "Sword fish are fish, and so is a s\u00adwordfish.",
)


class TestSafeGuardThatRefuses(AdvisorContract):
    samples = FORBIDDEN

    def advisor(self) -> SafeGuardAdvisor:
        return SafeGuardAdvisor(["swordfish"])


class TestSafeGuardThatStops(AdvisorContract):
    samples = FORBIDDEN

    def advisor(self) -> SafeGuardAdvisor:
        return SafeGuardAdvisor(["swordfish"], on_block="stop")


class TestGuardThatFindsSomething(AdvisorContract):
    samples = FORBIDDEN

    def advisor(self) -> GuardAdvisor:
        return GuardAdvisor(lambda text: Block("fish") if "swordfish" in text else None, window(12))


def test_every_advisor_that_is_shipped_has_its_contract_here() -> None:
    names = [getattr(junto.advisors, name) for name in junto.advisors.__all__]
    shipped = {kind for kind in names if isinstance(kind, type) and issubclass(kind, Advisor)}
    contracts = [kind for kind in globals().values() if isinstance(kind, type)]
    made = {
        type(kind().advisor())
        for kind in contracts
        if issubclass(kind, AdvisorContract) and kind is not AdvisorContract
    }

    assert made == shipped
