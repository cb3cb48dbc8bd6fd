"""Log lines go where the application wants them, and never to standard output."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from junto.core import get_logger


@pytest.fixture
def unconfigured() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_an_application_that_never_heard_of_structlog_sees_warnings_on_stderr_only() -> None:
    done = run(
        "from junto.core import get_logger\n"
        "log = get_logger('junto.x')\n"
        "log.debug('a'); log.info('b'); log.warning('c', n=1)"
    )

    assert done.stdout == ""
    assert done.stderr.strip() == "c n=1"


def test_structlog_that_is_only_imported_prints_nothing() -> None:
    done = run(
        "import structlog\nfrom junto.core import get_logger\nget_logger('junto.x').debug('a')"
    )

    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.usefixtures("unconfigured")
def test_the_standard_library_gets_the_event_and_its_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "junto.x"):
        get_logger("junto.x").info("turn.done", seconds=1.5, name="a b", bad="x\ny=1")
        get_logger("junto.x").debug("too quiet")

    [record] = caplog.records
    assert record.getMessage() == "turn.done seconds=1.5 name='a b' bad='x\\ny=1'"
    assert (record.name, record.levelname) == ("junto.x", "INFO")
    assert record.funcName == "test_the_standard_library_gets_the_event_and_its_values"
    assert record.junto == {"seconds": 1.5, "name": "a b", "bad": "x\ny=1"}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("unconfigured")
def test_structlog_is_used_as_soon_as_it_is_configured() -> None:
    log = get_logger("junto.x")
    structlog.configure()
    with capture_logs() as lines:
        log.warning("turn.done", seconds=1)

    assert lines == [{"event": "turn.done", "seconds": 1, "log_level": "warning"}]
