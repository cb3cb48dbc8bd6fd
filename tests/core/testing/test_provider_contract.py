"""The contract finds each fault for its own reason, and lets what is right pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

from junto.core import ChatModel, ReasoningDelta, TextDelta, Usage, UsageUpdate
from junto.core.testing import ChatCompletions, ProviderContract, ScriptedModel

from . import (  # noqa: F401  register their providers
    broken_readers,
    broken_refusals,
    broken_secrets,
    broken_streams,
)
from .broken_providers import BROKEN, Broken
from .test_contract import pytest_says
from .tiny_provider import Tiny, TinyContract
from .tiny_reader import TinyReader

CHECKS = sorted(name for name in dir(ProviderContract) if name.startswith("test_"))

# What has no broken provider of its own, as all that is found by it is found by others too.
WITHOUT = {
    "a_page_in_place_of_an_answer_is_told",
    "a_plain_answer_is_read",
    "a_stream_in_place_of_a_whole_answer_is_not_lost",
    "further_choices_come_with_the_end",
    "it_says_something_and_no_empty_text",
    "no_check_is_overridden",
    "one_run_is_one_request",
}


class TestTiny(TinyContract):
    """A correct provider passes all."""


class TestScripted(ProviderContract):
    """So does a model without a wire."""

    http = False
    reopens = True

    def make_model(self, base_url: str) -> ChatModel:
        usage = UsageUpdate(Usage(total_tokens=3))
        return ScriptedModel([ReasoningDelta("Hm."), TextDelta("Yes, "), "it is.", usage])


def contract_of(made: Any, **declared: Any) -> Any:
    kind: Any = type("Contract", (TinyContract,), {"made_of": made, **declared})
    return kind()


def failures(contract: Any, checks: set[str]) -> dict[str, BaseException]:
    """What the checks say that fail."""
    found: dict[str, BaseException] = {}
    for name in sorted(checks):
        try:
            getattr(contract, f"test_{name}")()
        except pytest.skip.Exception:
            pass
        except Exception as error:  # noqa: BLE001  whatever fails a test
            found[name] = error
    return found


# What takes long, and is left out unless it is what shall fail.
LONG = {
    "a_large_record_is_read",
    "a_stream_may_be_cut_anywhere",
    "a_stream_may_come_byte_by_byte",
    "many_streams_run_at_once",
}


def neighbours(checks: tuple[str, ...]) -> set[str]:
    """These checks, and all that stand in one class with one of them."""
    found: set[str] = set()
    for base in ProviderContract.__mro__:
        names = {name.removeprefix("test_") for name in vars(base) if name.startswith("test_")}
        found |= names if names & {*checks} else set()
    return (found - LONG) | {*checks}


def test_there_are_many_checks_and_each_finds_something() -> None:
    found = {check for broken in BROKEN for check in broken.checks}

    assert len(CHECKS) >= 130
    assert len(BROKEN) >= 80
    assert {name.removeprefix("test_") for name in CHECKS} - found == WITHOUT


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.provider.__name__)
def test_a_broken_provider_fails_its_own_checks_and_no_others(
    broken: Broken, blockbuster: BlockBuster
) -> None:
    contract = contract_of(broken.provider, limit=broken.limit)
    # Calls that block are the contract's to find here.
    blockbuster.deactivate()
    try:
        found = failures(contract, neighbours(broken.checks))
    finally:
        blockbuster.activate()

    assert {*found} == {*broken.checks}
    assert re.search(broken.says, str(found[broken.checks[0]]))


class Quiet(TinyReader):
    """Neither reasoning nor calls nor usage."""

    def say(self, delta: dict[str, Any]) -> Any:
        return super().say({"content": delta.get("content")})

    def count(self, counts: Any) -> Any:
        return []


class QuietTiny(Tiny):
    reader_type = Quiet


FLAGS = {
    "reasoning": "no_reasoning_may_be_absent_null_or_empty",
    "tools": "fragments_of_a_tool_call_are_joined",
    "usage": "usage_is_read",
}


@pytest.mark.parametrize(("flag", "check"), FLAGS.items())
def test_what_is_declared_is_left_out_with_the_reason(flag: str, check: str) -> None:
    assert check in failures(contract_of(QuietTiny), {check})
    with pytest.raises(pytest.skip.Exception, match=f"{flag} = False is declared"):
        getattr(contract_of(QuietTiny, **{flag: False}), f"test_{check}")()


def test_a_model_that_declares_what_it_lacks_passes() -> None:
    class Contract(TinyContract):
        made_of = QuietTiny
        reasoning = tools = usage = False

    checks = {name.removeprefix("test_") for name in CHECKS} - {"a_stream_may_be_cut_anywhere"}
    assert failures(Contract(), checks) == {}


def broken_named(name: str) -> type[Tiny]:
    return next(broken.provider for broken in BROKEN if broken.provider.__name__ == name)


def test_a_flag_lets_pass_what_it_declares() -> None:
    declared: dict[str, tuple[dict[str, Any], str]] = {
        "AnswersWhenClosed": ({"reopens": True}, "a_closed_model_says_so"),
        "AsksAgain": ({"retries": True}, "a_refused_request_is_not_sent_again"),
        "HasAPool": ({"at_once": 100, "limit": 1.0}, "many_streams_run_at_once"),
        "LosesTheIdOfAnError": ({"request_ids": False}, "an_error_has_the_request_id"),
        "RenamesAnOption": (
            {"option_names": {"max_tokens": "max_completion_tokens"}},
            "options_that_are_set_are_sent",
        ),
        "SendsNulls": ({"always_sends": ("top_p",)}, "options_that_are_unset_are_not_sent"),
    }
    for name, (flags, check) in declared.items():
        provider = broken_named(name)
        assert check in failures(contract_of(provider), {check}), name
        assert failures(contract_of(provider, **flags), {check}) == {}, name


def test_several_choices_are_looked_for_where_they_are_declared() -> None:
    check = {"further_choices_come_with_the_end"}

    assert failures(contract_of(Tiny), check) == {}
    assert "the choices are" in str(failures(contract_of(Tiny, choices=True), check).popitem()[1])


def test_secrets_of_the_authors_own_are_looked_for() -> None:
    contract = contract_of(Tiny, secrets=["Tiny"])

    assert failures(contract, {"its_repr_tells_nothing"})


def test_a_key_that_is_not_used_is_told() -> None:
    class Keyless(TinyContract):
        def make_model(self, base_url: str) -> Tiny:
            return Tiny(base_url, "another")

    (error,) = failures(Keyless(), {"the_key_is_sent_in_a_header"}).values()

    assert "make the model with self.key" in str(error)


def test_the_reasoning_may_have_another_name() -> None:
    class Renamed(TinyReader):
        def say(self, delta: dict[str, Any]) -> Any:
            return super().say({**delta, "reasoning_content": delta.get("reasoning")})

    class RenamedTiny(Tiny):
        reader_type = Renamed

    contract = contract_of(RenamedTiny, dialect=ChatCompletions(reasoning_key="reasoning"))

    assert failures(contract, {"reasoning_is_never_inside_text"}) == {}
    assert failures(contract_of(RenamedTiny), {"reasoning_is_never_inside_text"})


def test_a_check_that_is_overridden_is_told() -> None:
    mine: dict[str, Any] = {"test_usage_is_read": lambda _: None}
    with pytest.raises(AssertionError, match="overrides test_usage_is_read: declare what the prov"):
        contract_of(Tiny, **mine).test_no_check_is_overridden()

    contract_of(Tiny, **mine, overrides={"test_usage_is_read": "why"}).test_no_check_is_overridden()
    contract_of(Tiny, test_of_my_own=lambda _: None).test_no_check_is_overridden()


def test_a_class_without_a_model_says_what_to_define() -> None:
    with pytest.raises(NotImplementedError, match="has no make_model"):
        ProviderContract().test_it_is_a_chat_model()


NO_WIRE = """
    import pytest
    from junto.core.testing import ProviderContract, ScriptedModel

    class TestMine(ProviderContract):
        http = False
        reopens = True

        def make_model(self, base_url):
            return ScriptedModel("Hello, world")

    class TestOfFixture(ProviderContract):
        http = False
        reopens = True

        @pytest.fixture
        def make_model(self):
            return lambda base_url: ScriptedModel("Hello, world")
"""


def test_few_lines_are_enough_and_no_plugin_is_needed(tmp_path: Path) -> None:
    done = pytest_says(tmp_path, NO_WIRE, "-p", "no:asyncio", "-W", "error", "-rs")

    assert re.search(r"\b40 passed|\b[3-4]\d passed", done.stdout), done.stdout
    assert "failed" not in done.stdout
    assert "http = False is declared" in done.stdout


def test_the_kit_needs_no_other_distribution_than_pytest() -> None:
    code = "import sys, junto.core.testing.provider_contract\nprint(*sys.modules)"
    paths = [path for path in sys.path if path.endswith("core")]
    script = f"import sys\nsys.path[:0] = {paths!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert not {"aiohttp", "httpx", "msgspec", "structlog"} & set(done.stdout.split())
