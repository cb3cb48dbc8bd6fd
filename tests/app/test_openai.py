"""`junto chat -m openai:NAME` asks whatever server the environment names."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ..standin import capture
from .conftest import Run


class Handler(BaseHTTPRequestHandler):
    """Answers as llama.cpp did, or as it refused."""

    asked: list[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.path.encode() + b" " + body)
        answer = capture("error_503_loading" if b"busy" in body else "plain_chat_stream")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def test_the_answer_of_a_server_without_a_key_is_printed(
    junto: Run, server: ThreadingHTTPServer
) -> None:
    address = f"http://127.0.0.1:{server.server_port}"
    done = junto("chat", "-m", "openai:org/m:8b", "hi", OPENAI_BASE_URL=address)

    text = capture("plain_chat_stream").expect["text"]
    assert (done.stdout, done.stderr, done.returncode) == (f"{text}\n".encode(), b"", 0)
    (asked,) = Handler.asked
    assert asked.startswith(b"/v1/chat/completions ")
    assert b'"org/m:8b"' in asked


def test_an_error_is_one_line_that_says_what_to_do(junto: Run, server: ThreadingHTTPServer) -> None:
    address = f"http://127.0.0.1:{server.server_port}/v1"
    done = junto("chat", "-m", "openai:busy", "hi", OPENAI_BASE_URL=address)

    assert (done.stdout, done.returncode) == (b"", 1)
    assert b"Loading model" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_without_a_key_openai_itself_is_not_asked(junto: Run) -> None:
    done = junto("chat", "-m", "openai:gpt-5.6", "hi")

    assert done.returncode == 1
    assert b"OPENAI_API_KEY" in done.stderr
    assert done.stderr.count(b"\n") == 1
