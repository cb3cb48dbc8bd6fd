"""The contract of stores finds each fault for its own reason, and lets what is right pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from json_file_store import JsonFileStore
from junto.core.memory import MemoryStore
from junto.core.testing import MemoryContract

from .broken_stores import BROKEN, Broken, Plain

CHECKS = sorted(name for name in dir(MemoryContract) if name.startswith("test_"))


def contract_of(made: Callable[[], Any], **declared: Any) -> MemoryContract:
    kind: Any = type("Contract", (MemoryContract,), {**declared, "store": lambda _: made()})
    contract: MemoryContract = kind()
    return contract


class TestJsonFile(MemoryContract):
    """The example of the documentation."""

    lasting = True
    large = 100_000

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "chat.json"

    def store(self) -> MemoryStore:
        return JsonFileStore(self.path)

    def again(self, store: MemoryStore) -> MemoryStore:
        return JsonFileStore(self.path)


class TestFromFixture(MemoryContract):
    """A fixture in the place of the method."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return Plain()


def test_the_example_is_as_short_as_a_store_should_be() -> None:
    lines = inspect.getsource(JsonFileStore).splitlines()
    code = [line for line in lines if line.strip() and not line.strip().startswith(('"""', "#"))]

    assert len(code) <= 30


def test_there_are_many_checks() -> None:
    assert len(CHECKS) >= 25
    assert len(BROKEN) >= 25


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.kind.__name__)
def test_a_broken_store_fails_for_its_own_reason(broken: Broken) -> None:
    check = getattr(contract_of(broken.kind), f"test_{broken.check}")

    with pytest.raises(Exception, match=f"(?s){broken.says}"):
        check()


def test_a_check_that_is_overridden_is_told() -> None:
    contract = contract_of(Plain, test_tenants_do_not_meet=lambda _: None)

    with pytest.raises(AssertionError, match="Contract overrides test_tenants_do_not_meet"):
        contract.test_no_check_is_overridden()


def test_an_override_with_a_reason_is_let_pass() -> None:
    contract = contract_of(
        Plain,
        test_tenants_do_not_meet=lambda _: None,
        overrides={"test_tenants_do_not_meet": "a store for one user"},
    )

    contract.test_no_check_is_overridden()


def test_a_contract_without_a_store_says_what_is_missing() -> None:
    with pytest.raises(NotImplementedError, match=r"has no store\(\)"):
        MemoryContract().test_an_unknown_conversation_has_no_turns()


def test_what_lacks_a_method_is_no_store() -> None:
    class Halfway(Plain):
        leases = True

    with pytest.raises(TypeError, match="lacks begin, renew, commit, abort"):
        contract_of(Halfway).test_an_unknown_conversation_has_no_turns()
