"""`make live` says when it asked nobody, and `make test` never asks anybody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_live(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if "DASHSCOPE" not in k}
    return subprocess.run(
        [sys.executable, "-m", "tests.live", "-q", "-k", "wrong_key and native"],
        cwd=ROOT,
        env={**kept, "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_key_the_suite_says_that_it_was_skipped_and_how_to_run_it(
    tmp_path: Path,
) -> None:
    run = run_live(tmp_path)

    assert run.returncode == 0
    assert run.stdout.startswith("SKIPPED")
    assert "DASHSCOPE_API_KEY" in run.stdout


def test_with_a_key_the_suite_runs_and_names_where_the_key_is_from(tmp_path: Path) -> None:
    # Nobody listens on port 9, so that no run of the tests can ask the real service.
    run = run_live(
        tmp_path,
        AI_DASHSCOPE_API_KEY="sk-made-up-0123456789",
        DASHSCOPE_HTTP_BASE_URL="http://127.0.0.1:9/api/v1",
    )

    assert run.returncode == 1
    assert "from AI_DASHSCOPE_API_KEY" in run.stdout
    assert "1 failed" in run.stdout
    assert "sk-made-up" not in run.stdout


def test_the_suite_is_no_part_of_the_tests(request: pytest.FixtureRequest) -> None:
    assert not any(item.path.name == "dashscope_suite.py" for item in request.session.items)
