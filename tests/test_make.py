"""`make chat` hands over a question as it was typed, and leaves standard output to the answer."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAKE = shutil.which("gmake") or shutil.which("make")

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not installed")

# Stands where `junto` would, and answers with what it was given.
DUMP = """#!{python} -IS
import json, os, sys
json.dump({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}, sys.stdout)
"""

Make = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    script = tmp_path / "bin" / "junto"
    script.parent.mkdir()
    script.write_text(DUMP.format(python=sys.executable))
    script.chmod(0o755)

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        assert MAKE is not None
        # A make that runs the tests speaks to the makes below it through these.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS", "JUNTO_")) and name not in {"PROMPT", "MODEL"}
        }
        return subprocess.run(
            [MAKE, *arguments, f"VENV={tmp_path}", "BOOTSTRAP=:"],
            cwd=ROOT,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def answer(run: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert run.returncode == 0, run.stderr
    answered: dict[str, Any] = json.loads(run.stdout)
    return answered


QUESTIONS = [
    "Why is the sky blue?",
    "it's a \"quoted\" 'thing'",
    "costs $5, $$10, $HOME, ${HOME} and $(HOME)",
    "`touch stolen` $(touch stolen) $(shell touch stolen) ${shell touch stolen}",
    "$(error out) $(info out) $(eval PYTHON=false)",
    "a # b #c",
    "100% of %.o: $@ $< $^",
    "back\\slash, two \\\\, at the end \\",
    "two\nlines\n\nand an empty one",
    "trailing newlines\n\n",
    "trailing spaces  \t ",
    "--help",
    "-",
    "--",
    "a; touch stolen & touch stolen | cat > stolen && false",
    "* ? [a-z] ~ {a,b} !x",
    "PROMPT=x MODEL:=y = += ?= :=",
    "你好，介绍下你自己 🙂",
    "tab\tin\tside",
    "(unbalanced $( and ${ and )",
    "define endef\nendif\nifdef X",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_on_the_command_line_arrives_as_typed(make: Make, question: str) -> None:
    got = answer(make("chat", f"PROMPT={question}"))

    assert got["arguments"] == ["chat", "--", question]
    assert not (ROOT / "stolen").exists()


@pytest.mark.parametrize("question", [*QUESTIONS, "  leading spaces", "\n\nleading newlines"])
def test_a_question_in_the_environment_arrives_as_set(make: Make, question: str) -> None:
    got = answer(make("chat", PROMPT=question))

    assert got["arguments"] == ["chat", "--", question]
    assert not (ROOT / "stolen").exists()


def test_make_itself_drops_blanks_at_the_start_on_the_command_line(make: Make) -> None:
    got = answer(make("chat", "PROMPT=  why?"))

    assert got["arguments"] == ["chat", "--", "why?"]


@pytest.mark.parametrize("given", [(), ("PROMPT=",)])
def test_without_a_question_a_conversation_opens(make: Make, given: tuple[str, ...]) -> None:
    assert answer(make("chat", *given))["arguments"] == ["chat"]


def test_model_and_more_options_come_before_the_question(make: Make) -> None:
    got = answer(make("chat", "MODEL=it's $(5)", "ARGS=--think --max-tokens 7", "PROMPT=why?"))

    options = ["--think", "--max-tokens", "7", "--model", "it's $(5)"]
    assert got["arguments"] == ["chat", *options, "--", "why?"]


def test_the_question_is_no_environment_variable_of_the_command(make: Make) -> None:
    environment = answer(make("chat", PROMPT="why?"))["environment"]

    assert "PROMPT" not in environment
    assert not [name for name in environment if name.startswith("JUNTO_")]


@pytest.mark.parametrize("flags", [("-sC", str(ROOT)), ("-s",), ("-j4",)])
def test_standard_output_holds_nothing_but_the_answer(make: Make, flags: tuple[str, ...]) -> None:
    assert answer(make(*flags, "chat", "PROMPT=why?"))["arguments"] == ["chat", "--", "why?"]


def test_a_failing_command_fails_make(make: Make, tmp_path: Path) -> None:
    (tmp_path / "bin" / "junto").write_text("#!/bin/sh\nexit 3\n")

    assert make("chat", "PROMPT=why?").returncode != 0


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ((), []),
        (("CHAOS_SECONDS=5",), ["--seconds", "5"]),
        (("STORES=sqlite redis", "ARGS=--naive"), ["--stores", "sqlite redis", "--naive"]),
    ],
)
def test_chaos_is_told_how_long_and_which_stores(
    make: Make, tmp_path: Path, given: tuple[str, ...], options: list[str]
) -> None:
    python = tmp_path / "bin" / "python"
    (tmp_path / "bin" / "junto").rename(python)

    assert answer(make("chaos", *given))["arguments"] == ["-m", "tests.chaos", *options]


def test_help_lists_every_target(make: Make) -> None:
    listed = make().stdout
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {"chat", "test", "test-all", "check", "bench", "chaos"} <= set(targets)
    assert [target for target in targets if f"make {target} " not in listed] == []
