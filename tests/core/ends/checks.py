"""What must hold of a run, whatever ended it."""

from __future__ import annotations

import asyncio
from typing import Any

from junto.core import OutcomeKind

from .bench import Bench
from .provider import USAGE


def check_closed(
    bench: Bench,
    kind: OutcomeKind,
    error: BaseException | None = None,
    cleanup_errors: list[Any] | None = None,
) -> None:
    """All that ``check_order`` says, and everybody was told the truth."""
    closed = check_order(bench)
    for probe in bench.probes:
        if probe.name not in closed:
            assert probe.outcomes == []
            continue
        (outcome,), (partial,) = probe.outcomes, probe.partials
        assert outcome.kind is kind
        if kind is OutcomeKind.CANCELLED:
            assert isinstance(outcome.error, asyncio.CancelledError)
        if kind is not OutcomeKind.CANCELLED or error is not None:
            assert outcome.error is error
        assert outcome.cleanup_errors == (cleanup_errors or [])
        assert partial.text == "".join(probe.left)
        if kind is OutcomeKind.FINISHED:
            assert partial.usage.output_tokens == USAGE.output_tokens


def check_order(bench: Bench) -> list[str]:
    """Whoever was reached was closed once, inner first, and after what it stands around.

    Returns:
        The names of those that were, in that order.
    """
    log = bench.log
    begun = [entry.split()[1] for entry in log if entry.startswith("before")]
    closed = [entry.split()[1] for entry in log if entry.startswith("close")]
    assert closed == begun[::-1]
    assert bench.open_while_closing == [0] * len(closed)
    assert bench.model.open_streams == 0
    for name in closed:
        if f"around left {name}" in log:
            assert log.index(f"around left {name}") < log.index(f"close {name}")
    return closed
