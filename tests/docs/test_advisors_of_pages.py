"""The advisors that the pages show pass the contract that the pages recommend."""

import ast
import asyncio
import inspect
import re
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from junto.core import Advisor, ReasoningDelta, advisor
from junto.core.testing import AdvisorContract

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHOWN = {
    "how-to/write-an-advisor.md": {
        *("shout", "no_thoughts", "briefly", "mark", "Stopwatch", "politely"),
        *("Trim", "Veto", "Archive", "Count", "ask_again"),
    },
    "how-to/come-from-spring-ai-alibaba.md": {
        *("read_twice", "without_stars", "Meter", "tenant_of", "run_tools", "retry"),
    },
    "how-to/retry.md": {"Retry"},
    "how-to/see-a-run.md": {"shout", "redact"},
    "tutorial/first-chat.md": {"signed"},
}
BLOCK = re.compile(
    r"^```python\n(.*?)^```|^% invisible-code-block: python\n((?:%[^\n]*\n)+)",
    re.MULTILINE | re.DOTALL,
)
DROPS = {"no_thoughts": (ReasoningDelta,)}


@cache
def names_of(page: str) -> dict[str, Any]:
    """Run a page, and return what it defines."""
    names: dict[str, Any] = {"__name__": "__main__"}
    text = (DOCS / page).read_text(encoding="utf-8")
    with asyncio.Runner() as runner:
        names["page"] = stack = AsyncExitStack()
        for shown, hidden in BLOCK.findall(text):
            block = shown or re.sub(r"^% ?", "", hidden, flags=re.MULTILINE)
            code = compile(block, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, names)
            if inspect.iscoroutine(result):
                runner.run(result)
        runner.run(stack.aclose())
    return names


def advisors_in(names: dict[str, Any]) -> set[str]:
    return {
        name
        for name, value in names.items()
        if (inspect.isclass(value) and issubclass(value, Advisor) and value is not Advisor)
        or (isinstance(value, Advisor) and type(value).__name__ not in names)
        or inspect.isasyncgenfunction(value)
    }


def made(thing: Any) -> Advisor:
    given: Any = thing() if isinstance(thing, type) else thing
    item: Advisor = given if isinstance(given, Advisor) else advisor(given)
    return item


@pytest.mark.parametrize("page", SHOWN)
def test_each_advisor_of_a_page_is_put_to_the_contract(page: str) -> None:
    names = names_of(page)

    assert {n for n in advisors_in(names) if not n.endswith("Advisor")} == SHOWN[page]


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page, names in SHOWN.items() for name in sorted(names)]
)
def test_an_advisor_of_a_page_passes_the_contract(page: str, name: str) -> None:
    thing = names_of(page)[name]  # before the contract watches for what blocks

    class Contract(AdvisorContract):
        drops = DROPS.get(name, ())

        def advisor(self) -> Advisor:
            return made(thing)

    checks = [check for check in dir(Contract) if check.startswith("test_")]
    assert len(checks) > 50
    for check in checks:
        getattr(Contract(), check)()
