"""Run every Python block of the README and the documentation, each page from top to bottom.

A block may `await` where it stands, as in `python -m asyncio`. A page's blocks share their names,
one event loop, and `page`, an AsyncExitStack that is closed at the end. `<!-- skip: next -->` above
a block leaves it out, with a reason after a comma.
"""

import ast
import asyncio
import inspect
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import pad
from sybil.integration.pytest import SybilItem
from sybil.parsers.myst import CodeBlockParser, SkipParser

RUNNER = "__runner__"
STACK = "page"


def evaluate(example: Example) -> None:
    """Run one block, at its own line numbers."""
    source = pad(example.parsed, example.line + example.parsed.line_offset)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source, example.path, "exec", flags=flags, dont_inherit=True)
    result = eval(code, example.namespace)  # noqa: S307  the block is a test
    if inspect.iscoroutine(result):
        example.namespace[RUNNER].run(result)


def open_page(namespace: dict[str, Any]) -> None:
    """Give a page its event loop, and a stack for what it opens."""
    namespace[RUNNER] = asyncio.Runner()
    namespace[STACK] = AsyncExitStack()


def close_page(namespace: dict[str, Any]) -> None:
    """Close what the page leaves running."""
    with namespace.pop(RUNNER) as runner:
        runner.run(namespace.pop(STACK).aclose())


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("python", evaluate), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    excludes=["docs/changelog.d/*", "docs/_build/**"],
    setup=open_page,
    teardown=close_page,
).pytest()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the blocks of each page back into their order, after the shuffling, at the end."""
    items.sort(key=place)


def place(item: pytest.Item) -> tuple[str, int]:
    """Return where a block stands, and for a test nothing: those stay as they were shuffled."""
    return (str(item.path), item.example.line) if isinstance(item, SybilItem) else ("", 0)
