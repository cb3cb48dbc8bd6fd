"""Where tests find PostgreSQL and Redis, and what happens where they do not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .servers import NoServerError, Servers, postgres_refuses, redis_refuses

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that refuses."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("kind", ["POSTGRES", "REDIS"])
def test_a_server_that_is_named_and_does_not_answer_is_no_reason_to_take_another(
    kind: str, nobody: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = {"POSTGRES": "postgresql", "REDIS": "redis"}[kind]
    monkeypatch.setenv(f"JUNTO_TEST_{kind}", f"{scheme}://127.0.0.1:{nobody}/0")
    servers = Servers()

    for _ in range(2):
        with pytest.raises(NoServerError, match=f"does not answer where JUNTO_TEST_{kind} points"):
            servers.postgres() if kind == "POSTGRES" else servers.redis()

    assert len(servers.missing) == 1
    servers.close()


@pytest.mark.parametrize("kind", ["PostgreSQL", "Redis"])
def test_a_server_is_started_where_none_answers_and_ended_with_the_session(
    kind: str, nobody: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme, refuses = {
        "PostgreSQL": ("postgresql", postgres_refuses),
        "Redis": ("redis", redis_refuses),
    }[kind]
    monkeypatch.delenv("SOME_ADDRESS", raising=False)
    servers = Servers()

    try:
        address = servers._reached(kind, "SOME_ADDRESS", [f"{scheme}://127.0.0.1:{nobody}/0"])
    except NoServerError as error:
        pytest.skip(str(error))
    there = refuses(address)
    servers.close()

    assert there is None
    assert refuses(address) is not None


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_without_a_server_its_tests_are_skipped_aloud_and_fail_where_they_must_not_be(
    required: str, code: int, nobody: int
) -> None:
    env = os.environ | {
        "JUNTO_TEST_REDIS": f"redis://127.0.0.1:{nobody}/0",
        "JUNTO_REQUIRE_STORES": required,
    }
    test = "tests/advisors/memory/test_redis.py::test_what_is_no_turn_is_a_typed_error"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]

    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert ran.returncode == code, ran.stdout
    what = "failed" if code else "were skipped"
    assert f"tests with Redis {what}: Redis does not answer where JUNTO_TEST_REDIS" in ran.stdout
