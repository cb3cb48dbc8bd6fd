"""What the pages say by hand is what the code has."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from attrs import fields

from junto.advisors import LoggingAdvisor
from junto.core import ChatClient, Finish, ProviderError, Usage, UsageUpdate
from junto.core.testing import ScriptedModel, Step

FENCES = re.MULTILINE | re.DOTALL
ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# What is public, and the page of the reference that has it.
PARTS = {
    "core": "core",
    "core.memory": "memory",
    "core.testing": "testing",
    "advisors": "advisors",
    "providers.dashscope": "dashscope",
    "providers.local": "local",
    "providers.openai": "openai",
    "providers.asking": "providers",
    "providers.assembly": "providers",
    "providers.batches": "providers",
    "providers.chat_completions": "providers",
    "providers.client": "providers",
    "providers.completions": "providers",
    "providers.encoding": "providers",
    "providers.keys": "providers",
    "providers.ranges": "providers",
    "providers.failures": "providers",
    "providers.sse": "providers",
    "providers.transport": "providers",
}
PAGES = [
    ROOT / "README.md",
    *(page for page in DOCS.rglob("*.md") if not {"_build", "changelog.d"} & set(page.parts)),
]


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_python_block_of_every_page_is_run() -> None:
    written = {
        f"{page.relative_to(ROOT)}::line:{number},column:1"
        for page in PAGES
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
        if line == "```python"
    }
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "README.md", "docs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert written
    assert written <= set(done.stdout.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_block_is_skipped_or_written_in_another_way(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert "skip: next" not in text
    assert not re.findall(
        r"^ *(?:```|~~~) ?(?:py|python3|pycon|\{code-block\}.*)$", text, re.MULTILINE
    )
    assert not re.findall(r"^ +```python", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=FENCES)
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", prose)

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_page_of_the_command_has_every_option() -> None:
    from junto.app.commands import cli

    text = text_of("reference/command.md")
    named: list[str] = []
    for command in cli.commands.values():
        named.append(f"junto {command.name}")
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        named += [f"junto {command.name} {one.name}" for one in inner]
        for one in (command, *inner):
            for option in one.params:
                if isinstance(option, click.Option):
                    named += [*option.opts, *option.secondary_opts]

    assert len(named) > 10
    assert [name for name in named if f"`{name}" not in text] == []


def test_the_page_of_the_command_has_every_line_command() -> None:
    from junto.app.talk import _HELP

    text = text_of("reference/command.md")
    named = re.findall(r"^(/\w+)", _HELP, re.MULTILINE)

    assert len(named) > 3
    assert [name for name in named if f"`{name}" not in text] == []


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/use-a-local-model.md"])
def test_pages_name_the_models_of_the_catalogue(page: str) -> None:
    from junto.providers.local import CATALOGUE

    text = (ROOT / page).read_text(encoding="utf-8")
    for entry in CATALOGUE.values():
        wanted = [f"`{entry.name}`", f"{entry.size:,} bytes", entry.licence]
        wanted += [entry.sha256] if page == "README.md" else []
        wanted += [source.label for source in entry.sources]
        assert [word for word in wanted if word not in text] == []


def test_the_page_of_compatible_servers_has_each_with_its_address_and_variables() -> None:
    from junto.providers.openai import SERVERS

    text = text_of("how-to/use-an-openai-compatible-server.md")
    rows = re.findall(
        r"^\| `(\w+)`[^|]*\| `(\S+)` \| (?:none, or )?`(\w+)` \|$", text, re.MULTILINE
    )
    named = [(name, row.base_url, f"{name.upper()}_API_KEY") for name, row in SERVERS.items()]

    assert sorted(rows) == sorted(named)


async def test_the_page_of_log_lines_has_every_field() -> None:
    lines: dict[str, set[str]] = {}

    class Kept:
        def debug(self, event: str, **values: object) -> None:
            lines.setdefault(event, set()).update(values)

        info = warning = error = debug

    def redact(text: str) -> str:
        if text == "Unheard of?":
            raise ValueError
        return text

    numbers: dict[str, Any] = {one.name: 1 for one in fields(Usage)}
    usage = Usage(**numbers)
    whole: list[Step] = [UsageUpdate(usage), "Yes.", Finish(metadata={"request_id": "1"})]
    error = ProviderError("no", status=400, code="Bad")
    model = ScriptedModel(whole, [error])
    logs = LoggingAdvisor(content=True, redact=redact, per_advisor=True, logger=Kept())
    client = ChatClient(model, advisors=[logs])
    await client.call("Really?", conversation_id="1")
    with pytest.raises(ProviderError):
        await client.call("Unheard of?")

    text = text_of("reference/log.md")
    named = {
        section.split("`")[0]: set(re.findall(r"`(\w+)`", section))
        for section in text.split("\n## `")[1:]
    }
    source = inspect.getsource(LoggingAdvisor)
    assert set(lines) == {"chat.turn", "chat.started", "chat.advisor"}
    assert set(lines) == set(re.findall(r'"(chat\.\w+)"', source))
    assert [name for event, found in lines.items() for name in found - named[event]] == []
    turn = text.partition("## `chat.started`")[0]
    table = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", turn, re.MULTILINE))))
    assert table == lines["chat.turn"] | {"short_circuited_by"}


def test_the_page_of_log_lines_has_every_line() -> None:
    call = re.compile(r"\b_?log\.(?:debug|info|warning|error)\(\s*\"(\w+\.\w+)\"")
    written = {
        line
        for part in ("core", "advisors", "providers")
        for path in (ROOT / part).rglob("*.py")
        for line in call.findall(path.read_text(encoding="utf-8"))
    }
    text = text_of("reference/log.md")

    assert {"observer.left_out", "provider.text_replaced"} <= written
    assert [line for line in sorted(written) if f"`{line}`" not in text] == []


def test_the_page_of_runs_shows_what_explain_gives() -> None:
    text = text_of("how-to/see-a-run.md")
    first = re.findall(r"^```python\n(.*?)^```", text, FENCES)[0]
    page: dict[str, Any] = {"__name__": "__main__"}
    exec(first, page)
    explanation = page["client"].explain()

    assert f"```text\n{explanation}\n```" in text
    assert f"```text\n{explanation.mermaid()}\n```" in text


def test_every_part_of_junto_that_is_public_has_its_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("reference/*.md"))
    for part in PARTS:
        assert f".. automodule:: junto.{part}\n" in pages


@pytest.mark.parametrize(("part", "page"), PARTS.items())
def test_every_public_name_has_its_entry(part: str, page: str) -> None:
    face = importlib.import_module(f"junto.{part}")
    text = text_of(f"reference/{page}.md")
    entries = set(re.findall(r"^\.\. (?:auto\w+|py:\w+):: (\w+)", text, re.MULTILINE))
    if f".. automodule:: junto.{part}\n   :members:\n" in text:
        # What has a docstring of its own is listed; an alias of a type is not.
        entries |= {
            n
            for n in face.__all__
            if inspect.isclass(v := getattr(face, n)) or inspect.isfunction(v)
        }
    # A fixture is no function to Sphinx.
    entries |= set(re.findall(r"^`(\w+)` is .* pytest fixture", text, re.MULTILINE))

    assert set(face.__all__) - entries == set()
