"""Plugins of others, built as wheels and installed beside junto's: found, run, and tested."""

import ast
import json
from pathlib import Path

import pytest

from ..outside import PACKAGES, Outside

pytestmark = pytest.mark.timeout(240)

HERE = Path(__file__).resolve().parent

# A kit is a file in kits/; it runs in the environment where only the wheels are.
KITS = sorted((HERE / "kits").glob("kit_*.py"))

RUN = """
import asyncio, sys
import junto.core
from junto.core import ChatClient
from junto.core.testing import ScriptedModel

assert sys.prefix in junto.core.__file__, junto.core.__file__

async def main():
    client = ChatClient("echo:small", advisors=["rate?words=80", "memory?store=jsonfile:t.json"])
    print(client.explain())
    print((await client.call("Hello", conversation_id="1")).text)
    again = client.mutate(model=ScriptedModel("Bye."))
    await again.call("And?", conversation_id="1")
    (request,) = again.model.requests
    print([message.text for message in request.messages])

asyncio.run(main())
"""


def test_they_are_listed_without_being_imported(outside: Outside, tmp_path: Path) -> None:
    listed = json.loads(outside.run("junto", "plugins", "--json", cwd=tmp_path).stdout)
    found = {row["name"]: row for row in listed if row["distribution"] != "junto"}

    assert {name: (row["kind"], row["distribution"]) for name, row in found.items()} == {
        "echo": ("provider", "junto-echo"),
        "rate": ("advisor", "junto-rate"),
        "jsonfile": ("memory", "junto-jsonfile"),
    }
    assert {(row["version"], *row["api"]) for row in found.values()} == {("1.0", 1)}


def test_all_of_them_can_be_imported(outside: Outside, tmp_path: Path) -> None:
    assert "failed" not in outside.run("junto", "plugins", "--check", cwd=tmp_path).stdout


def test_they_are_found_by_name_and_run_together(outside: Outside, tmp_path: Path) -> None:
    told = outside.run("python", "-W", "error", "-c", RUN, cwd=tmp_path).stdout

    assert "plugin rate of junto-rate 1.0" in told
    assert told.splitlines()[-2] == "Hello"
    said = ["Speak 80 words a minute.", "Hello", "Hello", "And?"]
    assert told.splitlines()[-1] == str(said)


def test_the_command_talks_to_such_a_provider(outside: Outside, tmp_path: Path) -> None:
    done = outside.run("junto", "chat", "-m", "echo", "Hello there", cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("Hello there\n", "")


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.stem)
def test_they_pass_the_kits_there(outside: Outside, tmp_path: Path, kit: Path) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    (tmp_path / f"test_{kit.name}").write_text(kit.read_text())

    done = outside.run("python", "-W", "error", "-m", "pytest", "-q", cwd=tmp_path)

    assert " passed" in done.stdout


@pytest.mark.parametrize(
    ("package", "most"), [("echo", 12), ("rate", 5), ("jsonfile", 30)], ids=str
)
def test_they_are_as_small_as_is_said(package: str, most: int) -> None:
    (source,) = (HERE / "packages" / package).glob("*.py")
    statements = ast.parse(source.read_text()).body
    body = [node for node in statements if not isinstance(node, ast.Import | ast.ImportFrom)][1:]
    lines = {
        number
        for node in body
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if source.read_text().splitlines()[number - 1].strip()
    }

    assert len(lines) <= most
    assert len(PACKAGES) == 3
