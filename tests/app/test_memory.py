"""`junto memory`, and a conversation that `junto chat` keeps."""

import json
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import JUNTO, Run, Terminal

STORE = ("--store", "sqlite:///chat.db")


@pytest.fixture
def talked(junto: Run) -> Run:
    """Have a conversation of two turns in the store, and return how to go on."""
    for question in ("one", "two"):
        done = junto("chat", "-m", "scripted:fine", *STORE, "--conversation", "c", question)
        assert (done.stdout, done.returncode) == (b"fine\n", 0)
    return junto


def shown(junto: Run, *more: str) -> list[str]:
    done = junto("memory", "show", "c", *STORE, *more)
    assert done.returncode == 0
    return done.stdout.decode().splitlines()


def test_a_conversation_goes_on_across_runs(talked: Run) -> None:
    done = talked("chat", "-m", "acted:echo", *STORE, "--conversation", "c", "three")

    said = "[User: one][Assistant: fine][User: two][Assistant: fine][User: three]"
    assert done.stdout.decode().startswith(said)
    assert done.stderr == b"conversation c, 2 turns so far\n"


def test_a_new_conversation_says_its_name_for_the_next_time(junto: Run) -> None:
    done = junto("chat", "-m", "scripted:fine", *STORE, "one")

    name = done.stderr.decode().split()[1].removesuffix(",")
    listed = json.loads(junto("memory", "list", *STORE, "--json").stdout)
    assert [(row["conversation"], row["turns"]) for row in listed] == [(name, 1)]


def test_without_a_store_nothing_is_kept(junto: Run, tmp_path: Path) -> None:
    done = junto("chat", "-m", "scripted:fine", "--conversation", "c", "one")

    assert done.returncode == 2
    assert b"--conversation names one of a --store" in done.stderr
    assert not list(tmp_path.glob("*.db"))


def test_the_model_can_see_nothing_of_what_is_kept(talked: Run) -> None:
    more = (*STORE, "--conversation", "c", "--memory", "0")
    done = talked("chat", "-m", "acted:echo", *more, "three")

    assert done.stdout.startswith(b"[User: three][thinking")
    assert len([line for line in shown(talked) if "UTC" in line]) == 3


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--store", "mysql://u:secret@h/d"), "write memory:, sqlite:///FILE"),
        ((*STORE, "--conversation", "a\u200bb"), "which it may not"),
        (("--store", "sqlite:////nowhere/at/all/chat.db"), "cannot be used"),
    ],
)
def test_a_store_or_a_name_that_cannot_be_is_said_plainly(
    junto: Run, more: tuple[str, ...], text: str
) -> None:
    done = junto("chat", "-m", "scripted:fine", *more, "one")

    assert done.returncode == 1
    assert text in done.stderr.decode()
    assert "secret" not in done.stderr.decode()
    assert done.stdout == b""


def test_talking_goes_on_across_runs_and_clear_names_the_new_one(
    terminal: Callable[..., Terminal], junto: Run
) -> None:
    command = ("chat", "-m", "acted:echo", *STORE, "--conversation", "c")
    first = terminal(*command)
    first.expect("> ")
    first.send("hello\n")
    first.expect("top_p: None]")
    first.send("/clear\n")
    first.expect("a new conversation begins: ")
    first.send("/exit\n")
    assert first.leave() == 0

    second = terminal(*command)
    second.expect("conversation c, 1 turn so far")
    second.expect("> ")
    second.send("again\n")
    second.expect("[User: hello]")
    second.expect("[User: again]")
    second.send("/exit\n")
    assert second.leave() == 0


def test_conversations_are_listed_and_shown(talked: Run) -> None:
    assert talked("memory", "list", *STORE).stdout.decode().startswith("c  (2 turns, 2")
    lines = shown(talked)
    assert lines[0].startswith("1. ")
    assert lines[1:6] == ["  user:", "    one", "  assistant:", "    fine", ""]
    turns = json.loads(talked("memory", "show", "c", *STORE, "--json").stdout)
    assert [turn["seq"] for turn in turns] == [1, 2]
    assert talked("memory", "list", *STORE, "--tenant", "other").stdout == b""


def test_what_was_said_cannot_write_to_the_terminal(junto: Run) -> None:
    rude = ("chat", "-m", "acted:rude", *STORE, "--conversation", "c")
    junto(*rude, "a\x1b[31mb\r\x9b\nuser:")

    out = junto("memory", "show", "c", *STORE).stdout.decode()
    assert not any(character in out for character in "\x1b\x9b\r\x07")
    assert [line for line in out.splitlines() if line.endswith("user:")] == [
        *("  user:", "    user:"),
    ]


def test_an_export_comes_back_by_file_and_by_pipe(talked: Run, tmp_path: Path) -> None:
    done = talked("memory", "export", *STORE, "-o", "out.jsonl")
    assert (done.returncode, done.stderr) == (0, b"exported 2 turns into out.jsonl\n")
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600
    piped = talked("memory", "export", "c", *STORE).stdout
    assert piped == (tmp_path / "out.jsonl").read_bytes()

    other = ("--store", "sqlite:///other.db")
    assert talked("memory", "import", "out.jsonl", *other).stderr == b"imported 2 turns\n"
    assert talked("memory", "import", *other, stdin=piped).returncode == 0
    assert talked("memory", "import", "-", *other, "--tenant", "t", stdin=piped).returncode == 0

    assert talked("memory", "export", *other).stdout == piped
    (row,) = json.loads(talked("memory", "list", *other, "--tenant", "t", "--json").stdout)
    assert row["turns"] == 2


def test_an_export_replaces_a_file_only_by_force(talked: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("precious")
    command = ("memory", "export", *STORE, "-o", "out.jsonl")

    done = talked(*command)
    assert (done.returncode, path.read_text()) == (1, "precious")
    assert b"--force" in done.stderr

    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    assert talked(*command).returncode == 1
    assert talked(*command, "--force").returncode == 0
    assert not path.is_symlink()
    assert len(path.read_text().splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".out")] == []


def test_what_is_no_export_is_refused_with_the_line(junto: Run) -> None:
    done = junto("memory", "import", *STORE, stdin=b"\n{}\n")

    assert done.returncode == 1
    assert b"line 2 is no exported turn" in done.stderr


def test_deleting_asks_at_a_terminal(
    talked: Run, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    command = ("memory", "delete", "c", *STORE)
    refused = talked(*command)
    assert (refused.returncode, b"--yes" in refused.stderr) == (1, True)

    for answer, says in (("n", "nothing is deleted"), ("y", "deleted c: 2 turns")):
        asking = terminal(*command)
        asking.expect("delete c with 2 turns?")
        asking.send(f"{answer}\n")
        asking.expect(says)
        assert asking.leave() == 0

    gone = talked(*command, "--yes")
    assert (gone.returncode, gone.stderr) == (1, b"junto: there is no conversation 'c'\n")


def test_turns_go_by_age(talked: Run) -> None:
    command = ("memory", "prune", *STORE, "--yes", "--older-than")

    assert talked(*command, "1d").stderr == b"deleted 0 turns\n"
    assert talked(*command, "0s").stderr == b"deleted 2 turns\n"
    for age in ("soon", "-1d", "nan", "infd", ""):
        done = talked(*command, age)
        assert (done.returncode, b"is no age" in done.stderr) == (2, True)


def test_an_edit_goes_on_from_the_changed_turn(talked: Run) -> None:
    edit = ("memory", "edit", "c", "1", *STORE)
    done = talked(*edit, "--question", "first", "--answer", "good")
    assert done.returncode == 0

    assert [line for line in shown(talked) if line.startswith("    ")] == [
        *("    first", "    good"),
    ]
    assert len([line for line in shown(talked, "--all") if "UTC" in line]) == 3
    echoed = talked("chat", "-m", "acted:echo", *STORE, "--conversation", "c", "then")
    assert echoed.stdout.startswith(b"[User: first][Assistant: good][User: then]")


def test_an_edit_into_another_conversation_leaves_this_one_alone(talked: Run) -> None:
    before = shown(talked)
    turn = before[6].split()[1]

    done = talked("memory", "edit", "c", turn, *STORE, "--answer", "better", "--to", "d")

    assert done.returncode == 0
    assert shown(talked) == before
    lines = talked("memory", "show", "d", *STORE).stdout.decode().splitlines()
    said = ["    one", "    fine", "    two", "    better"]
    assert [line for line in lines if line.startswith("    ")] == said
    again = talked("memory", "edit", "c", turn, *STORE, "--to", "d")
    assert (again.returncode, b"already" in again.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("list", "--store", "sqlite:///typo.db"), 1, "there is no file typo.db"),
        (("list", "--store", "memory:"), 1, "a store that lasts"),
        (("list",), 2, "--store"),
        (("show", "c", *STORE), 1, "there is no conversation 'c'"),
        (("show", "", *STORE), 1, "conversation_id has 1 to 255 characters"),
        (("list", *STORE, "--tenant", "\u202e"), 1, "which it may not"),
        (("export", "c", *STORE), 1, "there is no conversation"),
        (("edit", "c", "9", *STORE), 2, "say what changes"),
        (("edit", "b", "9", *STORE, "--answer", "x"), 1, "there is no turn '9'"),
        (("import", "missing.jsonl", *STORE), 1, "missing.jsonl"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_plainly(
    junto: Run, arguments: tuple[str, ...], code: int, text: str, tmp_path: Path
) -> None:
    junto("chat", "-m", "scripted:fine", *STORE, "--conversation", "b", "one")

    done = junto("memory", *arguments)

    assert (done.returncode, done.stdout) == (code, b"")
    assert text in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert not (tmp_path / "typo.db").exists()


def test_nobody_who_reads_the_export_is_no_traceback(
    talked: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*JUNTO, "memory", "export", *STORE],
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
        check=False,
        timeout=50,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (141, b"")
