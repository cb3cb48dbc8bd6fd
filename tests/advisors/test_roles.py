"""Each ready-made advisor says what it is, so that a chain can warn of known traps."""

import pytest

from junto.advisors import (
    GuardAdvisor,
    LoggingAdvisor,
    MemoryAdvisor,
    ReasoningAdvisor,
    SafeGuardAdvisor,
)
from junto.core import Advisor, AdvisorChain


@pytest.mark.parametrize(
    ("advisor", "role"),
    [
        (LoggingAdvisor(), "logging"),
        (ReasoningAdvisor(), "reasoning"),
        (GuardAdvisor(lambda text: None), "guard"),
        (SafeGuardAdvisor(["falcon"]), "guard"),
        (MemoryAdvisor(), "memory"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_ready_made_advisor_declares_its_role(advisor: Advisor, role: str) -> None:
    (explained,) = AdvisorChain([advisor]).explain().advisors

    assert explained.role == role
