"""The contract finds each fault for its own reason, and lets what is right pass."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

from junto.core import Advisor, Event, ReasoningDelta, RunContext, TextDelta, advisor, place
from junto.core.testing import AdvisorContract

from . import broken_arounds  # noqa: F401  registers its advisors
from .broken import BROKEN, Broken, Plain, Upper

CHECKS = sorted(name for name in dir(AdvisorContract) if name.startswith("test_"))


def contract_of(made: Callable[[], Any], **declared: Any) -> AdvisorContract:
    kind: Any = type("Contract", (AdvisorContract,), {**declared, "advisor": lambda _: made()})
    contract: AdvisorContract = kind()
    return contract


def failures(contract: AdvisorContract) -> dict[str, BaseException]:
    """What the checks say that fail."""
    found: dict[str, BaseException] = {}
    for name in CHECKS:
        try:
            getattr(contract, name)()
        except Exception as error:  # noqa: BLE001  whatever fails a test
            found[name.removeprefix("test_")] = error
    return found


def test_there_are_many_checks() -> None:
    assert len(CHECKS) >= 25
    assert len(BROKEN) >= 40


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.advisor.__name__)
def test_a_broken_advisor_fails_for_its_own_reason(
    broken: Broken, blockbuster: BlockBuster
) -> None:
    check = getattr(contract_of(broken.advisor, limit=broken.limit), f"test_{broken.check}")
    # Calls that block are the contract's to find here.
    blockbuster.deactivate()
    try:
        with pytest.raises(Exception, match=broken.says):
            check()
    finally:
        blockbuster.activate()


TWINS = sorted({broken.twin for broken in BROKEN}, key=lambda twin: twin.__name__)


@pytest.mark.parametrize("twin", TWINS)
def test_what_does_the_same_rightly_passes(twin: type[Advisor]) -> None:
    assert failures(contract_of(twin)) == {}


def test_a_flag_lets_pass_what_it_declares() -> None:
    declared: dict[str, dict[str, Any]] = {
        "HoldsForEver": {"changes_text": True},
        "SumsUsage": {"changes_usage": True},
        "SaysStopAlways": {"changes_finish": True},
        "DropsReasoning": {"drops": (ReasoningDelta,)},
        "EndsQuietly": {"handles_errors": True},
        "AnswersItself": {"short_circuits": True},
        "AsksTwiceAndForgets": {"asks_again": True},
        "ReadsAhead": {"reads_ahead": True},
        "RepeatsWhatWasShown": {"continues": True},
        "KeepsItsLock": {"recovers": False},
    }
    for broken in BROKEN:
        if flags := declared.pop(broken.advisor.__name__, {}):
            getattr(contract_of(broken.advisor, **flags), f"test_{broken.check}")()

    assert declared == {}


def test_text_that_is_declared_unchanged_passes_as_it_is() -> None:
    with pytest.raises(AssertionError, match="declare changes_text = True"):
        contract_of(Upper, changes_text=False).test_no_text_is_lost()
    contract_of(Plain, changes_text=False).test_no_text_is_lost()


def test_text_is_what_the_author_expects() -> None:
    contract_of(Upper, expected_text=lambda _, text: text.upper()).test_no_text_is_lost()
    with pytest.raises(AssertionError, match="'yes' was expected"):
        contract_of(Upper, expected_text=lambda _, text: text.lower()).test_no_text_is_lost()


def test_samples_of_the_authors_own_are_cut_as_well() -> None:
    class Cut(Advisor):
        def on_event(self, event: Event, ctx: RunContext) -> Event:
            return (
                TextDelta(event.text.replace("@@", "")) if isinstance(event, TextDelta) else event
            )

    contract_of(Cut).test_text_does_not_depend_on_the_cuts()
    with pytest.raises(AssertionError, match="cut by 1 display_text is 'a@@b'"):
        contract_of(Cut, samples=["a@@b"]).test_text_does_not_depend_on_the_cuts()


def test_secrets_of_the_authors_own_are_looked_for() -> None:
    with pytest.raises(AssertionError, match="tells a secret"):
        contract_of(Plain, secrets=["Plain"]).test_repr_holds_no_secret()


def test_a_check_that_is_overridden_is_told() -> None:
    mine: dict[str, Any] = {"test_restart_resets": lambda _: None}
    with pytest.raises(AssertionError, match="overrides test_restart_resets: declare"):
        contract_of(Plain, **mine).test_no_check_is_overridden()

    reasons = {"test_restart_resets": "there are no restarts here"}
    contract_of(Plain, **mine, overrides=reasons).test_no_check_is_overridden()
    contract_of(Plain, test_of_my_own=lambda _: None).test_no_check_is_overridden()


def test_advisors_that_it_needs_stand_beside_it() -> None:
    class Needs(Advisor):
        requires = ("upper",)

    class Named(Upper):
        name = "upper"

    assert failures(contract_of(Needs, beside=lambda _: [Named()])) == {}
    assert "ChainError" in repr(failures(contract_of(Needs))["a_plain_answer_passes"])


def test_functions_and_placed_advisors_have_contracts_as_well() -> None:
    @advisor
    async def plain(request: Any, next: Any, ctx: Any) -> Any:
        async for event in next(request):
            yield event

    assert failures(contract_of(lambda: plain)) == {}
    assert failures(contract_of(lambda: place(Upper(), order=7))) == {}


def test_what_others_have_left_behind_is_not_told() -> None:
    class Forgotten:
        def __init__(self) -> None:
            self.itself = self
            self.never_awaited = asyncio.sleep(0)

    Forgotten()

    contract_of(Plain).test_a_plain_answer_passes()


def pytest_says(tmp_path: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_mine.py").write_text(textwrap.dedent(code))
    paths = os.pathsep.join(path for path in sys.path if path.endswith(("core", "advisors")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-c", os.devnull, tmp_path],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def test_four_lines_are_enough_and_no_plugin_is_needed(tmp_path: Path) -> None:
    code = """
        from junto.core import Advisor
        from junto.core.testing import AdvisorContract

        class TestMine(AdvisorContract):
            def advisor(self):
                return Advisor()
    """
    done = pytest_says(tmp_path, code, "-p", "no:asyncio", "-W", "error")

    assert f"{len(CHECKS)} passed" in done.stdout, done.stdout


def test_the_advisor_may_come_from_a_fixture_or_an_attribute(tmp_path: Path) -> None:
    code = """
        import pytest
        from junto.core import Advisor
        from junto.core.testing import AdvisorContract

        @pytest.fixture
        def advisor():
            return Advisor()

        class TestOfModule(AdvisorContract):
            pass

        class TestOfClass(AdvisorContract):
            @pytest.fixture
            def advisor(self):
                return Advisor()

        class TestOfAttribute(AdvisorContract):
            advisor = Advisor
    """
    done = pytest_says(tmp_path, code, "-k", "test_a_plain_answer_passes")

    assert "3 passed" in done.stdout, done.stdout
