"""The command itself: its start, its help, and what it says where something is missing."""

import re
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import JUNTO, Run

SCRIPT = Path(sys.executable).parent / "junto"


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_extra_it_says_what_to_install(junto: Run, missing: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; from junto.app import main; main()"
    done = junto("chat", "hi", python=(sys.executable, "-c", code))

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == (
        b'junto\'s command line needs the extra "cli": pip install "junto[cli]"\n'
    )


@pytest.mark.skipif(not SCRIPT.exists(), reason="the script is not installed")
def test_the_script_and_the_module_are_the_same_command(junto: Run) -> None:
    script = junto("--help", python=(str(SCRIPT),))

    assert script.returncode == 0
    assert script.stdout == junto("--help").stdout
    assert script.stdout.startswith(b"Usage: junto ")


def test_it_says_its_version(junto: Run) -> None:
    assert junto("--version").stdout.decode() == f"junto {version('junto')}\n"


def test_help_of_every_command_works_and_names_no_option_that_is_not_there(junto: Run) -> None:
    commands = ("chat", "models", "models fetch", "models remove", "models path", "plugins", "new")
    for command in commands:
        done = junto(*command.split(), "--help")
        assert done.returncode == 0
        assert f"Usage: junto {command}".encode() in done.stdout


def test_an_unknown_command_is_wrong_usage(junto: Run) -> None:
    assert junto("caht").returncode == 2


def test_help_takes_a_quarter_of_a_second_of_work_at_most(environment: dict[str, str]) -> None:
    def seconds(*command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds(sys.executable, "-c", "") for _ in range(3))

    assert min(seconds(*JUNTO, "--help") for _ in range(3)) - bare <= 0.25


def test_help_loads_no_provider_and_no_rich(junto: Run) -> None:
    python = (sys.executable, "-X", "importtime", "-m", "junto.app")
    loaded = re.findall(r"\| +(\S+)$", junto("--help", python=python).stderr.decode(), re.MULTILINE)

    assert {"aiohttp", "rich", "asyncio", "junto.core"} & set(loaded) == set()
