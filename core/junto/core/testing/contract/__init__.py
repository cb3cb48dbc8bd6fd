"""What every advisor promises, as a class of tests."""

from __future__ import annotations

from .answers import AnswerChecks
from .cancelling import CancelChecks
from .direct import DirectChecks
from .ends import EndChecks
from .faults import FaultChecks
from .runs import RunChecks

__all__ = [
    "AdvisorContract",
    "AnswerChecks",
    "CancelChecks",
    "DirectChecks",
    "EndChecks",
    "FaultChecks",
    "RunChecks",
]


class AdvisorContract(
    AnswerChecks,
    RunChecks,
    EndChecks,
    FaultChecks,
    CancelChecks,
    DirectChecks,
    subject="advisor",
    maker="advisor",
):
    """Checks an advisor against the laws of the pipeline.

    ::

        class TestMine(AdvisorContract):
            def advisor(self):
                return Mine()

    ``advisor`` gives a new advisor each time; a pytest fixture of that name will do as
    well, with one for each check.  Each check runs its own event loop, so no plugin for
    asyncio is needed, and nothing needs the network or more than pytest.

    By default the advisor may rewrite text, but not lose any, and passes everything
    else on.  What it does on purpose it declares:

    Attributes:
        changes_text: ``True``: it may shorten or replace any text.  ``False``: text
            passes as it is.  ``None``: text may be rewritten, but plain text does not
            get shorter.
        drops: The types of events that it may drop or change, such as
            ``(ReasoningDelta,)``.
        changes_usage: It may change the usage.
        changes_finish: It may change the finish reason or drop its metadata.
        short_circuits: It answers the checks' question itself.
        asks_again: It asks the model more than once where nothing went wrong.
        continues: Asked again behind the first text, it goes on with that text.
        handles_errors: It may turn a failure into an answer.
        reads_ahead: It takes events from the model before the reader pulls.
        recovers: False if failures make it refuse later runs, as a circuit breaker's.
        samples: Texts of its own trade, which are cut at all places as well.
        secrets: Texts that its ``repr`` must not tell.
        prompt: The question that is asked.
        conversation_id: The conversation that is named.
        params: The advisor parameters that are given.
        limit: Seconds after which something counts as hanging.
        overrides: Checks that a subclass overrides on purpose, each with the reason.
    """
