"""`junto models`, and the way of a model to this machine."""

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from junto.providers.local import CATALOGUE, DEFAULT_MODEL

from .conftest import Run, Terminal

TINY = str(Path(__file__).with_name("tiny_catalogue.py"))
DATA = b"GGUF" + bytes(range(256)) * 40_000
# A proxy on which nobody listens, and no package index.
NO_NETWORK = dict.fromkeys(("https_proxy", "http_proxy"), "http://127.0.0.1:1") | {
    "no_proxy": "",
    "PIP_NO_INDEX": "1",
}


class Server(ThreadingHTTPServer):
    """Offers the file; stops in the middle until it may go on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.go_on = threading.Event()
        self.ranges: list[str | None] = []

    @property
    def python(self) -> tuple[str, ...]:
        url = f"http://127.0.0.1:{self.server_port}/tiny.gguf"
        return (sys.executable, TINY, url, str(len(DATA)), hashlib.sha256(DATA).hexdigest())


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.send_header("Content-Length", str(len(DATA) - start))
        self.end_headers()
        half = max(start, len(DATA) // 2)
        self.wfile.write(DATA[start:half])
        self.server.go_on.wait(30)
        try:
            self.wfile.write(DATA[half:])
        except OSError:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as one:
        thread = threading.Thread(target=one.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.go_on.set()
        one.shutdown()
        thread.join()


@pytest.fixture
def folder(environment: dict[str, str]) -> Path:
    path = Path(environment["JUNTO_CACHE"], "models")
    path.mkdir(parents=True)
    return path


def put(path: Path, size: int) -> None:
    """Make a file that passes for a model as long as nobody loads it; it takes no room."""
    with path.open("wb") as file:
        file.write(b"GGUF")
        file.truncate(size)


def test_the_list_names_each_model_with_its_size_and_licence(junto: Run) -> None:
    listed = junto("models").stdout.decode()

    for entry in CATALOGUE.values():
        facts = f"{entry.name}  ({entry.size / 1e6:,.0f} MB, {entry.licence}, not installed"
        assert facts in listed
    assert not junto("models").stderr


@pytest.mark.parametrize("command", [("models",), ("models", "list")])
def test_the_list_says_what_is_here_and_where(
    junto: Run, folder: Path, command: tuple[str, ...]
) -> None:
    entry = CATALOGUE[DEFAULT_MODEL]
    put(folder / entry.file_name, entry.size)
    put(folder / "mine.gguf", 5_000_000)

    rows = {row["name"]: row for row in json.loads(junto(*command, "--json").stdout)}

    assert rows.keys() == {*CATALOGUE, "mine"}
    assert rows[DEFAULT_MODEL] == {
        "name": DEFAULT_MODEL,
        "title": entry.title,
        "size": entry.size,
        "licence": "Apache-2.0",
        "default": True,
        "installed": True,
        "path": str(folder / entry.file_name),
    }
    assert rows["mine"]["path"] == str(folder / "mine.gguf")
    assert rows["smollm2-135m"]["installed"] is False
    assert rows["smollm2-135m"]["path"] is None
    assert str(folder / "mine.gguf") in junto(*command).stdout.decode()


def test_the_path_alone_is_on_standard_output(junto: Run, folder: Path) -> None:
    entry = CATALOGUE[DEFAULT_MODEL]
    put(folder / entry.file_name, entry.size)

    for name in ((), (DEFAULT_MODEL,)):
        done = junto("models", "path", *name)
        assert (done.stdout.decode(), done.stderr) == (f"{folder / entry.file_name}\n", b"")


def test_the_path_of_a_model_that_is_not_here_is_an_error_that_says_how_to_get_it(
    junto: Run,
) -> None:
    done = junto("models", "path")

    assert (done.returncode, done.stdout) == (1, b"")
    assert b"junto models fetch" in done.stderr


def test_a_model_can_be_removed(junto: Run, folder: Path) -> None:
    put(folder / "mine.gguf", 5_000_000)

    assert b"5 MB are free again" in junto("models", "remove", "mine").stderr
    assert not (folder / "mine.gguf").exists()
    assert junto("models", "remove", "mine").returncode == 1


def test_a_model_that_is_here_is_not_fetched_again(
    junto: Run, folder: Path, server: Server
) -> None:
    (folder / "tiny.gguf").write_bytes(DATA)
    done = junto("models", "fetch", "tiny", python=server.python)

    assert done.returncode == 0
    assert done.stderr.decode() == f"the model is here: {folder / 'tiny.gguf'}\n"
    assert server.ranges == []


def test_a_damaged_model_of_the_right_size_is_fetched_again(
    junto: Run, folder: Path, server: Server
) -> None:
    server.go_on.set()
    put(folder / "tiny.gguf", len(DATA))
    done = junto("models", "fetch", "tiny", python=server.python)

    assert done.returncode == 0
    assert f"{folder / 'tiny.gguf'} is damaged: its SHA-256 is wrong\n" in done.stderr.decode()
    assert (folder / "tiny.gguf").read_bytes() == DATA


def test_a_chat_without_its_model_says_what_it_fetches_and_from_where(junto: Run) -> None:
    done = junto("chat", "hi", **NO_NETWORK)
    said = done.stderr.decode()

    assert (done.returncode, done.stdout) == (1, b"")
    assert f"fetching the model {DEFAULT_MODEL}, 491 MB, licence Apache-2.0" in said
    assert "from Hugging Face\nHugging Face cannot give it: " in said
    assert "junto: no source could give the model" in said
    assert "JUNTO_LOCAL_MODEL=" in said
    assert "Traceback" not in said


def test_nothing_is_fetched_that_could_not_be_run(junto: Run) -> None:
    program = "import sys; sys.modules['xllamacpp'] = None; from junto.app import main; main()"
    done = junto("chat", "hi", python=(sys.executable, "-c", program), **NO_NETWORK)

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        "junto: local models need llama.cpp: pip install 'junto[local]'\n"
    )


def test_without_a_terminal_a_download_is_told_in_a_few_lines(junto: Run, server: Server) -> None:
    server.go_on.set()
    done = junto("models", "fetch", "tiny", python=server.python)
    said = done.stderr.decode()

    assert done.returncode == 0
    assert "fetching the model tiny, 10 MB, licence MIT\n" in said
    assert "from The Test\n" in said
    assert " 100%  10 MB of 10 MB\n" in said
    assert said.endswith("tiny.gguf\n")
    assert len(said.splitlines()) < 20
    assert "\x1b" not in said
    assert done.stdout == b""


@pytest.mark.parametrize("columns", [20, 50, 200])
def test_a_bar_fits_into_the_terminal(
    terminal: Callable[..., Terminal], server: Server, columns: int
) -> None:
    server.go_on.set()
    screen = terminal("models", "fetch", "tiny", python=server.python, size=(24, columns))

    assert screen.leave() == 0
    bars = [
        "".join(part for part in line.split("\x1b") if part)
        for line in screen.seen.split("\r")
        if "━" in line
    ]
    assert bars
    assert all(line.count("━") <= columns for line in bars)
    assert "tiny is ready" in screen.seen


def test_a_download_stopped_by_ctrl_c_goes_on_where_it_was(
    terminal: Callable[..., Terminal], junto: Run, server: Server, folder: Path
) -> None:
    screen = terminal("chat", "-m", "tiny", "hi", python=server.python)
    screen.expect("50%")
    screen.send("\x03")

    assert screen.leave() == 130
    assert "stopped; what has come is kept" in screen.seen
    assert "Traceback" not in screen.seen

    server.go_on.set()
    done = junto("models", "fetch", "tiny", python=server.python)

    assert done.returncode == 0
    assert b"from The Test, 5 MB are here already\n" in done.stderr
    assert server.ranges == [None, f"bytes={len(DATA) // 2}-"]
    assert (folder / "tiny.gguf").read_bytes() == DATA
