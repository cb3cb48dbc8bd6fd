"""What every provider promises, as a class of tests."""

from __future__ import annotations

from .asking import AskingChecks
from .breaking import BreakingChecks
from .calling import CallingChecks
from .keeping import KeepingChecks
from .lasting import LastingChecks
from .leaving import LeavingChecks
from .plain import PlainChecks
from .reading import ReadingChecks
from .refusing import RefusingChecks
from .saying import SayingChecks
from .together import TogetherChecks

__all__ = [
    "AskingChecks",
    "BreakingChecks",
    "CallingChecks",
    "KeepingChecks",
    "LastingChecks",
    "LeavingChecks",
    "PlainChecks",
    "ProviderContract",
    "ReadingChecks",
    "RefusingChecks",
    "SayingChecks",
    "TogetherChecks",
]


class ProviderContract(
    PlainChecks,
    LastingChecks,
    AskingChecks,
    ReadingChecks,
    SayingChecks,
    CallingChecks,
    RefusingChecks,
    BreakingChecks,
    LeavingChecks,
    TogetherChecks,
    KeepingChecks,
    subject="provider",
    maker="make_model",
):
    """Checks a provider against what the pipeline takes for granted.

    ::

        class TestMine(ProviderContract):
            def make_model(self, base_url):
                return MyModel(base_url=base_url, api_key=self.key)

    ``make_model`` gives a new model for a service at ``base_url``; a pytest fixture of that
    name, which gives a function of it, will do as well.  The service is a server of the
    kit's own, on the loopback: it writes what ``dialect`` makes of text, reasoning, tool
    calls, usage and errors, in whole frames or cut at every byte, and sees when its client
    has gone.  Each check runs its own event loop, so no plugin for asyncio is needed, and
    nothing needs the network or more than pytest.

    What a provider does not do, or does otherwise on purpose, is declared; a check that
    this leaves out is skipped with the reason.

    Attributes:
        http: It has a wire.  ``False`` for a model in the process, or one with a wire that
            no dialect can speak: ``base_url`` is empty then, and only the checks of events
            and behaviour are run, with the model's own answers.
        dialect: How its service writes: :class:`ChatCompletions`, :class:`DashScopeNative`
            or a :class:`Dialect` of the author's.
        key: The key to make the model with; empty for a service without one.
        reasoning: It gives the chain of thought.
        tools: It takes tools, and gives tool calls.
        usage: It tells the usage.
        choices: Asked for several answers by ``extra={"n": 2}``, it gives them with the end.
        request_ids: It tells the service's id of a request.
        retries: It may send a request again in front of the first event.
        reopens: Asked again behind ``aclose()``, it opens itself.
        repeats: Asked the same, it answers the same.
        options: The options that it takes, of those in :class:`~junto.core.ChatOptions`.
        option_names: Names of options on the wire, where they are others.
        always_sends: Options that it sends though nobody has set them.
        at_once: How many streams run at once; 101 is one more than common pools allow.
        secrets: Further texts that its ``repr`` must not tell.
        prompt: The question that is asked.
        limit: Seconds after which something counts as hanging.
        overrides: Checks that a subclass overrides on purpose, each with the reason.
    """
